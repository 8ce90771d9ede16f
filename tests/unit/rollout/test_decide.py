"""What is decided, and in which order."""

from dataclasses import replace
from math import exp

import pytest

from headgate.rollout import (
    Action,
    Health,
    Look,
    Phase,
    Verdict,
    absorb,
    decide,
    follow,
    is_holding,
    split_log_evidence,
    standing,
    unmet_floors,
)
from headgate.rollout.state import MetricEvidence

from .conftest import START, fresh_state, pods, seen, small_plan  # noqa: TID252 - tests have no package name


@pytest.fixture
def plan():
    return small_plan(warm_up_seconds=0.0)


def looked(plan, state, seconds, *, canary, stable, **others):
    """Absorb a look; return the state and the decision."""
    state, look = absorb(plan, state, seen(seconds, canary=canary, stable=stable, **others))
    return state, look, decide(plan, state, look)


def last_stage(plan):
    """A state at the last stage, its first stage full and without bad events."""
    state, _, decision = looked(
        plan,
        fresh_state(plan),
        5,
        canary=pods(100),
        stable=pods(900),
        canary_labels=(100, 10),
        stable_labels=(900, 100),
    )
    assert decision.action is Action.ADVANCE
    return follow(plan, state, decision, now=START + 5)


def test_nothing_seen_is_no_evidence(errors_plan):
    judged = standing(errors_plan, MetricEvidence())
    assert judged.verdict is Verdict.INSUFFICIENT
    assert judged.log_harm == pytest.approx(0.0, abs=1e-12)
    assert judged.log_good == pytest.approx(0.0, abs=1e-12)


def test_many_errors_fail_at_once(errors_plan):
    _, _, decision = looked(
        errors_plan,
        fresh_state(errors_plan),
        0.25,
        canary=pods(20, errors=10),
        stable=pods(180, errors=2),
    )
    assert decision.action is Action.ROLL_BACK
    assert decision.verdict is Verdict.FAIL
    assert decision.reason.startswith("errors: 10 of 20 at the canary, 2 of 180 at the champion")


def test_more_errors_than_the_champion_but_below_the_floor_are_no_harm(errors_plan):
    # 40 of 1,000 is far above the champion's rate and below the floor of 5 %.
    state, _, decision = looked(
        errors_plan,
        fresh_state(errors_plan),
        0.25,
        canary=pods(1000, errors=40),
        stable=pods(9000, errors=9),
    )
    judged = standing(errors_plan, state.evidence["errors"])
    assert exp(judged.log_harm_ratio) > errors_plan.threshold
    assert judged.log_harm < errors_plan.log_threshold
    assert decision.action is Action.HOLD


def test_a_stage_waits_for_seconds_and_exposures(errors_plan):
    _, _, decision = looked(
        errors_plan, fresh_state(errors_plan), 0.25, canary=pods(1), stable=pods(9)
    )
    assert decision.action is Action.HOLD
    assert decision.reason == "0.2 of 1 s; errors: 1 of 12 canary exposures"


def test_a_full_window_is_permission_to_go_on_not_pass(errors_plan):
    _, _, decision = looked(
        errors_plan, fresh_state(errors_plan), 1, canary=pods(30), stable=pods(270)
    )
    assert decision.action is Action.ADVANCE
    assert decision.verdict is Verdict.INSUFFICIENT


def test_a_fresh_window_needs_the_stages_own_exposures(errors_plan):
    state = last_stage(errors_plan)
    first, last = errors_plan.metrics[0].exposure_floors
    evidence = {"errors": replace(state.evidence["errors"], window_from=100)}
    needed = max(last, 100 + last - first)
    assert unmet_floors(errors_plan, replace(state, evidence=evidence), now=START + 9) == [
        f"errors: 100 of {needed} canary exposures"
    ]


def test_good_evidence_at_the_last_stage_promotes(errors_plan):
    _, _, decision = looked(
        errors_plan, last_stage(errors_plan), 9, canary=pods(600), stable=pods(1400)
    )
    assert decision.action is Action.PROMOTE
    assert decision.verdict is Verdict.PASS


def test_good_evidence_at_an_earlier_stage_only_advances(errors_plan):
    _, _, decision = looked(
        errors_plan, fresh_state(errors_plan), 9, canary=pods(600), stable=pods(5400)
    )
    assert decision.action is Action.ADVANCE


def test_every_metric_must_pass(plan):
    state, look, decision = looked(
        plan,
        last_stage(plan),
        9,
        canary=pods(700),
        stable=pods(1500),
        canary_labels=(600, 60),
        stable_labels=(1400, 160),
    )
    assert decision.action is Action.HOLD
    assert decision.reason == "not yet below its limit: wrong answers"
    assert is_holding(plan, state, look)
    assert not is_holding(plan, replace(state, phase=Phase.HOLDING), look)


def test_the_hold_limit_and_the_deadline_end_the_wait(plan):
    state, look, _ = looked(
        plan,
        last_stage(plan),
        9,
        canary=pods(700),
        stable=pods(1500),
        canary_labels=(600, 60),
        stable_labels=(1400, 160),
    )
    holding = replace(state, phase=Phase.HOLDING, holding_since=START + 9)
    assert decide(plan, holding, look).action is Action.HOLD
    late = decide(plan, holding, replace(look, at=START + 29))
    assert (late.action, late.verdict) == (Action.ROLL_BACK, Verdict.INSUFFICIENT)
    assert "hold limit of 20 s" in late.reason
    later = decide(plan, state, replace(look, at=START + 60))
    assert (later.action, later.verdict) == (Action.ROLL_BACK, Verdict.INSUFFICIENT)
    assert "deadline" in later.reason


def test_a_broken_canary_fails(errors_plan):
    state = replace(fresh_state(errors_plan), broken="the canary's server restarted")
    _, _, decision = looked(errors_plan, state, 1, canary=pods(30), stable=pods(270))
    assert (decision.action, decision.verdict) == (Action.ROLL_BACK, Verdict.FAIL)
    assert decision.reason == "the canary's server restarted"


def test_a_wrong_split_is_invalid_evidence(errors_plan):
    state = replace(fresh_state(errors_plan), counted_at=START + 1)
    state, _, decision = looked(errors_plan, state, 2, canary=pods(300), stable=pods(700))
    assert split_log_evidence(errors_plan, state) > 6.9
    assert (decision.action, decision.verdict) == (Action.ROLL_BACK, Verdict.INVALID)
    assert decision.reason.startswith("split invalid: 300 of 1000 requests reached the canary")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"canary": None, "stable": None}, "metrics (unknown)"),
        ({"canary": (), "stable": pods(400)}, "metrics (silent)"),
        ({"canary": pods(600), "stable": pods(1400), "canary_labels": None}, "labels"),
    ],
)
def test_no_data_is_not_good_data(plan, changes, reason):
    _, _, decision = looked(plan, last_stage(plan), 9, **changes)
    assert decision.action is Action.HOLD
    assert decision.reason == f"no data is not good data: {reason}"


def test_a_metric_that_is_not_good_enough_yet_holds_at_the_last_stage(errors_plan):
    state, look, decision = looked(
        errors_plan,
        last_stage(errors_plan),
        9,
        canary=pods(350, errors=24),
        stable=pods(1150, errors=20),
    )
    assert decision.action is Action.HOLD
    assert decision.reason == "not yet below its limit: errors"
    assert is_holding(errors_plan, state, look)


def test_an_outage_at_the_last_stage_does_not_promote(errors_plan):
    state, _, decision = looked(
        errors_plan, last_stage(errors_plan), 9, canary=pods(600), stable=pods(1400)
    )
    assert decision.action is Action.PROMOTE
    blind = Look(
        at=START + 9,
        stage=1,
        weight=5000,
        health=Health.UNKNOWN,
        labels_known=True,
        increments={},
    )
    assert decide(errors_plan, state, blind).action is Action.HOLD


def test_the_split_evidence_covers_all_stages(errors_plan):
    assert split_log_evidence(errors_plan, last_stage(errors_plan)) == pytest.approx(0, abs=1e-9)
