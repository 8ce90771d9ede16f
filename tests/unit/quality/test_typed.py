from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from headgate.errors import DataError
from headgate.quality import typed_table


def raw(**columns):
    frame = {"age": [1, 2], "job": ["a", "b"], "sex": ["f", "m"], "left": ["no", "yes"]}
    return pd.DataFrame(frame | columns)


def test_only_named_columns_are_kept_numbers_first(make_problem) -> None:
    typed = typed_table(raw(other=[1, 2])[["left", "other", "sex", "job", "age"]], make_problem())
    assert list(typed.columns) == ["age", "job", "sex", "left"]
    assert [str(dtype) for dtype in typed.dtypes] == ["float64", "object", "object", "object"]


def test_the_rows_are_numbered_anew_in_their_order(make_problem) -> None:
    frame = raw().set_axis([7, 3])
    typed = typed_table(frame, make_problem())
    assert list(typed.index) == [0, 1]
    assert list(typed["job"]) == ["a", "b"]


@pytest.mark.parametrize(
    "ages",
    [
        ["1", " 2 "],
        ["1.0", "2e0"],
        [1, 2],
        [1.0, 2.0],
        [Decimal(1), Decimal(2)],
        pd.array([1, 2], dtype="Int64"),
        pd.Categorical(["1", "2"]),
    ],
)
def test_numbers_become_float64_whatever_they_were(make_problem, ages) -> None:
    assert list(typed_table(raw(age=ages), make_problem())["age"]) == [1.0, 2.0]


def test_booleans_are_numbers_in_a_numeric_column_and_words_elsewhere(make_problem) -> None:
    typed = typed_table(raw(age=[True, False], job=[True, False]), make_problem())
    assert list(typed["age"]) == [1.0, 0.0]
    assert list(typed["job"]) == ["true", "false"]


@pytest.mark.parametrize(
    ("jobs", "texts"),
    [
        ([1, 2], ["1", "2"]),
        ([1.0, float("nan")], ["1", None]),
        ([0.5, 2.0], ["0.5", "2"]),
        (["007", " x "], ["007", "x"]),
        (pd.Categorical(["b", None]), ["b", None]),
        (pd.array([1, None], dtype="Int64"), ["1", None]),
        (pd.array([True, None], dtype="boolean"), ["true", None]),
        (pd.array(["b", None], dtype="string"), ["b", None]),
        (["", "  "], [None, None]),
    ],
)
def test_everything_else_becomes_stripped_text(make_problem, jobs, texts) -> None:
    typed = typed_table(raw(job=jobs), make_problem())
    assert list(typed["job"]) == texts


def test_markers_are_missing_in_text_and_in_numbers(make_problem) -> None:
    frame = raw(age=["?", "-999.0"], job=["NA ", "-999"])
    typed = typed_table(frame, make_problem(missing_values=["?", "NA", "-999"]))
    assert typed["age"].isna().all()
    assert list(typed["job"]) == [None, None]


def test_a_marker_that_is_a_number_counts_in_columns_of_numbers(make_problem) -> None:
    typed = typed_table(raw(age=[-999, 5]), make_problem(missing_values=["?", -999]))
    np.testing.assert_array_equal(typed["age"], [np.nan, 5.0])


def test_text_in_a_numeric_column_is_refused_with_the_cell(make_problem) -> None:
    with pytest.raises(DataError) as caught:
        typed_table(raw(age=["1", "old"]), make_problem())
    assert str(caught.value) == (
        "column age: 'old' in data row 2 is not a number (1 such cells); if it means missing, name"
        " it in data.missing_values, otherwise the column is categorical"
    )


def test_a_date_in_a_numeric_column_is_refused(make_problem) -> None:
    dates = pd.to_datetime(["2024-01-01", "2024-01-02"])
    with pytest.raises(DataError, match="column age: '2024-01-01 00:00:00' in data row 1"):
        typed_table(raw(age=dates), make_problem())


def test_weights_are_numbers_and_ids_are_text(make_problem) -> None:
    problem = make_problem(columns={"weight": "w", "id": "person"})
    typed = typed_table(raw(w=["1", "2.5"], person=[8, 9]), problem)
    assert list(typed["w"]) == [1.0, 2.5]
    assert list(typed["person"]) == ["8", "9"]


def test_a_protected_number_stays_a_number(make_problem) -> None:
    typed = typed_table(raw(), make_problem(columns={"protected": ["sex", "age"]}))
    assert typed["age"].dtype == "float64"
