"""The states that follow decisions."""

from dataclasses import replace

import pytest

from headgate.rollout import (
    Action,
    Decision,
    Phase,
    Verdict,
    absorb,
    follow,
    hold_from,
    promote_directly,
    resume,
)

from .conftest import START, fresh_state, pods, seen  # noqa: TID252 - tests have no package name


def decision(action, verdict=Verdict.INSUFFICIENT):
    return Decision(action=action, verdict=verdict, reason="because")


def seen_once(plan):
    state, _ = absorb(plan, fresh_state(plan), seen(1, canary=pods(30), stable=pods(270)))
    return state


def test_holding_changes_nothing(errors_plan):
    state = seen_once(errors_plan)
    assert follow(errors_plan, state, decision(Action.HOLD), now=START + 1) is state


def test_a_step_up_closes_the_stage_and_opens_the_next(errors_plan):
    state = follow(errors_plan, seen_once(errors_plan), decision(Action.ADVANCE), now=START + 1)
    assert (state.stage, state.weight, state.epoch) == (1, 5000, 2)
    assert state.phase is Phase.PROGRESSING
    assert state.stages[0].ended_at == START + 1
    assert state.stages[1].started_at == START + 1
    assert state.window_started_at == START + 1
    assert state.evidence["errors"].window_from == 30
    assert state.evidence["errors"].canary.exposures == 30


@pytest.mark.parametrize(
    ("action", "phase", "weight", "outcome"),
    [
        (Action.PROMOTE, Phase.PROMOTED, 10_000, "promoted"),
        (Action.ROLL_BACK, Phase.ROLLED_BACK, 0, "because"),
    ],
)
def test_an_end_is_written_with_its_reason(errors_plan, action, phase, weight, outcome):
    ended = follow(
        errors_plan, seen_once(errors_plan), decision(action, Verdict.FAIL), now=START + 2
    )
    assert (ended.phase, ended.weight, ended.epoch) == (phase, weight, 2)
    assert (ended.verdict, ended.reason) == (Verdict.FAIL, "because")
    assert ended.ended_at == START + 2
    assert ended.stages[-1].outcome == outcome


def test_the_hold_clock_starts_once(errors_plan):
    held = hold_from(seen_once(errors_plan), now=START + 3)
    assert (held.phase, held.holding_since, held.epoch) == (Phase.HOLDING, START + 3, 2)
    assert held.weight == 1000


def test_a_resumed_rollout_keeps_its_evidence_and_starts_a_new_window(errors_plan):
    state = replace(seen_once(errors_plan), missed_looks=1)
    resumed = resume(state, now=START + 10)
    assert resumed.evidence["errors"].canary == state.evidence["errors"].canary
    assert resumed.evidence["errors"].window_from == 30
    assert (resumed.window_started_at, resumed.epoch) == (START + 10, 2)
    assert resumed.stage == state.stage


def test_a_first_model_is_promoted_directly(errors_plan):
    state = promote_directly(fresh_state(errors_plan, stable=None))
    assert (state.phase, state.verdict, state.weight) == (Phase.PROMOTED, Verdict.PASS, 10_000)
    assert "no champion to compare with" in state.reason
    assert state.epoch == 1
