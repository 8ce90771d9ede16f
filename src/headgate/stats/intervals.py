"""Confidence intervals of proportions, their differences and ratios, and of transformed means.

Everything works on sufficient statistics (counts, or an estimate with its standard error).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from headgate.errors import ConfigError

CONFIDENCE = 0.95  # two-sided; the field's habit, so that our numbers compare with other reports

# Bisection on log(ratio): +-30 covers ratios of 1e-13 to 1e13, 50 halvings find them to 1e-13.
_LOG_RATIO_BOUND = 30.0
_HALVINGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its two-sided confidence interval; None where a number is undefined."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    reason: str | None = None  # why a number is None

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use: `reason` only where there is one."""
        record: dict[str, object] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "method": self.method,
        }
        return record if self.reason is None else {**record, "reason": self.reason}


class Estimate(NamedTuple):
    """A point estimate and its standard error (0 where the sample shows no variance)."""

    value: float
    standard_error: float


class Bounds(NamedTuple):
    """Lower and upper bounds, elementwise."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def undefined(method: str, reason: str) -> Interval:
    """Return the interval of a number that does not exist.

    Args:
        method: Method that would have been used.
        reason: Why the number does not exist, in words a reader of the report understands.
    """
    return Interval(value=None, low=None, high=None, method=method, reason=reason)


def critical_value(confidence: float) -> float:
    """Return the two-sided critical value of the normal distribution.

    Args:
        confidence: Coverage of the two-sided interval, in (0, 1).

    Raises:
        ConfigError: If `confidence` is outside (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"confidence is {confidence}, it must be between 0 and 1")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson_bounds(successes: ArrayLike, trials: ArrayLike, *, z: float) -> Bounds:
    """Bound proportions by Wilson's score interval (Wilson 1927, doi:10.2307/2276774).

    Unlike the Wald and the percentile-bootstrap interval it does not shrink to a point at 0 or all
    successes.

    Args:
        successes: Counts, any shape; not-whole numbers are allowed (sums of values in [0, 1]).
        trials: Counts of the same shape, above 0.
        z: Critical value, see `critical_value`.

    Returns:
        Bounds in [0, 1] of the same shape.
    """
    x, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    centre = (x + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(x * (n - x) / n + z * z / 4)
    # At the ends the exact bound is 0 or 1; rounding would leave 1e-17 of it.
    low = np.where(x <= 0, 0.0, np.clip(centre - half, 0.0, 1.0))
    high = np.where(x >= n, 1.0, np.clip(centre + half, 0.0, 1.0))
    return Bounds(low, high)


def wilson(successes: float, trials: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate a proportion with Wilson's score interval (see `wilson_bounds`).

    Args:
        successes: Count, in [0, trials].
        trials: Count; 0 makes the proportion undefined.
        confidence: Two-sided coverage, in (0, 1).
    """
    if trials == 0:
        return undefined("wilson", "there are no rows to count")
    low, high = wilson_bounds(successes, trials, z=critical_value(confidence))
    return Interval(value=successes / trials, low=float(low), high=float(high), method="wilson")


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate a proportion with its exact interval (Clopper & Pearson 1934, doi:10.2307/2331986).

    Coverage is never below `confidence`, which is what a gate needs.

    Args:
        successes: Count, in [0, trials].
        trials: Count; 0 makes the proportion undefined.
        confidence: Two-sided coverage, in (0, 1).
    """
    if trials == 0:
        return undefined("clopper_pearson", "there are no rows to count")
    x, n, tail = successes, trials, (1 - confidence) / 2
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, tail))
    high = 1.0 if x == n else float(special.betaincinv(x + 1, n - x, 1 - tail))
    return Interval(value=x / n, low=low, high=high, method="clopper_pearson")


def newcombe_difference(
    successes: tuple[ArrayLike, ArrayLike], trials: tuple[ArrayLike, ArrayLike], *, z: float
) -> Bounds:
    """Bound differences of two independent proportions (Newcombe 1998, method 10).

    The square-and-add interval of two Wilson intervals;
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Args:
        successes: Counts of the first and of the second sample, any equal shape.
        trials: Counts of the same shape, above 0.
        z: Critical value, see `critical_value`.

    Returns:
        Bounds of first minus second, in [-1, 1].
    """
    first, second = (
        np.asarray(x, dtype=float) / np.asarray(n, dtype=float)
        for x, n in zip(successes, trials, strict=True)
    )
    (low_1, high_1), (low_2, high_2) = (
        wilson_bounds(x, n, z=z) for x, n in zip(successes, trials, strict=True)
    )
    gap = first - second
    low = gap - np.hypot(first - low_1, high_2 - second)
    high = gap + np.hypot(high_1 - first, second - low_2)
    return Bounds(low, high)


def koopman_ratio(
    successes: tuple[ArrayLike, ArrayLike], trials: tuple[ArrayLike, ArrayLike], *, z: float
) -> Bounds:
    """Bound ratios of two independent proportions (Koopman 1984, doi:10.2307/2531405).

    Inverts the score test of `first = ratio x second`; works with a count of 0.

    Args:
        successes: Counts of the first and of the second sample, shape (k,) each.
        trials: Counts of the same shape, above 0.
        z: Critical value, see `critical_value`.

    Returns:
        Bounds in [0, inf]; where both counts are 0 the data say nothing: 0 and inf.
    """
    x_1, x_2 = (np.asarray(x, dtype=float) for x in successes)
    n_1, n_2 = (np.asarray(n, dtype=float) for n in trials)

    def root(target: float) -> NDArray[np.float64]:
        below = np.full(x_1.shape, -_LOG_RATIO_BOUND)
        above = np.full(x_1.shape, _LOG_RATIO_BOUND)
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            # The score falls as the ratio grows.
            right = _ratio_score((x_1, x_2), (n_1, n_2), np.exp(middle)) > target
            below, above = np.where(right, middle, below), np.where(right, above, middle)
        found: NDArray[np.float64] = np.exp((below + above) / 2)
        return found

    low = np.where(x_1 == 0, 0.0, root(z))
    high = np.where(x_2 == 0, np.inf, root(-z))
    return Bounds(low, high)


def _ratio_score(
    successes: tuple[NDArray[np.float64], NDArray[np.float64]],
    trials: tuple[NDArray[np.float64], NDArray[np.float64]],
    ratio: NDArray[np.float64],
) -> NDArray[np.float64]:
    (x_1, x_2), (n_1, n_2) = successes, trials
    # Likelihood maximum under first = ratio x second: the smaller root of a quadratic, written
    # without the difference that would cancel.
    a = (n_1 + n_2) * ratio
    b = ratio * (n_1 + x_2) + x_1 + n_2
    c = x_1 + x_2
    second = 2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))
    first = np.minimum(ratio * second, 1.0)
    variance = first * (1 - first) / n_1 + ratio**2 * second * (1 - second) / n_2
    gap = x_1 / n_1 - ratio * x_2 / n_2
    # No variance: the ratio either fits the data exactly or cannot have made them.
    edge = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    score: NDArray[np.float64] = np.divide(gap, np.sqrt(variance), out=edge, where=variance > 0)
    return score


def f1_score(
    true_positives: int,
    false_positives: int,
    false_negatives: int,
    *,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Estimate F1 with its indirect Wilson interval (Lam, Gopal & Qian 2023, arXiv:2309.14621).

    F1 = 2J / (1 + J) grows with J = TP / (TP + FP + FN), and J is a binomial proportion, so the
    Wilson bounds of J give those of F1.

    Args:
        true_positives: Count.
        false_positives: Count.
        false_negatives: Count; if all three are 0, F1 is undefined.
        confidence: Two-sided coverage, in (0, 1).
    """
    shared = wilson(
        true_positives, true_positives + false_positives + false_negatives, confidence=confidence
    )
    if shared.value is None or shared.low is None or shared.high is None:
        return undefined("wilson_indirect", "the class is neither in the labels nor predicted")
    value, low, high = (2 * j / (1 + j) for j in (shared.value, shared.low, shared.high))
    return Interval(value=value, low=low, high=high, method="wilson_indirect")


def transformed(
    estimate: Estimate,
    *,
    scale: Literal["logit", "log"],
    method: str,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Make a normal interval on a scale where it cannot leave the range of the quantity.

    Args:
        estimate: Value strictly inside the range and standard error on the original scale.
        scale: `logit` for quantities in (0, 1), `log` for positive ones.
        method: Name for the report.
        confidence: Two-sided coverage, in (0, 1).
    """
    value, error = estimate
    z = critical_value(confidence)
    if scale == "log":
        factor = math.exp(z * error / value)
        return Interval(value=value, low=value / factor, high=value * factor, method=method)
    half = z * error / (value * (1 - value))  # delta method
    low, high = special.expit(special.logit(value) + half * np.array([-1.0, 1.0]))
    return Interval(value=value, low=float(low), high=float(high), method=method)
