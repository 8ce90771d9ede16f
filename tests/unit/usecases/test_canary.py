"""Whole rollouts in a world in memory."""

from dataclasses import replace
from itertools import pairwise

import pytest

from headgate.errors import BackendError, DataError, NoDataError
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Verdict, make_plan, recompute, state_from_json
from headgate.usecases import Interrupted, Target, find_target, rollout_id
from headgate.usecases.watch import Watch

from .conftest import (  # noqa: TID252 - tests have no package name
    CANARY,
    ERRORS,
    LABELS,
    STABLE,
    World,
    quick_plan,
)

OUTAGE = BackendError("connection refused", retryable=True)


def epochs(world):
    """Epochs of all writes that carried a state."""
    return [route.state["epoch"] for route in world.router.history if route.state is not None]


def at(seconds, action):
    """Let something happen while the driver sleeps."""
    return [(seconds, action)]


def crash(_world):
    """The driver dies without any last act."""
    raise RuntimeError("killed")


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


# Faults under way


def test_no_data_holds_and_ends_at_the_deadline(world, plan):
    def outage(w):
        w.metrics.faults = [OUTAGE] * 10_000

    world.script = at(0.5, outage)
    record = world.run(plan)
    assert record["verdict"] == "INSUFFICIENT"
    assert len(record["stages"]) == 1


def test_a_short_outage_loses_no_evidence(world, plan):
    def outage(w):
        w.metrics.faults = [OUTAGE, NoDataError("silent")] * 2 + [None, OUTAGE]

    world.script = at(0.5, outage)
    record = world.run(plan)
    assert record["verdict"] == "PASS"
    exposures = record["metrics"]["errors"]["canary"]["exposures"]
    assert exposures == record["exposed_requests"]


def test_a_canary_that_dies_fails_although_nothing_was_counted(world, plan):
    def die(w):
        w.metrics.pods.pop("m-2")
        w.metrics.add = lambda *_args, **_named: None
        w.set_canary(ready=False, reason="exit code 137")

    world.script = at(0.5, die)
    record = world.run(plan)
    assert (record["verdict"], world.weight()) == ("FAIL", 0)
    assert "exit code 137" in record["reason"]
    assert recompute(record) is Verdict.FAIL


def test_a_canary_that_vanishes_fails(world, plan):
    world.script = at(0.5, lambda w: w.deployments.running.pop("m-2"))
    record = world.run(plan)
    assert record["verdict"] == "FAIL"
    assert "m-2 is gone" in record["reason"]


def test_a_restart_of_the_canary_fails(world, plan):
    world.script = at(0.5, lambda w: w.set_canary(restarts=1))
    record = world.run(plan)
    assert record["verdict"] == "FAIL"
    assert "restarted" in record["reason"]


def test_a_status_that_does_not_answer_is_not_held_against_the_canary(world, plan):
    world.script = at(0.5, lambda w: setattr(w.deployments, "faults", [OUTAGE] * 3))
    assert world.run(plan)["verdict"] == "PASS"


def test_labels_that_fall_silent_hold_the_rollout(world):
    def silent(w):
        w.labels.faults = [OUTAGE] * 10_000

    world.script = at(0.5, silent)
    record = world.run(quick_plan(wrong_answers=LABELS))
    assert record["verdict"] == "INSUFFICIENT"


def test_a_split_that_is_off_ends_the_rollout(world, plan):
    def leak(w):
        w.metrics.add("m-2", requests=400)

    world.script = [(1.0 + 0.25 * i, leak) for i in range(4)]
    record = world.run(replace(plan, min_stage_seconds=3.0))
    assert record["verdict"] == "INSUFFICIENT"
    assert record["reason"].startswith("split invalid")
    assert world.weight() == 0


def test_no_step_up_while_the_guard_is_away(world, plan):
    world.script = [
        (0.5, lambda w: setattr(w.guard, "is_ready", False)),
        (10.0, lambda w: setattr(w.guard, "faults", [OUTAGE])),
        (10.0, lambda w: setattr(w.guard, "is_ready", True)),
    ]
    record = world.run(plan)
    first = record["stages"][0]
    assert record["verdict"] == "PASS"
    assert first["ended_at"] >= "2025-06-15T15:06:50"


def test_no_step_up_while_the_heartbeat_is_not_heard(world, plan):
    world.script = at(0.5, lambda w: setattr(w.heartbeat, "faults", [OUTAGE] * 20))
    record = world.run(plan)
    assert record["verdict"] == "PASS"
    assert record["stages"][0]["ended_at"] >= "2025-06-15T15:06:45"


def test_a_route_that_cannot_be_read_for_a_while_is_waited_for(world, plan):
    world.script = at(0.5, lambda w: setattr(w.router, "faults", [OUTAGE] * 3))
    record = world.run(plan)
    assert record["verdict"] == "PASS"


def test_a_route_that_cannot_be_read_until_the_deadline_is_an_error(world, plan):
    world.script = at(0.5, lambda w: setattr(w.router, "faults", [OUTAGE] * 10_000))
    with pytest.raises(BackendError, match="connection refused"):
        world.run(plan)


@pytest.mark.parametrize("loss", ["faults", "lost_answers"])
@pytest.mark.parametrize("errors", [0.0, 0.9])
def test_a_write_whose_answer_is_lost_is_found_or_repeated(world, plan, loss, errors):
    world.behaviour["m-2"].errors = errors
    world.router.lost_answers = [None]

    def lose(w):
        pattern = [None, OUTAGE] if loss == "faults" else [OUTAGE]
        setattr(w.router, loss, pattern * 4)

    world.script = at(0.1, lose)
    record = world.run(plan)
    assert record["verdict"] == ("FAIL" if errors else "PASS")
    assert world.weight() == (0 if errors else 10_000)
    assert epochs(world) == sorted(set(epochs(world)))


def test_a_driver_that_cannot_write_its_roll_back_stops_its_heart(world, plan):
    world.behaviour["m-2"].errors = 0.9

    def read_only(w):
        w.router.faults = [None, OUTAGE] * 24
        w.script = [(0.25 * i, World.guard_looks) for i in range(2, 60)]

    world.script = at(0.0, read_only)
    record = world.run(plan)
    assert record["phase"] == "ROLLED_BACK"
    assert record["verdict"] == "FAIL"
    assert recompute(record) is Verdict.FAIL
    assert world.weight() == 0


def test_the_guard_ends_a_rollout_and_the_driver_reports_it(world, plan):
    def guard_acts(w):
        w.beat_at, w.seen_beats = -100.0, len(w.heartbeat.beats)
        w.guard_looks()

    world.script = at(0.5, guard_acts)
    record = world.run(plan)
    assert (record["verdict"], record["phase"]) == ("INSUFFICIENT", "ROLLED_BACK")
    assert record["reason"].startswith("guard: no heartbeat")
    assert world.events[-1]["event"] == "rolled_back"


def rewrite(**weights):
    """A foreign write of the weights."""

    def act(w):
        backends = tuple(
            Backend(deployment=name.replace("_", "-"), weight=weight)
            for name, weight in weights.items()
        )
        w.router.write(replace(w.router.route, backends=backends))

    return act


def test_a_foreign_write_of_the_weights_is_contested(world, plan):
    world.script = at(0.5, rewrite(m_1=7000, m_2=3000))
    record = world.run(plan)
    assert (record["verdict"], record["phase"]) == ("INSUFFICIENT", "CONTESTED")
    assert world.weight() == 3000
    assert world.router.route.state["phase"] == "CONTESTED"
    assert world.events[-1]["event"] == "contested"
    again = world.run(plan)
    assert again["phase"] == "CONTESTED"


def test_a_contested_route_without_its_canary_is_free_again(world, plan):
    world.script = at(0.5, rewrite(m_1=10_000))
    assert world.run(plan)["phase"] == "CONTESTED"
    other = Target(model="m", canary=CANARY, stable=STABLE, run_id="r2")
    assert world.run(plan, other)["phase"] == "PROMOTED"


def test_a_contested_route_of_another_rollout_blocks_until_its_canary_is_gone(world, plan):
    world.script = at(0.5, rewrite(m_1=7000, m_2=3000))
    world.run(plan)
    other = replace(plan, min_stage_seconds=0.5)
    with pytest.raises(BackendError, match="is CONTESTED"):
        world.run(other)
    rewrite(m_1=10_000)(world)
    assert world.run(other)["phase"] == "PROMOTED"


@pytest.mark.parametrize("state", [None, {"owner": "argo"}])
def test_a_foreign_write_of_the_state_is_contested_and_left_alone(world, plan, state):
    def overwrite(w):
        w.router.write(replace(w.router.route, state=state))

    world.script = at(0.5, overwrite)
    assert world.run(plan)["phase"] == "CONTESTED"
    assert world.router.route.state == state


def test_a_route_that_vanishes_is_contested(world, plan):
    world.script = at(0.5, lambda w: setattr(w.router, "route", None))
    assert world.run(plan)["phase"] == "CONTESTED"
    assert world.router.route is None


def test_a_contested_route_that_cannot_be_written_is_still_reported(world, plan):
    def contested_and_down(w):
        rewrite(m_1=7000, m_2=3000)(w)
        w.router.faults = [None, OUTAGE]

    world.script = at(0.5, contested_and_down)
    assert world.run(plan)["phase"] == "CONTESTED"
    assert world.router.route.state["phase"] == "PROGRESSING"


def test_a_second_driver_stops_the_first(world, plan):
    def second(w):
        state = state_from_json(w.router.route.state)
        resumed = replace(state, epoch=state.epoch + 1, window_started_at=w.clock.now())
        w.router.write(replace(w.router.route, state=resumed.to_json()))

    world.script = at(0.5, second)
    assert world.run(plan)["phase"] == "CONTESTED"
    assert world.weight() == 1000
    assert world.router.route.state["phase"] == "PROGRESSING"


def test_a_second_driver_and_a_foreign_write_leave_the_state_to_the_second(world, plan):
    def both(w):
        state = state_from_json(w.router.route.state)
        resumed = replace(state, epoch=state.epoch + 1)
        w.router.write(replace(w.router.route, state=resumed.to_json()))
        rewrite(m_1=7000, m_2=3000)(w)

    world.script = at(0.5, both)
    assert world.run(plan)["phase"] == "CONTESTED"
    assert world.router.route.state["phase"] == "PROGRESSING"


def test_a_touch_that_changes_neither_weights_nor_state_is_no_conflict(world, plan):
    world.script = at(0.5, lambda w: w.router.write(w.router.route))
    assert world.run(plan)["phase"] == "PROMOTED"


def test_a_look_without_a_champion_knows_nothing_of_it(world, plan):
    watch = Watch(
        metrics=world.metrics,
        labels=world.labels,
        deployments=world.deployments,
        clock=world.clock,
    )
    seen = watch.look(plan, canary=CANARY, stable=None)
    assert seen.stable.pods is None
    assert seen.canary.pods


# Resuming


def test_a_killed_driver_is_followed_by_one_that_keeps_the_evidence(world):
    plan = quick_plan(min_stage_seconds=2.0)
    world.script = at(2.5, crash)
    with pytest.raises(RuntimeError):
        world.run(plan)
    before = state_from_json(world.router.route.state)
    assert (before.stage, world.weight()) == (1, 5000)
    began = world.clock.elapsed
    record = world.run(plan)
    assert record["verdict"] == "PASS"
    assert world.clock.elapsed - began >= 2.0
    assert record["carried"]["metrics"]["errors"]["canary"]["exposures"] > 0
    exposures = record["metrics"]["errors"]["canary"]["exposures"]
    assert exposures == record["exposed_requests"]
    assert recompute(record) is Verdict.PASS
    assert epochs(world) == sorted(set(epochs(world)))


def test_a_resumed_rollout_without_a_guard_is_taken_out(world, plan):
    world.script = at(0.5, crash)
    with pytest.raises(RuntimeError):
        world.run(plan)
    world.guard.is_ready = False
    with pytest.raises(BackendError, match="no guard"):
        world.run(plan)
    assert world.weight() == 0
    assert world.router.route.state["reason"].startswith("the driver failed: no guard is ready")


def test_a_foreign_write_between_two_drivers_is_contested(world, plan):
    world.script = at(0.5, crash)
    with pytest.raises(RuntimeError):
        world.run(plan)
    rewrite(m_1=7000, m_2=3000)(world)
    assert world.run(plan)["phase"] == "CONTESTED"


def test_a_retry_reports_a_rolled_back_rollout_and_another_run_starts_anew(world, plan):
    world.behaviour["m-2"].errors = 0.9
    failed = world.run(plan)
    writes = len(world.router.history)
    retried = world.run(plan)
    assert (retried["verdict"], retried["reason"]) == ("FAIL", failed["reason"])
    assert len(world.router.history) == writes
    assert recompute(retried) is Verdict.FAIL
    world.behaviour["m-2"].errors = 0.0
    anew = world.run(plan, Target(model="m", canary=CANARY, stable=STABLE, run_id="r2"))
    assert anew["verdict"] == "PASS"
    assert anew["carried"] is None
    assert epochs(world) == sorted(set(epochs(world)))


def test_after_the_commit_the_aliases_only_roll_forward(world, plan):
    world.registry.faults = [OUTAGE]
    with pytest.raises(BackendError, match="connection refused"):
        world.run(plan)
    assert world.weight() == 10_000
    assert world.registry.aliases["m", "champion"] == "1"
    again = world.run(plan)
    assert (again["verdict"], again["phase"]) == ("PASS", "PROMOTED")
    assert world.registry.aliases == {("m", "champion"): "2"}
    assert recompute(again) is Verdict.PASS


def test_another_candidate_keeps_its_alias(world, plan):
    world.registry.register("m", "3")
    world.registry.set_alias("m", "candidate", "3")
    world.run(plan)
    assert world.registry.aliases == {("m", "champion"): "2", ("m", "candidate"): "3"}


# Interruptions


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, Interrupted])
def test_an_interrupted_driver_takes_the_canary_out_first(world, plan, interruption):
    def interrupt(_world):
        raise interruption

    world.script = at(1.3, interrupt)
    with pytest.raises(interruption):
        world.run(plan)
    assert world.weight() == 0
    state = state_from_json(world.router.route.state)
    assert (state.phase.value, state.reason) == ("ROLLED_BACK", "interrupted")
    assert state.evidence["errors"].canary.exposures > 0
    assert world.events[-1]["event"] == "rolled_back"


def test_an_interruption_in_the_middle_of_a_write_is_cleaned_up(world, plan):
    world.router.lost_answers = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.run(plan)
    assert world.weight() == 0
    assert world.router.route.state["phase"] == "ROLLED_BACK"


def test_an_interruption_is_cleaned_up_in_a_few_attempts(world, plan):
    def interrupt(w):
        w.router.faults = [OUTAGE, OUTAGE]
        raise KeyboardInterrupt

    world.script = at(0.5, interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.run(plan)
    assert world.weight() == 0


def test_an_interrupted_driver_leaves_the_rest_to_the_guard(world, plan):
    def interrupt(w):
        w.router.faults = [OUTAGE] * 3
        raise KeyboardInterrupt

    world.script = at(0.5, interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.run(plan)
    assert world.weight() == 1000
    world.clock.elapsed += 100
    world.guard_looks()
    world.clock.elapsed += 100
    world.guard_looks()
    assert world.weight() == 0


def test_an_interruption_after_the_commit_changes_nothing(world, plan):
    def interrupt(event):
        if event["event"] == "promoted":
            raise KeyboardInterrupt

    world.events = _Listener(interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.run(plan)
    assert world.weight() == 10_000


class _Listener:
    """Something with `append`, as the world's list of events."""

    def __init__(self, hear):
        self.append = hear


def test_data_that_break_their_contract_end_the_rollout(world, plan):
    world.script = at(0.5, lambda w: setattr(w.metrics, "faults", [DataError("no such bucket")]))
    with pytest.raises(DataError, match="no such bucket"):
        world.run(plan)
    assert world.weight() == 0
    assert world.router.route.state["reason"] == "the driver failed: no such bucket"


# Targets


def target_of(world, canary=CANARY):
    return find_target("m", canary, router=world.router, deployments=world.deployments, run_id="r1")


def test_the_champion_is_who_has_all_the_traffic(world):
    assert target_of(world) == Target(model="m", canary=CANARY, stable=STABLE, run_id="r1")


def test_there_is_no_champion_without_a_route_or_when_the_canary_has_it_all(world):
    assert target_of(world, STABLE).stable is None
    world.router.route = None
    assert target_of(world).stable is None


def test_a_retry_finds_the_same_target_until_the_rollout_is_rolled_back(world, plan):
    world.run(plan)
    assert target_of(world).stable == STABLE
    world.behaviour["m-2"].errors = 0.0
    assert target_of(world, replace(CANARY, deployment="m-3", version="3")).stable == CANARY


def test_no_champion_can_be_named_in_a_split_or_when_it_does_not_run(world):
    world.deployments.running.pop("m-1")
    with pytest.raises(BackendError, match="m-1 does not run"):
        target_of(world)
    rewrite(m_1=9000, m_2=1000)(world)
    with pytest.raises(BackendError, match="no deployment has all the traffic"):
        target_of(world)


@pytest.mark.parametrize("share", [10_000, 3000])
def test_traffic_of_a_backend_that_is_not_ours_must_be_moved_by_its_owner(world, share):
    backends = (
        Backend(deployment="service/page", weight=share),
        Backend(deployment="m-1", weight=10_000 - share),
    )
    world.router.write(replace(world.router.route, backends=backends))
    message = r"backendRef of your own \(service/page\) has traffic.*yourself first"
    with pytest.raises(BackendError, match=message):
        target_of(world)


def test_the_rollout_is_named_by_what_it_does(plan):
    target = Target(model="m", canary=CANARY, stable=STABLE)
    assert rollout_id(plan, target) == rollout_id(plan, replace(target, run_id="x"))
    assert rollout_id(plan, target) != rollout_id(plan, replace(target, stable=None))
    assert len(rollout_id(plan, target)) == 16


def test_backends_of_somebody_else_stay(world, plan):
    route = world.router.route
    page = Backend(deployment="service/page", weight=0)
    world.router.write(replace(route, backends=(*route.backends, page)))
    world.behaviour["service/page"] = world.behaviour["m-1"]
    world.run(plan)
    assert page in world.router.route.backends


def test_routes_know_the_weight_of_a_stranger():
    assert Route(revision="1", backends=()).weight("nobody") == 0
