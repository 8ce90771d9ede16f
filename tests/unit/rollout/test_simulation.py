"""A few rows of the simulation benchmark, fast: the design's reference numbers hold."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from headgate.problem.sections import Rollout
from headgate.rollout import (
    Action,
    Phase,
    Verdict,
    absorb,
    decide,
    follow,
    hold_from,
    is_holding,
    make_plan,
)

from .conftest import (  # noqa: TID252 - tests have no package name
    fresh_state,
    pods,
    seen,
    small_plan,
)

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "rollout" / "simulate.py"


@pytest.fixture(scope="module")
def simulate():
    spec = importlib.util.spec_from_file_location("rollout_simulation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def outcome(simulate, name, *, runs):
    case = next(case for case in simulate.cases(runs) if case.name.startswith(name))
    return simulate.run_case(replace(case, runs=runs), seed=11)


def test_equal_arms_fail_no_more_often_than_their_share_of_alpha(simulate):
    result = outcome(simulate, "1 % stage only: 1 % against 1 %", runs=800)
    test = stats.binomtest(result.fail, result.runs, 0.05 / 3, alternative="greater")
    assert test.pvalue > 0.01


def test_three_times_the_errors_are_seen_within_450_canary_requests(simulate):
    result = outcome(simulate, "1 % stage only: 3 % against 1 %", runs=400)
    assert result.fail / result.runs >= 0.95
    assert np.median(result.fail_canary) <= 450


def test_the_swapped_columns_are_seen_within_a_few_hundred_labels(simulate):
    result = outcome(simulate, "wrong answers 23 % against 12.8 %", runs=300)
    assert result.fail == result.runs
    assert np.median(result.fail_canary) == pytest.approx(180, abs=40)


def test_a_canary_at_max_ratio_does_not_pass(simulate):
    result = outcome(simulate, "errors 2 % against 1 %", runs=300)
    assert result.passed == 0


def test_equal_candidates_are_promoted_or_expire_and_hardly_ever_fail(simulate):
    plan = small_plan(warm_up_seconds=0.0)
    rates = {"errors": (0.02, 0.02), "slow_answers": (0.0, 0.0), "wrong_answers": (0.1, 0.1)}
    result = simulate.run_rollouts(plan, rates=rates, per_second=400.0, runs=400, seed=3)
    # Two stages of 1 s or more, a look every 0.25 s: 8 looks at least without harm.
    assert result.least_looks >= 8
    test = stats.binomtest(result.harm, 400, plan.alpha, alternative="greater")
    assert test.pvalue > 0.01
    assert result.promoted > 350


def test_bad_candidates_of_the_default_plan_are_taken_out(simulate):
    rates = {"errors": (0.2, 0.01), "slow_answers": (0.0, 0.0), "wrong_answers": (0.15, 0.15)}
    result = simulate.run_rollouts(
        make_plan(Rollout()), rates=rates, per_second=500.0, runs=100, seed=4
    )
    assert result.harm == 100
    assert result.median_seconds < 6


class Tape:
    """The simulator's random numbers, kept by look: requests first, then the canary's share."""

    def __init__(self, random):
        self.random, self.looks = random, []

    def poisson(self, *parameters):
        drawn = self.random.poisson(*parameters)
        self.looks.append([int(drawn[0])])
        return drawn

    def binomial(self, *parameters):
        drawn = self.random.binomial(*parameters)
        self.looks[-1].append(int(drawn[0]))
        return drawn


def drive(plan, looks):
    """Send the same counts through absorb and decide: how it ends, and at which look."""
    state = fresh_state(plan)
    arms = {"canary": [0, 0, 0, 0], "stable": [0, 0, 0, 0]}  # requests, errors, slow, wrong
    for number, (requests, n_c, *bad) in enumerate(looks, start=1):
        new = {"canary": [n_c, *bad[::2]], "stable": [requests - n_c, *bad[1::2]]}
        for arm, counters in arms.items():
            arms[arm] = [sum(pair) for pair in zip(counters, new[arm], strict=True)]
        counted = {arm: pods(n, errors=x, slow=s) for arm, (n, x, s, _) in arms.items()}
        labels = {f"{arm}_labels": (n, wrong) for arm, (n, _, _, wrong) in arms.items()}
        state, look = absorb(plan, state, seen(number * plan.look_seconds, **counted, **labels))
        decision = decide(plan, state, look)
        if decision.action is Action.HOLD and is_holding(plan, state, look):
            state = hold_from(state, now=look.at)
        state = follow(plan, state, decision, now=look.at)
        if state.phase.is_final:
            return state.phase, state.verdict, number
    return state.phase, state.verdict, len(looks)


ENDS = {
    1: (Phase.ROLLED_BACK, Verdict.FAIL),
    2: (Phase.PROMOTED, Verdict.PASS),
    3: (Phase.ROLLED_BACK, Verdict.INSUFFICIENT),
}
MIXED = [  # errors, slow answers, wrong answers of canary and champion; requests per second
    ((0.02, 0.02), (0.0, 0.0), (0.1, 0.1), 800.0),
    ((0.08, 0.04), (0.01, 0.01), (0.1, 0.1), 400.0),
    ((0.05, 0.05), (0.09, 0.03), (0.2, 0.1), 100.0),
    ((0.07, 0.05), (0.05, 0.05), (0.13, 0.1), 200.0),
]


def test_the_simulator_ends_rollouts_as_the_decision_does_on_the_same_counts(simulate):
    plan = small_plan(warm_up_seconds=0.0, max_hold_seconds=10.0, deadline_seconds=20.0)
    ends = set()
    for seed in range(20):
        *rates, per_second = MIXED[seed % len(MIXED)]
        named = dict(zip(("errors", "slow_answers", "wrong_answers"), rates, strict=True))
        fleet = simulate._Fleet(plan, named, per_second, 1, seed)
        fleet.random = Tape(fleet.random)
        while fleet.open.size:
            fleet.look()
        looks = fleet.random.looks
        end = int(fleet.end[0])
        assert drive(plan, looks) == (*ENDS[end], len(looks))
        ends.add(end)
    assert ends == {1, 2, 3}


def test_the_script_prints_its_tables_and_writes_json(simulate, tmp_path, capsys):
    out = tmp_path / "figures" / "simulation.json"
    simulate.main(["--runs", "5", "--rollouts", "5", "--out", str(out)])
    written = json.loads(out.read_text())
    assert len(written["tests"]) == 14
    assert len(written["rollouts"]) == 3
    assert "errors 3 % against 1 %, ladder" in capsys.readouterr().out
