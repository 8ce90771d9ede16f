"""Two classifiers on the same rows: McNemar's test and the interval of the accuracy gain."""

import math
from collections.abc import Callable

from scipy import special

from headgate.stats.intervals import CONFIDENCE, Interval, critical_value, undefined

_HALVINGS = 60  # bisection on [-1, 1] down to float precision


def mcnemar(first_only: int, second_only: int, *, mid_p: bool = True) -> float:
    """Test whether two classifiers are equally often right (McNemar 1947, doi:10.1007/BF02295996).

    Args:
        first_only: Rows that only the first gets right.
        second_only: Rows that only the second gets right.
        mid_p: Count half of the observed outcome's probability. The default, because the exact
            test is needlessly conservative and the mid-p version keeps its level in practice
            (Fagerland, Lydersen & Laake 2013, doi:10.1186/1471-2288-13-91).

    Returns:
        Two-sided p-value in [0, 1]; 1 if the classifiers never differ.
    """
    discordant, fewer = first_only + second_only, min(first_only, second_only)
    both_tails = 2 * float(special.bdtr(fewer, discordant, 0.5))
    observed = _even_binomial(fewer, discordant) if mid_p else 0.0
    return min(1.0, both_tails - observed)


def _even_binomial(count: int, trials: int) -> float:
    """Return the probability of `count` heads in `trials` throws of a fair coin."""
    log_choose = special.gammaln(trials + 1) - special.gammaln(count + 1)
    log_choose -= special.gammaln(trials - count + 1)
    return math.exp(log_choose - trials * math.log(2))


def tango(
    first_only: int, second_only: int, rows: int, *, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the accuracy gain of the first classifier over the second, on the same rows.

    Score interval of Tango 1998, Statistics in Medicine 17, 891-908
    (doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B). It does not shrink to a
    point when the classifiers hardly ever differ, and it agrees with McNemar's asymptotic test
    about zero.

    Args:
        first_only: Rows that only the first gets right.
        second_only: Rows that only the second gets right.
        rows: All rows; 0 makes the gain undefined.
        confidence: Two-sided coverage, in (0, 1).

    Returns:
        Gain in [-1, 1]; positive if the first is better.
    """
    if rows == 0:
        return undefined("tango", "there are no rows to compare on")
    z, gain = critical_value(confidence), (first_only - second_only) / rows

    def score(difference: float) -> float:
        return _tango_score(first_only, second_only, rows, difference)

    return Interval(
        value=gain,
        low=_bisect(lambda d: score(d) > z, -1.0, gain),
        high=_bisect(lambda d: score(d) > -z, gain, 1.0),
        method="tango",
    )


def _tango_score(b: int, c: int, n: int, difference: float) -> float:
    # Restricted likelihood maximum of the second discordant probability: root of 2n q^2 + k q + l.
    k = -(b + c) + (2 * n - b + c) * difference
    m = -c * difference * (1 - difference)
    q = (math.sqrt(max(k * k - 8 * n * m, 0.0)) - k) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    gap = b - c - n * difference
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)


def _bisect(is_left: Callable[[float], bool], left: float, right: float) -> float:
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        left, right = (middle, right) if is_left(middle) else (left, middle)
    return (left + right) / 2
