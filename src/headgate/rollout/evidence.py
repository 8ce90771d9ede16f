"""The record of a rollout, from which its verdict can be worked out again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import exp, log
from typing import Any, cast

from headgate.rollout.absorb import Health, Increment, Look, update_metric
from headgate.rollout.decide import MetricStanding, split_log_evidence, standing
from headgate.rollout.plan import WEIGHT_PARTS, MetricName, Plan, plan_from_json
from headgate.rollout.state import (
    Arm,
    ArmCounts,
    MetricEvidence,
    Phase,
    StageRecord,
    State,
    Verdict,
    metric_evidence_from_json,
)
from headgate.stats.binomial import split_p_value
from headgate.stats.sample_ratio import SAMPLE_RATIO_ALPHA, split_is_invalid

LARGEST_E_VALUE = 1e300  # larger ones are cut, so that they fit a JSON number
_PERCENT = WEIGHT_PARTS / 100

Evidence = Mapping[MetricName, MetricEvidence]


def e_value(log_e: float) -> float:
    """Turn a log e-value into a number that fits JSON.

    Args:
        log_e: Natural logarithm.

    Returns:
        The e-value, cut at 1e300.
    """
    return min(exp(min(log_e, log(LARGEST_E_VALUE))), LARGEST_E_VALUE)


def rollout_record(
    plan: Plan, state: State, looks: Sequence[Look], *, carried: State | None = None
) -> dict[str, object]:
    """Write a rollout down.

    All counts, `exposed_requests` among them, end with the look that decided: answers that were
    under way then, or that the proxy still sent to the canary until it followed the last weights,
    are not in them. So the verdict can be worked out again from the record alone.

    Args:
        plan: The plan.
        state: The last state.
        looks: The looks of this driver, oldest first.
        carried: The state that this driver started from, if another driver had begun.

    Returns:
        A JSON object (the `rollout.json` of a run).
    """
    log_split = split_log_evidence(plan, state)
    start = {metric.name: MetricEvidence() for metric in plan.metrics}
    return {
        "rollout_id": state.rollout_id,
        "verdict": state.verdict.of_three.value,
        "phase": state.phase.value,
        "reason": state.reason,
        "canary": asdict(state.canary),
        "stable": _arm(state.stable),
        "plan": plan.to_json(),
        "threshold": plan.threshold,
        "split": {
            "verdict": (Verdict.INVALID if split_is_invalid(log_split) else Verdict.PASS).value,
            "e_value": e_value(log_split),
            "threshold": 1 / SAMPLE_RATIO_ALPHA,
        },
        "stages": [_stage(record) for record in state.stages],
        "metrics": {
            metric.name: _metric(plan, state.evidence[metric.name]) for metric in plan.metrics
        },
        "carried": None if carried is None else _carried(carried),
        "looks": _looks(plan, state, looks, start if carried is None else carried.evidence),
        "exposed_requests": sum(record.canary_requests for record in state.stages),
        "started_at": timestamp(state.started_at),
        "ended_at": None if state.ended_at is None else timestamp(state.ended_at),
    }


def recompute(record: Mapping[str, Any]) -> Verdict:
    """Work the verdict of a rollout out again, from the increments of its looks.

    Args:
        record: What `rollout_record` made.

    Returns:
        PASS, FAIL or INSUFFICIENT. PASS also needs that the rollout was promoted: a person, a guard
        or a foreign write may end a rollout that was about to pass.
    """
    plan = plan_from_json(record["plan"])
    carried = record["carried"] or {"metrics": {}, "missed_looks": 0, "broken": ""}
    evidence: dict[MetricName, MetricEvidence] = {
        metric.name: MetricEvidence() for metric in plan.metrics
    }
    for name, value in carried["metrics"].items():
        evidence[cast("MetricName", name)] = metric_evidence_from_json(value)
    missed = carried["missed_looks"]
    failed = bool(carried["broken"]) or _crossed(plan, evidence)
    for look in record["looks"]:
        evidence = _replay(plan, evidence, look)
        missed = _missed(missed, Health(look["health"]))
        broken = missed > plan.tolerated_missed_looks or look["health"] == Health.RESTARTED.value
        failed = failed or broken or _crossed(plan, evidence)
    if failed:
        return Verdict.FAIL
    if record["phase"] != Phase.PROMOTED.value:
        return Verdict.INSUFFICIENT
    passed = all(standing(plan, value).verdict is Verdict.PASS for value in evidence.values())
    return Verdict.PASS if passed or record["stable"] is None else Verdict.INSUFFICIENT


def timestamp(seconds: float) -> str:
    """Write a time for people and programs.

    Args:
        seconds: Seconds since 1970-01-01 UTC.

    Returns:
        ISO 8601 in UTC with milliseconds.
    """
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")


def _crossed(plan: Plan, evidence: Evidence) -> bool:
    return any(standing(plan, value).verdict is Verdict.FAIL for value in evidence.values())


def _missed(missed: int, health: Health) -> int:
    if health is Health.UNKNOWN:
        return missed
    return missed + 1 if health is Health.SILENT else 0


def _replay(
    plan: Plan, evidence: Evidence, look: Mapping[str, Any]
) -> dict[MetricName, MetricEvidence]:
    replayed = dict(evidence)
    for metric in plan.metrics:
        counted = look["metrics"].get(metric.name)
        if counted is not None:
            canary, stable = (
                ArmCounts(exposures=counted[arm][0], bad=counted[arm][1])
                for arm in ("canary", "stable")
            )
            replayed[metric.name] = update_metric(
                metric, replayed[metric.name], Increment(canary=canary, stable=stable)
            )
    return replayed


def _looks(
    plan: Plan, state: State, looks: Sequence[Look], evidence: Evidence
) -> list[dict[str, object]]:
    written: list[dict[str, object]] = []
    metrics = {metric.name: metric for metric in plan.metrics}
    for look in looks:
        counted: dict[str, object] = {}
        for name, increment in look.increments.items():
            updated = update_metric(metrics[name], evidence[name], increment)
            evidence = {**evidence, name: updated}
            counted[name] = _look_metric(increment, standing(plan, updated))
        written.append(
            {
                "t": round(look.at - state.started_at, 3),
                "stage": look.stage,
                "weight_percent": look.weight / _PERCENT,
                "health": look.health.value,
                "labels_known": look.labels_known,
                "metrics": counted,
            }
        )
    return written


def _look_metric(increment: Increment, judged: MetricStanding) -> dict[str, object]:
    return {
        "canary": [increment.canary.exposures, increment.canary.bad],
        "stable": [increment.stable.exposures, increment.stable.bad],
        "e_harm": e_value(judged.log_harm),
        "e_good": e_value(judged.log_good),
    }


def _metric(plan: Plan, evidence: MetricEvidence) -> dict[str, object]:
    judged = standing(plan, evidence)
    return {
        "verdict": judged.verdict.value,
        "canary": asdict(evidence.canary),
        "stable": asdict(evidence.stable),
        "e_harm_ratio": e_value(judged.log_harm_ratio),
        "e_harm_floor": e_value(judged.log_harm_floor),
        "e_good": e_value(judged.log_good),
    }


def _stage(record: StageRecord) -> dict[str, object]:
    settled = record.split_canary + record.split_stable
    share = record.weight / WEIGHT_PARTS
    # The direct promotion of a first model splits nothing.
    p_value = split_p_value(record.split_canary, settled, share=share) if share < 1 else None
    return {
        "weight_percent": record.weight / _PERCENT,
        "started_at": timestamp(record.started_at),
        "ended_at": None if record.ended_at is None else timestamp(record.ended_at),
        "canary_requests": record.canary_requests,
        "stable_requests": record.stable_requests,
        "split_canary": record.split_canary,
        "split_stable": record.split_stable,
        "split_p_value": p_value,
        "outcome": record.outcome,
    }


def _carried(state: State) -> dict[str, object]:
    return {
        "metrics": {name: asdict(value) for name, value in state.evidence.items()},
        "missed_looks": state.missed_looks,
        "broken": state.broken,
        "seconds": round(state.counted_at - state.started_at, 3),
    }


def _arm(arm: Arm | None) -> dict[str, str] | None:
    return None if arm is None else asdict(arm)
