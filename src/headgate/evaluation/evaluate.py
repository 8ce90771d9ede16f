"""Everything that the evaluation report says about one model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate import checks
from headgate.evaluation.answers import Answers
from headgate.evaluation.calibration import calibration
from headgate.evaluation.classification import classification_metrics, per_class
from headgate.evaluation.comparison import Reference, compare
from headgate.evaluation.curves import pr_curve, roc_curve
from headgate.evaluation.slices import slice_metrics
from headgate.stats.intervals import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd


def evaluate(
    answers: Answers,
    *,
    columns: Mapping[str, "pd.Series[Any]"] | None = None,
    reference: Reference | None = None,
    confidence: float = CONFIDENCE,
) -> dict[str, object]:
    """Measure a classifier on labelled rows that it was not trained on.

    Args:
        answers: Labels and probabilities of n rows, from `read_answers`.
        columns: Columns of n values to slice by.
        reference: The champion's answers on the same rows; None compares with the majority class.
        confidence: Two-sided coverage of each interval, in (0, 1).

    Returns:
        The evaluation report: JSON-ready, without NaN; an undefined number is None with a reason.

    Raises:
        DataError: If a column makes more than 50 groups, or the reference has other rows.
    """
    if reference is not None:
        checks.probabilities(reference.probabilities, rows=answers.labels.size)
    tn, fp, fn, tp = answers.confusion()
    measured = classification_metrics(answers, confidence=confidence)
    calibrated = calibration(answers, confidence=confidence)
    return {
        "rows": int(answers.labels.size),
        "positives": tp + fn,
        "confidence": confidence,
        "metrics": {name: interval.as_mapping() for name, interval in measured.items()},
        "per_class": per_class(answers, confidence=confidence),
        "confusion": {"labels": list(answers.classes), "counts": [[tn, fp], [fn, tp]]},
        "roc": roc_curve(answers)._asdict(),
        "pr": pr_curve(answers)._asdict(),
        "calibration": {
            "bins": [each.as_mapping() for each in calibrated.bins],
            "expected_calibration_error": calibrated.expected_calibration_error,
        },
        "slices": slice_metrics(answers, columns or {}, confidence=confidence),
        "comparison": compare(answers, reference, confidence=confidence),
    }
