"""What is seen of the installation: settings, template, guard, images on the nodes."""

from datetime import UTC, datetime

import pytest
from tests.unit.adapters.diagnosis.healthy import (
    IMAGE,
    NAMESPACE,
    PREDICTOR_IMAGE,
    condition,
    deployment,
    node,
    pod,
    settings,
    site_of,
    template,
)

from headgate.adapters.diagnosis.finding import State
from headgate.adapters.diagnosis.installation import (
    full_name,
    look_at_guard,
    look_at_images,
    look_at_settings,
    look_at_template,
)
from headgate.adapters.kubernetes.api import CONFIG_MAP, DEPLOYMENT, NODE, POD_TEMPLATE


def test_a_healthy_installation_has_no_problem(site):
    found = [
        *look_at_settings(site),
        *look_at_template(site),
        *look_at_guard(site),
        *look_at_images(site),
    ]
    assert {f.state for f in found} == {State.OK}
    assert found[0].seen == (
        "routes for <model>.example.com on Gateway gateways/web, 1 pod a version,"
        " registry http://mlflow.serving:5000"
    )
    assert found[1].seen == f"makes pods of {PREDICTOR_IMAGE}"
    assert found[2].seen == "2 of 2 ready"


def test_missing_settings_say_how_to_install_them(server, site):
    del server.objects[CONFIG_MAP.path(namespace=NAMESPACE, name="headgate")]
    (found,) = look_at_settings(site)
    assert found.state is State.PROBLEM
    assert found.seen == "ConfigMap serving/headgate is missing"
    assert "make kind" in found.remedy


def test_a_wrong_setting_is_named_with_the_command_that_mends_it(server, site):
    server.put(settings("replicas: {mini: 1}"))
    (found,) = look_at_settings(site)
    assert found.state is State.PROBLEM
    assert "mini" in found.seen
    edit = "kubectl --context kind-headgate -n serving edit configmap headgate"
    assert found.remedy.startswith(edit)


def test_settings_for_every_host_and_several_pods_are_told_in_short(server, site):
    server.put(settings('domain: ""\nreplicas: {min: 2, max: 10}'))
    assert look_at_settings(site)[0].seen.startswith("routes for every host name on Gateway")
    assert "2 to 10 pods a version" in look_at_settings(site)[0].seen


def test_a_template_that_cannot_make_a_pod_is_a_problem(server, site):
    server.put(template(name="main"))
    (found,) = look_at_template(site)
    assert found.state is State.PROBLEM
    assert "container named predictor" in found.seen
    assert "edit podtemplate headgate-predictor" in found.remedy
    del server.objects[POD_TEMPLATE.path(namespace=NAMESPACE, name="headgate-predictor")]
    assert look_at_template(site)[0].remedy == "make kind"


def test_a_template_is_judged_with_the_settings_that_go_with_it(server, site):
    server.put(settings("replicas: {min: 1, max: 3}"))
    (found,) = look_at_template(site)
    assert found.state is State.PROBLEM
    assert "resources.requests.cpu" in found.seen


def test_without_a_guard_nothing_would_take_a_canary_out(server, site):
    del server.objects[DEPLOYMENT.path(namespace=NAMESPACE, name="headgate-guard")]
    (found,) = look_at_guard(site)
    assert found.state is State.PROBLEM
    assert "no rollout starts without a guard" in found.seen


def test_a_guard_that_is_scaled_to_nothing_says_how_to_scale_it_back(server, site):
    server.put(deployment("headgate-guard", ready=0, replicas=0))
    (found,) = look_at_guard(site)
    assert found.state is State.PROBLEM
    assert found.remedy.endswith("scale deployment headgate-guard --replicas=2")


def test_one_guard_of_two_is_worth_a_note(server, site):
    server.put(deployment("headgate-guard", ready=1, replicas=2))
    assert look_at_guard(site)[0].state is State.NOTE


WAITING = {"reason": "ImagePullBackOff", "message": "Back-off  pulling"}
KILLED = {"reason": "OOMKilled", "exitCode": 137}
CRASHED = {
    "reason": "Error",
    "exitCode": 1,
    "message": "Traceback\n  …\nModuleNotFoundError: no headgate\n",
}
UNREADY = {"name": "main", "ready": False}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            {"containerStatuses": [{**UNREADY, "state": {"waiting": WAITING}}]},
            "pod g-0: ImagePullBackOff: Back-off pulling",
        ),
        (
            {"containerStatuses": [{**UNREADY, "state": {"terminated": KILLED}}]},
            "pod g-0: OOMKilled, exit code 137",
        ),
        (
            {
                "containerStatuses": [
                    {
                        **UNREADY,
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                        "lastState": {"terminated": CRASHED},
                    }
                ]
            },
            "pod g-0: CrashLoopBackOff: Error, exit code 1: ModuleNotFoundError: no headgate",
        ),
        (
            {"containerStatuses": [{**UNREADY, "state": {"running": {"startedAt": "now"}}}]},
            "pod g-0: container main runs but is not ready",
        ),
        (
            {"conditions": [condition("PodScheduled", holds=False, reason="Unschedulable")]},
            "pod g-0: Unschedulable",
        ),
        (
            {
                "containerStatuses": [
                    {**UNREADY, "state": {"waiting": {"reason": "ContainerCreating"}}}
                ]
            },
            "0 of 2 ready",
        ),
    ],
)
def test_a_guard_that_does_not_run_says_why(server, site, status, why):
    server.put(deployment("headgate-guard", ready=0, replicas=2))
    server.put(pod("g-0", of="headgate-guard", **status))
    (found,) = look_at_guard(site)
    assert found.state is State.PROBLEM
    assert found.seen.endswith(why)


def test_pods_that_are_not_let_in_are_explained_by_their_deployment(server, site):
    broken = deployment("headgate-guard", ready=0, replicas=2)
    broken["status"]["conditions"] = [condition("ReplicaFailure", message="exceeded quota")]
    server.put(broken)
    assert look_at_guard(site)[0].seen == "0 of 2 ready: ReplicaFailure: exceeded quota"


def test_an_image_that_a_kind_node_lacks_is_a_problem(server, site):
    server.put(node(images=(IMAGE,)))
    by_name = {f.name: f for f in look_at_images(site)}
    assert by_name["guard image"].state is State.OK
    found = by_name["predictor image"]
    assert found.state is State.PROBLEM
    assert found.seen == f"{PREDICTOR_IMAGE} is not on node-1"
    assert found.remedy.endswith(
        f"docker save {PREDICTOR_IMAGE} -o image.tar"
        " && kind load image-archive image.tar --name headgate"
    )


def test_a_running_pod_shows_that_its_node_has_the_image(server, site):
    server.put(node(images=(PREDICTOR_IMAGE,)))
    guard = pod("guard-0", of="headgate-guard", phase="Running")
    guard["spec"] = {"nodeName": "node-1", "containers": [{"name": "main", "image": IMAGE}]}
    server.put(guard)
    assert {f.state for f in look_at_images(site)} == {State.OK}
    server.put(guard | {"status": {"phase": "Pending"}})
    assert look_at_images(site)[1].state is State.PROBLEM


def test_a_node_that_is_new_may_not_have_listed_its_images(server, site):
    fresh = node(images=(IMAGE,))
    fresh["metadata"]["creationTimestamp"] = "2026-05-01T12:00:00Z"
    server.put(fresh)
    soon = datetime(2026, 5, 1, 12, 1, 59, tzinfo=UTC)
    found = look_at_images(site, now=soon)[0]
    assert found.state is State.UNKNOWN
    assert found.seen == f"{PREDICTOR_IMAGE}: node-1 is new and may not list its images yet"
    late = datetime(2026, 5, 1, 12, 2, tzinfo=UTC)
    assert look_at_images(site, now=late)[0].state is State.PROBLEM


def test_elsewhere_a_node_pulls_what_it_lacks(server):
    server.put(node(images=(IMAGE,)))
    found = {f.name: f for f in look_at_images(site_of(server, context="production"))}
    assert found["predictor image"].state is State.NOTE


def test_a_node_that_lists_fifty_images_may_have_more(server, site):
    server.put(node(images=tuple(f"example.com/other:{i}" for i in range(50))))
    assert {f.state for f in look_at_images(site)} == {State.UNKNOWN}


def test_a_node_with_a_short_list_lacks_the_image_whatever_others_list(server, site):
    server.put(node("node-1", images=()))
    server.put(node("node-2", images=tuple(f"example.com/other:{i}" for i in range(50))))
    found = look_at_images(site)[0]
    assert found.state is State.PROBLEM
    assert found.seen == f"{PREDICTOR_IMAGE} is not on node-1"


def test_without_nodes_to_see_no_image_is_said_to_be_there(server, site):
    del server.objects[NODE.path(name="node-1")]
    assert {f.state for f in look_at_images(site)} == {State.UNKNOWN}


def test_images_are_compared_by_the_names_that_nodes_use():
    assert full_name("python:3.13-slim") == "docker.io/library/python:3.13-slim"
    assert full_name("acme/app:1") == "docker.io/acme/app:1"
    assert full_name("localhost:5001/app:1") == "localhost:5001/app:1"
    assert full_name("localhost/app:1") == "localhost/app:1"
