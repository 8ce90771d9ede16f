import json
from pathlib import Path

import pytest
from kfp import dsl

from headgate.adapters.files import write_table
from headgate.adapters.problem_file import parse_problem
from headgate.adapters.tables import load_table
from headgate.errors import DataError
from headgate_components.data_processing.validate_data.component import validate_data


@pytest.fixture
def validate(people, artifact):
    def run(change=("", ""), edit=lambda frame: frame):
        problem = people[1].replace(*change)
        table, report = artifact("table", dsl.Dataset), artifact("validation.json")
        write_table(table.path, edit(load_table(parse_problem(people[1]))))
        verdict = validate_data.python_func(problem=problem, table=table, report=report)
        return verdict, json.loads(Path(report.path).read_text())

    return run


def test_it_returns_the_verdict_that_it_writes(validate) -> None:
    verdict, report = validate()
    assert verdict == report["verdict"] == "PASS"
    assert type(verdict) is str
    assert set(report) == {"verdict", "reason", "checks", "profile"}
    assert set(report["profile"]) == {"age", "sex", "left", "person"}
    assert report["profile"]["age"]["missing"] == 40
    assert set(report["checks"][0]) == {"name", "column", "verdict", "reason", "value", "limit"}


def test_a_broken_limit_is_a_result(validate) -> None:
    verdict, report = validate(('"min_rows": 100', '"min_rows": 100, "max_missing_share": 0'))
    assert verdict == "FAIL"
    assert "2.50% of all cells are missing" in report["reason"]


def test_too_few_rows_are_insufficient(validate) -> None:
    assert validate(('"min_rows": 100', '"min_rows": 401'))[0] == "INSUFFICIENT"


def test_a_broken_contract_is_an_error(validate) -> None:
    with pytest.raises(DataError, match="column left: 400 of 400 rows have no target"):
        validate(edit=lambda frame: frame.assign(left=None))
