import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep

from headgate.fairness import Rate, largest_difference, smallest_ratio

SIDAK_3 = 0.95 ** (1 / 3)


def rates(successes: np.ndarray, trials: np.ndarray) -> list[Rate]:
    return [Rate(int(x), int(n)) for x, n in zip(successes, trials, strict=True)]


def test_two_groups_have_newcombes_interval_of_the_pair() -> None:
    found = largest_difference([[Rate(48, 80), Rate(56, 70)]])
    low, high = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_the_order_of_the_groups_does_not_matter() -> None:
    groups = [Rate(48, 80), Rate(56, 70), Rate(10, 40)]
    for measure in (largest_difference, smallest_ratio):
        first, second = measure([groups]), measure([groups[::-1]])
        assert (first.value, first.low, first.high) == pytest.approx(
            (second.value, second.low, second.high)
        )


def test_three_groups_take_the_extremes_of_simultaneous_pairs() -> None:
    groups = [Rate(30, 100), Rate(50, 120), Rate(70, 110)]
    found, alpha = largest_difference([groups]), 1 - SIDAK_3
    pairs = [(2, 1), (2, 0), (1, 0)]
    bounds = [
        confint_proportions_2indep(*groups[i], *groups[j], method="newcomb", alpha=alpha)
        for i, j in pairs
    ]
    assert found.value == pytest.approx(70 / 110 - 0.3)
    assert found.low == pytest.approx(max(low for low, _ in bounds))
    assert found.high == pytest.approx(max(high for _, high in bounds))


def test_the_smallest_ratio_takes_the_extremes_of_simultaneous_pairs() -> None:
    groups = [Rate(30, 100), Rate(50, 120), Rate(70, 110)]
    found, alpha = smallest_ratio([groups]), 1 - SIDAK_3
    bounds = [
        confint_proportions_2indep(
            *groups[i], *groups[j], compare="ratio", method="score", correction=False, alpha=alpha
        )
        for i, j in [(0, 1), (0, 2), (1, 2)]
    ]
    assert found.value == pytest.approx(0.3 / (70 / 110))
    assert found.low == pytest.approx(min(low for low, _ in bounds), rel=1e-6)
    assert found.high == pytest.approx(min(high for _, high in bounds), rel=1e-6)


def test_all_families_share_one_confidence() -> None:
    family = [Rate(30, 100), Rate(60, 120)]
    found = largest_difference([family, family])
    alpha = 1 - 0.95**0.5
    low, high = confint_proportions_2indep(60, 120, 30, 100, method="newcomb", alpha=alpha)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("measure", [largest_difference, smallest_ratio])
@pytest.mark.parametrize("families", [[[Rate(1, 2)]], [[]], [[Rate(1, 2)] * 2, [Rate(1, 2)]]])
def test_less_than_two_groups_cannot_be_compared(measure, families) -> None:
    found = measure(families)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.reason == "two groups or more are needed"


def test_a_ratio_of_zeros_does_not_exist_but_their_difference_does() -> None:
    zeros = [Rate(0, 100), Rate(0, 50)]
    assert smallest_ratio([zeros]).reason == "all rates are 0, so their ratio does not exist"
    found = largest_difference([zeros])
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.03 < (found.high or 0) < 0.08


def test_one_rate_of_zero_makes_a_ratio_of_zero_with_an_upper_bound() -> None:
    found = smallest_ratio([[Rate(0, 100), Rate(20, 100)]])
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.1 < (found.high or 0) < 0.3


@pytest.fixture(scope="module")
def alike() -> list[list[Rate]]:
    """Many draws of ten groups with one true rate, of very unequal sizes."""
    rng = np.random.default_rng(17)
    trials = np.array([4000, 2500, 1200, 700, 400, 300, 200, 150, 120, 100])
    return [rates(rng.binomial(trials, 0.3), trials) for _ in range(2000)]


def test_equal_groups_seem_different_in_at_most_one_run_of_twenty(alike) -> None:
    alarms = sum((largest_difference([groups]).low or 0) > 0 for groups in alike)
    assert binomtest(alarms, len(alike), 0.05, alternative="greater").pvalue > 0.001


def test_equal_groups_have_a_ratio_below_one_in_at_most_one_run_of_twenty(alike) -> None:
    alarms = sum((smallest_ratio([groups]).high or 0) < 1 for groups in alike[:400])
    assert binomtest(alarms, 400, 0.05, alternative="greater").pvalue > 0.001


def test_an_interval_that_forgets_the_choice_of_the_extremes_would_mostly_be_wrong(alike) -> None:
    alarms = 0
    for groups in alike[:300]:
        chosen = sorted(groups, key=lambda rate: rate.successes / rate.trials)
        alarms += (largest_difference([[chosen[0], chosen[-1]]]).low or 0) > 0
    assert alarms / 300 > 0.3  # the reason for simultaneous bounds


def test_a_difference_at_the_limit_passes_in_at_most_one_run_of_forty() -> None:
    rng, limit, runs, passed = np.random.default_rng(23), 0.2, 3000, 0
    trials = np.array([900, 500, 300])
    for successes in rng.binomial(trials, [0.55, 0.45, 0.35], (runs, 3)):
        high = largest_difference([rates(successes, trials)]).high
        passed += high is not None and high < limit
    assert binomtest(passed, runs, 0.025, alternative="greater").pvalue > 0.001


def test_the_bounds_cover_the_true_difference_as_often_as_they_say() -> None:
    rng, runs, misses = np.random.default_rng(29), 2000, 0
    trials, shares = np.array([600, 400, 250]), np.array([0.5, 0.42, 0.3])
    for successes in rng.binomial(trials, shares, (runs, 3)):
        found = largest_difference([rates(successes, trials)])
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= 0.2 <= found.high
    assert binomtest(misses, runs, 0.05, alternative="greater").pvalue > 0.001


def test_a_wider_confidence_is_wider() -> None:
    groups = [[Rate(30, 100), Rate(50, 120)]]
    wide, narrow = (largest_difference(groups, confidence=c) for c in (0.99, 0.9))
    assert (wide.high or 0) > (narrow.high or 0)
