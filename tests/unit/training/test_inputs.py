import numpy as np
import pandas as pd
import pytest

from headgate.errors import DataError
from headgate.training import (
    categorical_cell,
    categorical_input,
    input_frame,
    model_inputs,
    numeric_cell,
    numeric_input,
)


def test_a_missing_number_is_nan_and_any_other_is_float32():
    found = numeric_input([1, 2.5, None, np.nan])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1, 2.5, np.nan, np.nan])


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -1e300])
def test_a_number_that_float32_cannot_hold_is_missing(value):
    assert np.isnan(numeric_input([value])).all()


def test_the_largest_float32_stays():
    largest = float(np.finfo(np.float32).max)
    values = [largest, -largest, 1e30]
    np.testing.assert_array_equal(numeric_input(values), np.float32(values))


@pytest.mark.parametrize("value", [None, np.nan, np.inf, -np.inf, 1e39, 3.4e38, -1e30, 0, 7.5])
def test_one_number_follows_the_same_rule_as_an_array_of_them(value):
    np.testing.assert_array_equal(np.float32(numeric_cell(value)), numeric_input([value])[0])


def test_the_shape_is_kept():
    assert numeric_input([[1, 2, 3], [4, 5, None]]).shape == (2, 3)
    assert categorical_input([["a", None, "b"], ["c", "d", "e"]]).shape == (2, 3)


def test_a_missing_category_is_the_empty_text():
    assert categorical_input(["a", None, np.nan, ""]).tolist() == ["a", "", "", ""]


@pytest.mark.parametrize("value", [None, "", "York"])
def test_one_category_follows_the_same_rule_as_an_array_of_them(value):
    assert categorical_cell(value) == categorical_input([value])[0]


def test_the_given_categories_are_not_changed():
    given = np.array(["a", None], dtype=object)
    categorical_input(given)
    assert given.tolist() == ["a", None]


def test_inputs_are_taken_from_the_table_in_the_model_s_order():
    table = pd.DataFrame({"town": ["York", None], "other": [1, 2], "age": [30.0, np.nan]})
    found = model_inputs(table, numeric=("age",), categorical=("town",))
    assert list(found) == ["age", "town"]
    assert found["town"].tolist() == ["York", ""]


def test_the_frame_has_float32_and_object_columns():
    table = pd.DataFrame({"town": ["York", None], "age": [30.0, np.nan]})
    frame = input_frame(table, numeric=("age",), categorical=("town",))
    assert [str(kind) for kind in frame.dtypes] == ["float32", "object"]


def test_a_feature_that_is_not_there_is_named_with_the_columns_that_are():
    with pytest.raises(DataError, match=r"features \['age'\] are not in the table.*'town'"):
        model_inputs(pd.DataFrame({"town": ["York"]}), numeric=("age",), categorical=("town",))


def test_text_in_a_numeric_column_is_refused():
    table = pd.DataFrame({"age": pd.Series(["old"], dtype=object)})
    with pytest.raises(DataError, match="column age must be numeric"):
        model_inputs(table, numeric=("age",), categorical=())
