"""The deployment components as Jobs under the manifests' account: faults, and doing it twice."""

from datetime import datetime

import pytest
from tests.e2e.support import ROW, until

from headgate.adapters.kubernetes.api import DEPLOYMENT, SERVICE

SLEEPING = ["python", "-c", "import time; time.sleep(1000)"]


@pytest.fixture
def first(cluster, make_bundle, tiny_reports, tmp_path):
    """A registered version 1."""
    return cluster.register(make_bundle(tmp_path / "one"), tiny_reports).version


def test_a_second_call_with_the_same_inputs_changes_nothing(cluster, first, api) -> None:
    def written() -> list[tuple[str, str]]:
        found = [
            api.get(DEPLOYMENT, name, namespace=cluster.namespace),
            api.get(SERVICE, name, namespace=cluster.namespace),
            cluster.route(),
        ]
        return [(one["metadata"]["uid"], str(one["metadata"].get("generation"))) for one in found]

    name = cluster.deploy(first)
    assert cluster.run("shift_traffic", deployment=name, version=first).succeeded
    before = written()
    epoch = cluster.route()["metadata"]["annotations"]["headgate.dev/state"]

    assert cluster.deploy(first) == name
    again = cluster.run("shift_traffic", deployment=name, version=first)

    assert again.parameters["Output"] == "PASS", again.log
    assert written() == before
    assert cluster.route()["metadata"]["annotations"]["headgate.dev/state"] == epoch


def test_a_predictor_that_fails_is_named_and_leaves_nothing_behind(cluster, first) -> None:
    champion = cluster.deploy(first)
    assert cluster.run("shift_traffic", deployment=champion, version=first).succeeded

    broken = cluster.run("deploy_model", version=first, command=["python", "-c", "exit('no gpu')"])
    labels = {"headgate.dev/model": cluster.model}
    left = cluster.api.list(DEPLOYMENT, namespace=cluster.namespace, labels=labels)

    assert not broken.succeeded
    assert "no gpu" in broken.log, broken.log
    assert [one["metadata"]["name"] for one in left] == [champion]
    assert cluster.weights() == {champion: 10_000}


def test_a_predictor_that_is_not_ready_is_refused_its_traffic(cluster, first) -> None:
    champion = cluster.deploy(first)
    assert cluster.run("shift_traffic", deployment=champion, version=first).succeeded
    job = cluster.start("deploy_model", version=first, command=SLEEPING)
    labels = {"headgate.dev/model": cluster.model}

    def started() -> str | None:
        made = cluster.api.list(DEPLOYMENT, namespace=cluster.namespace, labels=labels)
        names = {one["metadata"]["name"] for one in made} - {champion}
        return names.pop() if names else None

    name = until(started, what="a second deployment")
    shifted = cluster.run("shift_traffic", deployment=name, version=first)
    cluster.kubectl("delete", "job", job, "-n", cluster.namespace, "--wait=false")

    assert not shifted.succeeded
    assert f"the canary {name} is not ready" in shifted.log, shifted.log
    assert cluster.weights() == {champion: 10_000}


def test_shifting_traffic_to_a_version_that_does_not_run_is_refused(cluster, first) -> None:
    champion = cluster.deploy(first)
    assert cluster.run("shift_traffic", deployment=champion, version=first).succeeded

    done = cluster.run("shift_traffic", deployment="nobody-v9", version="9")

    assert not done.succeeded
    assert "BackendError: the canary's deployment nobody-v9 does not exist" in done.log
    assert cluster.weights() == {champion: 10_000}


def test_an_account_without_rights_is_told_which_one_it_lacks(cluster, first) -> None:
    done = cluster.run("deploy_model", account="default", version=first)

    assert not done.succeeded
    assert "BackendError" in done.log
    assert "may not" in done.log, done.log


def test_a_predictor_is_ready_within_5_seconds_of_its_start(cluster, first) -> None:
    name = cluster.deploy(first)
    (pod,) = cluster.pods(name)
    status = pod["status"]
    (container,) = status["containerStatuses"]
    ready = next(c for c in status["conditions"] if c["type"] == "Ready")
    started = container["state"]["running"]["startedAt"]

    seconds = _seconds(ready["lastTransitionTime"]) - _seconds(started)

    assert seconds <= 5 + 1  # both are stamps of whole seconds


def test_the_gateway_answers_for_the_promoted_model(cluster, first, load) -> None:
    name = cluster.deploy(first)
    assert cluster.run("shift_traffic", deployment=name, version=first).succeeded
    traffic = load(cluster.host, rate=20, body=ROW)
    until(lambda: traffic.by_deployment()[name] > 10, what="answers of the model", seconds=30)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
