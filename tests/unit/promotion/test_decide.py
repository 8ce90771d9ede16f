import json

import pytest

from headgate.errors import DataError
from headgate.problem import (
    AccuracyGate,
    FairnessGate,
    Gates,
    ImprovementGate,
    LatencyGate,
    Verdict,
)

NONE = Gates(improvement=None)
ALL = Gates(
    accuracy=AccuracyGate(min=0.85),
    latency_p95_ms=LatencyGate(max=100),
    improvement=ImprovementGate(min=0.0),
    equalized_odds_difference=FairnessGate(column="gender", max=0.2),
)


def by_name(decision):
    return {gate.name: gate for gate in decision.gates}


def test_a_candidate_that_meets_every_gate_passes(decided) -> None:
    decision = decided(ALL)
    assert decision.verdict is Verdict.PASS
    assert decision.reason == (
        "the candidate passes data_validation, split, export_parity, accuracy, improvement, "
        "latency_p95_ms and equalized_odds_difference:gender"
    )
    assert json.loads(json.dumps(decision.as_mapping(), allow_nan=False)) == decision.as_mapping()


def test_judged_gates_come_first_and_everything_else_is_reported(decided) -> None:
    decision = decided(ALL)
    flags = [gate.judged for gate in decision.gates]
    assert flags == sorted(flags, reverse=True)
    assert [gate.name for gate in decision.gates if not gate.judged] == [
        "demographic_parity_difference:gender",
        "demographic_parity_ratio:gender",
        "equalized_odds_ratio:gender",
        "precision",
        "roc_auc",
        "expected_calibration_error",
        "cross_validated_roc_auc",
    ]


def test_without_gates_only_data_split_and_parity_are_judged(decided) -> None:
    decision = decided(NONE)
    assert [gate.name for gate in decision.gates if gate.judged] == [
        "data_validation",
        "split",
        "export_parity",
    ]
    found = by_name(decision)
    for name in ("accuracy", "improvement", "latency_p95_ms"):
        assert found[name].verdict is None
        assert found[name].value is not None
    assert found["precision"].reason == "reported, not gated; undefined: it is undefined"
    assert found["cross_validated_roc_auc"].value == 0.92
    assert found["cross_validated_roc_auc"].reason == "reported, not gated; 5 folds of lightgbm"


@pytest.mark.parametrize("report", ["validation", "export"])
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INSUFFICIENT])
def test_validation_and_parity_decide_even_without_gates(decided, report, verdict) -> None:
    bad = {"verdict": verdict.value, "reason": "because"}
    change = {"validation": bad} if report == "validation" else {"export": {"parity": bad}}
    decision = decided(NONE, change)
    assert decision.verdict is verdict
    assert [g.reason for g in decision.gates if g.verdict is verdict] == ["because"]


def test_the_split_is_always_judged(decided) -> None:
    decision = decided(NONE, {"split": {"verdict": "FAIL", "reason": "shares differ"}})
    assert decision.verdict is Verdict.FAIL
    assert decision.reason == "the candidate fails split"


def test_one_failure_outweighs_what_is_undecided(decided, interval) -> None:
    metrics = {"accuracy": interval(0.8, 0.79, 0.81)}
    comparison = {
        "reference": "champion 3",
        "reference_version": "3",
        "rows": 10,
        "accuracy_gain": interval(0.0, -0.1, 0.1),
    }
    decision = decided(ALL, {"evaluation": {"metrics": metrics, "comparison": comparison}})
    assert decision.verdict is Verdict.FAIL
    assert decision.reason == (
        "the candidate fails accuracy; the evidence does not decide improvement"
    )


def test_what_is_undecided_is_no_pass(decided, interval) -> None:
    latency = {"p95": interval(90.0, 80.0, 120.0), "requests": 30}
    decision = decided(ALL, {"export": {"latency_ms": latency}})
    assert decision.verdict is Verdict.INSUFFICIENT
    assert decision.reason == "the evidence does not decide latency_p95_ms"
    assert by_name(decision)["latency_p95_ms"].support == 30


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.001, 0.02, "PASS"), (-0.02, -0.001, "FAIL"), (-0.01, 0.01, "INSUFFICIENT")],
)
def test_the_improvement_names_its_reference(decided, interval, low, high, verdict) -> None:
    comparison = {
        "reference": "majority class",
        "reference_version": None,
        "rows": 500,
        "accuracy_gain": interval(0.0, low, high),
    }
    gate = by_name(decided(ALL, {"evaluation": {"comparison": comparison}}))["improvement"]
    assert gate.verdict == verdict
    assert gate.reason.endswith("; accuracy gain over majority class on the same rows")
    assert gate.support == 500


@pytest.mark.parametrize("gate", [None, ImprovementGate(min=-0.5)], ids=["no gate", "lenient gate"])
def test_a_first_model_must_beat_the_majority_class_whatever_the_gates_say(
    decided, interval, gate
) -> None:
    comparison = {
        "reference": "majority class",
        "reference_version": None,
        "rows": 500,
        "accuracy_gain": interval(-0.07, -0.08, -0.06),
    }
    decision = decided(Gates(improvement=gate), {"evaluation": {"comparison": comparison}})
    assert decision.verdict is Verdict.FAIL
    assert by_name(decision)["improvement"].limit == 0.0


def test_a_small_group_is_left_out_and_named(decided) -> None:
    gate = by_name(decided(ALL))["equalized_odds_difference:gender"]
    assert gate.verdict is Verdict.PASS
    assert gate.support == 120
    assert (
        gate.reason == "upper bound 0.15 is below 0.2; not judged below a support of 100: x has 3"
    )


def test_ungated_parity_says_why_it_is_a_poor_gate(decided) -> None:
    gate = by_name(decided(ALL))["demographic_parity_difference:gender"]
    assert gate.reason == (
        "reported, not gated; positive labels run from 0.30 to 0.42 over the groups, and where "
        "they differ, equal selection and equal error rates exclude each other; not judged below "
        "a support of 100: x has 10"
    )


def test_gated_parity_is_judged(decided) -> None:
    gates = Gates(
        improvement=None, demographic_parity_difference=FairnessGate(column="gender", max=0.1)
    )
    decision = decided(gates)
    assert decision.verdict is Verdict.FAIL
    assert decision.reason == "the candidate fails demographic_parity_difference:gender"


def test_without_two_large_groups_fairness_is_insufficient(
    decided, reports, group, interval
) -> None:
    entry = reports["fairness"]["columns"][0]
    entry["groups"] = [group("f", 20, 30), group("m", 10, 20)]
    for name in ("demographic_parity", "equalized_odds"):
        entry[f"{name}_difference"] = interval(None, None, None)
    decision = decided(ALL)
    gate = by_name(decision)["equalized_odds_difference:gender"]
    assert decision.verdict is Verdict.INSUFFICIENT
    assert gate.support == 0
    assert gate.reason == (
        "cannot be judged: it is undefined; not judged below a support of 100: f has 20, m has 10"
    )
    assert "positive labels" not in by_name(decision)["demographic_parity_difference:gender"].reason


def test_a_gated_column_that_was_not_measured_is_an_error(decided) -> None:
    gates = Gates(equalized_odds_difference=FairnessGate(column="race", max=0.2))
    with pytest.raises(DataError, match=r"has no column 'race'.*it has \['gender'\]"):
        decided(gates)


def test_a_column_measured_with_less_support_than_the_gate_needs_is_an_error(decided) -> None:
    gates = Gates(equalized_odds_difference=FairnessGate(column="gender", max=0.2, min_support=200))
    with pytest.raises(DataError, match="with groups of 100 rows, the gate needs 200"):
        decided(gates)


def test_no_protected_columns_make_no_fairness_lines(decided) -> None:
    decision = decided(NONE, {"fairness": {"columns": []}})
    assert not [gate for gate in decision.gates if "parity_" in gate.name]


def test_a_best_family_that_is_not_on_the_leaderboard_is_an_error(decided) -> None:
    with pytest.raises(DataError, match="no leaderboard entry of its best family 'magic'"):
        decided(NONE, {"training": {"best": "magic"}})
