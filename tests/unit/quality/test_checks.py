import json

import pandas as pd
import pytest

from headgate.problem import Verdict
from headgate.quality import check_table


def found(report, name, column=None):
    checks = [check for check in report.checks if (check.name, check.column) == (name, column)]
    assert len(checks) == 1
    return checks[0]


@pytest.fixture
def big(table):
    """240 rows: 60 positive, 60 missing ages, 60 missing jobs."""
    return pd.concat([table] * 60, ignore_index=True)


def lenient(**checks):
    return {"min_rows": 1, "max_missing_share": 1, "max_duplicate_share": 1} | checks


def test_a_good_table_passes_every_check(big, make_problem) -> None:
    report = check_table(big, make_problem(checks=lenient()))
    assert report.verdict is Verdict.PASS
    assert report.reason == "all 7 checks passed"
    assert [check.name for check in report.checks] == [
        "schema",
        "min_rows",
        "duplicates",
        "class_balance",
        "missing_share",
        "constant",
        "constant",
    ]
    assert set(report.profile) == {"age", "job", "sex", "left"}


def test_the_report_is_json(big, make_problem) -> None:
    record = check_table(big, make_problem(checks=lenient())).record()
    back = json.loads(json.dumps(record, allow_nan=False))
    assert back["verdict"] == "PASS"
    assert back["checks"][1] == {
        "name": "min_rows",
        "column": None,
        "verdict": "PASS",
        "reason": "240 rows, at least 1 are needed",
        "value": 240,
        "limit": 1,
    }
    assert back["profile"]["age"]["kind"] == "numeric"


def test_too_few_rows_are_insufficient_not_wrong(big, make_problem) -> None:
    report = check_table(big, make_problem(checks=lenient(min_rows=241)))
    assert found(report, "min_rows").verdict is Verdict.INSUFFICIENT
    assert report.verdict is Verdict.INSUFFICIENT
    assert report.reason == "1 of 7 checks: 240 rows, at least 241 are needed"


def test_a_failure_outweighs_what_is_insufficient(big, make_problem) -> None:
    report = check_table(big, make_problem(checks=lenient(min_rows=241, max_missing_share=0)))
    assert report.verdict is Verdict.FAIL
    assert report.reason == ("1 of 7 checks: 12.50% of all cells are missing, at most 0.00% may")


def test_a_column_of_the_wrong_type_fails(big, make_problem) -> None:
    report = check_table(big.assign(job=1.0), make_problem(checks=lenient()))
    check = found(report, "schema")
    assert (check.verdict, check.value) == (Verdict.FAIL, 1)
    assert check.reason == "3 of 4 columns have their type ['job']"


def test_duplicates_are_counted_beyond_the_first(table, make_problem) -> None:
    twice = pd.concat([table, table.iloc[:1]], ignore_index=True)
    check = found(check_table(twice, make_problem(checks=lenient())), "duplicates")
    assert check.value == 0.2  # 1 of 5
    assert check.verdict is Verdict.PASS
    strict = make_problem(checks=lenient(max_duplicate_share=0.19))
    check = found(check_table(twice, strict), "duplicates")
    assert check.verdict is Verdict.FAIL
    assert check.reason == "20.00% of the rows repeat an earlier row, at most 19.00% may"


def test_missing_cells_are_counted_over_all_cells_and_by_column(big, make_problem) -> None:
    checks = lenient(
        max_missing_share=0.125, max_missing_share_by_column={"age": 0.25, "job": 0.2, "sex": 0}
    )
    report = check_table(big, make_problem(checks=checks))
    assert found(report, "missing_share").value == 0.125  # 120 of 960 cells
    assert found(report, "missing_share").verdict is Verdict.PASS
    assert found(report, "missing_share", "age").verdict is Verdict.PASS
    assert found(report, "missing_share", "sex").value == 0
    job = found(report, "missing_share", "job")
    assert job.verdict is Verdict.FAIL
    assert job.reason == "column job: 25.00% of the cells are missing, at most 20.00% may"


def test_a_range_includes_its_ends_and_leaves_out_missing_values(table, make_problem) -> None:
    checks = lenient(ranges={"age": [20, 40]})
    check = found(check_table(table, make_problem(checks=checks)), "range", "age")
    assert (check.verdict, check.value) == (Verdict.PASS, 0)
    checks = lenient(ranges={"age": [21, 39]})
    check = found(check_table(table, make_problem(checks=checks)), "range", "age")
    assert (check.verdict, check.value) == (Verdict.FAIL, 2)
    assert check.reason == "column age: 2 values are outside of 21 to 39, 20 is the first"


def test_unexpected_categories_fail_with_an_example(table, make_problem) -> None:
    checks = lenient(categories={"job": ["cook"], "sex": ["f", "m", "x"]})
    report = check_table(table, make_problem(checks=checks))
    assert found(report, "categories", "sex").verdict is Verdict.PASS
    job = found(report, "categories", "job")
    assert (job.verdict, job.value) == (Verdict.FAIL, 1)
    assert job.reason == "column job: 1 values are not among those allowed, 'smith' is the first"


def test_a_constant_feature_fails(big, make_problem) -> None:
    report = check_table(big.assign(age=5.0), make_problem(checks=lenient()))
    check = found(report, "constant", "age")
    assert (check.verdict, check.value) == (Verdict.FAIL, 1)
    assert check.reason == "column age: 1 distinct values, at least 2 are needed"


@pytest.mark.parametrize(("positives", "verdict"), [(24, "INSUFFICIENT"), (25, "PASS")])
def test_the_rarer_class_must_reach_every_fold_and_the_test_part(
    big, make_problem, positives, verdict
) -> None:
    # 5 rows in a test part of 20 % need 25 rows; 5 folds of a train part of 60 % need 8.4
    big["left"] = ["yes"] * positives + ["no"] * (240 - positives)
    report = check_table(big, make_problem(checks=lenient()))
    check = found(report, "class_balance", "left")
    assert (check.verdict, check.value, check.limit) == (verdict, positives, 25)
    assert "of the rarer class 'yes', at least 25 are needed" in check.reason


def test_many_folds_ask_for_more_rows_of_the_rarer_class(big, make_problem) -> None:
    report = check_table(big, make_problem(checks=lenient(), training={"folds": 30}))
    assert found(report, "class_balance", "left").limit == 50
