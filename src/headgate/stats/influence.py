"""Standard errors by influence functions: means of losses, and average precision.

No resampling: the result has no random part, and 10,000 rows take a millisecond.
"""

import numpy as np
from numpy.typing import NDArray

from headgate.stats.intervals import Estimate


def mean(values: NDArray[np.float64]) -> Estimate:
    """Estimate a mean with its standard error.

    Args:
        values: One number a row, shape (n,) with n of 2 or more, no NaN.
    """
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> Estimate:
    """Estimate average precision (area under the precision-recall curve) with its standard error.

    The estimate is the mean over the positives of the precision at their own score. Its influence
    function (Hampel 1974, doi:10.1080/01621459.1974.10482962) has two parts: the positive's own
    precision, and what the row changes in the precision at all lower scores.

    Args:
        labels: True for the positive class, shape (n,); at least one.
        scores: Higher means more likely positive, shape (n,), no NaN; ties share a threshold.

    Returns:
        Average precision in (0, 1] and its standard error.
    """
    order = np.argsort(-scores, kind="stable")
    positive, ranked = labels[order].astype(float), scores[order]
    rows, positives = positive.size, float(positive.sum())
    # Everything at or above a row's score, up to the last row of its tie.
    last = np.searchsorted(-ranked, -ranked, side="right") - 1
    reached = last + 1.0
    precision = np.cumsum(positive)[last] / reached
    value = float(positive @ precision / positives)
    # Sums over the positives at or below a row's score: from the first row of its tie to the end.
    first = np.searchsorted(-ranked, -ranked, side="left")
    weight = positive / reached
    lower_weight = np.cumsum(weight[::-1])[::-1][first]
    lower_precision = np.cumsum((weight * precision)[::-1])[::-1][first]
    influence = positive * (precision - value) + positive * lower_weight - lower_precision
    influence *= rows / positives
    return Estimate(value, float(np.sqrt(influence @ influence) / rows))
