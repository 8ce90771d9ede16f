"""Percentiles of durations, with an interval that assumes nothing of their distribution."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.errors import DataError, NoDataError
from headgate.stats.binomial import binomial_quantile
from headgate.stats.intervals import CONFIDENCE, Interval

TAIL = 0.95  # the percentile that the latency gate judges
METHOD = "order_statistics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Durations of single requests, in milliseconds."""

    p50: float
    p95: Interval
    requests: int

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {"p50": self.p50, "p95": self.p95.as_mapping(), "requests": self.requests}


def latency(milliseconds: ArrayLike, *, confidence: float = CONFIDENCE) -> Latency:
    """Summarise durations.

    Args:
        milliseconds: One duration per request, shape (n,), finite, 0 or more.
        confidence: Coverage of the interval of the 95th percentile, in (0, 1).

    Returns:
        The median, and the 95th percentile with its interval.

    Raises:
        NoDataError: If there are no durations.
        DataError: If one is NaN, infinite or negative.
    """
    values = np.sort(np.asarray(milliseconds, dtype=np.float64))
    if values.size == 0:
        raise NoDataError("no request was timed, at least 1 is needed")
    if not (np.isfinite(values).all() and values[0] >= 0):
        raise DataError("a duration is NaN, infinite or negative; needed are milliseconds >= 0")
    return Latency(
        p50=float(np.median(values)),
        p95=quantile_interval(values, TAIL, confidence=confidence),
        requests=values.size,
    )


def quantile_interval(values: ArrayLike, share: float, *, confidence: float) -> Interval:
    """Estimate a quantile with the interval between two order statistics.

    Below the true quantile lies a Binomial(n, share) number of n independent values, whatever
    their distribution; the two ranks are that binomial's quantiles (David & Nagaraja 2003, Order
    Statistics, section 7.1, doi:10.1002/0471722162). Coverage is at least `confidence`.

    Args:
        values: The sample, shape (n,), no NaN, 1 or more.
        share: Which quantile, in (0, 1).
        confidence: Coverage, in (0, 1).

    Returns:
        The value of rank ceil(n * share) with its interval; a bound is None if the sample is too
        small to have one.
    """
    ranked = np.sort(np.asarray(values, dtype=np.float64))
    n, tail = ranked.size, (1 - confidence) / 2
    low = binomial_quantile(tail, n=n, share=share)  # ranks, counted from 1
    high = binomial_quantile(1 - tail, n=n, share=share) + 1
    missing = low < 1 or high > n
    return Interval(
        value=float(ranked[math.ceil(n * share) - 1]),
        low=float(ranked[low - 1]) if low >= 1 else None,
        high=float(ranked[high - 1]) if high <= n else None,
        method=METHOD,
        reason=f"{n} values are too few for both bounds" if missing else None,
    )
