import json

import fairlearn.metrics as fairlearn
import numpy as np
import pandas as pd
import pytest

from headgate.errors import ConfigError
from headgate.fairness import headline_difference, least_support, measure_fairness
from headgate.problem import FairnessGate, Gates

RNG = np.random.default_rng(31)
ROWS = 3000
GROUP = RNG.choice(["a", "b", "c"], ROWS, p=[0.5, 0.3, 0.2])
LABELS = RNG.random(ROWS) < np.where(GROUP == "a", 0.4, 0.25)
DECISIONS = RNG.random(ROWS) < np.where(LABELS, 0.7, 0.15) + 0.1 * (GROUP == "c")
SERIES = pd.Series(GROUP, dtype=object)


def column(report: dict, index: int = 0) -> dict:
    return report["columns"][index]


@pytest.mark.parametrize(
    "name",
    [
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equalized_odds_difference",
        "equalized_odds_ratio",
    ],
)
def test_every_measure_agrees_with_fairlearn_and_lies_in_its_bounds(name: str) -> None:
    found = column(measure_fairness(LABELS, DECISIONS, {"g": SERIES}))[name]
    expected = getattr(fairlearn, name)(LABELS, DECISIONS, sensitive_features=GROUP)
    assert found["value"] == pytest.approx(expected)
    assert found["low"] < found["value"] < found["high"]


def test_the_rates_of_each_group_agree_with_fairlearn() -> None:
    frame = fairlearn.MetricFrame(
        metrics={
            "selection_rate": fairlearn.selection_rate,
            "true_positive_rate": fairlearn.true_positive_rate,
            "false_positive_rate": fairlearn.false_positive_rate,
        },
        y_true=LABELS,
        y_pred=DECISIONS,
        sensitive_features=GROUP,
    ).by_group
    groups = column(measure_fairness(LABELS, DECISIONS, {"g": SERIES}))["groups"]
    assert [group["group"] for group in groups] == ["a", "b", "c"]
    for group in groups:
        for name in frame.columns:
            assert group[name]["value"] == pytest.approx(frame.loc[group["group"], name])
        assert group["rows"] == int(np.sum(group["group"] == GROUP))
        assert group["positives"] + group["negatives"] == group["rows"]


def test_the_report_is_plain_json() -> None:
    report = measure_fairness(LABELS, DECISIONS, {"g": SERIES, "h": SERIES.replace("a", None)})
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert [entry["column"] for entry in report["columns"]] == ["g", "h"]
    assert column(report, 1)["groups"][-1]["group"] == "(missing)"


def test_without_a_protected_column_there_is_nothing_to_report() -> None:
    report = measure_fairness(LABELS, DECISIONS, {})
    assert report["columns"] == []
    assert headline_difference(report, Gates()) is None


def test_a_group_of_one_row_is_listed_left_out_and_changes_nothing() -> None:
    series = SERIES.copy()
    series[0] = "alone"
    without = measure_fairness(LABELS[1:], DECISIONS[1:], {"g": SERIES[1:]})
    found = column(measure_fairness(LABELS, DECISIONS, {"g": series}))
    assert found["excluded"] == [{"group": "alone", "reason": "1 row, 100 needed"}]
    assert found["groups"][1]["rows"] == 1
    for name in ("demographic_parity_difference", "equalized_odds_ratio"):
        assert found[name] == column(without)[name]


def test_a_group_without_positive_rows_has_no_rate_and_not_the_rate_zero() -> None:
    labels = LABELS & (GROUP != "c")
    found = column(measure_fairness(labels, DECISIONS, {"g": SERIES}))
    rate = found["groups"][2]["true_positive_rate"]
    assert (rate["value"], rate["reason"]) == (None, "the group has no positive row")
    assert found["excluded"] == [
        {"group": "c", "reason": "0 positive rows, 100 needed for equalized odds"}
    ]
    parity = found["demographic_parity_difference"]["value"]
    assert parity == pytest.approx(
        fairlearn.demographic_parity_difference(labels, DECISIONS, sensitive_features=GROUP)
    )
    two = GROUP != "c"
    assert found["equalized_odds_difference"]["value"] == pytest.approx(
        fairlearn.equalized_odds_difference(
            labels[two], DECISIONS[two], sensitive_features=GROUP[two]
        )
    )


def test_too_few_negative_rows_are_named_too() -> None:
    labels = LABELS | (GROUP == "c")
    found = column(measure_fairness(labels, DECISIONS, {"g": SERIES}))
    assert found["excluded"][0]["reason"] == "0 negative rows, 100 needed for equalized odds"
    assert found["groups"][2]["false_positive_rate"]["reason"] == "the group has no negative row"


def test_a_single_group_cannot_be_compared() -> None:
    found = column(measure_fairness(LABELS, DECISIONS, {"g": pd.Series(["x"] * ROWS)}))
    assert found["demographic_parity_difference"]["value"] is None
    assert found["equalized_odds_ratio"]["reason"] == "two groups or more are needed"


def test_the_least_support_of_a_column_can_be_chosen() -> None:
    report = measure_fairness(LABELS, DECISIONS, {"g": SERIES}, min_rows={"g": 700})
    found = column(report)
    assert found["min_rows"] == 700
    assert [each["group"] for each in found["excluded"]] == ["a", "b", "c"]
    assert found["demographic_parity_difference"]["value"] is not None
    assert found["equalized_odds_difference"]["value"] is None


def test_a_least_support_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="min_rows of column 'g' is 0"):
        measure_fairness(LABELS, DECISIONS, {"g": SERIES}, min_rows={"g": 0})


def test_the_support_of_a_column_is_the_largest_that_a_gate_asks() -> None:
    gates = Gates(
        equalized_odds_difference=FairnessGate(column="g", max=0.2, min_support=150),
        demographic_parity_difference=FairnessGate(column="g", max=0.2, min_support=80),
    )
    assert least_support(gates) == {"g": 150}
    assert least_support(Gates()) == {}


def test_the_headline_is_the_largest_gated_difference() -> None:
    report = measure_fairness(LABELS, DECISIONS, {"h": SERIES, "g": SERIES})
    parity, odds = (
        column(report)[f"{name}_difference"]["value"]
        for name in ("demographic_parity", "equalized_odds")
    )
    assert parity != odds
    both = Gates(
        equalized_odds_difference=FairnessGate(column="g", max=0.2),
        demographic_parity_difference=FairnessGate(column="g", max=0.2),
    )
    one = Gates(equalized_odds_difference=FairnessGate(column="g", max=0.2))
    assert headline_difference(report, both) == max(parity, odds)
    assert headline_difference(report, one) == odds
    assert headline_difference(report, Gates()) == parity
