"""Is the candidate better than what is there already, on the same rows?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.evaluation.answers import Answers
from headgate.stats.delong import roc_auc_gain
from headgate.stats.intervals import CONFIDENCE
from headgate.stats.paired import mcnemar, tango


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The champion's answers on the candidate's rows."""

    version: str
    probabilities: NDArray[np.float64]  # of the positive class, shape (n,), in [0, 1]


def compare(
    answers: Answers, reference: Reference | None, *, confidence: float = CONFIDENCE
) -> dict[str, object]:
    """Compare the candidate with the champion, or with the majority class, row by row.

    Args:
        answers: Labels and the candidate's probabilities.
        reference: The champion's answers; None compares with always calling the class that is more
            frequent *in these rows*, the best that any constant answer can do on them.
        confidence: Two-sided coverage of the intervals, in (0, 1).

    Returns:
        The report's `comparison`; `roc_auc_gain` only against a champion, as a constant ranks
        nothing.
    """
    labels = answers.labels
    if reference is None:
        majority = bool(2 * labels.sum() > labels.size)
        right = np.asarray(labels == majority)
        extra: dict[str, object] = {}
    else:
        champion = Answers(
            classes=answers.classes, labels=labels, probabilities=reference.probabilities
        )
        right = champion.right
        gain = roc_auc_gain(
            labels, (answers.probabilities, reference.probabilities), confidence=confidence
        )
        extra = {"roc_auc_gain": gain.as_mapping()}
    won = int((answers.right & ~right).sum())
    lost = int((right & ~answers.right).sum())
    return {
        "reference": "majority class" if reference is None else f"champion {reference.version}",
        "reference_version": None if reference is None else reference.version,
        "rows": int(labels.size),
        "candidate_only_right": won,
        "reference_only_right": lost,
        "accuracy_gain": tango(won, lost, labels.size, confidence=confidence).as_mapping(),
        "p_value": mcnemar(won, lost),
        **extra,
    }
