import numpy as np
import pandas as pd
import pytest

from headgate.errors import DataError
from headgate.stats.groups import group_rows


def test_groups_are_sorted_and_the_missing_one_is_last() -> None:
    found = group_rows(pd.Series(["m", None, "(a)", "m", np.nan], dtype=object), column="g")
    assert found.names == ("(a)", "m", "(missing)")
    assert found.codes.tolist() == [1, 2, 0, 1, 2]


def test_a_value_that_is_called_missing_joins_the_missing_group() -> None:
    found = group_rows(pd.Series(["(missing)", None], dtype=object), column="g")
    assert found.names == ("(missing)",)
    assert found.codes.tolist() == [0, 0]


def test_whole_floats_are_named_like_integers() -> None:
    found = group_rows(pd.Series([3.0, 2.5, np.nan, 3.0]), column="g")
    assert found.names == ("2.5", "3", "(missing)")
    assert found.codes.tolist() == [1, 0, 2, 1]


def test_an_infinite_float_is_a_group_like_any_other() -> None:
    assert group_rows(pd.Series([np.inf, 1.0]), column="g").names == ("1", "inf")


def test_more_than_fifty_groups_are_refused() -> None:
    assert len(group_rows(pd.Series(range(50)), column="age").names) == 50
    with pytest.raises(DataError, match="column 'age' makes 51 groups, at most 50"):
        group_rows(pd.Series(range(51)), column="age")
