"""ROC and precision-recall curves, thinned so that a report stays small."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.evaluation.answers import Answers

MAX_POINTS = 200  # finer than a screen's picture of the curve


class RocCurve(NamedTuple):
    """Points from (0, 0) to (1, 1) with their probability thresholds; empty with one class."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    threshold: list[float]


class PrCurve(NamedTuple):
    """Points from recall 0 to 1; empty without a positive row."""

    recall: list[float]
    precision: list[float]


def roc_curve(answers: Answers) -> RocCurve:
    """Draw the true against the false positive rate over all thresholds.

    Args:
        answers: Labels and probabilities.

    Returns:
        At most 200 points. The first threshold, which no row reaches, is written as 1.
    """
    positives = int(answers.labels.sum())
    negatives = answers.labels.size - positives
    if positives == 0 or negatives == 0:
        return RocCurve([], [], [])
    threshold, hits, called = _steps(answers)
    x = np.concatenate([[0.0], (called - hits) / negatives])
    y = np.concatenate([[0.0], hits / positives])
    keep = _spread(x, y)
    return RocCurve(
        x[keep].tolist(), y[keep].tolist(), np.concatenate([[1.0], threshold])[keep].tolist()
    )


def pr_curve(answers: Answers) -> PrCurve:
    """Draw precision against recall over all thresholds.

    Args:
        answers: Labels and probabilities.

    Returns:
        At most 200 points; the first is (0, 1) by convention.
    """
    positives = int(answers.labels.sum())
    if positives == 0:
        return PrCurve([], [])
    _, hits, called = _steps(answers)
    recall = np.concatenate([[0.0], hits / positives])
    precision = np.concatenate([[1.0], hits / called])
    # Behind full recall the curve only falls straight down.
    end = int(np.searchsorted(recall, 1.0)) + 1
    keep = _spread(recall[:end], precision[:end])
    return PrCurve(recall[keep].tolist(), precision[keep].tolist())


def _steps(
    answers: Answers,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each distinct probability, highest first, with the positives and rows down to it."""
    order = np.argsort(-answers.probabilities, kind="stable")
    ranked = answers.probabilities[order]
    last = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))
    hits = np.cumsum(answers.labels[order], dtype=np.float64)[last]
    return ranked[last], hits, np.asarray(last + 1, dtype=np.float64)


def _spread(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose points that are evenly spread along the curve, with both ends."""
    if x.size <= MAX_POINTS:
        return np.arange(x.size)
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    wanted = np.searchsorted(way, np.linspace(0.0, way[-1], MAX_POINTS))
    return np.unique(wanted)
