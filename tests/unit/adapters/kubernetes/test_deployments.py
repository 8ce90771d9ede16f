"""Model servers as objects of a cluster: made once, looked at, removed."""

from dataclasses import replace

import pytest
from tests.unit.adapters.kubernetes.predictors import SPEC, pod, settings, slices, template

from headgate.adapters.kubernetes.api import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    POD_DISRUPTION_BUDGET,
    SERVICE,
)
from headgate.adapters.kubernetes.place import KubernetesPlace
from headgate.errors import BackendError, ConfigError
from headgate.ports import Backend, ConflictError, Route

MADE = (DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET)


@pytest.fixture
def place(server, api):
    server.put(settings())
    server.put(template())
    return KubernetesPlace(api, namespace="serving", model="adult")


@pytest.fixture
def become_ready(server):
    """Let the cluster do its part: a pod that runs, an endpoint, the controller's count."""

    def become(name=SPEC.name):
        server.put(pod())
        server.put(slices(True)[0])
        deployment = server.object(DEPLOYMENT, name)
        server.put({**deployment, "status": {"availableReplicas": 1}})

    return become


def written(server):
    return [(method, path) for method, path in server.requests if method != "GET"]


def revisions(server):
    return {p: m["metadata"]["resourceVersion"] for p, m in server.objects.items()}


def test_a_deployment_is_made_of_its_objects_and_the_route_is_there_first(place, server) -> None:
    status = place.deploy(SPEC)
    assert (status.name, status.version, status.ready) == ("adult-v3", "3", False)
    assert (status.reason, status.waiting) == ("", "there is no pod yet")
    assert all(server.object(kind, "adult-v3") is not None for kind in MADE)
    assert server.object(HTTP_ROUTE, "adult")["spec"]["rules"] == [{}]
    container = server.object(DEPLOYMENT, "adult-v3")["spec"]["template"]["spec"]["containers"][1]
    assert container["args"][4:6] == [
        "--bundle-url",
        "http://mlflow.headgate:5000/api/2.0/mlflow-artifacts/artifacts/1/models/m-3/artifacts",
    ]


def test_a_second_call_with_the_same_inputs_writes_nothing(place, server, become_ready) -> None:
    place.deploy(SPEC)
    become_ready()
    before = revisions(server)
    server.requests.clear()
    assert place.deploy(SPEC).ready
    assert revisions(server) == before
    assert written(server) == []


def test_a_call_that_died_half_way_is_completed(place, server) -> None:
    server.refuse("PATCH", "/services/", 0, times=1)  # the dry run
    with pytest.raises(BackendError, match="does not answer"):
        place.deploy(SPEC)
    assert server.object(DEPLOYMENT, "adult-v3") is None
    place.deploy(SPEC)
    uid = server.object(DEPLOYMENT, "adult-v3")["metadata"]["uid"]
    del server.objects[SERVICE.path(namespace="serving", name="adult-v3")]
    place.deploy(SPEC)
    assert server.object(SERVICE, "adult-v3") is not None
    assert server.object(DEPLOYMENT, "adult-v3")["metadata"]["uid"] == uid


@pytest.fixture
def crash(server):
    """A pod that crashes for ever."""
    last = {"terminated": {"exitCode": 1, "message": "no gpu"}}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": "predictor", "restartCount": 2, "state": waits, "lastState": last}
    return lambda: server.put(pod(ready=False, containerStatuses=[status]))


def test_what_is_down_for_good_is_made_anew(place, server, crash) -> None:
    place.deploy(SPEC)
    crash()
    assert place.status("adult-v3").reason == "exited with code 1: no gpu (after 2 restarts)"
    before = server.object(DEPLOYMENT, "adult-v3")["metadata"]["uid"]
    server.put(template(image="repaired:1"))
    place.deploy(SPEC)
    made = server.object(DEPLOYMENT, "adult-v3")
    assert made["metadata"]["uid"] != before
    assert made["spec"]["template"]["spec"]["containers"][1]["image"] == "repaired:1"


def test_what_has_weight_is_never_made_anew(place, server, become_ready, crash) -> None:
    place.deploy(SPEC)
    become_ready()
    place.write(Route(revision="", backends=(Backend(deployment="adult-v3", weight=10_000),)))
    server.put({**server.object(DEPLOYMENT, "adult-v3"), "status": {}})
    crash()
    before = revisions(server)
    assert place.deploy(SPEC).reason.startswith("exited with code 1")
    assert revisions(server) == before


def test_an_account_that_may_not_make_one_of_the_objects_changes_nothing(place, server) -> None:
    server.refuse("PATCH", "/poddisruptionbudgets/", 403)
    with pytest.raises(BackendError, match=r"may not patch poddisruptionbudgets\.policy"):
        place.deploy(SPEC)
    assert all(server.object(kind, "adult-v3") is None for kind in (*MADE, HTTP_ROUTE))


def test_a_route_of_somebody_else_shows_before_anything_runs(place, server) -> None:
    server.put(
        {
            "apiVersion": HTTP_ROUTE.api_version,
            "kind": "HTTPRoute",
            "metadata": {"name": "adult"},
            "spec": {"rules": [{}]},
        }
    )
    with pytest.raises(BackendError, match="HTTPRoute serving/adult belongs to somebody else"):
        place.deploy(SPEC)
    assert all(server.object(kind, "adult-v3") is None for kind in MADE)


def test_a_name_that_is_taken_by_another_bundle_is_refused(place, server) -> None:
    place.deploy(SPEC)
    before = revisions(server)
    with pytest.raises(BackendError, match=r"taken by another bundle.*abab.*wanted cdcd"):
        place.deploy(replace(SPEC, sha256="cd" * 32))
    assert revisions(server) == before


@pytest.mark.parametrize("kind", MADE)
def test_a_name_that_is_taken_by_somebody_else_is_refused(place, server, kind) -> None:
    head = {"apiVersion": kind.api_version, "kind": kind.kind}
    server.put({**head, "metadata": {"name": "adult-v3", "labels": {"app": "mine"}}})
    with pytest.raises(BackendError, match=f"{kind.kind} serving/adult-v3: the name is taken"):
        place.deploy(SPEC)
    assert written(server) == []


def test_a_name_whose_object_is_being_deleted_can_be_tried_again(place, server) -> None:
    place.deploy(SPEC)
    found = server.object(DEPLOYMENT, "adult-v3")
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    server.put(found)
    with pytest.raises(ConflictError, match="is being deleted; try again"):
        place.deploy(SPEC)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "adult version 3 .* needs a registry with an http.*mlflow server --serve-artifacts"),
        ("s3://bucket/models/m-3", "the bundle lies in 's3://.*--serve-artifacts"),
    ],
)
def test_a_bundle_that_no_pod_can_fetch_is_a_matter_of_the_registry(
    place, server, source, message
) -> None:
    with pytest.raises(ConfigError, match=message):
        place.deploy(replace(SPEC, source=source))
    assert written(server) == []


def test_a_namespace_without_template_or_settings_says_what_to_install(server, api) -> None:
    place = KubernetesPlace(api, namespace="serving", model="adult")
    with pytest.raises(ConfigError, match="ConfigMap serving/headgate is missing"):
        place.deploy(SPEC)
    server.put(settings())
    with pytest.raises(
        ConfigError, match=r"PodTemplate serving/headgate-predictor is missing; .*k"
    ):
        place.deploy(SPEC)


def test_a_status_is_that_of_our_own_deployment(place, server, become_ready) -> None:
    assert place.status("adult-v3") is None
    place.deploy(SPEC)
    become_ready()
    assert place.status("adult-v3").ready
    assert place.status("service/theirs") is None
    head = {"apiVersion": "apps/v1", "kind": "Deployment"}
    server.put({**head, "metadata": {"name": "theirs"}})
    assert place.status("theirs") is None


def test_an_outage_of_the_api_server_is_no_status(place, server) -> None:
    place.deploy(SPEC)
    server.hang_up()
    with pytest.raises(BackendError, match="does not answer"):
        place.status("adult-v3")


def test_a_deployment_with_weight_is_not_removed(place, server, become_ready) -> None:
    place.deploy(SPEC)
    become_ready()
    place.write(Route(revision="", backends=(Backend(deployment="adult-v3", weight=10_000),)))
    with pytest.raises(ConflictError, match="adult-v3 still has weight 10000"):
        place.remove("adult-v3")
    assert all(server.object(kind, "adult-v3") is not None for kind in MADE)


def test_all_that_belongs_to_a_deployment_is_removed_and_twice_is_fine(place, server) -> None:
    server.put(settings("replicas: {min: 1, max: 3}"))
    place.deploy(SPEC)
    assert server.object(HORIZONTAL_POD_AUTOSCALER, "adult-v3") is not None
    place.remove("adult-v3")
    assert all(
        server.object(kind, "adult-v3") is None for kind in (*MADE, HORIZONTAL_POD_AUTOSCALER)
    )
    place.remove("adult-v3")
    assert place.status("adult-v3") is None


def test_what_somebody_else_gave_that_name_is_not_removed(place, server) -> None:
    place.deploy(SPEC)
    theirs = server.object(SERVICE, "adult-v3")
    theirs["metadata"]["labels"] = {"app": "mine"}
    server.put(theirs)
    place.remove("adult-v3")
    place.remove("service/theirs")
    assert server.object(SERVICE, "adult-v3") is not None
    assert server.object(DEPLOYMENT, "adult-v3") is None


def test_a_deployment_that_another_deletes_at_the_same_time_can_be_tried_again(
    place, server
) -> None:
    place.deploy(SPEC)
    path = DEPLOYMENT.path(namespace="serving", name="adult-v3")
    del server.objects[SERVICE.path(namespace="serving", name="adult-v3")]
    server.before_write = lambda *_: server.objects.pop(path, None)
    with pytest.raises(ConflictError, match="was deleted just now"):
        place.deploy(SPEC)
