"""Operating characteristics of the live evidence, by simulation.

Two tables: one metric on fixed schedules (false alarms, power, exposures; FAIL may come at any
look, PASS only in the last split stage), and whole rollouts of the default plan with candidates
that are no worse than the champion.

Run: `python benchmarks/rollout/simulate.py --runs 2000 --out simulation.json`
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headgate.problem.sections import Rollout
from headgate.rollout import Plan, make_plan
from headgate.stats.intervals import clopper_pearson
from headgate.stats.sequential import (
    ALTERNATIVES,
    Counts,
    Direction,
    floor_increment,
    log_e_value,
    log_mean_e_value,
    ratio_increment,
)

Floats = NDArray[np.float64]
STAGES = (0.01, 0.05, 0.10, 0.25, 0.50)
LOG_THRESHOLD = float(np.log(3 / 0.05))  # three metrics share alpha 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the first table."""

    name: str
    canary_rate: float
    stable_rate: float
    tolerated_ratio: float
    max_ratio: float
    floor: float
    looks: tuple[tuple[int, int], ...]  # exposures of canary and stable arm
    last_looks: int = 20  # of the last split stage, the only one that may PASS
    runs: int = 2000
    expected: str = ""  # what the design's own simulation gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the runs of a case gave; NaN where nothing happened."""

    fail: int
    passed: int
    runs: int
    fail_canary: Floats  # canary exposures at FAIL, one per failed run
    good_total: Floats  # exposures of both arms when the evidence for PASS first crossed


class Tests:
    """The four e-processes of one metric, for many runs at once."""

    def __init__(self, runs: int, *, tolerated: float, largest: float, floor: float) -> None:
        self.limits = (tolerated, largest, floor)
        self.sums = np.zeros((4, runs, ALTERNATIVES.size))

    def add(self, counts: Counts, rows: NDArray[np.intp] | slice = slice(None)) -> None:
        """Add one look of the given runs."""
        tolerated, largest, floor = self.limits
        up, down = Direction.UP, Direction.DOWN
        self.sums[0, rows] += ratio_increment(counts, ratio=tolerated, direction=up)
        self.sums[1, rows] += floor_increment(counts, floor=floor, direction=up)
        self.sums[2, rows] += ratio_increment(counts, ratio=largest, direction=down)
        self.sums[3, rows] += floor_increment(counts, floor=floor, direction=down)

    def harm(self, rows: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Log evidence of harm."""
        log_e = log_e_value(self.sums[:2, rows])
        smaller: Floats = np.minimum(log_e[0], log_e[1])
        return smaller

    def good(self, rows: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Log evidence of being good enough."""
        log_e = log_e_value(self.sums[2:, rows])
        mean: Floats = log_mean_e_value(log_e[0], log_e[1])
        return mean


def ladder(per_look: int, looks: int = 20) -> tuple[tuple[int, int], ...]:
    """Split a number of exposures per look over the five stages."""
    splits = [(round(per_look * share), per_look - round(per_look * share)) for share in STAGES]
    return tuple(split for split in splits for _ in range(looks))


def run_case(case: Case, *, seed: int) -> Outcome:
    """Simulate one case: FAIL at any look, PASS at the looks of the last stage, else neither."""
    random = np.random.default_rng(seed)
    tests = Tests(
        case.runs, tolerated=case.tolerated_ratio, largest=case.max_ratio, floor=case.floor
    )
    failed_at, passed_at, good_at = (np.full(case.runs, np.nan) for _ in range(3))
    canary = total = 0
    for look, (n_c, n_s) in enumerate(case.looks):
        x_c = random.binomial(n_c, case.canary_rate, case.runs)
        x_s = random.binomial(n_s, case.stable_rate, case.runs)
        canary, total = canary + n_c, total + n_c + n_s
        open_runs = np.flatnonzero(np.isnan(failed_at) & np.isnan(passed_at))
        if open_runs.size == 0:
            break
        tests.add(Counts(n_c, x_c[open_runs], n_s, x_s[open_runs]), open_runs)
        harm = tests.harm(open_runs) >= LOG_THRESHOLD
        good = ~harm & (tests.good(open_runs) >= LOG_THRESHOLD)
        failed_at[open_runs[harm]] = canary
        first = open_runs[good & np.isnan(good_at[open_runs])]
        good_at[first] = total
        if look >= len(case.looks) - case.last_looks:
            passed_at[open_runs[good]] = total
    passed = np.isfinite(passed_at)
    return Outcome(
        fail=int(np.isfinite(failed_at).sum()),
        passed=int(passed.sum()),
        runs=case.runs,
        fail_canary=failed_at[np.isfinite(failed_at)],
        good_total=good_at[passed],
    )


def cases(runs: int) -> list[Case]:
    """List the rows of the reference table."""
    errors = Case(
        name="errors 1 % against 1 %, ladder",
        canary_rate=0.01,
        stable_rate=0.01,
        tolerated_ratio=1.0,
        max_ratio=2.0,
        floor=0.002,
        looks=ladder(5000),
        runs=runs,
        expected="FAIL 0.004 | PASS 0.996 at 120,000",
    )
    first = replace(errors, looks=((50, 4950),) * 60, last_looks=0, runs=2 * runs)
    wrong = Case(
        name="wrong answers 12.8 % against 12.8 %, max_ratio 1.1",
        canary_rate=0.128,
        stable_rate=0.128,
        tolerated_ratio=1.0,
        max_ratio=1.1,
        floor=0.01,
        looks=ladder(400),
        runs=runs,
        expected="FAIL 0.002 | PASS 0.053",
    )
    return [
        errors,
        replace(
            errors,
            name="errors 3 % against 1 %, ladder",
            canary_rate=0.03,
            expected="FAIL 1.000 at 400 / 1,000 | PASS 0",
        ),
        replace(
            errors,
            name="errors 20 % against 1 %, ladder",
            canary_rate=0.2,
            expected="FAIL 1.000 at 50 / 50 | PASS 0",
        ),
        replace(
            errors,
            name="errors 2 % against 1 % (ratio = max_ratio)",
            canary_rate=0.02,
            expected="FAIL 1.000 at 1,500 / 3,500 | PASS 0.000",
        ),
        replace(
            errors,
            name="errors 0.05 % against 0.05 %, below the floor",
            canary_rate=0.0005,
            stable_rate=0.0005,
            expected="FAIL 0.000 | PASS 1.000 at 190,000",
        ),
        replace(first, name="1 % stage only: 1 % against 1 %", expected="FAIL 0.006"),
        replace(
            first,
            name="1 % stage only: 3 % against 1 %",
            canary_rate=0.03,
            expected="FAIL 1.000 at 400 / 1,050",
        ),
        replace(
            first,
            name="1 % stage only, tolerated_ratio 1.2: 3 % against 1 %",
            canary_rate=0.03,
            tolerated_ratio=1.2,
            expected="FAIL 1.000 at 550 / 1,400",
        ),
        wrong,
        replace(
            wrong,
            name="wrong answers 23 % against 12.8 %",
            canary_rate=0.23,
            expected="FAIL 1.000 at 180 / 400 | PASS 0",
        ),
        replace(
            wrong,
            name="wrong answers 23 % against 15 %",
            canary_rate=0.23,
            stable_rate=0.15,
            expected="FAIL 1.000 at 320 / 760 | PASS 0",
        ),
        replace(
            wrong,
            name="wrong answers 12.8 % against 15 %, max_ratio 1.1",
            stable_rate=0.15,
            expected="FAIL 0.0005 | PASS 0.997 at 26,000",
        ),
        replace(
            wrong,
            name="wrong answers, ratio exactly 1.1 = max_ratio",
            canary_rate=0.128 * 1.1,
            expected="FAIL 0.109 | PASS 0.000",
        ),
        replace(
            wrong,
            name="24 % against 20 %, tolerated_ratio 1.2 (boundary)",
            canary_rate=0.24,
            stable_rate=0.2,
            tolerated_ratio=1.2,
            expected="FAIL 0.000",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """How whole rollouts of a plan ended."""

    runs: int
    harm: int
    promoted: int
    expired: int  # hold limit or deadline without a PASS
    least_looks: int
    median_seconds: float


def run_rollouts(
    plan: Plan, *, rates: dict[str, tuple[float, float]], per_second: float, runs: int, seed: int
) -> Rollouts:
    """Simulate whole rollouts of a plan as `decide` runs them, many at once.

    Args:
        plan: The plan.
        rates: Bad-event rate of canary and stable arm by metric.
        per_second: Requests per second.
        runs: Rollouts.
        seed: Of the random generator.

    Returns:
        Counts of the ends.
    """
    fleet = _Fleet(plan, rates, per_second, runs, seed)
    while fleet.open.size:
        fleet.look()
    return fleet.summary()


class _Fleet:
    """Many rollouts of the same plan, in step."""

    def __init__(
        self,
        plan: Plan,
        rates: dict[str, tuple[float, float]],
        per_second: float,
        runs: int,
        seed: int,
    ) -> None:
        self.plan, self.rates, self.per_second = plan, rates, per_second
        self.random = np.random.default_rng(seed)
        self.tests = {
            metric.name: Tests(
                runs,
                tolerated=metric.tolerated_ratio,
                largest=metric.max_ratio,
                floor=metric.absolute_floor,
            )
            for metric in plan.metrics
        }
        self.exposures = {metric.name: np.zeros(runs) for metric in plan.metrics}
        self.window_from = {metric.name: np.zeros(runs) for metric in plan.metrics}
        self.weights = np.array(plan.weights) / 10_000
        self.stage = np.zeros(runs, dtype=int)
        self.stage_at = np.zeros(runs)
        self.hold_at = np.full(runs, np.inf)
        self.end = np.zeros(runs, dtype=int)  # 1 harm, 2 promoted, 3 expired
        self.ended_at = np.zeros(runs)
        self.open = np.arange(runs)
        self.now = 0.0

    def look(self) -> None:
        """Let a look's requests flow, then decide."""
        plan, rows = self.plan, self.open
        self.now += plan.look_seconds
        requests = self.random.poisson(self.per_second * plan.look_seconds, rows.size)
        n_c = self.random.binomial(requests, self.weights[self.stage[rows]])
        n_s = requests - n_c
        harm = np.zeros(rows.size, dtype=bool)
        good = np.ones(rows.size, dtype=bool)
        full = self.now - self.stage_at[rows] >= plan.min_stage_seconds - 1e-9
        for metric in plan.metrics:
            name = metric.name
            cold = name == "slow_answers" and self.now <= plan.warm_up_seconds
            if not cold:
                x_c = self.random.binomial(n_c, self.rates[name][0])
                x_s = self.random.binomial(n_s, self.rates[name][1])
                self.tests[name].add(Counts(n_c, x_c, n_s, x_s), rows)
                self.exposures[name][rows] += n_c
            harm |= self.tests[name].harm(rows) >= plan.log_threshold
            good &= self.tests[name].good(rows) >= plan.log_threshold
            floors = np.array([0, *metric.exposure_floors])
            stage = self.stage[rows]
            needed = np.maximum(
                floors[stage + 1],
                self.window_from[name][rows] + floors[stage + 1] - floors[stage],
            )
            full &= self.exposures[name][rows] >= needed
        self._decide(rows, harm, good, full)

    def _decide(
        self,
        rows: NDArray[np.intp],
        harm: NDArray[np.bool_],
        good: NDArray[np.bool_],
        full: NDArray[np.bool_],
    ) -> None:
        plan, now = self.plan, self.now
        last = self.stage[rows] == plan.last_stage
        promote = ~harm & last & full & good
        late = now >= np.minimum(self.hold_at[rows] + plan.max_hold_seconds, plan.deadline_seconds)
        expire = ~harm & ~promote & late
        for code, ended in ((1, harm), (2, promote), (3, expire)):
            self.end[rows[ended]] = code
            self.ended_at[rows[ended]] = now
        going = ~(harm | promote | expire)
        hold = rows[going & last & full]
        self.hold_at[hold] = np.minimum(self.hold_at[hold], now)
        up = rows[going & ~last & full]
        self.stage[up] += 1
        self.stage_at[up] = now
        for name, exposures in self.exposures.items():
            self.window_from[name][up] = exposures[up]
        self.open = rows[going]

    def summary(self) -> Rollouts:
        """Count how the rollouts ended."""
        looks = np.rint(self.ended_at / self.plan.look_seconds)
        return Rollouts(
            runs=self.end.size,
            harm=int((self.end == 1).sum()),
            promoted=int((self.end == 2).sum()),
            expired=int((self.end == 3).sum()),
            least_looks=int(looks[self.end != 1].min()) if (self.end != 1).any() else 0,
            median_seconds=float(np.median(self.ended_at)),
        )


def _quantiles(values: Floats) -> list[float] | None:
    return [float(q) for q in np.percentile(values, [50, 95])] if values.size else None


def _case_row(case: Case, outcome: Outcome) -> dict[str, object]:
    bounds = clopper_pearson(outcome.fail, outcome.runs)
    row: dict[str, object] = {
        "case": case.name,
        "runs": outcome.runs,
        "fail": outcome.fail / outcome.runs,
        "fail_bounds": [bounds.low, bounds.high],
        "canary_exposures_at_fail": _quantiles(outcome.fail_canary),
        "pass": outcome.passed / outcome.runs,
        "exposures_at_evidence_for_pass": _quantiles(outcome.good_total),
        "expected": case.expected,
    }
    at_fail = _quantiles(outcome.fail_canary)
    at_pass = _quantiles(outcome.good_total)
    fail_text = f"{at_fail[0]:,.0f} / {at_fail[1]:,.0f}" if at_fail else "-"
    pass_text = f"{at_pass[0]:,.0f}" if at_pass else "-"
    print(
        f"{case.name:<54} {outcome.fail / outcome.runs:7.4f} {fail_text:>14} "
        f"{outcome.passed / outcome.runs:7.4f} {pass_text:>9}   {case.expected}",
        flush=True,
    )
    return row


def _rollout_row(name: str, plan: Plan, result: Rollouts) -> dict[str, object]:
    bounds = clopper_pearson(result.harm, result.runs)
    print(
        f"{name:<54} {result.runs:6d} {result.harm / result.runs:7.4f} "
        f"[{bounds.low:.4f}, {bounds.high:.4f}] {result.promoted / result.runs:7.4f} "
        f"{result.expired / result.runs:7.4f} {result.least_looks:6d} {result.median_seconds:8.1f}",
        flush=True,
    )
    return {
        "case": name,
        "runs": result.runs,
        "alpha": plan.alpha,
        "harm": result.harm / result.runs,
        "harm_bounds": [bounds.low, bounds.high],
        "promoted": result.promoted / result.runs,
        "expired": result.expired / result.runs,
        "least_looks": result.least_looks,
        "median_seconds": result.median_seconds,
    }


def main(arguments: Sequence[str]) -> None:
    """Run all simulations, print the tables, write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="runs per case (default 2000)")
    parser.add_argument("--rollouts", type=int, default=4000, help="rollouts (default 4000)")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    print(
        f"{'case':<54} {'FAIL':>7} {'median / p95':>14} {'PASS':>7} {'median':>9}   design",
        flush=True,
    )
    table = [
        _case_row(case, run_case(case, seed=options.seed + index))
        for index, case in enumerate(cases(options.runs))
    ]
    plan = make_plan(Rollout())
    print(
        f"\n{'equal candidates, default plan, whole rollouts':<54} {'runs':>6} {'harm':>7} "
        f"{'exact 95 %':>16} {'promote':>8} {'expired':>7} {'looks>':>6} {'median s':>8}"
    )
    equal = {"errors": (0.01, 0.01), "slow_answers": (0.01, 0.01), "wrong_answers": (0.15, 0.15)}
    calm = {"errors": (0.01, 0.01), "slow_answers": (0.0, 0.0), "wrong_answers": (0.13, 0.15)}
    rollouts = [
        _rollout_row(
            name,
            plan,
            run_rollouts(
                plan, rates=rates, per_second=rate, runs=options.rollouts, seed=options.seed
            ),
        )
        for name, rates, rate in (
            ("1 % errors, 1 % slow, 15 % wrong in both, 500/s", equal, 500.0),
            ("the same at 50/s", equal, 50.0),
            ("1 % errors, none slow, 13 % against 15 % wrong, 500/s", calm, 500.0),
        )
    ]
    seconds = time.perf_counter() - started
    print(f"\n{seconds:.0f} s")
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"tests": table, "rollouts": rollouts, "seconds": seconds}, indent=1)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
