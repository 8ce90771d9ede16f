"""Faults while a rollout is under way."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError, NoDataError
from headgate.rollout import Verdict, recompute

from .conftest import (  # noqa: TID252 - tests have no package name
    LABELS,
    OUTAGE,
    World,
    at,
    epochs,
    quick_plan,
)


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
