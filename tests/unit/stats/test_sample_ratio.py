"""The sequential check of the split."""

from math import exp, log

import numpy as np
import pytest
from scipy import stats

from headgate.stats.sample_ratio import (
    CONCENTRATION,
    SAMPLE_RATIO_ALPHA,
    rollout_log_e_value,
    split_is_invalid,
    split_log_e_value,
)


def test_no_request_is_no_evidence():
    assert split_log_e_value(0, 0, canary_share=0.01) == pytest.approx(0.0, abs=1e-12)


def test_the_e_value_is_the_beta_binomial_bayes_factor():
    a, b = CONCENTRATION * 0.1, CONCENTRATION * 0.9
    expected = stats.betabinom.logpmf(37, 250, a, b) - stats.binom.logpmf(37, 250, 0.1)
    assert split_log_e_value(37, 213, canary_share=0.1) == pytest.approx(expected)


def test_the_stages_are_averaged_and_the_future_counts_as_one():
    combined = rollout_log_e_value([log(8.0), log(2.0)], stages=5)
    assert exp(combined) == pytest.approx((8 + 2 + 1 + 1 + 1) / 5)


def test_an_even_split_is_valid_and_a_gross_fault_is_not():
    assert not split_is_invalid(split_log_e_value(503, 497, canary_share=0.5))
    assert split_is_invalid(split_log_e_value(100, 900, canary_share=0.5))


def test_the_threshold_is_one_in_alpha():
    assert split_is_invalid(log(1 / SAMPLE_RATIO_ALPHA))
    assert not split_is_invalid(log(1 / SAMPLE_RATIO_ALPHA) - 1e-9)
    assert split_is_invalid(log(20.0), alpha=0.05)


def test_a_right_split_is_called_invalid_no_more_often_than_alpha_allows():
    random = np.random.default_rng(5)
    runs, alarms = 1500, 0
    for _ in range(runs):
        canary = np.cumsum(random.binomial(2000, 0.05, 20))
        logs = [
            split_log_e_value(int(c), 2000 * (i + 1) - int(c), canary_share=0.05)
            for i, c in enumerate(canary)
        ]
        alarms += max(logs) >= log(1 / 0.05)  # at 5 %, where 1,500 runs can tell
    assert stats.binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 0.01


def test_a_share_that_is_off_by_a_fifth_is_found():
    random = np.random.default_rng(6)
    found = 0
    for _ in range(50):
        canary = int(random.binomial(200_000, 0.012))
        found += split_is_invalid(split_log_e_value(canary, 200_000 - canary, canary_share=0.01))
    assert found >= 48
