"""How far apart groups are: largest difference and smallest ratio, with simultaneous bounds.

The largest difference in a sample is above 0 even if all groups are alike, and so is an interval
around it that forgets how it was chosen. Here every pair gets an interval such that all hold
*together* with the given confidence; the largest difference then lies between the largest lower
bound and the largest upper bound of the pairs. The lower bound of exactly equal groups is above 0
in at most 1 - confidence of all samples. (The upper bound would hold with a smaller critical value
too; one critical value for both sides keeps the interval one statement.)
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from headgate.fairness.counts import Rate
from headgate.stats.intervals import (
    CONFIDENCE,
    Interval,
    koopman_ratio,
    newcombe_difference,
    undefined,
)
from headgate.stats.multiplicity import simultaneous_critical_value

_DIFFERENCE, _RATIO = "newcombe_sidak", "koopman_sidak"
_TOO_FEW = "two groups or more are needed"


def largest_difference(
    families: Sequence[Sequence[Rate]], *, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the largest difference between any two groups, in any of the families of rates.

    One family (selection rates) gives the demographic-parity difference; two (true and false
    positive rates) give the equalized-odds difference (Agarwal et al. 2018, arXiv:1803.02453).

    Args:
        families: The groups' rates, each with 1 trial or more.
        confidence: Probability that the bounds of all pairs of all families hold, in (0, 1).

    Returns:
        The difference in [0, 1], 0 is parity; undefined with less than two groups.
    """
    if min(len(family) for family in families) < 2:
        return undefined(_DIFFERENCE, _TOO_FEW)
    first, second = _pairs(families)
    gap = np.abs(first[0] / first[1] - second[0] / second[1])
    z = simultaneous_critical_value(gap.size, confidence=confidence)
    low, high = newcombe_difference((first[0], second[0]), (first[1], second[1]), z=z)
    return Interval(
        value=float(gap.max()),
        low=max(0.0, float(np.maximum(low, -high).max())),
        high=float(np.maximum(high, -low).max()),
        method=_DIFFERENCE,
    )


def smallest_ratio(
    families: Sequence[Sequence[Rate]], *, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the smallest ratio between any two groups, in any of the families of rates.

    Args:
        families: The groups' rates, each with 1 trial or more.
        confidence: Probability that the bounds of all pairs of all families hold, in (0, 1).

    Returns:
        The ratio in [0, 1], 1 is parity; undefined with less than two groups, or where all rates of
        a family are 0.
    """
    if min(len(family) for family in families) < 2:
        return undefined(_RATIO, _TOO_FEW)
    if any(all(rate.successes == 0 for rate in family) for family in families):
        return undefined(_RATIO, "all rates are 0, so their ratio does not exist")
    first, second = _pairs(families)
    z = simultaneous_critical_value(first.shape[1], confidence=confidence)
    low, high = koopman_ratio((first[0], second[0]), (first[1], second[1]), z=z)
    with np.errstate(divide="ignore"):  # the inverse of a lower bound of 0 is an open upper bound
        inverse_low, inverse_high = 1 / high, 1 / low
    return Interval(
        value=min(_least_over_most(family) for family in families),
        low=min(1.0, float(np.minimum(low, inverse_low).min())),
        high=min(1.0, float(np.minimum(high, inverse_high).min())),
        method=_RATIO,
    )


def _least_over_most(family: Sequence[Rate]) -> float:
    rates = [rate.successes / rate.trials for rate in family]
    return min(rates) / max(rates)


def _pairs(
    families: Sequence[Sequence[Rate]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return successes and trials, shape (2, pairs), of the first and second group of each pair."""
    pairs = [pair for family in families for pair in combinations(family, 2)]
    table = np.array(pairs, dtype=np.float64)  # pair, first or second, successes or trials
    return table[:, 0].T, table[:, 1].T
