"""Bad input: one line that says what, where and what is allowed, and the exit code of its kind."""

from pathlib import Path

import pandas as pd
import pytest
from tests.local.run_support import PROBLEM, headgate, write_problem

from headgate.cli.commands import run_problem
from headgate.cli.main import run_command


@pytest.fixture
def run(capsys):
    """Run a problem in this process; give the exit code and what went to stderr."""

    def ended(problem: Path, out: Path) -> tuple[int, str]:
        code = run_command(lambda: 0 if run_problem(problem, out=out, port=0) else 10)
        return code, capsys.readouterr().err

    return ended


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("accuracy:", "acuracy:", ["gates.acuracy", "accuracy"]),
        ("min: 0.75", "min: 75", ["gates.accuracy.min", "75", "1"]),
        ("capital_gain", "capital_gains", ["capital_gains", "capital_gain"]),
        ("logistic_regression", "random_forest", ["random_forest", "lightgbm"]),
    ],
    ids=["unknown key", "threshold out of range", "unknown column", "unknown family"],
)
def test_a_wrong_problem_file_names_the_key_and_what_is_allowed(run, tmp_path, old, new, parts):
    problem = write_problem(tmp_path, rows=2000)
    problem.write_text(PROBLEM.replace(old, new))
    code, said = run(problem, tmp_path / "out")
    assert code == 2
    assert len(said.strip().splitlines()) == 1
    assert [part for part in parts if part not in said] == []


def test_the_command_ends_with_one_line_on_stderr_and_the_code_of_the_error(tmp_path):
    done = headgate("run", tmp_path / "none.yaml", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def broken_table(change: str) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "age": range(2000),
            "educational_num": 1,
            "capital_gain": 0,
            "hours_per_week": 40,
            "workclass": "a",
            "occupation": "b",
            "gender": ["f", "m"] * 1000,
            "income": ["<=50K", ">50K"] * 1000,
        }
    )
    match change:
        case "empty":
            return table.head(0)
        case "one class":
            return table.assign(income=">50K")
        case "missing target":
            return table.assign(income=table["income"].where(table.index > 3))
        case "text among numbers":
            return table.astype({"age": object}).assign(
                age=table["age"].astype(object).where(table.index != 7, "young")
            )
        case _:
            raise AssertionError(change)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("empty", ["rows.csv", "no row"]),
        ("one class", ["income", ">50K"]),
        ("missing target", ["income", "4"]),
        ("text among numbers", ["age", "young"]),
    ],
)
def test_a_broken_table_names_the_column_and_what_was_seen(run, tmp_path, change, parts):
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    broken_table(change).to_csv(tmp_path / "rows.csv", index=False)
    code, said = run(tmp_path / "problem.yaml", tmp_path / "out")
    assert code == 3
    assert [part for part in parts if part not in said] == []
    assert not (tmp_path / "out").exists()


def test_a_missing_table_is_bad_data(run, tmp_path):
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    code, said = run(tmp_path / "problem.yaml", tmp_path / "out")
    assert code == 3
    assert "rows.csv" in said


def test_a_folder_with_foreign_files_is_refused_and_left_alone(run, tmp_path):
    problem = write_problem(tmp_path, rows=2000)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("do not lose me")
    code, said = run(problem, tmp_path / "out")
    assert code == 2
    assert "thesis.txt" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]
