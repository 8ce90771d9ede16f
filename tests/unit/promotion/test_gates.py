import pytest

from headgate.problem import Verdict
from headgate.promotion import Measured, judge_above, judge_below, reported


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.86, 0.88, Verdict.PASS),
        (0.80, 0.84, Verdict.FAIL),
        (0.84, 0.86, Verdict.INSUFFICIENT),
        (0.85, 0.86, Verdict.INSUFFICIENT),  # the limit itself is not above the limit
        (0.84, 0.85, Verdict.INSUFFICIENT),
    ],
)
def test_a_minimum_is_judged_by_the_bounds(low: float, high: float, verdict: Verdict) -> None:
    gate = judge_above("accuracy", Measured(0.85, low, high), limit=0.85, support=100)
    assert gate.verdict is verdict
    assert (gate.limit, gate.limit_kind, gate.support, gate.judged) == (0.85, "min", 100, True)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.05, 0.19, Verdict.PASS),
        (0.21, 0.40, Verdict.FAIL),
        (0.05, 0.30, Verdict.INSUFFICIENT),
        (0.05, 0.20, Verdict.INSUFFICIENT),
        (0.20, 0.30, Verdict.INSUFFICIENT),
    ],
)
def test_a_maximum_is_judged_by_the_bounds(low: float, high: float, verdict: Verdict) -> None:
    gate = judge_below("gap", Measured(0.2, low, high), limit=0.2, support=100)
    assert gate.verdict is verdict
    assert (gate.limit, gate.limit_kind) == (0.2, "max")


@pytest.mark.parametrize("judge", [judge_above, judge_below])
def test_what_is_undefined_is_insufficient_and_says_why(judge) -> None:
    gate = judge("gap", Measured(None, reason="one group only"), limit=0.2, support=0)
    assert gate.verdict is Verdict.INSUFFICIENT
    assert gate.reason == "cannot be judged: one group only"


def test_reasons_name_the_bound_and_the_limit() -> None:
    measured = Measured(0.87, 0.861234, 0.88)
    assert judge_above("a", measured, limit=0.85, support=1).reason == (
        "lower bound 0.8612 is above 0.85"
    )
    assert judge_above("a", measured, limit=0.9, support=1).reason == (
        "upper bound 0.88 is below 0.9"
    )
    assert judge_below("a", measured, limit=0.87, support=1).reason == (
        "the interval 0.8612 to 0.88 does not exclude 0.87"
    )


def test_a_reported_number_has_no_verdict() -> None:
    gate = reported("f1", Measured(0.7, 0.6, 0.8), support=10)
    assert (gate.verdict, gate.judged, gate.limit_kind) == (None, False, "none")
    assert gate.reason == "reported, not gated"


def test_a_reported_number_that_is_undefined_says_why() -> None:
    gate = reported("f1", Measured(None, reason="no positive row"), why="; 3 rows")
    assert gate.reason == "reported, not gated; undefined: no positive row; 3 rows"


def test_the_record_has_exactly_the_keys_of_the_report() -> None:
    record = judge_above("a", Measured(0.9, 0.8, 1.0), limit=0.5, support=7).as_mapping()
    assert record == {
        "name": "a",
        "verdict": "PASS",
        "reason": "lower bound 0.8 is above 0.5",
        "value": 0.9,
        "low": 0.8,
        "high": 1.0,
        "limit": 0.5,
        "limit_kind": "min",
        "support": 7,
        "judged": True,
    }
    assert reported("a", Measured(0.9)).as_mapping()["verdict"] is None
