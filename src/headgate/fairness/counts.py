"""Rows of each group by label and decision: all that the group measurements need."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.errors import DataError
from headgate.stats.groups import group_rows

if TYPE_CHECKING:
    import pandas as pd


class Rate(NamedTuple):
    """So many of so many."""

    successes: int
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCounts:
    """One group's rows by label and decision."""

    name: str
    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.positives + self.negatives

    @property
    def positives(self) -> int:
        """Rows whose label is positive."""
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        """Rows whose label is negative."""
        return self.true_negatives + self.false_positives

    @property
    def selection(self) -> Rate:
        """Rows called positive, of all rows."""
        return Rate(self.true_positives + self.false_positives, self.rows)

    @property
    def true_positive(self) -> Rate:
        """Rows called positive, of the positive rows."""
        return Rate(self.true_positives, self.positives)

    @property
    def false_positive(self) -> Rate:
        """Rows called positive, of the negative rows."""
        return Rate(self.false_positives, self.negatives)


def count_groups(
    labels: NDArray[np.bool_],
    decisions: NDArray[np.bool_],
    values: "pd.Series[Any]",
    *,
    column: str,
) -> tuple[GroupCounts, ...]:
    """Count each group's rows by label and decision.

    Args:
        labels: Whether the label is positive, shape (n,).
        decisions: Whether the row is called positive, shape (n,).
        values: The protected column, n values; a missing one is a group of its own, "(missing)".
        column: Its name, for the message.

    Returns:
        Groups by name, the missing group last.

    Raises:
        DataError: If there are more than 50 groups, or the lengths differ.
    """
    if not labels.shape == decisions.shape == values.shape:
        raise DataError(
            f"column {column!r} has {values.size} values for {labels.size} labels and "
            f"{decisions.size} decisions; one each is needed"
        )
    groups = group_rows(values, column=column)
    cell = 4 * groups.codes + 2 * labels.astype(np.int64) + decisions
    table = np.bincount(cell, minlength=4 * len(groups.names)).reshape(-1, 4)
    return tuple(
        GroupCounts(
            name=name,
            true_negatives=int(row[0]),
            false_positives=int(row[1]),
            false_negatives=int(row[2]),
            true_positives=int(row[3]),
        )
        for name, row in zip(groups.names, table, strict=True)
    )
