"""How many canary exposures a sequential test needs: fast approximations for planning.

Deterministic and good to a few per cent: the canary's count is binomial, the stable arm's count is
taken at nine equally likely quantiles, and the test is looked at once, at the end. A test that is
looked at more often detects a little earlier, so the answers are on the safe side. Nothing here
takes part in a decision.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc, bdtrik

from headgate.stats.sequential import (
    Counts,
    Direction,
    Floats,
    floor_increment,
    log_e_value,
    log_mean_e_value,
    ratio_increment,
)

POWER = 0.8  # the convention of sample-size planning
MOST_EXPOSURES = 10_000_000  # beyond this a stage is hopeless
_QUANTILES: Floats = (np.arange(9) + 0.5) / 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A canary beside a stable arm, and the test that compares their bad-event rates."""

    canary_share: float  # of the exposures, above 0 and below 1
    stable_rate: float  # bad events per exposure, in [0, 1]
    ratio: float  # null of the ratio test
    log_threshold: float  # log(1 / a)
    floor: float | None = None  # also demand the floor test; None: the ratio test alone


def detection_probability(comparison: Comparison, *, exposures: int, canary_rate: float) -> float:
    """Approximate the probability that harm is seen within a number of canary exposures.

    Args:
        comparison: The arms and the test.
        exposures: Canary exposures, at least 1.
        canary_rate: True bad-event rate of the canary, in [0, 1].

    Returns:
        Probability in [0, 1].
    """
    stable = exposures * (1 - comparison.canary_share) / comparison.canary_share
    # fmax turns the undefined quantile of a rate of 0 into 0 bad events.
    stable_bad = np.fmax(bdtrik(_QUANTILES, np.ceil(stable), comparison.stable_rate), 0.0)
    least = _least_bad(comparison, float(exposures), stable, np.ceil(stable_bad))
    reach = np.where(least > exposures, 0.0, bdtrc(least - 1, exposures, canary_rate))
    return float(np.where(least == 0, 1.0, reach).mean())


def exposures_to_detect(comparison: Comparison, *, canary_rate: float) -> int:
    """Find the canary exposures at which harm is seen with probability 0.8.

    Args:
        comparison: The arms and the test.
        canary_rate: True bad-event rate of the canary, in [0, 1].

    Returns:
        Exposures, at most `MOST_EXPOSURES`, which also stands for "never".
    """
    return _first(
        lambda n: detection_probability(comparison, exposures=n, canary_rate=canary_rate) >= POWER
    )


def smallest_detectable_rate(comparison: Comparison, *, exposures: int) -> float | None:
    """Find the smallest bad-event rate that is seen with probability 0.8.

    Args:
        comparison: The arms and the test.
        exposures: Canary exposures, 0 or more.

    Returns:
        Rate in (stable rate, 1] to three digits; None if not even a rate of 1 would be seen.
    """
    if exposures < 1 or not _sees(comparison, exposures, 1.0):
        return None
    low, high = comparison.stable_rate, 1.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _sees(comparison, exposures, middle) else (middle, high)
    return high


def exposures_to_exclude(
    comparison: Comparison, *, floor: float, canary_rate: float, head_start: Floats
) -> int:
    """Approximate the median canary exposures until PASS: ratio and rate below their limits.

    Args:
        comparison: The arms; its ratio is the one that PASS must exclude.
        floor: Rate below which a canary is good whatever the stable arm does.
        canary_rate: True bad-event rate of the canary.
        head_start: Sums of the ratio test and of the floor test so far, shape (2, 40).

    Returns:
        Exposures at this share, at most `MOST_EXPOSURES`, which also stands for "never".
    """

    def passes(exposures: int) -> bool:
        ratio, down = expected_good_sums(
            comparison, floor=floor, canary_rate=canary_rate, exposures=exposures
        )
        log_e = log_mean_e_value(
            log_e_value(head_start[0] + ratio), log_e_value(head_start[1] + down)
        )
        return bool(log_e >= comparison.log_threshold)

    return _first(passes)


def expected_good_sums(
    comparison: Comparison, *, floor: float, canary_rate: float, exposures: int
) -> Floats:
    """Sum the tests of PASS over as many bad events as are expected.

    Args:
        comparison: The arms; its ratio is the one that PASS must exclude.
        floor: Rate of the floor test.
        canary_rate: True bad-event rate of the canary.
        exposures: Canary exposures, 0 or more.

    Returns:
        Sums of the ratio test and of the floor test, shape (2, 40).
    """
    stable = exposures * (1 - comparison.canary_share) / comparison.canary_share
    counts = Counts(exposures, exposures * canary_rate, stable, stable * comparison.stable_rate)
    down = Direction.DOWN
    return np.stack(
        [
            ratio_increment(counts, ratio=comparison.ratio, direction=down),
            floor_increment(counts, floor=floor, direction=down),
        ]
    )


def _sees(comparison: Comparison, exposures: int, rate: float) -> bool:
    return detection_probability(comparison, exposures=exposures, canary_rate=rate) >= POWER


def _least_bad(comparison: Comparison, n: float, stable: float, stable_bad: Floats) -> Floats:
    """Find the fewest bad canary events that cross; the e-values grow with each bad event."""
    low, high = np.full(stable_bad.shape, -1.0), np.full(stable_bad.shape, n + 1)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        crosses = _log_harm(comparison, n, middle, stable, stable_bad) >= comparison.log_threshold
        high, low = np.where(crosses, middle, high), np.where(crosses, low, middle)
    return high


def _log_harm(
    comparison: Comparison, n: float, bad: Floats, stable: float, stable_bad: Floats
) -> Floats:
    counts = Counts(np.full(bad.shape, n), bad, np.full(bad.shape, stable), stable_bad)
    up = Direction.UP
    log_e = log_e_value(ratio_increment(counts, ratio=comparison.ratio, direction=up))
    if comparison.floor is None:
        return log_e
    return np.minimum(
        log_e, log_e_value(floor_increment(counts, floor=comparison.floor, direction=up))
    )


def _first(holds: Callable[[int], bool]) -> int:
    """Find the smallest n in 1..MOST_EXPOSURES for which a condition that stays true holds."""
    high = 1
    while high < MOST_EXPOSURES and not holds(high):
        high = min(high * 2, MOST_EXPOSURES)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
