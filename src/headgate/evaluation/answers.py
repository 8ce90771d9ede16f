"""What a model answered on labelled rows: the one input of every measurement here."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate import checks

THRESHOLD = 0.5  # a row is called positive from this probability on, everywhere


class Confusion(NamedTuple):
    """Rows by label and prediction."""

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Labels and predicted probabilities of the same rows; made by `read_answers`."""

    classes: tuple[str, str]  # negative, positive
    labels: NDArray[np.bool_]  # true is positive, shape (n,)
    probabilities: NDArray[np.float64]  # of the positive class, shape (n,)

    @property
    def predictions(self) -> NDArray[np.bool_]:
        """Whether each row is called positive, shape (n,)."""
        return np.asarray(self.probabilities >= THRESHOLD)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is its label, shape (n,)."""
        return np.asarray(self.predictions == self.labels)

    def only(self, rows: NDArray[np.bool_]) -> "Answers":
        """Return the answers of some rows.

        Args:
            rows: Which rows, shape (n,).
        """
        return Answers(
            classes=self.classes, labels=self.labels[rows], probabilities=self.probabilities[rows]
        )

    def confusion(self) -> Confusion:
        """Count the rows by label and prediction."""
        cell = 2 * self.labels.astype(np.int64) + self.predictions
        return Confusion(*(int(count) for count in np.bincount(cell, minlength=4)))


def read_answers(
    target: ArrayLike, probabilities: ArrayLike, *, classes: tuple[str, str]
) -> Answers:
    """Check labels and probabilities and put them together.

    Args:
        target: Label of each row, shape (n,).
        probabilities: Probability of the positive class of each row, shape (n,).
        classes: The negative and the positive label.

    Raises:
        NoDataError: If there are no rows.
        DataError: If a label is neither of the two, or a probability is NaN or outside [0, 1].
    """
    labels = checks.positive_labels(target, classes=classes)
    return Answers(
        classes=classes,
        labels=labels,
        probabilities=checks.probabilities(probabilities, rows=labels.size),
    )
