"""Guards, foreign writes, second drivers and interruptions."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError, DataError
from headgate.rollout import Verdict, recompute, state_from_json
from headgate.usecases import Interrupted, Target
from headgate.usecases.watch import Watch

from .conftest import (  # noqa: TID252 - tests have no package name
    CANARY,
    OUTAGE,
    STABLE,
    at,
    crash,
    epochs,
    quick_plan,
    rewrite,
)


def test_the_guard_ends_a_rollout_and_the_driver_reports_it(world, plan):
    def guard_acts(w):
        w.beat_at, w.seen_beats = -100.0, len(w.heartbeat.beats)
        w.guard_looks()

    world.script = at(0.5, guard_acts)
    record = world.run(plan)
    assert (record["verdict"], record["phase"]) == ("INSUFFICIENT", "ROLLED_BACK")
    assert record["reason"].startswith("guard: no heartbeat")
    assert world.events[-1]["event"] == "rolled_back"


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
