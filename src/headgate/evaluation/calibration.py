"""Does a predicted probability of 0.3 come true three times in ten?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from headgate.evaluation.answers import Answers
from headgate.stats.intervals import CONFIDENCE, Interval, wilson

BINS = 10  # deciles: the habit of the field; more bins are noise at the sizes of a test part


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Rows of similar probability: the mean prediction, and how many came true."""

    mean_predicted: float
    observed: Interval
    count: int

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {
            "mean_predicted": self.mean_predicted,
            "observed": self.observed.as_mapping(),
            "count": self.count,
        }


class Calibration(NamedTuple):
    """Bins by rising probability, and the expected calibration error (0 is perfect)."""

    bins: tuple[CalibrationBin, ...]
    expected_calibration_error: float


def calibration(
    answers: Answers, *, bins: int = BINS, confidence: float = CONFIDENCE
) -> Calibration:
    """Compare predicted probabilities with what came true, in bins of equal count.

    The plain expected calibration error is above 0 even for a perfectly calibrated model, because
    each bin's share is noisy. What resampling the shares would add once more is subtracted (Kumar,
    Liang & Ma 2019, arXiv:1909.10155), here in closed form. That removes all of the excess where
    the gaps are large and nearly half of it where there are none, so values of the size of the
    bins' own intervals are still noise.

    Args:
        answers: Labels and probabilities.
        bins: How many, at least 1; equal probabilities share a bin, so there may be fewer.
        confidence: Two-sided coverage of each bin's interval, in (0, 1).
    """
    order = np.argsort(answers.probabilities, kind="stable")
    predicted, came_true = answers.probabilities[order], answers.labels[order]
    start = _starts(predicted, bins)
    count = np.diff(np.concatenate([start, [predicted.size]]))
    mean = np.add.reduceat(predicted, start) / count
    hits = np.add.reduceat(came_true.astype(float), start)
    return Calibration(
        bins=tuple(
            CalibrationBin(
                mean_predicted=float(m),
                observed=wilson(int(x), int(n), confidence=confidence),
                count=int(n),
            )
            for m, x, n in zip(mean, hits, count, strict=True)
        ),
        expected_calibration_error=_debiased_error(mean, hits / count, count.astype(float)),
    )


def _starts(ranked: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    cuts = np.linspace(0, ranked.size, bins + 1)[1:-1].round().astype(np.int64)
    # A cut within equal probabilities moves to their first row.
    moved = np.searchsorted(ranked, ranked[cuts[cuts < ranked.size]], side="left")
    return np.unique(np.concatenate([[0], moved]))


def _debiased_error(
    predicted: NDArray[np.float64], observed: NDArray[np.float64], count: NDArray[np.float64]
) -> float:
    gap = observed - predicted
    noise = np.sqrt(observed * (1 - observed) / count)
    # Mean of |normal(gap, noise)|, in closed form; without noise it is |gap|.
    ratio = np.divide(gap, noise, out=np.zeros_like(gap), where=noise > 0)
    folded = noise * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + gap * (
        1 - 2 * special.ndtr(-ratio)
    )
    expected = np.where(noise > 0, folded, np.abs(gap))
    weight = count / count.sum()
    return max(0.0, float(weight @ (2 * np.abs(gap) - expected)))
