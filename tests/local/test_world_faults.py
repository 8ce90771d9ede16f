"""What dies is restarted or reported; who is not watched gets no traffic."""

import os
import signal
import time
from dataclasses import replace

import pytest

from headgate.errors import BackendError, NoDataError
from headgate.ports import Route
from headgate.problem.sections import Rollout
from headgate.rollout.plan import make_plan
from headgate.rollout.state import Arm, start_state
from headgate.usecases.weights import route_for

pytestmark = pytest.mark.live

HEARTBEAT_TIMEOUT = 1.0
CANARY, STABLE = (Arm(deployment=name, version="1") for name in ("canary", "stable"))


@pytest.fixture(scope="module")
def split(playground):
    playground.serve("stable")
    playground.serve("canary", "--fail-share", "0.5")
    playground.split(stable=10_000)
    return playground


def begin_rollout(split) -> Route:
    """Give the canary its first weight, as the driver of a rollout does."""
    before = split.cluster.read()
    state = start_state(
        make_plan(Rollout(heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT)),
        rollout_id="r",
        run_id="1",
        model="toy",
        canary=CANARY,
        stable=STABLE,
        now=time.time(),
        epoch=1,
    )
    return split.cluster.write(route_for(state, onto=before))


def test_the_guard_takes_the_canary_out_when_the_heartbeat_stops(split) -> None:
    route = begin_rollout(split)
    assert route.weight("canary") == 100
    for _ in range(8):
        split.cluster.beat("r", epoch=1)
        time.sleep(HEARTBEAT_TIMEOUT / 4)
    assert split.cluster.read() == route
    waited = split.until(lambda: split.cluster.read() != route)
    assert waited < HEARTBEAT_TIMEOUT + 1.0
    after = split.cluster.read()
    assert (after.weight("canary"), after.weight("stable")) == (0, 10_000)
    assert after.state["phase"] == "ROLLED_BACK"
    assert after.state["reason"].startswith("guard: no heartbeat of the driver for 1.")
    assert split.messages("guard") == [after.state["reason"]]


def test_beats_of_another_rollout_or_an_overtaken_driver_do_not_count(split) -> None:
    route = begin_rollout(split)
    start = time.monotonic()
    while split.cluster.read() == route:
        assert time.monotonic() - start < HEARTBEAT_TIMEOUT + 1.0
        split.cluster.beat("another", epoch=5)
        split.cluster.beat("r", epoch=0)
        time.sleep(0.05)
    assert split.cluster.read().state["phase"] == "ROLLED_BACK"


def test_errors_of_the_canary_are_counted_by_pod_and_by_the_traffic(split) -> None:
    split.split(stable=5_000, canary=5_000)
    split.traffic(400)
    split.until(lambda: split.cluster.counters("canary")[0].requests > 200)
    totals = split.quiet()["deployments"]
    pod = split.cluster.counters("canary")[0]
    assert (pod.requests, pod.errors) == (
        totals["canary"]["requests"],
        totals["canary"]["server_errors"],
    )
    assert 0 < pod.errors < pod.requests
    assert totals["stable"]["server_errors"] == 0


def test_a_killed_canary_cannot_be_scraped_and_comes_back_counted(split) -> None:
    before = split.cluster.counters("canary")[0]
    os.kill(split.pids()["canary"], signal.SIGKILL)
    split.until(lambda: not split.cluster.status("canary").ready)
    with pytest.raises(NoDataError, match="canary-0 cannot be scraped"):
        split.cluster.counters("canary")
    split.until(lambda: split.cluster.status("canary").restarts == 1)
    split.until(lambda: split.cluster.status("canary").ready)
    after = split.cluster.counters("canary")[0]
    assert after.started != before.started
    assert after.pod == "canary-1"
    assert any("was killed by SIGKILL" in message for message in split.messages("deployment"))


def test_a_canary_that_is_down_can_still_lose_its_weight(split) -> None:
    assert split.cluster.read().weight("canary") == 5_000
    os.kill(split.pids()["canary"], signal.SIGKILL)
    split.until(lambda: not split.cluster.status("canary").ready)
    split.split(stable=10_000, canary=0)
    with pytest.raises(BackendError, match="canary is not ready"):
        split.split(stable=9_000, canary=1_000)


def test_a_server_that_keeps_crashing_is_given_up(split) -> None:
    split.serve("fragile")
    for _ in range(4):
        split.until(lambda: split.cluster.status("fragile").ready)
        os.kill(split.pids()["fragile"], signal.SIGKILL)
        split.until(lambda: not split.cluster.status("fragile").ready)
    split.until(lambda: split.cluster.status("fragile").reason)
    status = split.cluster.status("fragile")
    assert status.restarts == 3
    assert "was killed by SIGKILL" in status.reason
    assert "(after 3 restarts)" in status.reason


def test_a_killed_proxy_comes_back_on_the_same_port_with_the_same_split(split) -> None:
    split.split(stable=10_000)
    split.traffic(200)
    os.kill(split.pids()["proxy"], signal.SIGKILL)
    split.until(lambda: split.cluster.processes()["proxy_restarts"] == 1)
    back = split.cluster.traffic()["ok"]
    split.until(lambda: split.cluster.traffic()["ok"] > back + 20)
    revision = split.cluster.read().revision
    assert int(split.split(stable=10_000, fragile=0).revision) == int(revision) + 1
    assert split.quiet()["lost"] > 0  # and said so
    assert "Envoy was killed by SIGKILL; restarting it" in split.messages("proxy")


def test_dead_traffic_is_reported_and_started_again_with_its_counts(split) -> None:
    split.traffic(100)
    split.until(lambda: split.cluster.traffic()["rate_achieved"] > 50)
    os.kill(split.pids()["traffic"], signal.SIGKILL)
    split.until(lambda: not split.cluster.traffic()["running"])
    before = split.cluster.traffic()["sent"]
    split.traffic(100)
    split.until(lambda: split.cluster.traffic()["sent"] > before)
    assert "generator was killed by SIGKILL" in split.messages("traffic")


def test_a_write_that_was_overtaken_by_the_guard_is_a_conflict(split) -> None:
    split.until(lambda: split.cluster.status("canary").ready)
    route = begin_rollout(split)
    split.until(lambda: split.cluster.read() != route)
    with pytest.raises(BackendError, match="was replaced by"):
        split.cluster.write(replace(route, state=None))
