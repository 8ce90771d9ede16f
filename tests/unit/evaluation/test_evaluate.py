import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from headgate.errors import DataError
from headgate.evaluation import Reference, evaluate


def test_the_report_holds_every_part_and_is_plain_json(answers) -> None:
    sample = answers()
    report = evaluate(sample)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert set(report) == {
        "rows", "positives", "confidence", "metrics", "per_class", "confusion", "roc", "pr",
        "calibration", "slices", "comparison",
    }  # fmt: skip
    assert report["rows"] == 800
    assert report["positives"] == int(sample.labels.sum())
    assert report["confusion"]["labels"] == ["no", "yes"]
    assert np.sum(report["confusion"]["counts"]) == 800
    assert set(report["metrics"]["f1"]) == {"value", "low", "high", "method"}
    assert report["comparison"]["reference"] == "majority class"
    assert sum(each["count"] for each in report["calibration"]["bins"]) == 800


def test_slices_are_measured_on_their_own_rows(answers) -> None:
    sample = answers()
    group = pd.Series(np.where(np.arange(800) % 4 == 0, "a", "b"), dtype=object)
    group[[3, 7]] = None
    slices = evaluate(sample, columns={"team": group})["slices"]
    assert [(s["column"], s["group"], s["rows"]) for s in slices] == [
        ("team", "a", 200),
        ("team", "b", 598),
        ("team", "(missing)", 2),
    ]
    first = np.asarray(group == "a")
    labels, scores = sample.labels[first], sample.probabilities[first]
    assert slices[0]["accuracy"]["value"] == accuracy_score(labels, scores >= 0.5)
    assert slices[0]["roc_auc"]["value"] == pytest.approx(roc_auc_score(labels, scores))
    assert slices[0]["positives"] == int(labels.sum())


def test_a_slice_of_one_row_is_measured_as_far_as_it_goes(by_hand) -> None:
    sample = by_hand("yyn", [0.9, 0.7, 0.2])
    slices = evaluate(sample, columns={"g": pd.Series(["a", "a", "b"], dtype=object)})["slices"]
    alone = slices[1]
    assert (alone["rows"], alone["accuracy"]["value"]) == (1, 1.0)
    assert (alone["recall"]["value"], alone["roc_auc"]["value"]) == (None, None)


def test_the_champion_must_have_answered_the_same_rows(answers) -> None:
    with pytest.raises(DataError, match=r"\(800,\) is needed"):
        evaluate(answers(), reference=Reference(version="1", probabilities=np.zeros(799)))
    report = evaluate(answers(), reference=Reference(version="1", probabilities=np.zeros(800)))
    assert report["comparison"]["reference"] == "champion 1"
