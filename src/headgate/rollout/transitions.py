"""The states that follow a decision. Each goes with one write of the weights."""

from dataclasses import replace
from typing import assert_never

from headgate.rollout.decide import Action, Decision
from headgate.rollout.plan import WEIGHT_PARTS, Plan
from headgate.rollout.state import Phase, StageRecord, State, Verdict


def follow(plan: Plan, state: State, decision: Decision, *, now: float) -> State:
    """Work out the state after a decision that changes the weights.

    Args:
        plan: The plan.
        state: The state so far.
        decision: ADVANCE, PROMOTE or ROLL_BACK; HOLD changes nothing.
        now: Seconds since 1970.

    Returns:
        The new state; its epoch is one higher if anything changed.
    """
    match decision.action:
        case Action.HOLD:
            return state
        case Action.ADVANCE:
            return _advance(plan, state, now)
        case Action.PROMOTE:
            return finish(
                state,
                phase=Phase.PROMOTED,
                verdict=decision.verdict,
                reason=decision.reason,
                now=now,
            )
        case Action.ROLL_BACK:
            return finish(
                state,
                phase=Phase.ROLLED_BACK,
                verdict=decision.verdict,
                reason=decision.reason,
                now=now,
            )
        case _:
            assert_never(decision.action)


def finish(state: State, *, phase: Phase, verdict: Verdict, reason: str, now: float) -> State:
    """End a rollout, or mark it as contested.

    Args:
        state: The state so far.
        phase: PROMOTED, ROLLED_BACK or CONTESTED.
        verdict: What the evidence says.
        reason: Why, for people.
        now: Seconds since 1970.

    Returns:
        The state with its last stage closed and the epoch one higher.
    """
    outcome = reason if phase is not Phase.PROMOTED else "promoted"
    return replace(
        state,
        phase=phase,
        verdict=verdict,
        reason=reason,
        epoch=state.epoch + 1,
        ended_at=now,
        stages=_closed(state.stages, now=now, outcome=outcome),
    )


def promote_directly(state: State) -> State:
    """Give a first model all traffic: there is no champion that it could be compared with.

    Args:
        state: A fresh state without a champion.

    Returns:
        The state of the one write that promotes it.
    """
    now = state.started_at
    return replace(
        state,
        phase=Phase.PROMOTED,
        verdict=Verdict.PASS,
        reason="no champion to compare with: the first model gets all traffic",
        ended_at=now,
        stages=(
            StageRecord(
                weight=WEIGHT_PARTS, started_at=now, ended_at=now, outcome="promoted directly"
            ),
        ),
    )


def hold_from(state: State, *, now: float) -> State:
    """Start the clock of the hold limit.

    Args:
        state: A state at the last split stage with a full window.
        now: Seconds since 1970.

    Returns:
        The state in phase HOLDING, epoch one higher; the weights stay.
    """
    return replace(state, phase=Phase.HOLDING, holding_since=now, epoch=state.epoch + 1)


def resume(state: State, *, now: float) -> State:
    """Go on where another driver stopped: all evidence counts, the window begins anew.

    Args:
        state: The recorded state.
        now: Seconds since 1970.

    Returns:
        The state with a fresh window and the epoch one higher.
    """
    return replace(_new_window(state, now=now), epoch=state.epoch + 1)


def _advance(plan: Plan, state: State, now: float) -> State:
    stage = state.stage + 1
    closed = _closed(state.stages, now=now, outcome="floors reached, nothing crossed")
    return replace(
        _new_window(state, now=now),
        stage=stage,
        epoch=state.epoch + 1,
        verdict=Verdict.INSUFFICIENT,
        reason=f"stage {stage + 1} of {len(plan.weights)}",
        stages=(*closed, StageRecord(weight=plan.weights[stage], started_at=now)),
    )


def _new_window(state: State, *, now: float) -> State:
    evidence = {
        name: replace(value, window_from=value.canary.exposures)
        for name, value in state.evidence.items()
    }
    return replace(state, window_started_at=now, evidence=evidence)


def _closed(
    stages: tuple[StageRecord, ...], *, now: float, outcome: str
) -> tuple[StageRecord, ...]:
    return (*stages[:-1], replace(stages[-1], ended_at=now, outcome=outcome))
