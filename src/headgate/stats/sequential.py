"""Sequential tests of bad-event counts that may be looked at whenever one likes.

Two arms, canary and stable, are exposed (requests, matured labels) and some exposures go bad. Each
look brings the counts since the look before. An e-process is a non-negative process that starts at
1 and whose mean never exceeds 1 under its null, so it exceeds 1 / a with probability at most a,
however often it is looked at (Ville 1939; Ramdas, Grünwald, Vovk & Shafer 2023,
doi:10.1214/23-STS894).

Each e-process here mixes 40 alternatives g, the factor by which the bad-event rate differs from its
null: sum over g of w_g exp(S_g), where S_g sums the log likelihood ratios of the looks. The 40 sums
are its whole state. All functions work on the last axis, so that many processes can run at once.

The ratio tests hold because x_c given m is binomial for Poisson counts (Lindon & Malek 2022,
arXiv:2011.03567); for counts out of fixed exposures at ratio 1 it is hypergeometric, which is
smaller in convex order (Hoeffding 1963, doi:10.1080/01621459.1963.10500830): conservative.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# 1.1 is a regression nobody rolls back for; beyond 30 a handful of events decides anyway.
ALTERNATIVES: Floats = np.geomspace(1.1, 30.0, 40)
_LOG_G: Floats = np.log(ALTERNATIVES)
# Centred at a threefold rate, the regression that most plans name; a broad prior costs little.
_WEIGHTS: Floats = np.exp(-((_LOG_G - np.log(3.0)) ** 2) / (2 * 0.8**2))
LOG_WEIGHTS: Floats = np.log(_WEIGHTS / _WEIGHTS.sum())
# An alternative's rate stays below 1 by this share of what lies above the null.
_LARGEST_RATE_GAP = 0.01


class Direction(Enum):
    """Which way the alternatives lie from the null."""

    UP = 1  # the canary's rate is higher: harm
    DOWN = -1  # the canary's rate is lower: good


class Counts(NamedTuple):
    """Exposures and bad events of both arms since the look before, scalars or equal shapes.

    Bad events lie between 0 and the exposures; NaN is not allowed.
    """

    canary_exposures: ArrayLike
    canary_bad: ArrayLike
    stable_exposures: ArrayLike
    stable_bad: ArrayLike


def start_sums() -> Floats:
    """Start an e-process.

    Returns:
        The 40 sums before the first look: zeros.
    """
    return np.zeros(ALTERNATIVES.size)


def ratio_increment(counts: Counts, *, ratio: float, direction: Direction) -> Floats:
    """Measure what one look adds to the test of the rate ratio canary / stable.

    Given m = x_c + x_s bad events, x_c is binomial with p_0 = r n_c / (r n_c + n_s) at ratio r. The
    increment is x_c log(p_g / p_0) + x_s log((1 - p_g) / (1 - p_0)), where p_g is p_0 at ratio r g
    (UP; null: ratio <= r) or r / g (DOWN; null: ratio >= r). Lindon & Malek 2022, arXiv:2011.03567.

    Args:
        counts: Increments of one look, shape (...,).
        ratio: Ratio r of the null, above 0.
        direction: Which null is tested.

    Returns:
        Log likelihood ratios, shape (..., 40); zeros where nothing bad happened.
    """
    n_c, x_c, n_s, x_s = (np.asarray(part, dtype=np.float64)[..., None] for part in counts)
    log_g = _LOG_G * direction.value
    # p_g / p_0 = g / d and (1 - p_g) / (1 - p_0) = 1 / d, which stays finite if an arm is empty.
    total = ratio * n_c + n_s
    share = np.divide(ratio * n_c, total, out=np.zeros_like(total), where=total > 0)
    log_d = np.log1p(share * np.expm1(log_g))
    increment: Floats = x_c * log_g - (x_c + x_s) * log_d
    return increment


def floor_increment(counts: Counts, *, floor: float, direction: Direction) -> Floats:
    """Measure what one look adds to the test of the canary's rate against an absolute floor.

    The increment is x_c log(q_g / f) + (n_c - x_c) log((1 - q_g) / (1 - f)) with q_g = f g (UP;
    null: rate <= f; kept below 1) or q_g = f / g (DOWN; null: rate >= f). Wald 1945,
    doi:10.1214/aoms/1177731118, mixed over g.

    Args:
        counts: Increments of one look, shape (...,); the stable arm is not used.
        floor: Rate f of the null, above 0 and below 1.
        direction: Which null is tested.

    Returns:
        Log likelihood ratios, shape (..., 40).
    """
    n_c = np.asarray(counts.canary_exposures, dtype=np.float64)[..., None]
    x_c = np.asarray(counts.canary_bad, dtype=np.float64)[..., None]
    largest = 1 - _LARGEST_RATE_GAP * (1 - floor)
    rate = np.minimum(floor * np.exp(_LOG_G * direction.value), largest)
    increment: Floats = x_c * np.log(rate / floor) + (n_c - x_c) * (
        np.log1p(-rate) - np.log1p(-floor)
    )
    return increment


def log_e_value(sums: ArrayLike) -> Floats:
    """Mix the alternatives: log of the e-value.

    Args:
        sums: Sums of the increments, shape (..., 40).

    Returns:
        Natural logarithm of the e-value, shape (...,); 0 before the first look, above 0 is evidence
        against the null.
    """
    terms = np.asarray(sums, dtype=np.float64) + LOG_WEIGHTS
    top = terms.max(axis=-1)
    mixed: Floats = top + np.log(np.exp(terms - top[..., None]).sum(axis=-1))
    return mixed


def log_mean_e_value(first: ArrayLike, second: ArrayLike) -> Floats:
    """Average two e-values: evidence that one of the two nulls is wrong, at no extra error.

    Used for PASS: the mean of two e-processes of the *intersection* of the nulls "rate ratio >= r"
    and "rate >= f" is one (Vovk & Wang 2021, doi:10.1214/20-AOS2020).

    Args:
        first: Log e-values, shape (...,).
        second: Log e-values, shape (...,).

    Returns:
        Log of the mean of the e-values, shape (...,).
    """
    mean: Floats = np.logaddexp(first, second) - np.log(2.0)
    return mean
