import numpy as np
import pytest
from scipy import stats

from headgate.errors import DataError, NoDataError
from headgate.evaluation import latency, quantile_interval


def test_percentiles_of_1_to_1000_match_the_binomial_table():
    found = latency(np.random.default_rng(1).permutation(np.arange(1.0, 1001.0)))
    assert found.p50 == 500.5
    assert found.p95.value == 950
    # Binomial(1000, 0.95): 2.5 % quantile 936, 97.5 % quantile 963; the upper rank is one more
    assert (found.p95.low, found.p95.high) == (936, 964)
    assert (found.p95.method, found.p95.reason) == ("order_statistics", None)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_the_interval_is_the_shortest_that_the_binomial_allows_on_each_side(share):
    found = quantile_interval(np.arange(1.0, 201.0), share, confidence=0.9)
    below = stats.binom(200, share)
    assert below.cdf(found.low - 1) <= 0.05 < below.cdf(found.low)
    assert below.sf(found.high - 1) <= 0.05 < below.sf(found.high - 2)


def test_the_interval_covers_the_true_percentile_as_often_as_it_says():
    random, truth, rounds = np.random.default_rng(7), -np.log(0.05), 2000
    covered = 0
    for _ in range(rounds):
        found = quantile_interval(random.exponential(size=300), 0.95, confidence=0.95)
        covered += found.low <= truth <= found.high
    # at least 95 %; exact binomial bound of the simulation, alpha 0.001
    assert covered >= stats.binom.ppf(0.001, rounds, 0.95)


def test_a_small_sample_has_no_upper_bound():
    found = latency([3.0, 1.0, 2.0])
    assert (found.p50, found.p95.value, found.p95.low, found.p95.high) == (2.0, 3.0, 2.0, None)
    assert found.p95.reason == "3 values are too few for both bounds"


def test_a_very_small_sample_has_no_bound_at_all():
    found = quantile_interval([5.0], 0.5, confidence=0.95)
    assert (found.value, found.low, found.high) == (5.0, None, None)


def test_the_report_has_the_interval_as_an_object():
    report = latency([1.0] * 100).as_mapping()
    assert report["requests"] == 100
    assert report["p95"] == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "method": "order_statistics",
    }


def test_no_durations_are_no_data():
    with pytest.raises(NoDataError, match="no request was timed"):
        latency([])


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_a_duration_must_be_a_number_of_0_or_more(value):
    with pytest.raises(DataError, match="NaN, infinite or negative"):
        latency([1.0, value])
