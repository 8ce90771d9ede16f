import pytest

from headgate.errors import DataError
from headgate.problem import Verdict
from headgate.promotion.reports import Report

REPORT = Report(
    "test",
    {
        "rows": 3,
        "flag": True,
        "none": None,
        "text": "x",
        "deep": {"verdict": "FAIL", "interval": {"value": 1, "low": 0.5, "high": None}},
    },
)


def test_numbers_are_found_by_path() -> None:
    assert REPORT.number("rows") == 3.0
    assert REPORT.number("none") is None
    assert REPORT.count("rows") == 3
    assert REPORT.verdict("deep", "verdict") is Verdict.FAIL


def test_an_interval_may_lack_a_bound() -> None:
    assert REPORT.interval("deep", "interval") == (1.0, 0.5, None, "no reason was given")


@pytest.mark.parametrize("path", [("nothing",), ("deep", "nothing"), ("rows", "deeper")])
def test_what_is_missing_is_named(path: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=f"the test report has no {'.'.join(path)}"):
        REPORT.at(*path)


@pytest.mark.parametrize("key", ["flag", "text"])
def test_what_is_no_number_is_refused(key: str) -> None:
    with pytest.raises(DataError, match=f"{key} of the test report is .*, not a number"):
        REPORT.number(key)


def test_a_count_cannot_be_null() -> None:
    with pytest.raises(DataError, match="none of the test report is null, not a count"):
        REPORT.count("none")


@pytest.mark.parametrize("key", ["text", "none", "rows"])
def test_another_verdict_is_refused_with_the_three(key: str) -> None:
    with pytest.raises(DataError, match="PASS, FAIL or INSUFFICIENT is allowed"):
        REPORT.verdict(key)
