import json
import logging
import os
import signal
import threading
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from tests.unit.adapters.kubernetes.guarding import (
    AT_FIRST,
    TAKEN_OUT,
    go_on,
    recorded,
    weights,
)
from tests.unit.adapters.kubernetes.routes import START, TIMEOUT, rollout

from headgate.adapters.kubernetes import guard as module
from headgate.adapters.kubernetes.api import EVENT, HTTP_ROUTE, LEASE, KubernetesApi
from headgate.adapters.kubernetes.guard import STEP_SECONDS, Guard, Stopped, main
from headgate.adapters.kubernetes.http_route import STATE
from headgate.adapters.kubernetes.probes import Probes
from headgate.adapters.memory import ManualClock
from headgate.rollout import Phase, Verdict, finish
from headgate.usecases.weights import route_for


@pytest.mark.usefixtures("started")
def test_a_silent_driver_costs_the_canary_its_weight(server, guard, clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    go_on(guard, clock, TIMEOUT)
    assert weights(server) == AT_FIRST
    go_on(guard, clock, 2 * STEP_SECONDS)
    assert weights(server) == TAKEN_OUT
    state = recorded(server)
    assert (state.phase, state.verdict) == (Phase.ROLLED_BACK, Verdict.INSUFFICIENT)
    assert state.reason == "guard: no heartbeat of the driver for 4.5 s"
    go_on(guard, clock, 2 * TIMEOUT)
    assert [record.message for record in caplog.records] == [
        "HTTPRoute serving/income: watching rollout abc",
        "HTTPRoute serving/income: ROLLED_BACK: guard: no heartbeat of the driver for 4.5 s",
    ]


@pytest.mark.usefixtures("started")
def test_what_it_does_is_recorded_as_an_event(server, guard, clock) -> None:
    go_on(guard, clock, TIMEOUT + 1)
    (event,) = [found for found in server.objects.values() if found["kind"] == EVENT.kind]
    assert event["involvedObject"]["name"] == "income"
    assert event["message"].startswith("ROLLED_BACK: guard: no heartbeat")
    assert event["lastTimestamp"] == "2025-06-15T15:06:44Z"


@pytest.mark.usefixtures("started")
def test_it_acts_also_if_it_may_not_record_events(server, guard, clock) -> None:
    server.refuse("POST", "/events", 403)
    go_on(guard, clock, TIMEOUT + 1)
    assert weights(server) == TAKEN_OUT
    assert guard.ready()


@pytest.mark.usefixtures("started")
def test_a_rollout_with_a_heartbeat_is_left_alone(server, guard, clock, heartbeat) -> None:
    for _ in range(10):
        heartbeat.beat("abc", epoch=1)
        go_on(guard, clock, TIMEOUT - 1)
    assert weights(server) == AT_FIRST


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(("holder", "epoch"), [("another", 9), ("abc", 0)])
def test_beats_of_somebody_else_do_not_help(server, guard, clock, heartbeat, holder, epoch) -> None:
    for _ in range(6):
        heartbeat.beat(holder, epoch=epoch)
        go_on(guard, clock, 1.0)
    assert weights(server) == TAKEN_OUT


def test_the_silence_of_a_new_rollout_counts_from_its_own_beginning(
    server, guard, clock, router, started
) -> None:
    go_on(guard, clock, TIMEOUT - 1)
    router.write(route_for(replace(rollout(), rollout_id="def"), onto=started))
    go_on(guard, clock, TIMEOUT - 1)
    assert weights(server) == AT_FIRST
    go_on(guard, clock, 2)
    assert recorded(server).rollout_id == "def"
    assert weights(server) == TAKEN_OUT


def test_a_rollout_that_has_ended_is_left_alone(guard, clock, router, started) -> None:
    ended = finish(rollout(), phase=Phase.PROMOTED, verdict=Verdict.PASS, reason="good", now=START)
    written = router.write(route_for(ended, onto=started))
    go_on(guard, clock, 100.0)
    assert router.read() == written


@pytest.mark.parametrize("seen_before", [True, False])
def test_without_the_lease_nobody_is_silent_but_the_deadline_is_kept(
    server, guard, clock, router, seen_before
) -> None:
    router.write(route_for(replace(rollout(), deadline_at=START + 30), onto=None))
    if seen_before:
        guard.step()
    server.refuse("GET", "/leases/", 403, times=1000)
    go_on(guard, clock, 30 + TIMEOUT)
    assert weights(server) == AT_FIRST
    assert not guard.ready()
    go_on(guard, clock, 1.0)
    assert weights(server) == TAKEN_OUT
    assert recorded(server).reason == "guard: the deadline of the rollout passed"


def test_a_deadline_is_kept_although_the_driver_beats(server, guard, clock, heartbeat, router):
    router.write(route_for(replace(rollout(), deadline_at=START + 10), onto=None))
    for _ in range(15):
        heartbeat.beat("abc", epoch=1)
        go_on(guard, clock, 1.0)
    assert recorded(server).reason == "guard: the deadline of the rollout passed"


@pytest.mark.usefixtures("started")
def test_an_outage_does_not_count_as_silence(server, guard, clock, heartbeat) -> None:
    go_on(guard, clock, 1.0)
    outage = server.hang_up()
    go_on(guard, clock, 60.0)
    server.faults.remove(outage)
    go_on(guard, clock, TIMEOUT - 1)  # what is left of its time, to come back
    assert weights(server) == AT_FIRST
    heartbeat.beat("abc", epoch=1)
    go_on(guard, clock, TIMEOUT - 1)
    assert weights(server) == AT_FIRST


def flap(server, guard, clock, *, up: float, down: float) -> None:
    """A cluster that can be reached for some seconds and then cannot for some."""
    go_on(guard, clock, up)
    outage = server.hang_up()
    go_on(guard, clock, down)
    server.faults.remove(outage)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("up", [STEP_SECONDS, 2.0])
def test_a_cluster_that_comes_and_goes_does_not_put_it_off_for_ever(
    server, guard, clock, up
) -> None:
    for _ in range(12):
        flap(server, guard, clock, up=up, down=10.0)
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_a_driver_that_beats_whenever_it_can_outlives_a_cluster_that_comes_and_goes(
    server, guard, clock, heartbeat
) -> None:
    for _ in range(12):
        heartbeat.beat("abc", epoch=1)
        flap(server, guard, clock, up=2.0, down=10.0)
    assert weights(server) == AT_FIRST


@pytest.mark.usefixtures("started")
def test_a_driver_that_died_in_an_outage_is_found_out_after_it(server, guard, clock) -> None:
    go_on(guard, clock, 1.0)
    outage = server.hang_up("GET", "/leases/")  # the routes can be read, the beats cannot
    go_on(guard, clock, 60.0)
    assert weights(server) == AT_FIRST
    server.faults.remove(outage)
    go_on(guard, clock, TIMEOUT + 1)
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_single_answers_that_get_lost_do_not_put_it_off(server, guard, clock) -> None:
    for _ in range(6):
        server.refuse("GET", "/httproutes", 503)
        go_on(guard, clock, 1.0)
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_a_write_that_fails_is_tried_again(server, guard, clock) -> None:
    server.refuse("PUT", "/httproutes/", 503, times=3)
    go_on(guard, clock, TIMEOUT + 1)
    assert weights(server) == AT_FIRST
    assert server.faults != []
    go_on(guard, clock, 2.0)
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_two_guards_get_along(server, api, clock) -> None:
    both = Guard(api, "serving", clock), Guard(api, "serving", clock)
    seconds = iter([both[1]])

    def act(method: str, _: str) -> None:
        if method == "PUT" and (other := next(seconds, None)):  # between read and write of one
            thread = threading.Thread(target=other.step)
            waiting.append(thread)
            thread.start()

    waiting: list[threading.Thread] = []
    for _ in range(9):
        for guard in both:
            guard.step()
        clock.sleep(STEP_SECONDS)
    server.before_write = act
    for guard in both:
        guard.step()
    for thread in waiting:
        thread.join()
    assert recorded(server).epoch == 2
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_the_driver_may_be_faster(server, guard, clock) -> None:
    go_on(guard, clock, TIMEOUT)

    def be_faster(method: str, _: str) -> None:
        if method == "PUT" and recorded(server).epoch == 1:
            found = server.object(HTTP_ROUTE, "income")
            ended = finish(
                recorded(server), phase=Phase.PROMOTED, verdict=Verdict.PASS, reason="", now=START
            )
            found["metadata"]["annotations"] |= {STATE: json.dumps(ended.to_json())}
            server.put(found)

    server.before_write = be_faster
    go_on(guard, clock, 2.0)
    assert ("PUT", HTTP_ROUTE.path(namespace="serving", name="income")) in server.requests
    assert weights(server) == AT_FIRST
    assert guard.ready()


# Readiness.


def test_it_is_ready_while_it_looks(server, guard, clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    assert not guard.ready()
    guard.step()
    assert guard.ready()
    outage = server.hang_up()
    go_on(guard, clock, 2.5)
    assert guard.ready()
    go_on(guard, clock, 1.0)
    assert not guard.ready()
    server.faults.remove(outage)
    guard.step()
    assert guard.ready()
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "cannot guard",
        "guarding again",
    ]


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("right", [("update", HTTP_ROUTE.resource), ("get", LEASE.resource)])
def test_a_guard_that_may_not_act_is_never_ready(server, guard, clock, right) -> None:
    server.denied = {right}
    go_on(guard, clock, 2.0)
    assert not guard.ready()
    server.denied = set()
    guard.step()
    assert guard.ready()


@pytest.mark.usefixtures("started")
def test_a_guard_whose_writes_are_refused_is_not_ready(server, guard, clock) -> None:
    server.refuse("PUT", "/httproutes/", 403, times=1000)
    go_on(guard, clock, TIMEOUT + 4)
    assert not guard.ready()


def test_it_is_alive_while_it_goes_round_even_without_a_cluster(server, api) -> None:
    class Enough(Exception):  # noqa: N818 - ends the loop
        pass

    rounds = []

    def count(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            raise Enough

    clock = ManualClock(start=START, on_sleep=count)
    guard = Guard(api, "serving", clock)
    assert not guard.alive()
    server.hang_up()
    with pytest.raises(Enough):
        guard.watch()
    assert rounds == [STEP_SECONDS] * 3
    assert guard.alive()
    clock.on_sleep = None
    clock.sleep(61)
    assert not guard.alive()


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_kubelet_gets_an_answer() -> None:
    ready = [False]
    with Probes(("127.0.0.1", 0), ready=lambda: ready[0], live=lambda: True) as probes:
        assert status_of(probes.port, "/ready") == 503
        ready[0] = True
        assert status_of(probes.port, "/ready") == 200
        assert status_of(probes.port, "/live") == 200
        assert status_of(probes.port, "/other") == 404


# The program.


@pytest.fixture
def connected(server, monkeypatch):
    """`connect` finds the small server."""
    made = []

    def connect(**_: object) -> KubernetesApi:
        made.append(server.api())
        return made[-1]

    monkeypatch.setattr(KubernetesApi, "connect", connect)
    yield server
    for api in made:
        api.close()


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_with_success(monkeypatch, number) -> None:
    monkeypatch.setattr(module.SystemClock, "sleep", lambda *_: os.kill(os.getpid(), number))
    with pytest.raises(Stopped) as caught:
        main(["--host", "127.0.0.1", "--port", "0"])
    assert caught.value.code is None


@pytest.mark.usefixtures("connected")
def test_a_port_in_use_is_told_on_one_line(server) -> None:
    with pytest.raises(SystemExit, match=r"headgate.guard: .*in use"):
        main(["--host", "127.0.0.1", "--port", str(server.port)])


def test_without_a_cluster_it_says_so(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match=r"headgate.guard: no cluster"):
        main([])
