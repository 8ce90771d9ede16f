"""The e-processes: increments by hand and by scipy, error rates and power by simulation."""

import json
from math import exp, log

import numpy as np
import pytest
from scipy import stats

from headgate.stats.sequential import (
    ALTERNATIVES,
    LOG_WEIGHTS,
    Counts,
    Direction,
    floor_increment,
    log_e_value,
    log_mean_e_value,
    ratio_increment,
    start_sums,
)

LOG_THRESHOLD = log(3 / 0.05)


def test_the_mixture_is_the_documented_one():
    assert ALTERNATIVES.size == 40
    assert ALTERNATIVES[0] == pytest.approx(1.1)
    assert ALTERNATIVES[-1] == pytest.approx(30.0)
    ratios = ALTERNATIVES[1:] / ALTERNATIVES[:-1]
    assert np.allclose(ratios, ratios[0])
    density = stats.norm.pdf(np.log(ALTERNATIVES), loc=log(3), scale=0.8)
    assert np.allclose(np.exp(LOG_WEIGHTS), density / density.sum())


def test_an_e_process_starts_at_one():
    assert float(log_e_value(start_sums())) == pytest.approx(0.0, abs=1e-12)


def test_the_ratio_increment_of_one_bad_canary_event_is_the_hand_count():
    # n_c = 1, n_s = 3: p_0 = 1/4. At g = 1.1: p_g = 1.1 / 4.1; at g = 30: 30 / 33.
    increment = ratio_increment(Counts(1, 1, 3, 0), ratio=1.0, direction=Direction.UP)
    assert increment[0] == pytest.approx(log((1.1 / 4.1) / 0.25))
    assert increment[-1] == pytest.approx(log((30 / 33) / 0.25))


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("ratio", [0.7, 1.0, 2.0])
def test_the_ratio_increment_is_a_binomial_likelihood_ratio(ratio, direction):
    n_c, x_c, n_s, x_s = 50, 4, 950, 11
    g = ALTERNATIVES if direction is Direction.UP else 1 / ALTERNATIVES
    null = ratio * n_c / (ratio * n_c + n_s)
    other = ratio * g * n_c / (ratio * g * n_c + n_s)
    expected = stats.binom.logpmf(x_c, x_c + x_s, other) - stats.binom.logpmf(x_c, x_c + x_s, null)
    found = ratio_increment(Counts(n_c, x_c, n_s, x_s), ratio=ratio, direction=direction)
    assert np.allclose(found, expected)


@pytest.mark.parametrize("direction", list(Direction))
def test_the_floor_increment_is_a_binomial_likelihood_ratio(direction):
    floor = 0.01
    g = ALTERNATIVES if direction is Direction.UP else 1 / ALTERNATIVES
    expected = stats.binom.logpmf(3, 120, floor * g) - stats.binom.logpmf(3, 120, floor)
    found = floor_increment(Counts(120, 3, 0, 0), floor=floor, direction=direction)
    assert np.allclose(found, expected)


def test_an_alternative_rate_stays_below_one():
    increment = floor_increment(Counts(10, 9, 0, 0), floor=0.5, direction=Direction.UP)
    expected = stats.binom.logpmf(9, 10, 0.995) - stats.binom.logpmf(9, 10, 0.5)
    assert np.isfinite(increment).all()
    assert increment[-1] == pytest.approx(expected)


def test_a_look_without_bad_events_changes_no_ratio_test():
    for counts in (Counts(10, 0, 90, 0), Counts(0, 0, 0, 0)):
        assert not ratio_increment(counts, ratio=1.0, direction=Direction.UP).any()


def test_an_empty_arm_is_no_evidence_about_the_ratio():
    only_stable = ratio_increment(Counts(0, 0, 90, 5), ratio=1.0, direction=Direction.UP)
    only_canary = ratio_increment(Counts(90, 5, 0, 0), ratio=1.0, direction=Direction.UP)
    assert np.allclose(only_stable, 0.0)
    assert np.allclose(only_canary, 0.0)


def test_many_processes_run_at_once_as_one_by_one():
    n_c, x_c, n_s, x_s = np.array([5, 10]), np.array([1, 2]), np.array([95, 90]), np.array([0, 3])
    both = ratio_increment(Counts(n_c, x_c, n_s, x_s), ratio=1.0, direction=Direction.UP)
    alone = ratio_increment(Counts(10, 2, 90, 3), ratio=1.0, direction=Direction.UP)
    assert both.shape == (2, 40)
    assert np.allclose(both[1], alone)


def test_the_e_value_is_the_weighted_mean_and_does_not_overflow():
    sums = np.linspace(-2.0, 3.0, 40)
    assert exp(float(log_e_value(sums))) == pytest.approx(
        np.average(np.exp(sums), weights=np.exp(LOG_WEIGHTS))
    )
    assert float(log_e_value(np.full(40, 5000.0))) == pytest.approx(5000.0)


def test_two_e_values_are_averaged():
    assert exp(float(log_mean_e_value(log(3.0), log(5.0)))) == pytest.approx(4.0)


def test_the_sums_survive_json():
    sums = ratio_increment(Counts(7, 3, 93, 1), ratio=1.3, direction=Direction.DOWN)
    assert np.array_equal(np.array(json.loads(json.dumps(sums.tolist()))), sums)


def crossings(*, canary_rate, stable_rate, runs, looks=20, seed=1):
    """Share the runs in which ratio-up and floor-up cross at a 1 % stage, at the same look."""
    random = np.random.default_rng(seed)
    up, floor = np.zeros((runs, 40)), np.zeros((runs, 40))
    crossed = np.zeros(runs, dtype=bool)
    for _ in range(looks):
        x_c = random.binomial(50, canary_rate, runs)
        x_s = random.binomial(4950, stable_rate, runs)
        counts = Counts(50, x_c, 4950, x_s)
        up += ratio_increment(counts, ratio=1.0, direction=Direction.UP)
        floor += floor_increment(counts, floor=0.002, direction=Direction.UP)
        crossed |= np.minimum(log_e_value(up), log_e_value(floor)) >= LOG_THRESHOLD
    return crossed


def test_equal_arms_cross_no_more_often_than_alpha_allows():
    crossed = crossings(canary_rate=0.01, stable_rate=0.01, runs=1000)
    bound = stats.binomtest(int(crossed.sum()), crossed.size, 0.05 / 3, alternative="greater")
    assert bound.pvalue > 0.01


def test_a_threefold_error_rate_is_seen_at_the_one_percent_stage():
    assert crossings(canary_rate=0.03, stable_rate=0.01, runs=500).mean() > 0.9
