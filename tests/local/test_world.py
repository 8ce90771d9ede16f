"""The local world with a toy model server: route, deployments, counters."""

import time

import httpx
import pytest
from scipy.stats import binomtest

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.errors import BackendError, ConfigError, NoDataError
from headgate.ports import ConflictError, LabelCounters, Route

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def split(playground):
    """A world with a champion and a canary behind the route."""
    playground.serve("stable")
    playground.serve("canary", "--label", "no")
    playground.split(stable=10_000)
    return playground


def test_a_request_without_the_token_is_refused(playground) -> None:
    assert httpx.get(f"{playground.world.url}/route").status_code == 401
    with LocalCluster(playground.world.url, "wrong") as stranger:
        for call in (
            stranger.read,
            stranger.deployments,
            lambda: stranger.write(Route(revision="", backends=())),
        ):
            with pytest.raises(BackendError, match="token refused"):
                call()


def test_before_the_first_route_the_proxy_answers_that_there_is_none(open_world) -> None:
    fresh = open_world()
    assert fresh.cluster.read() is None
    assert fresh.cluster.status("anything") is None
    answer = httpx.post(f"{fresh.world.proxy_url}/predict")
    assert (answer.status_code, answer.text) == (503, "headgate: no route yet")


def test_a_deployment_that_runs_is_attached_to(split) -> None:
    before = split.pids()["stable"]
    assert split.cluster.deploy(split.spec("stable")).ready
    assert split.pids()["stable"] == before


def test_a_name_with_another_specification_is_a_conflict(split) -> None:
    with pytest.raises(ConflictError, match="stable exists with another specification"):
        split.cluster.deploy(split.spec("stable", version="2"))


def test_a_name_that_could_leave_the_folder_is_refused(playground) -> None:
    with pytest.raises(ConfigError, match=r"a name has 1 to 63 of a-z, 0-9 and inner dashes"):
        playground.cluster.deploy(playground.spec("Model_1"))


def test_a_stale_revision_is_a_conflict_and_changes_nothing(split) -> None:
    route = split.cluster.read()
    written = split.cluster.write(route)
    assert written.revision != route.revision
    with pytest.raises(ConflictError, match="was replaced by"):
        split.cluster.write(route)
    assert split.cluster.read() == written


def test_a_removed_deployment_is_gone_and_removing_it_again_is_fine(playground, alive) -> None:
    playground.serve("short-lived")
    pid = playground.pids()["short-lived"]
    playground.cluster.remove("short-lived")
    assert playground.cluster.status("short-lived") is None
    assert not alive(pid)
    playground.cluster.remove("short-lived")


def test_a_server_that_is_never_ready_fails_with_its_last_words(playground) -> None:
    playground.cluster.deploy(playground.spec("mute", "--never-ready"))
    playground.until(lambda: playground.cluster.status("mute").reason)
    status = playground.cluster.status("mute")
    assert not status.ready
    assert status.reason.startswith("was not ready within 5 s: ")


def test_a_server_that_ends_before_it_is_ready_fails_with_its_last_words(playground) -> None:
    playground.cluster.deploy(playground.spec("broken", "--broken"))
    playground.until(lambda: playground.cluster.status("broken").reason)
    reason = playground.cluster.status("broken").reason
    assert reason == "exited with code 1 before it was ready: the bundle is broken"


def test_counters_of_an_unknown_deployment_are_no_data(playground) -> None:
    with pytest.raises(NoDataError, match="there is no deployment ghost"):
        playground.cluster.counters("ghost")


def test_labels_of_an_unknown_deployment_are_zero(playground) -> None:
    assert playground.cluster.labels("ghost") == LabelCounters(labelled=0, wrong=0)


def test_twenty_weight_changes_under_load_lose_no_request(split) -> None:
    split.traffic(800)
    for weight in (100, 500, 1_000, 2_500, 5_000, 10_000, 5_000, 0, 9_900, 100) * 2:
        split.split(stable=10_000 - weight, canary=weight)
        time.sleep(0.1)
    split.split(stable=10_000, canary=0)
    totals = split.quiet()
    assert totals["lost"] == 0
    assert totals["ok"] == totals["sent"] > 500
    assert "" not in totals["deployments"]


def test_the_split_is_binomial_and_every_count_agrees(split) -> None:
    split.split(stable=9_000, canary=1_000)
    before = split.cluster.traffic()["deployments"]
    pods = {name: split.cluster.counters(name)[0] for name in ("stable", "canary")}
    split.traffic(1_600)
    split.until(lambda: split.cluster.traffic()["sent"] > 20_500, seconds=40)
    totals = split.quiet()
    after = totals["deployments"]
    sent = {name: after[name]["requests"] - before[name]["requests"] for name in after}
    assert sum(sent.values()) >= 16_000
    assert binomtest(sent["canary"], sum(sent.values()), 0.1).pvalue > 1e-6
    assert totals["lost"] == 0
    for name, pod in pods.items():
        counted = split.cluster.counters(name)[0]
        assert (counted.pod, counted.started) == (pod.pod, pod.started)
        assert counted.requests - pod.requests == sent[name]
        assert counted.errors == 0


def test_labels_arrive_late_and_are_compared_with_the_predictions(split) -> None:
    split.quiet()
    time.sleep(0.3)  # the label delay, and one snapshot
    # Three quarters of the rows have a label; two thirds of those are "yes".
    stable, canary = split.cluster.labels("stable"), split.cluster.labels("canary")
    answered = split.cluster.traffic()["deployments"]
    for name, labels, wrong in (("stable", stable, 1 / 3), ("canary", canary, 2 / 3)):
        assert binomtest(labels.labelled, answered[name]["requests"], 0.75).pvalue > 1e-6
        assert binomtest(labels.wrong, labels.labelled, wrong).pvalue > 1e-6


def test_traffic_that_cannot_be_replayed_is_refused(playground) -> None:
    with pytest.raises(ConfigError, match="rate and label delay must be 0 or more"):
        playground.traffic(-1)
    with pytest.raises(BackendError, match="traffic did not start"):
        playground.cluster.set_traffic(_plan(playground, features=("no_such_column",)))
    with pytest.raises(ConfigError, match="there is no file /nowhere"):
        playground.cluster.set_traffic(_plan(playground, rows="/nowhere"))


def _plan(playground, **changes):
    rows = str(playground.folder / "rows.parquet")
    return TrafficPlan(**{"rate": 1, "rows": rows, "target": "label", "features": ("x",)} | changes)
