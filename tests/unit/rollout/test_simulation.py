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
from headgate.rollout import make_plan

from .conftest import small_plan  # noqa: TID252 - tests have no package name

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
    assert result.harm + result.promoted + result.expired == 400
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


def test_the_script_prints_its_tables_and_writes_json(simulate, tmp_path, capsys):
    out = tmp_path / "figures" / "simulation.json"
    simulate.main(["--runs", "5", "--rollouts", "5", "--out", str(out)])
    written = json.loads(out.read_text())
    assert len(written["tests"]) == 14
    assert len(written["rollouts"]) == 3
    assert "errors 3 % against 1 %, ladder" in capsys.readouterr().out
