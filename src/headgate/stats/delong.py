"""Area under the ROC curve: its variance, and the paired difference of two models."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.stats.intervals import (
    CONFIDENCE,
    Estimate,
    Interval,
    critical_value,
    transformed,
    undefined,
    wilson,
)

ONE_CLASS = "only one class is in the labels"


class _Placements(NamedTuple):
    """Share of the other class that each row is ranked beyond, per class; their mean is the AUC."""

    positive: NDArray[np.float64]
    negative: NDArray[np.float64]


def roc_auc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> Estimate:
    """Estimate the AUC with DeLong's standard error, in O(n log n).

    DeLong, DeLong & Clarke-Pearson 1988 (doi:10.2307/2531595), computed by mid-ranks as in Sun & Xu
    2014 (doi:10.1109/LSP.2014.2337313).

    Args:
        labels: True for the positive class, shape (n,); both classes with 2 rows or more.
        scores: Higher means more likely positive, shape (n,), no NaN; ties count one half.

    Returns:
        AUC in [0, 1] and its standard error; 0 where the classes are perfectly separated.
    """
    placed = _placements(labels, scores)
    variance = placed.positive.var(ddof=1) / placed.positive.size
    variance += placed.negative.var(ddof=1) / placed.negative.size
    return Estimate(float(placed.positive.mean()), float(np.sqrt(variance)))


def roc_auc_interval(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], *, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate the AUC with a confidence interval inside [0, 1].

    DeLong's variance on the logit scale. Where that variance is 0 or cannot be estimated (perfect
    separation, a class of one row), the bound `variance <= AUC (1 - AUC) / min(n+, n-)` (Bamber
    1975, doi:10.1016/0022-2496(75)90001-2) is inverted instead, which is Wilson's interval with
    min(n+, n-) trials.

    Args:
        labels: True for the positive class, shape (n,).
        scores: Higher means more likely positive, shape (n,), no NaN.
        confidence: Two-sided coverage, in (0, 1).

    Returns:
        The interval; undefined if there is only one class.
    """
    positives = int(labels.sum())
    fewer = min(positives, labels.size - positives)
    if fewer == 0:
        return undefined("delong_logit", ONE_CLASS)
    if fewer > 1:
        estimate = roc_auc(labels, scores)
        if estimate.standard_error > 0:
            return transformed(
                estimate, scale="logit", method="delong_logit", confidence=confidence
            )
    area = float(_placements(labels, scores).positive.mean())
    bound = wilson(area * fewer, fewer, confidence=confidence)
    return Interval(value=area, low=bound.low, high=bound.high, method="bamber_wilson")


def roc_auc_gain(
    labels: NDArray[np.bool_],
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Estimate by how much the first model's AUC exceeds the second's, on the same rows.

    Args:
        labels: True for the positive class, shape (n,).
        scores: Scores of the first and of the second model, shape (n,) each, no NaN.
        confidence: Two-sided coverage, in (0, 1).

    Returns:
        Gain in [-1, 1] with DeLong's paired interval; undefined if a class has less than 2 rows.
    """
    positives = int(labels.sum())
    if min(positives, labels.size - positives) < 2:
        return undefined("delong_paired", "each class needs 2 rows or more")
    first, second = (_placements(labels, each) for each in scores)
    by_positive = first.positive - second.positive
    by_negative = first.negative - second.negative
    variance = by_positive.var(ddof=1) / by_positive.size
    variance += by_negative.var(ddof=1) / by_negative.size
    gain, half = float(by_positive.mean()), critical_value(confidence) * float(np.sqrt(variance))
    return Interval(
        value=gain, low=max(-1.0, gain - half), high=min(1.0, gain + half), method="delong_paired"
    )


def _placements(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> _Placements:
    positive, negative = scores[labels], scores[~labels]
    among_all = _midranks(np.concatenate([positive, negative]))
    beyond = among_all[: positive.size] - _midranks(positive)
    below = among_all[positive.size :] - _midranks(negative)
    return _Placements(beyond / negative.size, 1.0 - below / positive.size)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[group], dtype=np.float64)
