"""Decide what to do after a look. Pure: the same plan, state and look give the same decision."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from headgate.rollout.absorb import Health, Look
from headgate.rollout.plan import WEIGHT_PARTS, MetricPlan, Plan
from headgate.rollout.state import MetricEvidence, Phase, State, Verdict
from headgate.stats.sample_ratio import (
    rollout_log_e_value,
    split_is_invalid,
    split_log_e_value,
)
from headgate.stats.sequential import log_e_value, log_mean_e_value


class Action(Enum):
    """What the driver does next."""

    HOLD = "HOLD"
    ADVANCE = "ADVANCE"
    PROMOTE = "PROMOTE"
    ROLL_BACK = "ROLL_BACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, what the evidence says so far, and why."""

    action: Action
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStanding:
    """Where the evidence on one metric stands; natural logarithms of e-values."""

    verdict: Verdict
    log_harm_ratio: float  # against "canary / champion rate <= tolerated_ratio"
    log_harm_floor: float  # against "canary rate <= absolute_floor"
    log_good: float  # against "canary rate >= max(max_ratio x champion rate, absolute_floor)"

    @property
    def log_harm(self) -> float:
        """Evidence of harm: both tests must cross, so the smaller one counts."""
        return min(self.log_harm_ratio, self.log_harm_floor)


def standing(plan: Plan, evidence: MetricEvidence) -> MetricStanding:
    """Judge one metric at its share of alpha.

    FAIL if both tests of harm cross (an intersection-union test, which needs no correction; Berger
    1982, doi:10.1080/00401706.1982.10487790); PASS if the mean of the two tests of good crosses.

    Args:
        plan: The plan.
        evidence: The metric's evidence.

    Returns:
        The verdict and the e-values behind it.
    """
    ratio_up, floor_up, ratio_down, floor_down = (
        float(log_e_value(np.array(sums)))
        for sums in (
            evidence.ratio_up,
            evidence.floor_up,
            evidence.ratio_down,
            evidence.floor_down,
        )
    )
    good = float(log_mean_e_value(ratio_down, floor_down))
    if min(ratio_up, floor_up) >= plan.log_threshold:
        verdict = Verdict.FAIL
    elif good >= plan.log_threshold:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.INSUFFICIENT
    return MetricStanding(
        verdict=verdict, log_harm_ratio=ratio_up, log_harm_floor=floor_up, log_good=good
    )


def split_log_evidence(plan: Plan, state: State) -> float:
    """Measure the evidence that the proxy does not split as told, over all stages.

    Args:
        plan: The plan.
        state: The state.

    Returns:
        Log e-value.
    """
    logs = [
        split_log_e_value(
            record.split_canary,
            record.split_stable,
            canary_share=record.weight / WEIGHT_PARTS,
        )
        for record in state.stages
        if 0 < record.weight < WEIGHT_PARTS  # all or nothing is no split
    ]
    return rollout_log_e_value(logs, stages=len(plan.weights))


def decide(plan: Plan, state: State, look: Look) -> Decision:
    """Decide after a look that `absorb` took into the state.

    In this order: harm, a broken canary and an invalid split roll back; evidence for PASS at the
    last split stage promotes; the deadline and the hold limit roll back; a source that is down
    holds; a full window at an earlier stage advances.

    Args:
        plan: The plan.
        state: The state with the look in it.
        look: The look.

    Returns:
        The decision. Its verdict is INSUFFICIENT unless the rollout ends: a stage whose floors are
        reached is permission to go on, not PASS.
    """
    return (
        _stop(plan, state)
        or _promote(plan, state, look)
        or _time_out(state, look.at)
        or _hold(plan, state, look)
        or _advance(plan, state)
    )


def unmet_floors(plan: Plan, state: State, *, now: float) -> list[str]:
    """List what the present stage still needs before a step up.

    A full window is `min_stage_seconds` and, for each metric, the stage's share of the exposures
    since the window began, on top of the cumulative floor.

    Args:
        plan: The plan.
        state: The state.
        now: Seconds since 1970.

    Returns:
        One phrase per unmet floor; empty if the window is full.
    """
    seconds = now - state.window_started_at
    unmet = []
    if seconds < plan.min_stage_seconds:
        unmet.append(f"{seconds:.1f} of {plan.min_stage_seconds:g} s")
    for metric in plan.metrics:
        evidence = state.evidence[metric.name]
        needed = max(
            metric.exposure_floors[state.stage],
            evidence.window_from + _stage_share(metric, state.stage),
        )
        if evidence.canary.exposures < needed:
            name = metric.name.replace("_", " ")
            unmet.append(f"{name}: {evidence.canary.exposures} of {needed} canary exposures")
    return unmet


def _stage_share(metric: MetricPlan, stage: int) -> int:
    floors = (0, *metric.exposure_floors)
    return floors[stage + 1] - floors[stage]


def _stop(plan: Plan, state: State) -> Decision | None:
    for metric in plan.metrics:
        evidence = state.evidence[metric.name]
        if standing(plan, evidence).verdict is Verdict.FAIL:
            return _roll_back(Verdict.FAIL, _harm_reason(plan, metric, evidence))
    if state.broken:
        return _roll_back(Verdict.FAIL, state.broken)
    if split_is_invalid(split_log_evidence(plan, state)):
        record = state.stages[-1]
        return _roll_back(
            Verdict.INVALID,
            f"split invalid: {record.split_canary} of {record.split_canary + record.split_stable} "
            f"requests reached the canary at a weight of {record.weight / 100:g} %",
        )
    return None


def _harm_reason(plan: Plan, metric: MetricPlan, evidence: MetricEvidence) -> str:
    name = metric.name.replace("_", " ")
    canary, stable = evidence.canary, evidence.stable
    return (
        f"{name}: {canary.bad} of {canary.exposures} at the canary, {stable.bad} of "
        f"{stable.exposures} at the champion (evidence of harm above {plan.threshold:g})"
    )


def _promote(plan: Plan, state: State, look: Look) -> Decision | None:
    if state.stage < plan.last_stage or not _sources_answer(look):
        return None
    if unmet_floors(plan, state, now=look.at):
        return None
    verdicts = [standing(plan, state.evidence[metric.name]).verdict for metric in plan.metrics]
    if any(verdict is not Verdict.PASS for verdict in verdicts):
        return None
    return Decision(
        action=Action.PROMOTE,
        verdict=Verdict.PASS,
        reason=f"every metric is below its limit (evidence above {plan.threshold:g})",
    )


def _time_out(state: State, now: float) -> Decision | None:
    if now >= state.deadline_at:
        return _roll_back(Verdict.INSUFFICIENT, "the deadline of the rollout passed")
    if state.holding_since is not None and now >= state.holding_since + state.max_hold_seconds:
        return _roll_back(
            Verdict.INSUFFICIENT,
            f"no PASS within the hold limit of {state.max_hold_seconds:g} s at the last stage",
        )
    return None


def _hold(plan: Plan, state: State, look: Look) -> Decision | None:
    if not _sources_answer(look):
        down = "labels" if look.health is Health.ANSWERS else f"metrics ({look.health.value})"
        return _wait(f"no data is not good data: {down}")
    unmet = unmet_floors(plan, state, now=look.at)
    return _wait("; ".join(unmet)) if unmet else None


def _advance(plan: Plan, state: State) -> Decision:
    if state.stage < plan.last_stage:
        return Decision(
            action=Action.ADVANCE,
            verdict=Verdict.INSUFFICIENT,
            reason="the stage's floors are reached and nothing has crossed",
        )
    names = [
        metric.name.replace("_", " ")
        for metric in plan.metrics
        if standing(plan, state.evidence[metric.name]).verdict is not Verdict.PASS
    ]
    return _wait(f"not yet below its limit: {', '.join(names)}")


def _sources_answer(look: Look) -> bool:
    return look.health is Health.ANSWERS and look.labels_known


def _wait(reason: str) -> Decision:
    return Decision(action=Action.HOLD, verdict=Verdict.INSUFFICIENT, reason=reason)


def _roll_back(verdict: Verdict, reason: str) -> Decision:
    return Decision(action=Action.ROLL_BACK, verdict=verdict, reason=reason)


def is_holding(plan: Plan, state: State, look: Look) -> bool:
    """Tell whether the rollout waits for PASS only: the hold limit runs.

    Args:
        plan: The plan.
        state: The state.
        look: The look.

    Returns:
        True at the last split stage with a full window.
    """
    last = state.stage == plan.last_stage and state.phase is Phase.PROGRESSING
    return last and not unmet_floors(plan, state, now=look.at)
