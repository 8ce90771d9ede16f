import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from headgate.stats.paired import mcnemar, tango


@pytest.mark.parametrize(("b", "c"), [(1, 7), (0, 5), (5, 5), (300, 200), (12, 13)])
def test_the_exact_p_value_agrees_with_statsmodels(b: int, c: int) -> None:
    expected = statsmodels_mcnemar([[0, b], [c, 0]], exact=True).pvalue
    assert mcnemar(b, c, mid_p=False) == pytest.approx(expected)


def test_the_mid_p_value_reproduces_the_published_example() -> None:
    # Fagerland, Lydersen & Laake 2013: airway hyper-responsiveness, 1 and 7 discordant pairs
    assert round(mcnemar(1, 7), 3) == 0.039
    assert round(mcnemar(1, 7, mid_p=False), 3) == 0.070


def test_classifiers_that_never_differ_have_a_p_value_of_one() -> None:
    assert mcnemar(0, 0) == mcnemar(0, 0, mid_p=False) == 1.0
    assert mcnemar(4, 4) == pytest.approx(1.0)


def test_tango_reproduces_the_published_example() -> None:
    # Fagerland, Lydersen & Laake 2014, doi:10.1002/sim.6148: 1 and 7 discordant of 21 pairs
    found = tango(1, 7, 21)
    assert (round(found.value or 0, 3), round(found.low or 0, 3), round(found.high or 0, 3)) == (
        -0.286,
        -0.517,
        -0.026,
    )


def restricted_score(b: int, c: int, n: int, difference: float) -> float:
    """The score of the difference at the maximum of the trinomial likelihood, found numerically."""

    def loss(q: float) -> float:
        p = q + difference
        rest = 1 - p - q
        terms = ((b, p), (c, q), (n - b - c, rest))
        return -sum(x * math.log(share) for x, share in terms if x)

    inside = (max(0.0, -difference) + 1e-13, (1 - difference) / 2 - 1e-13)
    q = minimize_scalar(loss, bounds=inside, method="bounded", options={"xatol": 1e-13}).x
    return (b - c - n * difference) / math.sqrt(n * (2 * q + difference - difference**2))


@pytest.mark.parametrize(("b", "c", "n"), [(40, 20, 160), (1, 7, 21), (272, 237, 10000)])
def test_tango_agrees_with_the_numerical_inversion_of_the_score_test(
    b: int, c: int, n: int
) -> None:
    z, gain, found = norm.ppf(0.975), (b - c) / n, tango(b, c, n)
    low = brentq(lambda d: restricted_score(b, c, n, d) - z, gain - 0.4, gain - 1e-6)
    high = brentq(lambda d: restricted_score(b, c, n, d) + z, gain + 1e-6, gain + 0.3)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_tango_about_zero_is_mcnemars_asymptotic_test() -> None:
    z = (40 - 20) / math.sqrt(40 + 20)
    found = tango(40, 20, 160, confidence=2 * norm.cdf(z) - 1)
    assert found.low == pytest.approx(0.0, abs=1e-12)


def test_tango_does_not_shrink_to_a_point_without_discordant_rows() -> None:
    # The score test of "no discordant pair in n" is n d / sqrt(n (d - d^2)) for d above 0.
    z2 = norm.ppf(0.975) ** 2
    found = tango(0, 0, 50)
    assert found.value == 0.0
    assert (found.low, found.high) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-9)


@pytest.mark.parametrize(("b", "c"), [(50, 0), (0, 50)])
def test_tango_stays_within_one_when_one_side_is_always_right(b: int, c: int) -> None:
    found = tango(b, c, 50)
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low <= found.high <= 1.0


def test_the_gain_on_no_rows_is_undefined() -> None:
    assert tango(0, 0, 0).reason == "there are no rows to compare on"


@pytest.mark.parametrize("shares", [(0.02, 0.02), (0.04, 0.03), (0.16, 0.06)])
def test_tango_covers_as_often_as_it_says(shares: tuple[float, float]) -> None:
    rng, runs = np.random.default_rng(7), 1500
    truth, misses = shares[0] - shares[1], 0
    for b, c, _ in rng.multinomial(1000, [*shares, 1 - sum(shares)], runs):
        found = tango(int(b), int(c), 1000)
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= truth <= found.high
    assert binomtest(misses, runs, 0.055, alternative="greater").pvalue > 0.001
