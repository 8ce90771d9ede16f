from pathlib import Path

import pandas as pd
import pytest

from headgate.adapters.problem_file import parse_problem, read_problem
from headgate.adapters.table_sniffer import draft_from_file
from headgate.adapters.tables import load_table
from headgate.errors import ConfigError, DataError, NoDataError
from headgate.quality import check_table
from headgate.sampling import assign_parts, part_report

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def adult(tmp_path_factory):
    path = tmp_path_factory.mktemp("adult") / "adult.csv"
    pd.read_parquet(EXAMPLES / "adult.parquet").to_csv(path, index=False)
    return path


def test_the_draft_for_adult_finds_what_its_description_says(adult) -> None:
    problem = parse_problem(draft_from_file(adult))
    assert problem.name == "adult"
    assert problem.data.path == "adult.csv"
    assert problem.data.missing_values == ("?",)
    assert (problem.target.column, problem.target.positive) == ("income", ">50K")
    assert problem.columns.numeric == (
        "age",
        "educational_num",
        "capital_gain",
        "capital_loss",
        "hours_per_week",
    )
    assert set(problem.columns.protected) == {"gender", "race"}
    assert "fnlwgt" not in problem.named_columns


def test_the_draft_for_adult_runs_on_adult(adult) -> None:
    path = adult.parent / "problem.yaml"
    path.write_text(draft_from_file(adult, relative_to=adult.parent))
    problem = read_problem(path)
    table = load_table(problem)
    assert len(table) == 48_842
    assert check_table(table, problem).verdict == "PASS"
    parts = assign_parts(table, problem.split, problem.columns.id)
    assert part_report(table, parts, problem=problem).verdict == "PASS"


def test_csv_and_parquet_of_one_table_give_one_draft(adult) -> None:
    from_parquet = draft_from_file(EXAMPLES / "adult.parquet")
    assert from_parquet.replace("adult.parquet", "adult.csv") == draft_from_file(adult)


def test_the_path_starts_where_the_problem_file_will_stand(adult, tmp_path) -> None:
    (tmp_path / "problem.yaml").write_text(draft_from_file(str(adult), relative_to=tmp_path))
    assert read_problem(tmp_path / "problem.yaml").data.path == str(adult.resolve())


def test_limits_are_set_to_what_the_table_meets(tmp_path) -> None:
    frame = pd.DataFrame({"x": [0.5, 1.5, 0.5, None] * 30, "y": ["a", "b", "a", "b"] * 30})
    frame.to_csv(tmp_path / "small.csv", index=False)
    (tmp_path / "problem.yaml").write_text(draft_from_file(tmp_path / "small.csv"))
    problem = read_problem(tmp_path / "problem.yaml")
    report = check_table(load_table(problem), problem)
    # too few rows, and nothing else
    assert [check.name for check in report.checks if check.verdict != "PASS"] == ["min_rows"]


def test_a_table_without_rows_is_no_data(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(NoDataError, match="the table has no row"):
        draft_from_file(tmp_path / "t.csv")


def test_an_unreadable_table_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        draft_from_file(tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="needed: a file named"):
        draft_from_file(tmp_path / "t.xlsx")


def test_lists_and_an_index_without_a_name_are_left_out_of_the_draft(tmp_path) -> None:
    frame = pd.DataFrame(
        {"size": [1.5, 2.5, 3.5], "tags": [["a"], ["b"], []], "churn": ["no", "yes", "no"]},
        index=[7, 8, 9],
    )
    frame.to_parquet(tmp_path / "t.parquet")
    text = draft_from_file(tmp_path / "t.parquet")
    (line,) = [line for line in text.splitlines() if "tags" in line]
    assert line.startswith("  # * tags: a cell is a list<")
    assert "__index_level_0__" not in text
    assert "# 3 rows, 3 columns." in text
    assert parse_problem(text).named_columns == ("size", "churn")
