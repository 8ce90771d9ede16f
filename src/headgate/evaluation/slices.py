"""The same measurements on parts of the rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from headgate.evaluation.answers import Answers
from headgate.evaluation.classification import classification_metrics
from headgate.stats.groups import group_rows
from headgate.stats.intervals import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

SLICED = ("accuracy", "precision", "recall", "roc_auc")


def slice_metrics(
    answers: Answers,
    columns: Mapping[str, "pd.Series[Any]"],
    *,
    confidence: float = CONFIDENCE,
) -> list[dict[str, object]]:
    """Measure a classifier on each group of each column.

    Args:
        answers: Labels and probabilities of n rows.
        columns: Columns of n values; a missing value is a group of its own, "(missing)".
        confidence: Two-sided coverage of each interval, in (0, 1); not adjusted for how many there
            are, so a single striking slice is a hint and not a finding.

    Returns:
        One record a group: column, group, rows, positives and the intervals.

    Raises:
        DataError: If a column makes more than 50 groups.
    """
    records: list[dict[str, object]] = []
    for column, values in columns.items():
        groups = group_rows(values, column=column)
        for code, name in enumerate(groups.names):
            part = answers.only(np.asarray(groups.codes == code))
            measured = classification_metrics(part, confidence=confidence)
            records.append(
                {
                    "column": column,
                    "group": name,
                    "rows": int(part.labels.size),
                    "positives": int(part.labels.sum()),
                    **{metric: measured[metric].as_mapping() for metric in SLICED},
                }
            )
    return records
