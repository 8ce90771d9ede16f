import json

import numpy as np
import pandas as pd
import pytest

from headgate.adapters.problem_file import parse_problem
from headgate.errors import DataError
from headgate.problem import check_columns
from headgate.problem.choices import choose
from headgate.problem.draft import draft_problem, model_name
from headgate.problem.facts import cell_text, table_facts


def facts_of(columns, path="data/people.csv"):
    return table_facts(pd.DataFrame(columns), path=path)


def column(facts, name):
    return next(column for column in facts.columns if column.name == name)


def people(rows=40):
    """A table with one column for each guess."""
    return {
        "person_id": [f"p{i}" for i in range(rows)],
        "age": [20 + i % 30 for i in range(rows)],
        "income": [1000.5 + 7 * i for i in range(rows)],
        "children": [i % 4 for i in range(rows)],
        "job": [["cook", "smith", "?"][i % 3] for i in range(rows)],
        "gender": [["f", "m"][i % 2] for i in range(rows)],
        "churned": [["no", "no", "no", "yes"][i % 4] for i in range(rows)],
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (np.bool_(False), "false"), (3.0, "3"), (0.5, "0.5"), (" a ", "a"), (7, "7")],
)
def test_a_cell_has_one_text(value, text) -> None:
    assert cell_text(value) == text


def test_facts_count_without_missing_cells_and_markers() -> None:
    facts = facts_of({"a": ["1", "2", "?", None, " 2 ", ""], "b": ["x"] * 6})
    assert facts.rows == 6
    assert facts.markers == ("?",)
    a = column(facts, "a")
    assert (a.kind, a.rows, a.missing, a.distinct) == ("whole", 3, 3, 2)
    assert a.frequent == (("2", 2), ("1", 1))
    assert (a.lowest, a.highest) == (1.0, 2.0)
    b = column(facts, "b")
    assert (b.kind, b.rows, b.missing, b.lowest, b.highest) == ("text", 6, 0, None, None)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5"], "number"),
        (["1", "2.0"], "whole"),
        (["1", "two"], "text"),
        (["1", "inf"], "text"),
        ([True, False], "text"),
        ([None, None], "text"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "date"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_fits(cells, kind) -> None:
    assert column(facts_of({"a": cells}), "a").kind == kind


def test_the_target_is_named_like_one_before_it_stands_last() -> None:
    frame = {"x": range(20), "churned": [0, 1] * 10, "member": [0, 1] * 10}
    choices = choose(facts_of(frame))
    assert choices.target.name == "churned"
    assert choices.target_candidates == ("member",)


def test_without_a_telling_name_the_last_column_is_the_target() -> None:
    frame = {"x": range(20), "member": [0, 1] * 10, "left": [0, 1] * 10, "z": range(20)}
    assert choose(facts_of(frame)).target.name == "left"


def test_a_protected_attribute_is_no_target_while_there_is_another() -> None:
    frame = {"x": [i / 3 for i in range(20)], "left": [0, 1] * 10, "sex": ["f", "m"] * 10}
    assert choose(facts_of(frame)).target.name == "left"
    del frame["left"]
    assert choose(facts_of(frame)).target.name == "sex"


def test_a_target_has_no_gap() -> None:
    frame = {
        "x": [i / 3 for i in range(20)],
        "left": ["0", "1"] * 9 + ["1", ""],
        "sex": ["f", "m"] * 10,
    }
    assert choose(facts_of(frame)).target.name == "sex"


def test_a_table_without_a_target_is_refused() -> None:
    with pytest.raises(DataError, match=r"no column has exactly two values .* columns are x, y"):
        choose(facts_of({"x": range(5), "y": [1] * 5}))


def test_a_table_without_a_feature_is_refused() -> None:
    with pytest.raises(DataError, match="no column is left to predict y from"):
        choose(facts_of({"x": [1] * 4, "y": [0, 1] * 2}))


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["no"] * 3 + ["yes"], "yes"),
        (["yes"] * 3 + ["no"], "no"),
        (["a", "b"], "b"),
        (["1", "2"], "1"),
        (["y", "z"], "y"),
    ],
)
def test_the_rarer_value_is_positive_and_a_tie_goes_to_a_word_for_yes(values, positive) -> None:
    frame = {"x": [float(i) / 3 for i in range(len(values))], "y": values}
    assert choose(facts_of(frame)).positive == positive


def test_roles_follow_the_values() -> None:
    choices = choose(facts_of(people()))
    assert choices.target.name == "churned"
    assert [c.name for c in choices.numeric] == ["age", "income"]
    assert [c.name for c in choices.categorical] == ["children", "job", "gender"]
    assert choices.protected == ("age", "gender")
    assert choices.too_many_groups == ()
    assert [name for name, _ in choices.left_out] == ["person_id"]


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("x", [None] * 30, "is empty"),
        ("x", [1] * 30, "holds one value only"),
        ("x", pd.date_range("2024-01-01", periods=30), "dates are not features"),
        ("fnlwgt", range(30), "looks like a sample weight"),
        ("customerId", [f"c{i}" for i in range(30)], "identifies a row"),
        ("pid", [3 * i for i in range(30)], "identifies a row"),
        ("x", range(100, 130), "identifies a row"),
        ("x", [f"text {i}" for i in range(30)], "30 different texts are too many"),
        ("x", [f"t{i % 101}" for i in range(202)], "101 different texts are too many"),
    ],
)
def test_a_column_that_cannot_be_a_feature_is_left_out_with_a_reason(name, cells, reason) -> None:
    rows = len(cells)
    frame = {"keep": [i % 7 for i in range(rows)], name: cells, "y": [0, 1] * (rows // 2)}
    choices = choose(facts_of(frame))
    assert [found for found, _ in choices.left_out] == [name]
    assert reason in choices.left_out[0][1]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x", [3 * i for i in range(30)]),  # different, but with gaps and no telling name
        ("x", [0.5 + i for i in range(30)]),  # a measurement
        ("record_id", [0.5 + i for i in range(30)]),
        ("x", range(18)),  # too few rows to tell
    ],
)
def test_different_numbers_are_not_always_an_id(name, cells) -> None:
    frame = {name: cells, "y": [0, 1] * (len(cells) // 2)}
    assert [c.name for c in choose(facts_of(frame)).numeric] == [name]


def test_a_protected_column_with_many_values_is_not_made_a_group() -> None:
    frame = {"Age": [i / 2 for i in range(60)], "y": [0, 1] * 30}
    choices = choose(facts_of(frame))
    assert choices.protected == ()
    assert [c.name for c in choices.too_many_groups] == ["Age"]


def test_the_draft_parses_and_names_columns_of_the_table() -> None:
    facts = facts_of(people())
    problem = parse_problem(draft_problem(facts))
    check_columns(problem, [c.name for c in facts.columns])
    assert problem.name == "people"
    assert problem.data.path == "data/people.csv"
    assert problem.data.missing_values == ("?",)
    assert (problem.target.column, problem.target.positive) == ("churned", "yes")
    assert problem.columns.numeric == ("age", "income")
    assert problem.columns.protected == ("age", "gender")
    # three of four answer "no"
    assert problem.gates.accuracy.min == 0.75


def test_the_draft_says_why() -> None:
    text = draft_problem(facts_of(people()))
    for comment in (
        "# 40 rows, 7 columns.",
        "# * person_id: every value is different, so it identifies a row",
        "# Also two-valued and so possible: [gender]",
        "# 'no': 30 rows, 'yes': 10",
        "# Numbers with few values, read as categories: [children]",
        "# The table has 40 rows: no candidate can pass before it grows.",
        "# these stand in the table; drop what is a real value of yours",
        "# 5.4% of all cells are missing now",
        "{column: age, max: 0.2, min_support: 100}",
    ):
        assert comment in text, comment


def test_a_comment_stands_only_where_there_is_something_to_say() -> None:
    frame = {"age": [i / 2 for i in range(2000)], "x": [i / 3 for i in range(2000)]}
    text = draft_problem(facts_of(frame | {"y": [0, 1] * 1000}))
    for absent in ("Not named", "Also two-valued", "read as categories", "has 2000 rows", "drop"):
        assert absent not in text
    assert "# age has 2000 values: cut it into groups, in a new column." in text
    assert "protected: []" in text
    assert "{column: COLUMN, max: 0.2" in text
    assert parse_problem(text).columns.categorical == ()


def test_limits_that_the_table_breaks_today_are_raised() -> None:
    frame = {"x": [None] * 9 + [1, 2, 3], "y": [0, 1] * 6}
    problem = parse_problem(draft_problem(facts_of(frame), duplicate_share=0.41))
    assert problem.checks.max_missing_share == 0.4  # 9 of 24 cells
    assert problem.checks.max_duplicate_share == 0.45
    problem = parse_problem(draft_problem(facts_of(frame), duplicate_share=0.999))
    assert problem.checks.max_duplicate_share == 1.0


def test_an_accuracy_gate_is_never_out_of_reach() -> None:
    frame = {"x": [i / 3 for i in range(1000)], "y": [1] + [0] * 999}
    assert parse_problem(draft_problem(facts_of(frame))).gates.accuracy.min == 0.99


@pytest.mark.parametrize(
    "name", ["a: b", "# x", "[y]", "null", "12", 'say "so"', "a\nb", "é", "a\u2028b", "😀", "- z"]
)
def test_a_strange_column_name_or_value_survives(name) -> None:
    cells = [f"0 {name}", f"0 {name}", f"{name} 2"] * 10
    frame = {name: [i / 3 for i in range(30)], "text": cells, "y": cells, name * 2: [1] * 30}
    problem = parse_problem(draft_problem(facts_of(frame)))
    assert problem.columns.numeric == (name,)
    assert problem.target.positive == f"{name} 2".strip()


def test_many_columns_are_written_one_a_line() -> None:
    frame = {
        f"a_rather_long_column_name_{i}": [i / 10 + k + 0.05 for k in range(30)] for i in range(9)
    }
    problem = parse_problem(draft_problem(facts_of(frame | {"y": [0, 1, 0] * 10})))
    assert problem.columns.numeric == tuple(frame)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/Bank Full.csv", "bank-full"),
        ("C:\\data\\x_y.csv.gz", "x-y"),
        ("x.csv", "model"),
        ("übung.csv", "bung"),
        ("a" * 80 + ".csv", "a" * 63),
    ],
)
def test_the_model_is_named_after_the_file(path, name) -> None:
    assert model_name(path) == name
    text = draft_problem(facts_of(people(), path=path))
    assert parse_problem(text).name == name
    assert json.loads(json.dumps(parse_problem(text).data.path)) == path


def test_a_nested_column_is_left_out_and_said_to_be() -> None:
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5], "label": ["a", "b", "a"]})
    text = draft_problem(table_facts(frame, path="t.parquet", nested=(("tags", "list<int64>"),)))
    assert "# 3 rows, 3 columns." in text
    assert "  # * tags: a cell is a list<int64>, not one value" in text
