"""Whole rollouts in a world in memory."""

from dataclasses import replace
from itertools import pairwise

import pytest

from headgate.errors import BackendError, NoDataError
from headgate.ports import Backend
from headgate.problem.sections import Rollout
from headgate.rollout import Verdict, make_plan, recompute
from headgate.usecases import Target

from .conftest import (  # noqa: TID252 - tests have no package name
    CANARY,
    ERRORS,
    LABELS,
    OUTAGE,
    STABLE,
    World,
    at,
    crash,
    epochs,
    quick_plan,
)


def test_a_good_canary_climbs_and_is_promoted(world, plan):
    record = world.run(plan)
    assert (record["verdict"], record["phase"]) == ("PASS", "PROMOTED")
    assert recompute(record) is Verdict.PASS
    weights = [route.weight("m-2") for route in world.router.history]
    assert weights[:3] == [0, 1000, 5000]
    assert weights[-1] == 10_000
    assert world.router.route.state["phase"] == "PROMOTED"
    assert world.registry.aliases == {("m", "champion"): "2"}
    assert epochs(world) == sorted(set(epochs(world)))


def test_the_default_plan_promotes_in_well_under_a_minute():
    world = World(rate=500.0)
    world.behaviour["m-2"].wrong, world.behaviour["m-1"].wrong = 0.12, 0.15
    record = world.run(make_plan(Rollout()))
    assert record["verdict"] == "PASS"
    assert len(record["stages"]) == 5
    assert 10 < world.clock.elapsed < 60
    assert recompute(record) is Verdict.PASS


@pytest.mark.parametrize("kind", ["errors", "slow", "wrong"])
def test_a_bad_canary_is_taken_out(world, kind):
    metrics = {
        "errors": {},
        "slow": {"errors": None, "slow_answers": ERRORS},
        "wrong": {"errors": None, "wrong_answers": LABELS},
    }
    setattr(world.behaviour["m-2"], kind, 0.6)
    setattr(world.behaviour["m-1"], kind, 0.05)
    record = world.run(quick_plan(**metrics[kind]))
    assert (record["verdict"], record["phase"]) == ("FAIL", "ROLLED_BACK")
    assert world.weight() == 0
    assert world.router.route.state["phase"] == "ROLLED_BACK"
    assert world.registry.aliases["m", "champion"] == "1"
    assert recompute(record) is Verdict.FAIL


def test_a_canary_that_is_neither_good_nor_bad_is_held_and_rolled_back(world, plan):
    # Between the champion's rate and what PASS must exclude, and too little time to tell.
    world.behaviour["m-2"].errors, world.behaviour["m-1"].errors = 0.085, 0.06
    world.rate = 250.0
    record = world.run(replace(plan, max_hold_seconds=1.0))
    assert (record["verdict"], record["phase"]) == ("INSUFFICIENT", "ROLLED_BACK")
    assert "hold limit" in record["reason"]
    assert "holding" in [event["event"] for event in world.events]
    assert recompute(record) is Verdict.INSUFFICIENT


def test_the_deadline_ends_a_rollout_without_traffic(world, plan):
    world.rate = 0.0
    record = world.run(plan)
    assert record["verdict"] == "INSUFFICIENT"
    assert "deadline" in record["reason"]
    assert 60 <= world.clock.elapsed < 61


def test_a_first_model_gets_all_traffic_at_once(world, plan):
    world.router.route, world.registry.aliases = None, {}
    target = Target(model="m", canary=CANARY, stable=None)
    record = world.run(plan, target)
    assert (record["verdict"], record["phase"]) == ("PASS", "PROMOTED")
    assert record["stable"] is None
    assert "no champion to compare with" in record["reason"]
    assert world.weight() == 10_000
    assert world.registry.aliases == {("m", "champion"): "2"}
    assert world.run(plan, target)["verdict"] == "PASS"
    assert len(world.router.history) == 2


def test_events_tell_the_progress(world, plan):
    world.run(plan)
    kinds = [event["event"] for event in world.events]
    assert kinds[0] == "started"
    assert "stage" in kinds
    assert kinds[-1] == "promoted"
    look = next(event for event in world.events if event["event"] == "look")
    assert look["threshold"] == 20.0
    assert look["metrics"]["errors"]["stable"][0] > 0
    assert look["weight_percent"] == 10.0


def test_nobody_has_to_listen(world, plan):
    world.events = None
    assert world.run(plan)["verdict"] == "PASS"


def test_the_heart_beats_at_every_look_with_the_epoch(world, plan):
    record = world.run(plan)
    assert len(world.heartbeat.beats) == len(record["looks"])
    assert world.heartbeat.beats[0] == (record["rollout_id"], 1)
    assert world.heartbeat.beats[-1][1] > 1


def test_looks_keep_their_pace_however_long_they_take(world, plan):
    slow = world.metrics.counters

    def counters(deployment):
        world.clock.elapsed += 0.05
        return slow(deployment)

    world.metrics.counters = counters
    record = world.run(plan)
    steps = [b["t"] - a["t"] for a, b in zip(record["looks"], record["looks"][1:], strict=False)]
    assert steps == pytest.approx([0.25] * len(steps), abs=0.002)


def test_the_heart_goes_on_beating_while_the_sources_take_seconds(world, plan):
    counters, beat, beats = world.metrics.counters, world.heartbeat.beat, []

    def slow(deployment):
        world.clock.sleep(2.0)
        return counters(deployment)

    def noted(rollout_id, *, epoch):
        beats.append(world.clock.elapsed)
        beat(rollout_id, epoch=epoch)

    world.metrics.counters, world.heartbeat.beat = slow, noted
    world.run(plan)
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    assert max(gaps) <= 2.25  # one arm and a wait, of a time-out of 4 s


# Refusals


def test_it_refuses_without_a_ready_guard(world, plan):
    world.guard.is_ready = False
    with pytest.raises(BackendError, match="no guard is ready"):
        world.run(plan)
    assert world.weight() == 0
    assert len(world.router.history) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ready": False, "reason": "loading"}, "m-2 is not ready: loading"),
        ({"ready": False}, "not ready: no reason given"),
        ({"version": "9"}, "serves version '9', expected '2'"),
    ],
)
def test_it_refuses_unless_the_canary_is_ready(world, plan, changes, message):
    world.set_canary(**changes)
    with pytest.raises(BackendError, match=message):
        world.run(plan)
    assert len(world.router.history) == 1


def test_it_refuses_a_canary_that_does_not_exist(world, plan):
    world.deployments.running.pop("m-2")
    with pytest.raises(BackendError, match="m-2 does not exist"):
        world.run(plan)


@pytest.mark.parametrize("error", [OUTAGE, NoDataError("no pod")])
def test_it_refuses_when_metrics_do_not_answer(world, plan, error):
    world.metrics.faults = [error]
    with pytest.raises(BackendError, match="the metrics of m-2 do not answer"):
        world.run(plan)


def test_it_refuses_when_labels_do_not_answer(world):
    world.labels.faults = [None, OUTAGE]
    with pytest.raises(BackendError, match="the labels of m-1 do not answer"):
        world.run(quick_plan(wrong_answers=LABELS))


@pytest.mark.parametrize("weights", [{"m-1": 9000, "m-0": 1000}, {"m-2": 10_000}])
def test_it_refuses_unless_the_champion_has_all_traffic(world, plan, weights):
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    world.router.write(replace(world.router.route, backends=backends))
    with pytest.raises(BackendError, match="all traffic should be with m-1"):
        world.run(plan)


def test_it_refuses_to_replace_a_champion_as_a_first_model(world, plan):
    with pytest.raises(BackendError, match="all traffic should be with nobody"):
        world.run(plan, Target(model="m", canary=CANARY, stable=None))


def test_it_refuses_a_route_with_the_state_of_somebody_else(world, plan):
    world.router.write(replace(world.router.route, state={"owner": "argo"}))
    with pytest.raises(BackendError, match=r"not one of ours.*annotation headgate.dev/state"):
        world.run(plan)


def test_it_refuses_while_another_rollout_is_in_progress(world, plan):
    world.script = at(0.5, crash)
    with pytest.raises(RuntimeError):
        world.run(plan)
    other = Target(model="m", canary=replace(CANARY, version="3"), stable=STABLE)
    message = r"rollout .* of m-2 is PROGRESSING.*component roll_back: deployment m-2, version 2"
    with pytest.raises(BackendError, match=message):
        world.run(plan, other)
