"""The canary plan: stages, what is judged, and how much must be seen before the next step."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import inf, isfinite, log
from typing import Any, Literal

from headgate.errors import ConfigError
from headgate.problem.sections import LiveMetric, Rollout
from headgate.stats.sequential_power import Comparison, exposures_to_detect

MetricName = Literal["errors", "slow_answers", "wrong_answers"]
METRIC_NAMES: tuple[MetricName, ...] = ("errors", "slow_answers", "wrong_answers")
WEIGHT_PARTS = 10_000  # weights are parts of this sum, so that a stage of 0.01 % is exact

# The first stage must see a regression of harmful_ratio ** 3, the last one of harmful_ratio: a
# gross fault is found among few users, a slight one needs many whatever one does.
FIRST_STAGE_POWER = 3.0
LARGEST_PLANNED_RATE = 0.5  # a canary that answers half of the requests wrongly is gross enough
# A proxy takes up to a few hundred milliseconds to follow a new weight; those answers carry the old
# split and are left out of the check of the split (and of nothing else). Here on one machine; a
# gateway of a cluster takes longer, and its place says how long.
SETTLE_SECONDS = 0.5
# One or two scrapes may be lost on a busy machine; three in a row are an outage.
TOLERATED_MISSED_LOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPlan:
    """How one kind of bad event is judged."""

    name: MetricName
    tolerated_ratio: float  # canary / champion rate that is still no harm (null of FAIL)
    max_ratio: float  # canary / champion rate that a PASS must exclude
    absolute_floor: float  # rate below which a canary is good whatever the champion does
    harmful_ratio: float  # smallest regression that the last stage must be able to see
    base_rate: float  # rate assumed when the plan is drawn up; the decision never uses it
    exposure_floors: tuple[int, ...]  # cumulative canary exposures that end each stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A validated canary plan; make it with `make_plan`."""

    weights: tuple[int, ...]  # of the canary per split stage, parts of 10,000
    metrics: tuple[MetricPlan, ...]
    alpha: float
    warm_up_seconds: float
    min_stage_seconds: float
    max_hold_seconds: float
    deadline_seconds: float
    look_seconds: float
    heartbeat_timeout_seconds: float
    settle_seconds: float = SETTLE_SECONDS
    tolerated_missed_looks: int = TOLERATED_MISSED_LOOKS

    @property
    def threshold(self) -> float:
        """E-value at which a metric is decided: alpha is shared equally by the metrics."""
        return len(self.metrics) / self.alpha

    @property
    def log_threshold(self) -> float:
        """Natural logarithm of `threshold`."""
        return log(self.threshold)

    @property
    def last_stage(self) -> int:
        """Index of the last split stage."""
        return len(self.weights) - 1

    def needs_labels(self) -> bool:
        """Tell whether labels are judged.

        Returns:
            True if wrong answers are among the metrics.
        """
        return any(metric.name == "wrong_answers" for metric in self.metrics)

    def to_json(self) -> dict[str, object]:
        """Describe the plan as JSON, floors and thresholds included.

        Returns:
            A JSON object that `plan_from_json` reads.
        """
        derived = {
            "stages_percent": [weight * 100 / WEIGHT_PARTS for weight in self.weights],
            "threshold": self.threshold,
        }
        return {**json.loads(json.dumps(asdict(self))), **derived}

    def digest(self) -> str:
        """Name the plan by its content.

        Returns:
            64 hexadecimal digits (SHA-256).
        """
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def make_plan(rollout: Rollout, *, settle_seconds: float = SETTLE_SECONDS) -> Plan:
    """Draw up the plan of a rollout section: validate it, derive the stages' exposure floors.

    A stage's floor is the number of canary exposures at which a regression of its size is seen
    with probability 0.8 (`stats.sequential_power`). The size falls geometrically from
    harmful_ratio ** 3 at the first stage to harmful_ratio at the last.

    Args:
        rollout: The section of the problem file.
        settle_seconds: How long the proxies of the place take to follow a new weight; the default
            is that of the local proxy.

    Returns:
        The plan. A `min_stage_seconds` that would leave no look after `settle_seconds` is raised to
        `settle_seconds` and one second (one look, if that is longer), so that the split of every
        stage is checked.

    Raises:
        ConfigError: If a value is out of range or no metric is left.
    """
    named: dict[MetricName, LiveMetric | None] = {
        "errors": rollout.errors,
        "slow_answers": rollout.slow_answers,
        "wrong_answers": rollout.wrong_answers,
    }
    judged = {name: metric for name, metric in named.items() if metric is not None}
    if not judged:
        raise ConfigError(f"rollout: no metric is judged; allowed are {', '.join(METRIC_NAMES)}")
    _within("alpha", rollout.alpha, 0.0, 0.5)
    weights = _weights(rollout.stages_percent)
    _check_times(rollout)
    if not 0 <= settle_seconds < inf:
        raise ConfigError(f"settle_seconds must be 0 or more, got {settle_seconds!r}")
    log_threshold = log(len(judged) / rollout.alpha)
    return Plan(
        weights=weights,
        metrics=tuple(
            _metric_plan(name, metric, weights, log_threshold) for name, metric in judged.items()
        ),
        alpha=rollout.alpha,
        warm_up_seconds=rollout.warm_up_seconds,
        min_stage_seconds=_min_stage_seconds(rollout, settle_seconds),
        max_hold_seconds=rollout.max_hold_seconds,
        deadline_seconds=rollout.deadline_seconds,
        look_seconds=rollout.look_seconds,
        heartbeat_timeout_seconds=rollout.heartbeat_timeout_seconds,
        # A float whatever was given: 3 and 3.0 must not name two plans.
        settle_seconds=float(settle_seconds),
    )


def plan_from_json(record: Mapping[str, Any]) -> Plan:
    """Read a plan back.

    Args:
        record: What `Plan.to_json` made.

    Returns:
        The same plan.
    """
    metrics = tuple(
        MetricPlan(**{**metric, "exposure_floors": tuple(metric["exposure_floors"])})
        for metric in record["metrics"]
    )
    derived = {"stages_percent", "threshold"}
    others = {key: value for key, value in record.items() if key not in derived}
    return Plan(**{**others, "weights": tuple(record["weights"]), "metrics": metrics})


def planned_ratios(metric: LiveMetric | MetricPlan, *, stages: int) -> tuple[float, ...]:
    """Work out the regression that each stage must be able to see.

    Args:
        metric: The metric.
        stages: Number of split stages, at least 1.

    Returns:
        Rate ratios, falling from harmful_ratio ** 3 to harmful_ratio; capped so that the rate stays
        at 0.5 (or at what harmful_ratio itself asks for).
    """
    cap = max(LARGEST_PLANNED_RATE / metric.base_rate, metric.harmful_ratio)
    step = (FIRST_STAGE_POWER - 1) / max(stages - 1, 1)
    powers = [1 + step * (stages - 1 - stage) for stage in range(stages)]
    return tuple(min(metric.harmful_ratio**power, cap) for power in powers)


def _metric_plan(
    name: MetricName, metric: LiveMetric, weights: tuple[int, ...], log_threshold: float
) -> MetricPlan:
    _check_metric(name, metric)
    floors: list[int] = []
    ratios = planned_ratios(metric, stages=len(weights))
    for weight, ratio in zip(weights, ratios, strict=True):
        comparison = Comparison(
            canary_share=weight / WEIGHT_PARTS,
            stable_rate=metric.base_rate,
            ratio=metric.tolerated_ratio,
            log_threshold=log_threshold,
        )
        needed = exposures_to_detect(comparison, canary_rate=ratio * metric.base_rate)
        floors.append(max([needed, *floors]))
    return MetricPlan(name=name, **asdict(metric), exposure_floors=tuple(floors))


def _weights(stages_percent: tuple[float, ...]) -> tuple[int, ...]:
    weights = tuple(round(percent * WEIGHT_PARTS / 100) for percent in stages_percent)
    rising = all(low < high for low, high in pairwise(weights))
    if not weights or not rising or not 0 < weights[0] <= weights[-1] < WEIGHT_PARTS:
        raise ConfigError(
            "rollout.stages_percent must rise within 0.01..99.99 (100 % follows by itself), "
            f"got {list(stages_percent)}"
        )
    return weights


def _min_stage_seconds(rollout: Rollout, settle_seconds: float) -> float:
    if rollout.min_stage_seconds >= settle_seconds + rollout.look_seconds:
        return rollout.min_stage_seconds
    return settle_seconds + max(1.0, rollout.look_seconds)


def _check_times(rollout: Rollout) -> None:
    for key in ("warm_up_seconds", "min_stage_seconds", "max_hold_seconds"):
        seconds = getattr(rollout, key)
        if not 0 <= seconds < inf:
            raise ConfigError(f"rollout.{key} must be 0 or more, got {seconds!r}")
    for key in ("look_seconds", "heartbeat_timeout_seconds", "deadline_seconds"):
        _within(key, getattr(rollout, key), 0.0, inf)
    if rollout.heartbeat_timeout_seconds < 2 * rollout.look_seconds:
        raise ConfigError(
            "rollout.heartbeat_timeout_seconds must be 2 looks or more "
            f"({2 * rollout.look_seconds:g} s), got {rollout.heartbeat_timeout_seconds:g}"
        )


def _check_metric(name: str, metric: LiveMetric) -> None:
    _within(f"{name}.tolerated_ratio", metric.tolerated_ratio, 0.0, inf)
    _within(f"{name}.max_ratio", metric.max_ratio, 0.0, inf)
    _within(f"{name}.absolute_floor", metric.absolute_floor, 0.0, 1.0)
    _within(f"{name}.base_rate", metric.base_rate, 0.0, 1.0)
    most = 1 / metric.base_rate
    _within(f"{name}.harmful_ratio", metric.harmful_ratio, max(1.0, metric.tolerated_ratio), most)


def _within(key: str, value: float, low: float, high: float) -> None:
    if not (isfinite(value) and low < value < high):
        raise ConfigError(f"rollout.{key} must lie between {low:g} and {high:g}, got {value!r}")
