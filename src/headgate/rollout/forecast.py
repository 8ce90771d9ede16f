"""What a plan will take at a request rate, and what it can see: said before the start."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from headgate.errors import ConfigError
from headgate.rollout.plan import WEIGHT_PARTS, MetricName, MetricPlan, Plan
from headgate.stats.sequential import ALTERNATIVES, Floats
from headgate.stats.sequential_power import (
    MOST_EXPOSURES,
    Comparison,
    expected_good_sums,
    exposures_to_detect,
    exposures_to_exclude,
    smallest_detectable_rate,
)

# A stage that cannot even see a further fifth of all answers going bad within a day guards nothing.
HOPELESS_RATE = 0.2
HOPELESS_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricForecast:
    """What a stage can see of one metric when it ends."""

    name: MetricName
    exposure_floor: int  # cumulative canary exposures at which the stage ends
    exposures: int  # cumulative canary exposures that are expected by then
    smallest_rate: float | None  # bad-event rate that FAIL sees with probability 0.8; None: none
    smallest_ratio: float | None  # the same as a multiple of the base rate


@dataclass(frozen=True, slots=True, kw_only=True)
class StageForecast:
    """One split stage."""

    weight_percent: float
    seconds: float
    limited_by: str  # what the stage waits for longest
    metrics: tuple[MetricForecast, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassForecast:
    """What PASS takes of one metric at the last stage, for a canary as good as the champion."""

    name: MetricName
    exposures: int  # canary exposures at the last stage, median; MOST_EXPOSURES: never
    seconds: float  # from the start of the last stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The whole ladder."""

    requests_per_second: float
    stages: tuple[StageForecast, ...]
    passes: tuple[PassForecast, ...]
    seconds: float  # until PASS or until the hold limit or the deadline ends the wait
    notes: tuple[str, ...]  # what the user should know before starting


def forecast(
    plan: Plan,
    *,
    requests_per_second: float,
    labelled_share: float = 1.0,
    label_delay_seconds: float = 0.0,
) -> Forecast:
    """Work out how long each stage takes and what it can see, without looking at any data.

    Args:
        plan: The plan.
        requests_per_second: Expected rate of all requests, above 0.
        labelled_share: Share of the requests whose label arrives, above 0, at most 1.
        label_delay_seconds: When a label arrives after its request, 0 or more.

    Returns:
        The forecast.

    Raises:
        ConfigError: If the rate or the share is out of range.
    """
    if not requests_per_second > 0:
        raise ConfigError(f"the request rate must be above 0 per second, got {requests_per_second}")
    if not 0 < labelled_share <= 1:
        raise ConfigError(f"the labelled share must lie in (0, 1], got {labelled_share}")
    ladder = _Ladder(plan, requests_per_second, labelled_share, label_delay_seconds)
    stages = tuple(ladder.climb(stage) for stage in range(len(plan.weights)))
    passes = tuple(ladder.until_pass(metric) for metric in plan.metrics)
    last = max(stages[-1].seconds, *(item.seconds for item in passes))
    held = min(last, stages[-1].seconds + plan.max_hold_seconds)
    seconds = min(sum(stage.seconds for stage in stages[:-1]) + held, plan.deadline_seconds)
    return Forecast(
        requests_per_second=requests_per_second,
        stages=stages,
        passes=passes,
        seconds=seconds,
        notes=(
            *_hopeless(plan, requests_per_second, labelled_share),
            *_too_slow(plan, stages),
            *_expensive(plan, stages[-1], passes),
        ),
    )


class _Ladder:
    """Climbs the stages and keeps the expected exposures."""

    def __init__(self, plan: Plan, rate: float, labelled_share: float, delay: float) -> None:
        self.plan = plan
        self.rate = rate
        self.share = {metric.name: 1.0 for metric in plan.metrics} | {
            "wrong_answers": labelled_share
        }
        # Exposures of a metric begin late: labels mature, the first slow answers are discarded.
        self.late = {"errors": 0.0, "slow_answers": plan.warm_up_seconds, "wrong_answers": delay}
        self.exposures = {metric.name: 0.0 for metric in plan.metrics}
        self.sums: dict[MetricName, Floats] = {
            metric.name: np.zeros((2, ALTERNATIVES.size)) for metric in plan.metrics
        }

    def per_second(self, metric: MetricPlan, stage: int) -> float:
        return self.rate * self.share[metric.name] * self.plan.weights[stage] / WEIGHT_PARTS

    def climb(self, stage: int) -> StageForecast:
        plan = self.plan
        waits = {f"minimum of {plan.min_stage_seconds:g} s": plan.min_stage_seconds}
        for metric in plan.metrics:
            needed = self._needed(metric, stage)
            kind = "labels" if metric.name == "wrong_answers" else "requests"
            why = f"{ceil(needed)} canary {kind} ({metric.name.replace('_', ' ')})"
            late = self.late[metric.name] if stage == 0 else 0.0
            waits[why] = late + needed / self.per_second(metric, stage)
        limited_by = max(waits, key=lambda why: waits[why])
        seconds = waits[limited_by]
        for metric in plan.metrics:
            late = self.late[metric.name] if stage == 0 else 0.0
            gained = self.per_second(metric, stage) * max(seconds - late, 0.0)
            self.exposures[metric.name] += gained
            if stage < plan.last_stage:
                self.sums[metric.name] = self.sums[metric.name] + expected_good_sums(
                    _comparison(plan, metric, stage, ratio=metric.max_ratio),
                    floor=metric.absolute_floor,
                    canary_rate=metric.base_rate,
                    exposures=int(gained),
                )
        return StageForecast(
            weight_percent=plan.weights[stage] * 100 / WEIGHT_PARTS,
            seconds=seconds,
            limited_by=limited_by,
            metrics=tuple(self._sees(metric, stage) for metric in plan.metrics),
        )

    def until_pass(self, metric: MetricPlan) -> PassForecast:
        stage = self.plan.last_stage
        exposures = exposures_to_exclude(
            _comparison(self.plan, metric, stage, ratio=metric.max_ratio),
            floor=metric.absolute_floor,
            canary_rate=metric.base_rate,
            head_start=self.sums[metric.name],
        )
        return PassForecast(
            name=metric.name,
            exposures=exposures,
            seconds=exposures / self.per_second(metric, stage),
        )

    def _needed(self, metric: MetricPlan, stage: int) -> float:
        floors = (0, *metric.exposure_floors)
        share = floors[stage + 1] - floors[stage]
        return max(floors[stage + 1] - self.exposures[metric.name], share)

    def _sees(self, metric: MetricPlan, stage: int) -> MetricForecast:
        exposures = int(self.exposures[metric.name])
        comparison = _comparison(
            self.plan, metric, stage, ratio=metric.tolerated_ratio, floor=metric.absolute_floor
        )
        rate = smallest_detectable_rate(comparison, exposures=exposures)
        return MetricForecast(
            name=metric.name,
            exposure_floor=metric.exposure_floors[stage],
            exposures=exposures,
            smallest_rate=rate,
            smallest_ratio=None if rate is None else rate / metric.base_rate,
        )


def _comparison(
    plan: Plan, metric: MetricPlan, stage: int, *, ratio: float, floor: float | None = None
) -> Comparison:
    return Comparison(
        canary_share=plan.weights[stage] / WEIGHT_PARTS,
        stable_rate=metric.base_rate,
        ratio=ratio,
        log_threshold=plan.log_threshold,
        floor=floor,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _hopeless(plan: Plan, rate: float, labelled_share: float) -> list[str]:
    notes = []
    for stage, weight in enumerate(plan.weights):
        for metric in plan.metrics:
            share = labelled_share if metric.name == "wrong_answers" else 1.0
            per_day = rate * share * weight / WEIGHT_PARTS * HOPELESS_SECONDS
            bad_rate = min(metric.base_rate + HOPELESS_RATE, 1.0)
            comparison = _comparison(
                plan, metric, stage, ratio=metric.tolerated_ratio, floor=metric.absolute_floor
            )
            needed = exposures_to_detect(comparison, canary_rate=bad_rate)
            if per_day < needed:
                notes.append(
                    f"the {weight / 100:g} % stage is hopeless at {rate:g} requests/s: "
                    f"{per_day:.0f} canary exposures a day, but {_words(metric.name)} at a rate of "
                    f"{bad_rate:.0%} take {needed}; raise the stage's share"
                )
    return notes


def _too_slow(plan: Plan, stages: tuple[StageForecast, ...]) -> list[str]:
    total = sum(stage.seconds for stage in stages)
    if total <= plan.deadline_seconds:
        return []
    return [
        f"the stages alone take {total:.0f} s, but deadline_seconds is {plan.deadline_seconds:g}: "
        "expect INSUFFICIENT; raise the deadline or drop small stages"
    ]


def _expensive(plan: Plan, last: StageForecast, passes: tuple[PassForecast, ...]) -> list[str]:
    notes = []
    allowed = last.seconds + plan.max_hold_seconds
    for metric, item in zip(plan.metrics, passes, strict=True):
        if item.seconds <= allowed:
            continue
        takes = (
            "cannot be reached"
            if item.exposures == MOST_EXPOSURES
            else f"takes about {item.exposures} canary exposures ({item.seconds:.0f} s)"
        )
        notes.append(
            f"PASS on {_words(metric.name)} {takes} at the last stage for a canary as good as the "
            f"champion at a rate of {metric.base_rate:.1%}, but the stage ends after {allowed:.0f} "
            f"s: max_ratio {metric.max_ratio:g} is expensive here; raise it or max_hold_seconds"
        )
    return notes
