"""Model servers as a cluster runs them: made once, refused for a reason, watched, removed.

Given a registered version, when it is deployed from outside of the cluster, then a Deployment, a
Service and what goes with them run it, and nothing has traffic that could not answer.
"""

import json
import time
import uuid
from dataclasses import replace

import httpx
import pytest
from tests.e2e.support import ROW, until

from headgate.adapters.clock import SystemClock
from headgate.adapters.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    HTTP_ROUTE,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    SERVICE,
)
from headgate.adapters.places import open_place
from headgate.errors import BackendError, NoDataError
from headgate.ports import Backend, ConflictError, Route
from headgate.usecases.deploy import deploy_and_wait, deployment_spec

SLEEPS = ["python", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def place(cluster, context, namespace):
    """The test's model in the serving namespace, as a user's own machine sees it."""
    url = f"kubernetes://{namespace}?context={context}"
    with open_place(url, "", model=cluster.model) as opened:
        yield opened


@pytest.fixture
def version(cluster, make_bundle, tiny_reports, tmp_path):
    """A registered version."""
    return cluster.register(make_bundle(tmp_path / "one"), tiny_reports)


@pytest.fixture
def spec(version):
    return deployment_spec(version, command=[], slow_above_ms=100.0)


@pytest.fixture
def deployed(place, spec):
    """A version that is ready and has no traffic yet."""
    ready(place, spec)
    return spec


def ready(place, spec, *, seconds: float = 60.0):
    return deploy_and_wait(spec, deployments=place, clock=SystemClock(), timeout_seconds=seconds)


def test_a_second_deployment_with_the_same_inputs_changes_nothing(
    cluster, place, deployed, api
) -> None:
    def settled() -> bool:
        """The controllers have written what they had to say."""
        status = api.get(DEPLOYMENT, deployed.name, namespace=cluster.namespace)["status"]
        reasons = {condition["reason"] for condition in status["conditions"]}
        return "NewReplicaSetAvailable" in reasons and "status" in cluster.route()

    def revisions() -> list[str]:
        kinds = (DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET)
        made = [api.get(kind, deployed.name, namespace=cluster.namespace) for kind in kinds]
        return [found["metadata"]["resourceVersion"] for found in (*made, cluster.route())]

    until(settled, what="the controllers' own writes")
    before = revisions()

    again = ready(place, deployed)

    assert again.ready
    assert revisions() == before


def test_a_bundle_with_another_checksum_names_both(place, spec) -> None:
    wrong = replace(spec, sha256="0" * 64)

    with pytest.raises(BackendError, match=f"has sha256 {spec.sha256}, expected is 0{{64}}"):
        ready(place, wrong)

    assert place.read() is None  # nothing has weight


def test_an_image_that_no_node_has_names_itself(cluster, context, api, kubectl, spec) -> None:
    # Given a namespace of its own, whose template names an image that was never built.
    name, image = f"e2e-{uuid.uuid4().hex[:6]}", "localhost:5001/headgate-predictor:never-built"
    kubectl("create", "namespace", name)
    try:
        for kind in (CONFIG_MAP, POD_TEMPLATE):
            source = "headgate" if kind == CONFIG_MAP else "headgate-predictor"
            found = api.get(kind, source, namespace=cluster.namespace)
            found["metadata"] = {"name": source, "namespace": name}
            if kind == POD_TEMPLATE:
                found["template"]["spec"]["containers"][0]["image"] = image
            api.create(found)
        with open_place(f"kubernetes://{name}?context={context}", "", model=cluster.model) as there:
            # When, then.
            with pytest.raises(BackendError, match=f"image {image} is not on the node") as caught:
                ready(there, spec)
            assert f"docker save {image} -o image.tar && kind load image-archive" in str(
                caught.value
            )
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def test_a_predictor_that_never_becomes_ready_never_gets_weight(place, version, deployed) -> None:
    all_of_it = (Backend(deployment=deployed.name, weight=10_000),)
    route = place.write(Route(revision="", backends=all_of_it))
    stuck = deployment_spec(version, command=SLEEPS, slow_above_ms=100.0)

    with pytest.raises(BackendError, match=r"within 10 s .*readiness probe does not pass"):
        ready(place, stuck, seconds=10.0)
    some_of_it = (
        Backend(deployment=deployed.name, weight=9_000),
        Backend(deployment=stuck.name, weight=1_000),
    )
    with pytest.raises(BackendError, match=f"{stuck.name} is not ready and cannot take weight"):
        place.write(replace(route, backends=some_of_it))

    assert place.read().backends == all_of_it


def test_what_is_down_for_good_is_made_anew_by_the_next_call(place, version, cluster) -> None:
    # Given a server that has crashed twice, and would be tried again in minutes.
    broken = deployment_spec(version, command=["python", "-c", "exit('no gpu')"], slow_above_ms=1.0)
    with pytest.raises(BackendError, match="exited with code 1: no gpu"):
        ready(place, broken)
    (before,) = cluster.pods(broken.name)

    with pytest.raises(BackendError, match="exited with code 1: no gpu"):
        ready(place, broken)

    after = [pod["metadata"]["name"] for pod in cluster.pods(broken.name)]
    assert set(after) - {before["metadata"]["name"]}


def test_the_answers_of_every_pod_are_counted(place, deployed, cluster, gateway) -> None:
    place.write(Route(revision="", backends=(Backend(deployment=deployed.name, weight=10_000),)))
    row, headers = {"age": 40, "gender": "Female"}, {"host": cluster.host}

    def answer():
        return httpx.post(f"{gateway}/predict", json=row, headers=headers)

    until(lambda: answer().status_code == 200, what="an answer through the gateway")
    before = sum(pod.requests for pod in place.counters(deployed.name))
    for _ in range(20):
        assert answer().status_code == 200
    (pod,) = place.counters(deployed.name)

    assert pod.requests - before == 20
    assert pod.errors == 0


def test_a_pod_that_goes_away_takes_no_request_with_it(
    place, deployed, cluster, gateway, load, kubectl
) -> None:
    # Given two pods behind the gateway, both with traffic.
    two = json.dumps({"spec": {"replicas": 2}})
    kubectl("patch", "deployment", deployed.name, "-n", cluster.namespace, "-p", two)
    place.write(Route(revision="", backends=(Backend(deployment=deployed.name, weight=10_000),)))

    def both() -> list[str]:
        """The two pods, as soon as both have answered."""
        try:
            busy = [pod.pod for pod in place.counters(deployed.name) if pod.requests > 20]
        except NoDataError:
            return []
        return busy if len(busy) == 2 else []

    def reached() -> bool:
        answer = httpx.post(f"{gateway}/predict", content=ROW, headers={"host": cluster.host})
        return answer.status_code == 200

    until(reached, what="an answer through the gateway")
    traffic = load(cluster.host, rate=100, body=ROW)
    first, _ = until(both, what="answers of both pods")

    # When one of them is deleted, as it is when its node is drained.
    kubectl("delete", "pod", first, "-n", cluster.namespace, "--wait=false")
    until(
        lambda: first not in {pod["metadata"]["name"] for pod in cluster.pods(deployed.name)},
        what="the end of the pod",
    )
    settled = time.monotonic()
    until(lambda: traffic.by_deployment(since=settled)[deployed.name] > 100, what="more answers")
    traffic.stop()

    # Then every request has its answer.
    assert (traffic.lost, traffic.failed) == (0, [])
    assert traffic.sent == len(traffic.answers)


def test_a_deployment_goes_when_it_has_no_weight_and_leaves_nothing(
    place, deployed, cluster, api
) -> None:
    place.write(Route(revision="", backends=(Backend(deployment=deployed.name, weight=10_000),)))
    with pytest.raises(ConflictError, match="still has weight 10000"):
        place.remove(deployed.name)
    assert place.status(deployed.name).ready

    api.delete(HTTP_ROUTE, cluster.model, namespace=cluster.namespace)
    place.remove(deployed.name)
    place.remove(deployed.name)

    assert place.status(deployed.name) is None
    assert api.get(SERVICE, deployed.name, namespace=cluster.namespace) is None
    assert api.get(POD_DISRUPTION_BUDGET, deployed.name, namespace=cluster.namespace) is None
    until(lambda: not cluster.pods(deployed.name), what="the end of its pods")
