import numpy as np
import pandas as pd
import pytest

from headgate.errors import DataError
from headgate.fairness import Rate, count_groups

LABELS = np.array([True, True, False, False, True])
DECISIONS = np.array([True, False, True, False, True])


def test_rows_are_counted_by_group_label_and_decision() -> None:
    groups = count_groups(LABELS, DECISIONS, pd.Series(["b", "b", "b", "a", None]), column="g")
    assert [group.name for group in groups] == ["a", "b", "(missing)"]
    a, b, missing = groups
    assert (a.rows, a.positives, a.negatives) == (1, 0, 1)
    assert (b.rows, b.positives, b.negatives) == (3, 2, 1)
    assert (b.selection, b.true_positive, b.false_positive) == (Rate(2, 3), Rate(1, 2), Rate(1, 1))
    assert missing.selection == Rate(1, 1)


def test_lengths_must_agree() -> None:
    with pytest.raises(DataError, match="column 'g' has 4 values for 5 labels and 5 decisions"):
        count_groups(LABELS, DECISIONS, pd.Series(["a"] * 4), column="g")
