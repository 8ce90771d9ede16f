"""Argument checks that more than one domain needs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.errors import DataError, NoDataError


def positive_labels(target: ArrayLike, *, classes: tuple[str, str]) -> NDArray[np.bool_]:
    """Check the labels of a binary target and say which rows are positive.

    Args:
        target: Label of each row, shape (n,).
        classes: The negative and the positive label.

    Returns:
        True where the label is the positive one, shape (n,).

    Raises:
        NoDataError: If there are no rows.
        DataError: If a label is missing or is neither of the two.
    """
    labels = np.asarray(target, dtype=object)
    if labels.size == 0:
        raise NoDataError("the target has no rows, at least 1 is needed")
    positive = np.asarray(labels == classes[1], dtype=bool)
    strange = ~positive & ~np.asarray(labels == classes[0], dtype=bool)
    if strange.any():
        row = int(np.argmax(strange))
        raise DataError(
            f"label {labels[row]!r} in row {row} of the target, {classes[0]!r} or {classes[1]!r} "
            "is allowed"
        )
    return positive


def probabilities(values: ArrayLike, *, rows: int) -> NDArray[np.float64]:
    """Check predicted probabilities.

    Args:
        values: Probability of the positive class of each row.
        rows: How many rows there are.

    Returns:
        The probabilities as floats, shape (rows,).

    Raises:
        DataError: If there are more or fewer than `rows`, or one is NaN or outside [0, 1].
    """
    checked = np.asarray(values, dtype=np.float64)
    if checked.shape != (rows,):
        raise DataError(f"probabilities have shape {checked.shape}, ({rows},) is needed")
    outside = ~((checked >= 0) & (checked <= 1))  # true for NaN as well
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(f"probability {checked[row]} in row {row}, 0 to 1 is allowed")
    return checked
