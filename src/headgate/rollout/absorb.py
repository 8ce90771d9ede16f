"""Take one look into the state: count what is new, update the e-processes. Decides nothing."""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from headgate.rollout.counters import Answers, new_answers, new_labels
from headgate.rollout.observation import Observation
from headgate.rollout.plan import MetricName, MetricPlan, Plan
from headgate.rollout.state import ArmCounts, MetricEvidence, StageRecord, State
from headgate.stats.sequential import Counts, Direction, floor_increment, ratio_increment

# A look that took this many look intervals met a machine or a source that hardly answered: the arms
# are scraped one after the other, so it may hold seconds more of one of them.
LONGEST_SPLIT_LOOK = 4


class Health(Enum):
    """What the look says about the canary's servers."""

    ANSWERS = "answers"
    SILENT = "silent"  # not ready or not scraped, while the champion answers
    RESTARTED = "restarted"
    UNKNOWN = "unknown"  # no source, or no champion either: nobody's fault that we can name


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """What one look added to one metric."""

    canary: ArmCounts = field(default_factory=ArmCounts)
    stable: ArmCounts = field(default_factory=ArmCounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look brought; from the looks every verdict can be recomputed."""

    at: float  # seconds since 1970
    stage: int
    weight: int  # of the canary, parts of 10,000
    health: Health
    labels_known: bool  # True also where no label is judged
    increments: dict[MetricName, Increment]


def absorb(plan: Plan, state: State, observation: Observation) -> tuple[State, Look]:
    """Update the state by one look.

    Nothing is counted in a look in which an arm could not be scraped; its answers are counted in
    the next good look, because the counters are cumulative. Such a look plays no part in the check
    of the split, for its counts are answers and not assignments: after an outage of one arm they
    hold what only that arm has been asked in the meantime. Slow answers (only those) are discarded
    in both arms until `warm_up_seconds` after the canary's first answer.

    Args:
        plan: The plan.
        state: The state so far.
        observation: What was seen.

    Returns:
        The new state, and the look as it goes on record.
    """
    health = _health(state, observation)
    increments: dict[MetricName, Increment] = {}
    if health in {Health.ANSWERS, Health.RESTARTED}:
        state, increments, restarted = _count_answers(plan, state, observation)
        health = Health.RESTARTED if restarted else health
    # RESTARTED too: what the old process answered at last is lost, and with it a part of one arm.
    state = replace(state, backlog=health is not Health.ANSWERS)
    state, label_increments, labels_known = _count_labels(plan, state, observation)
    increments |= label_increments
    state = _judge_health(plan, _add_evidence(plan, state, increments), observation, health)
    look = Look(
        at=observation.now,
        stage=state.stage,
        weight=state.stages[-1].weight,
        health=health,
        labels_known=labels_known,
        increments=increments,
    )
    return state, look


def begin_counting(plan: Plan, state: State, observation: Observation) -> State:
    """Take the counters as they stand before the first weight: what is older does not count.

    Args:
        plan: The plan.
        state: A fresh state.
        observation: What was seen; silent sources count from 0 later.

    Returns:
        The state with all counters seen.
    """
    _, seen_canary = new_answers({}, observation.canary.pods or ())
    _, seen_stable = new_answers({}, observation.stable.pods or ())
    return replace(
        state,
        seen_canary=seen_canary,
        seen_stable=seen_stable,
        labels_canary=observation.canary.labels if plan.needs_labels() else None,
        labels_stable=observation.stable.labels if plan.needs_labels() else None,
        restarts=observation.canary_restarts,
    )


def update_metric(
    metric: MetricPlan, evidence: MetricEvidence, increment: Increment
) -> MetricEvidence:
    """Update the four e-processes of a metric.

    Args:
        metric: How it is judged.
        evidence: The evidence so far.
        increment: What is new.

    Returns:
        The new evidence.
    """
    canary, stable = increment.canary, increment.stable
    counts = Counts(canary.exposures, canary.bad, stable.exposures, stable.bad)
    up, down, floor = Direction.UP, Direction.DOWN, metric.absolute_floor
    return MetricEvidence(
        ratio_up=evidence.add(
            "ratio_up", ratio_increment(counts, ratio=metric.tolerated_ratio, direction=up)
        ),
        floor_up=evidence.add("floor_up", floor_increment(counts, floor=floor, direction=up)),
        ratio_down=evidence.add(
            "ratio_down", ratio_increment(counts, ratio=metric.max_ratio, direction=down)
        ),
        floor_down=evidence.add("floor_down", floor_increment(counts, floor=floor, direction=down)),
        canary=_sum(evidence.canary, canary),
        stable=_sum(evidence.stable, stable),
        window_from=evidence.window_from,
    )


def _health(state: State, observation: Observation) -> Health:
    if observation.canary.pods is None or not observation.stable.pods:
        return Health.UNKNOWN
    if not observation.canary.pods or observation.canary_ready is False:
        return Health.SILENT
    before, restarts = state.restarts, observation.canary_restarts
    if before is not None and restarts is not None and restarts > before:
        return Health.RESTARTED
    return Health.ANSWERS


def _judge_health(plan: Plan, state: State, observation: Observation, health: Health) -> State:
    match health:
        case Health.UNKNOWN:
            return state
        case Health.ANSWERS:
            return replace(state, missed_looks=0)
        case Health.RESTARTED:
            return replace(state, broken="the canary's server restarted")
        case Health.SILENT:
            missed = state.missed_looks + 1
            if missed <= plan.tolerated_missed_looks:
                return replace(state, missed_looks=missed)
            why = observation.canary_reason or "it cannot be scraped"
            broken = f"the canary was silent for {missed} looks while the champion answered: {why}"
            return replace(state, missed_looks=missed, broken=broken)
        case _:
            assert_never(health)


def _count_answers(
    plan: Plan, state: State, observation: Observation
) -> tuple[State, dict[MetricName, Increment], bool]:
    """Count the answers of both arms; say whether a pod of the canary restarted."""
    since = state.started_at  # a pod that no look has met yet does not bring its past
    pods_canary, pods_stable = observation.canary.pods or (), observation.stable.pods or ()
    canary, seen_canary = new_answers(state.seen_canary, pods_canary, since=since)
    stable, seen_stable = new_answers(state.seen_stable, pods_stable, since=since)
    now, warm_until = observation.now, state.warm_until
    if warm_until is None and canary.requests > 0:
        warm_until = now + plan.warm_up_seconds
    cold = warm_until is None or now < warm_until
    both: dict[MetricName, Increment] = {
        "errors": _increment(canary.requests, canary.errors, stable.requests, stable.errors),
        "slow_answers": Increment()
        if cold
        else _increment(canary.requests, canary.slow, stable.requests, stable.slow),
    }
    judged = {metric.name for metric in plan.metrics}
    state = replace(
        state,
        seen_canary=seen_canary,
        seen_stable=seen_stable,
        warm_until=warm_until,
        counted_at=now,
        stages=(*state.stages[:-1], _count_split(plan, state, canary, stable, now=now)),
    )
    kept = {name: increment for name, increment in both.items() if name in judged}
    return state, kept, bool(canary.restarted)


def _count_split(
    plan: Plan, state: State, canary: Answers, stable: Answers, *, now: float
) -> StageRecord:
    record = state.stages[-1]
    # All answers of the look must be younger than the settling of the new weight, and the look must
    # hold the same time of both arms.
    settled = state.counted_at >= record.started_at + plan.settle_seconds
    whole = not (state.backlog or canary.restarted or stable.restarted)
    prompt = now - state.counted_at <= LONGEST_SPLIT_LOOK * plan.look_seconds
    settled = settled and whole and prompt
    return replace(
        record,
        canary_requests=record.canary_requests + canary.requests,
        stable_requests=record.stable_requests + stable.requests,
        split_canary=record.split_canary + (canary.requests if settled else 0),
        split_stable=record.split_stable + (stable.requests if settled else 0),
    )


def _count_labels(
    plan: Plan, state: State, observation: Observation
) -> tuple[State, dict[MetricName, Increment], bool]:
    """Count the labels of both arms; say whether they are known."""
    if not plan.needs_labels():
        return state, {}, True
    canary, stable = observation.canary.labels, observation.stable.labels
    if canary is None or stable is None:
        return state, {}, False
    new_canary, used_canary = new_labels(state.labels_canary, canary)
    new_stable, used_stable = new_labels(state.labels_stable, stable)
    state = replace(state, labels_canary=used_canary, labels_stable=used_stable)
    increment = _increment(
        new_canary.labelled, new_canary.wrong, new_stable.labelled, new_stable.wrong
    )
    return state, {"wrong_answers": increment}, True


def _increment(n_c: int, x_c: int, n_s: int, x_s: int) -> Increment:
    return Increment(
        canary=ArmCounts(exposures=n_c, bad=x_c), stable=ArmCounts(exposures=n_s, bad=x_s)
    )


def _add_evidence(plan: Plan, state: State, increments: dict[MetricName, Increment]) -> State:
    updated = {
        metric.name: update_metric(metric, state.evidence[metric.name], increments[metric.name])
        for metric in plan.metrics
        if metric.name in increments
    }
    return replace(state, evidence={**state.evidence, **updated})


def _sum(first: ArmCounts, second: ArmCounts) -> ArmCounts:
    return ArmCounts(exposures=first.exposures + second.exposures, bad=first.bad + second.bad)
