"""What a rollout tells while it runs."""

from collections.abc import Callable, Mapping

from headgate.rollout.decide import standing
from headgate.rollout.evidence import e_value
from headgate.rollout.plan import WEIGHT_PARTS, Plan
from headgate.rollout.state import State

OnEvent = Callable[[Mapping[str, object]], None]


def progress(
    plan: Plan, state: State, *, event: str, reason: str, now: float
) -> Mapping[str, object]:
    """Describe where a rollout stands.

    Args:
        plan: The plan.
        state: The state.
        event: What has happened.
        reason: Why, for people.
        now: Seconds since 1970.

    Returns:
        A JSON object.
    """
    metrics = {}
    for metric in plan.metrics:
        evidence = state.evidence[metric.name]
        judged = standing(plan, evidence)
        metrics[metric.name] = {
            "canary": [evidence.canary.exposures, evidence.canary.bad],
            "stable": [evidence.stable.exposures, evidence.stable.bad],
            "e_harm": e_value(judged.log_harm),
            "e_good": e_value(judged.log_good),
            "verdict": judged.verdict.value,
        }
    return {
        "event": event,
        "rollout_id": state.rollout_id,
        "phase": state.phase.value,
        "t": round(now - state.started_at, 3),
        "stage": state.stage,
        "stages": len(plan.weights),
        "weight_percent": state.weight * 100 / WEIGHT_PARTS,
        "reason": reason,
        "threshold": plan.threshold,
        "exposed_requests": sum(record.canary_requests for record in state.stages),
        "metrics": metrics,
    }
