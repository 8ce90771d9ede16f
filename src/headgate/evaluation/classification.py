"""How good a classifier is, each number with its interval and the method of the interval."""

import numpy as np

from headgate.evaluation.answers import Answers, Confusion
from headgate.stats import influence
from headgate.stats.delong import ONE_CLASS, roc_auc_interval
from headgate.stats.intervals import (
    CONFIDENCE,
    Interval,
    clopper_pearson,
    critical_value,
    f1_score,
    newcombe_difference,
    transformed,
    undefined,
    wilson,
)

# Smallest and largest probability that the log loss distinguishes from 0 and 1, as scikit-learn.
_EPSILON = float(np.finfo(np.float64).eps)


def classification_metrics(
    answers: Answers, *, confidence: float = CONFIDENCE
) -> dict[str, Interval]:
    """Measure a classifier by every metric of the report.

    Accuracy has the exact interval because a gate rests on it; the other proportions have Wilson's,
    which is shorter.

    Args:
        answers: Labels and probabilities.
        confidence: Two-sided coverage of each interval, in (0, 1).

    Returns:
        Intervals by name: accuracy, balanced_accuracy, precision, recall, f1, roc_auc, pr_auc,
        log_loss and brier. Undefined ones hold None and the reason.
    """
    counts = answers.confusion()
    tn, fp, fn, tp = counts
    return {
        "accuracy": clopper_pearson(tp + tn, sum(counts), confidence=confidence),
        "balanced_accuracy": balanced_accuracy(counts, confidence=confidence),
        "precision": _share(tp, tp + fp, "no row is called positive", confidence),
        "recall": _share(tp, tp + fn, "no row is positive", confidence),
        "f1": f1_score(tp, fp, fn, confidence=confidence),
        "roc_auc": roc_auc_interval(answers.labels, answers.probabilities, confidence=confidence),
        "pr_auc": pr_auc(answers, confidence=confidence),
        "log_loss": log_loss(answers, confidence=confidence),
        "brier": brier_score(answers, confidence=confidence),
    }


def per_class(answers: Answers, *, confidence: float = CONFIDENCE) -> list[dict[str, object]]:
    """Measure precision, recall and F1 of each class as the one that is looked for.

    Args:
        answers: Labels and probabilities.
        confidence: Two-sided coverage of each interval, in (0, 1).

    Returns:
        One record a class, negative first: label, precision, recall, f1, support (rows of it).
    """
    tn, fp, fn, tp = answers.confusion()
    records: list[dict[str, object]] = []
    for label, hit, false_alarm, missed in (
        (answers.classes[0], tn, fn, fp),
        (answers.classes[1], tp, fp, fn),
    ):
        called, support = hit + false_alarm, hit + missed
        precision = _share(hit, called, f"no row is called {label!r}", confidence)
        recall = _share(hit, support, f"no row is {label!r}", confidence)
        f1 = f1_score(hit, false_alarm, missed, confidence=confidence)
        records.append(
            {
                "label": label,
                "precision": precision.as_mapping(),
                "recall": recall.as_mapping(),
                "f1": f1.as_mapping(),
                "support": support,
            }
        )
    return records


def balanced_accuracy(counts: Confusion, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate the mean of both classes' recalls.

    It is (1 + J) / 2 with Youden's J, the difference of two independent proportions, so Newcombe's
    interval of that difference gives its own.

    Args:
        counts: The confusion matrix.
        confidence: Two-sided coverage, in (0, 1).
    """
    tn, fp, fn, tp = counts
    if tp + fn == 0 or tn + fp == 0:
        return undefined("newcombe", ONE_CLASS)
    bounds = newcombe_difference((tp, fp), (tp + fn, tn + fp), z=critical_value(confidence))
    youden = tp / (tp + fn) - fp / (tn + fp)
    value, low, high = ((1 + j) / 2 for j in (youden, float(bounds.low), float(bounds.high)))
    return Interval(value=value, low=low, high=high, method="newcombe")


def pr_auc(answers: Answers, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate the area under the precision-recall curve as average precision.

    Args:
        answers: Labels and probabilities.
        confidence: Two-sided coverage, in (0, 1).
    """
    method, positives = "influence_logit", int(answers.labels.sum())
    if positives in (0, answers.labels.size):
        return undefined(method, ONE_CLASS)
    estimate = influence.average_precision(answers.labels, answers.probabilities)
    if estimate.value == 1.0:
        return Interval(
            value=1.0,
            low=None,
            high=None,
            method=method,
            reason="every positive row ranks first: there is no variance to estimate",
        )
    return transformed(estimate, scale="logit", method=method, confidence=confidence)


def log_loss(answers: Answers, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate the mean log loss; the interval is normal on the log scale, as losses are skewed.

    Args:
        answers: Labels and probabilities; 0 and 1 are moved inside by the float's epsilon.
        confidence: Two-sided coverage, in (0, 1).
    """
    clipped = np.clip(answers.probabilities, _EPSILON, 1 - _EPSILON)
    losses = -np.log(np.where(answers.labels, clipped, 1 - clipped))
    if losses.size < 2 or np.ptp(losses) == 0:
        return Interval(
            value=float(losses.mean()),
            low=None,
            high=None,
            method="mean_log",
            reason="every row has the same loss: there is no variance to estimate",
        )
    return transformed(
        influence.mean(losses), scale="log", method="mean_log", confidence=confidence
    )


def brier_score(answers: Answers, *, confidence: float = CONFIDENCE) -> Interval:
    """Estimate the mean squared distance of probability and label (Brier 1950).

    Where the rows show no variance, Wilson's interval of the mean is an upper bound on the width:
    the variance of a number in [0, 1] is at most m (1 - m) (Bhatia & Davis 2000,
    doi:10.1080/00029890.2000.12005203).

    Args:
        answers: Labels and probabilities.
        confidence: Two-sided coverage, in (0, 1).

    Returns:
        The interval, in [0, 1]; 0 is perfect.
    """
    losses = (answers.probabilities - answers.labels) ** 2
    if losses.size < 2 or np.ptp(losses) == 0:
        return wilson(float(losses.sum()), losses.size, confidence=confidence)
    return transformed(
        influence.mean(losses), scale="logit", method="mean_logit", confidence=confidence
    )


def _share(successes: int, trials: int, reason: str, confidence: float) -> Interval:
    if trials == 0:
        return undefined("wilson", reason)
    return wilson(successes, trials, confidence=confidence)
