"""Does the exported model answer what the fitted one answers? Measure it, then judge it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.errors import DataError
from headgate.evaluation.answers import THRESHOLD
from headgate.problem import Verdict
from headgate.stats.delong import roc_auc

# An exact export differs by float32 rounding, 4e-7 at most for 200 trees; a real fault (a category
# read as another one, a threshold on the wrong side) moves some row by 1e-3 or more.
MAX_PROBABILITY_DIFFERENCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far an exported model's answers are from the fitted model's, on the same rows."""

    rows: int
    max_probability_difference: float  # 0 is the same; a NaN on either side counts as 1
    label_flips: int  # rows on the other side of the threshold
    auc_change: float | None  # exported minus fitted; None without both classes, or with a NaN

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {
            "rows": self.rows,
            "max_probability_difference": self.max_probability_difference,
            "label_flips": self.label_flips,
            "auc_change": self.auc_change,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityVerdict:
    """Whether the exported model may stand for the fitted one, and why."""

    verdict: Verdict
    reason: str

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {"verdict": self.verdict.value, "reason": self.reason}


def measure_parity(fitted: ArrayLike, exported: ArrayLike, *, positive: ArrayLike) -> Parity:
    """Compare the probabilities of two forms of one model.

    Args:
        fitted: Probability of the positive class by the fitted model, shape (n,).
        exported: The same by the exported model.
        positive: True where the label is positive, shape (n,); for the AUC only.

    Returns:
        The differences.

    Raises:
        DataError: If the three differ in shape.
    """
    before, after = np.asarray(fitted, np.float64), np.asarray(exported, np.float64)
    labels = np.asarray(positive, dtype=bool)
    if not before.shape == after.shape == labels.shape:
        raise DataError(
            f"shapes {before.shape} fitted, {after.shape} exported and {labels.shape} positive "
            "differ, they must be the same"
        )
    difference = np.abs(after - before)
    largest = np.where(np.isfinite(difference), difference, 1.0).max(initial=0.0)
    return Parity(
        rows=before.size,
        max_probability_difference=float(largest),
        label_flips=int(np.sum((before >= THRESHOLD) != (after >= THRESHOLD))),
        auc_change=_auc_change(labels, before, after),
    )


def judge_parity(
    parity: Parity, *, max_probability_difference: float = MAX_PROBABILITY_DIFFERENCE
) -> ParityVerdict:
    """Judge a comparison. Label flips are implied, not judged apart.

    Within the limit only a row that is that close to the threshold can change its label; such a
    row is a coin toss in both forms, and a rule of "no flips" would fail large tables by chance.

    Args:
        parity: What `measure_parity` measured.
        max_probability_difference: Largest difference that passes.

    Returns:
        PASS or FAIL; INSUFFICIENT without rows.
    """
    if parity.rows == 0:
        return ParityVerdict(verdict=Verdict.INSUFFICIENT, reason="no rows to compare")
    seen = (
        f"largest probability difference {parity.max_probability_difference:.2g} over "
        f"{parity.rows} rows, {parity.label_flips} label flips"
    )
    if parity.max_probability_difference <= max_probability_difference:
        return ParityVerdict(
            verdict=Verdict.PASS, reason=f"{seen}; at most {max_probability_difference:.2g}"
        )
    return ParityVerdict(
        verdict=Verdict.FAIL, reason=f"{seen}; allowed is {max_probability_difference:.2g}"
    )


def _auc_change(
    positive: NDArray[np.bool_], before: NDArray[np.float64], after: NDArray[np.float64]
) -> float | None:
    # DeLong's estimate needs two rows of each class.
    if min(positive.sum(), (~positive).sum()) < 2 or not np.isfinite(before + after).all():
        return None
    return roc_auc(positive, after).value - roc_auc(positive, before).value
