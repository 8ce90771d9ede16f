import math

import pytest

from headgate.errors import DataError, NoDataError
from headgate.quality import require_contract


def refused(table, problem) -> str:
    with pytest.raises(DataError) as caught:
        require_contract(table, problem)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_table_that_keeps_the_contract_passes(table, make_problem) -> None:
    assert require_contract(table, make_problem()) is None


@pytest.mark.parametrize("name", ["age", "job", "sex", "left"])
def test_an_absent_column_is_named(table, make_problem, name) -> None:
    message = refused(table.drop(columns=name), make_problem())
    assert message.startswith(f"column {name}: is not in the table; it has '")


def test_an_empty_table_is_no_data(table, make_problem) -> None:
    with pytest.raises(NoDataError, match="the table has no row"):
        require_contract(table.iloc[:0], make_problem())


def test_text_where_numbers_must_be_is_refused(table, make_problem) -> None:
    message = refused(table.assign(age=table["sex"]), make_problem())
    assert message == "column age: holds object, float64 is needed; ingest it"


def test_infinite_numbers_are_refused_with_the_first_row(table, make_problem) -> None:
    table.loc[[1, 3], "age"] = [math.inf, -math.inf]
    assert refused(table, make_problem()) == (
        "column age: 2 infinite values, the first in data row 2; finite numbers are needed"
    )


def test_missing_targets_are_counted(table, make_problem) -> None:
    table.loc[[0, 2], "left"] = None
    assert refused(table, make_problem()) == (
        "column left: 2 of 4 rows have no target; remove them or complete them"
    )


def test_one_class_only_is_refused(table, make_problem) -> None:
    table["left"] = "no"
    assert refused(table, make_problem()) == ("column left: one class only ('no'); two are needed")


def test_more_than_two_classes_are_refused(table, make_problem) -> None:
    table["left"] = ["a", "b", "c", "a"]
    assert refused(table, make_problem()) == (
        "column left: 3 classes ('a', 'b', 'c'); two are needed"
    )


def test_many_classes_are_shown_in_part(table, make_problem) -> None:
    many = table.loc[[0] * 12].assign(left=[f"c{i:02}" for i in range(12)])
    assert refused(many, make_problem()).endswith("'c09', ... (12 in all)); two are needed")


def test_a_positive_class_that_is_not_there_is_refused_with_those_that_are(
    table, make_problem
) -> None:
    assert refused(table, make_problem(positive="YES")) == (
        "column left: the positive class 'YES' is not in the data; the values are 'no', 'yes'"
    )


@pytest.mark.parametrize("weight", [-0.1, math.nan])
def test_every_row_needs_a_weight(table, make_problem, weight) -> None:
    table["w"] = [1.0, weight, 0.0, weight]
    assert refused(table, make_problem(columns={"weight": "w"})) == (
        "column w: 2 weights are missing or negative; every row needs one"
    )


def test_weights_that_are_all_zero_are_refused(table, make_problem) -> None:
    problem = make_problem(columns={"weight": "w"})
    assert refused(table.assign(w=0.0), problem) == (
        "column w: every weight is 0; some must be above"
    )
    assert require_contract(table.assign(w=[0.0, 1.0, 0.0, 0.0]), problem) is None
