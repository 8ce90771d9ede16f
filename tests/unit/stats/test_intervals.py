import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from headgate.errors import ConfigError
from headgate.stats import intervals

Z95 = norm.ppf(0.975)
COUNTS = [(0, 33), (1, 10), (5, 10), (10, 10), (850, 1000), (8720, 9769)]
PAIRS = [(15, 35, 25, 40), (0, 10, 5, 20), (3, 10, 1, 20), (99, 100, 1, 100), (7, 9, 7, 9)]


def covers_as_often_as_it_says(misses: int, runs: int, *, allowed: float = 0.05) -> bool:
    return binomtest(misses, runs, allowed, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize(("x", "n"), COUNTS)
def test_wilson_agrees_with_statsmodels(x: int, n: int) -> None:
    found = intervals.wilson(x, n)
    assert found.value == x / n
    assert (found.low, found.high) == pytest.approx(
        proportion_confint(x, n, method="wilson"), abs=1e-12
    )


def test_wilson_of_nothing_among_33_reaches_up_to_0_104() -> None:
    found = intervals.wilson(0, 33)
    assert (found.low, round(found.high or 0, 3)) == (0.0, 0.104)


@pytest.mark.parametrize(("x", "n"), COUNTS)
def test_clopper_pearson_agrees_with_statsmodels(x: int, n: int) -> None:
    found = intervals.clopper_pearson(x, n)
    assert (found.low, found.high) == pytest.approx(
        proportion_confint(x, n, method="beta"), abs=1e-12
    )


def test_clopper_pearson_never_covers_less_than_it_says() -> None:
    n = 30
    spans = [intervals.clopper_pearson(x, n) for x in range(n + 1)]
    weights = [math.comb(n, x) for x in range(n + 1)]
    for p in np.linspace(0.01, 0.99, 99):
        covered = sum(
            w * p**x * (1 - p) ** (n - x)
            for x, (w, s) in enumerate(zip(weights, spans, strict=True))
            if s.low is not None and s.high is not None and s.low <= p <= s.high
        )
        assert covered >= 0.95 - 1e-9


@pytest.mark.parametrize("method", [intervals.wilson, intervals.clopper_pearson])
def test_a_proportion_of_no_rows_is_undefined_and_says_why(method) -> None:
    found = method(0, 0).as_mapping()
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert found["reason"] == "there are no rows to count"


def test_a_defined_interval_carries_no_reason() -> None:
    assert set(intervals.wilson(1, 2).as_mapping()) == {"value", "low", "high", "method"}


def test_newcombe_reproduces_the_published_example() -> None:
    # Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10
    low, high = intervals.newcombe_difference((56, 48), (70, 80), z=Z95)
    assert (round(float(low), 4), round(float(high), 4)) == (0.0524, 0.3339)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), PAIRS)
def test_newcombe_agrees_with_statsmodels(x1: int, n1: int, x2: int, n2: int) -> None:
    low, high = intervals.newcombe_difference((x1, x2), (n1, n2), z=Z95)
    expected = confint_proportions_2indep(x1, n1, x2, n2, compare="diff", method="newcomb")
    assert (float(low), float(high)) == pytest.approx(expected, abs=1e-12)


def koopman(x1: int, n1: int, x2: int, n2: int) -> tuple[float, float]:
    low, high = intervals.koopman_ratio(
        (np.array([x1]), np.array([x2])), (np.array([n1]), np.array([n2])), z=Z95
    )
    return float(low[0]), float(high[0])


def test_koopman_reproduces_the_published_example() -> None:
    # Koopman 1984: 36/40 against 16/80
    low, high = koopman(36, 40, 16, 80)
    assert (round(low, 2), round(high, 2)) == (2.94, 7.15)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), PAIRS)
def test_koopman_agrees_with_statsmodels(x1: int, n1: int, x2: int, n2: int) -> None:
    expected = confint_proportions_2indep(
        x1, n1, x2, n2, compare="ratio", method="score", correction=False
    )
    assert koopman(x1, n1, x2, n2) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_koopman_bounds_are_open_where_the_second_count_is_zero() -> None:
    low, high = koopman(3, 10, 0, 20)
    assert (low, high) == (pytest.approx(1.704946, abs=1e-6), math.inf)


def test_koopman_says_nothing_about_two_zeros() -> None:
    assert koopman(0, 10, 0, 20) == (0.0, math.inf)


def test_koopman_of_two_certainties_solves_the_hand_written_equation() -> None:
    # With 10/10 and 10/10 the score is -sqrt(10 (ratio - 1)) for a ratio above 1.
    low, high = koopman(10, 10, 10, 10)
    assert high == pytest.approx(1 + Z95**2 / 10, rel=1e-9)
    assert low == pytest.approx(1 / high, rel=1e-9)


@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.3, 0.5), (0.02, 0.05)])
def test_difference_and_ratio_cover_as_often_as_they_say(rates: tuple[float, float]) -> None:
    rng, runs, trials = np.random.default_rng(11), 4000, (120, 200)
    x = [rng.binomial(n, p, runs) for n, p in zip(trials, rates, strict=True)]
    n = [np.full(runs, size) for size in trials]
    gap = intervals.newcombe_difference((x[0], x[1]), (n[0], n[1]), z=Z95)
    ratio = intervals.koopman_ratio((x[0], x[1]), (n[0], n[1]), z=Z95)
    for (low, high), truth in ((gap, rates[0] - rates[1]), (ratio, rates[0] / rates[1])):
        misses = int(((low > truth) | (high < truth)).sum())
        # both are approximate: a tenth of the error is allowed on top
        assert covers_as_often_as_it_says(misses, runs, allowed=0.055)


def test_f1_bounds_follow_from_the_binomial_share_behind_them() -> None:
    found = intervals.f1_score(40, 10, 20)
    low, high = proportion_confint(40, 70, method="wilson")
    assert found.value == pytest.approx(2 * 40 / (2 * 40 + 10 + 20))
    assert found.low == pytest.approx(2 * low / (1 + low))
    assert found.high == pytest.approx(2 * high / (1 + high))


def test_f1_is_undefined_for_a_class_that_never_occurs() -> None:
    found = intervals.f1_score(0, 0, 0)
    assert found.value is None
    assert found.reason == "the class is neither in the labels nor predicted"


def test_f1_covers_as_often_as_it_says() -> None:
    rng, runs, shares = np.random.default_rng(5), 3000, [0.2, 0.08, 0.1, 0.62]
    truth = 2 * shares[0] / (2 * shares[0] + shares[1] + shares[2])
    misses = 0
    for tp, fp, fn, _ in rng.multinomial(300, shares, runs):
        found = intervals.f1_score(int(tp), int(fp), int(fn))
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= truth <= found.high
    assert covers_as_often_as_it_says(misses, runs, allowed=0.055)


def test_the_logit_interval_is_symmetric_in_log_odds() -> None:
    estimate = intervals.Estimate(0.9, 0.03)
    found = intervals.transformed(estimate, scale="logit", method="m")
    odds = [math.log(p / (1 - p)) for p in (found.low or 0, 0.9, found.high or 0)]
    half = Z95 * 0.03 / (0.9 * 0.1)
    assert (odds[1] - odds[0], odds[2] - odds[1]) == pytest.approx((half, half))
    assert found.method == "m"


def test_the_log_interval_is_symmetric_in_ratios() -> None:
    found = intervals.transformed(intervals.Estimate(2.0, 0.5), scale="log", method="m")
    factor = math.exp(Z95 * 0.25)
    assert (found.low, found.high) == pytest.approx((2 / factor, 2 * factor))


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5])
def test_a_confidence_outside_zero_and_one_is_refused(confidence: float) -> None:
    with pytest.raises(ConfigError, match="must be between 0 and 1"):
        intervals.wilson(1, 2, confidence=confidence)
