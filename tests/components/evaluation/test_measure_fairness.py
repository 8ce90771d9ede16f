import json

import fairlearn.metrics as fairlearn
import pandas as pd
import pytest
from kfp import dsl

from headgate.adapters.files import read_json
from headgate.adapters.model_files import load_model
from headgate_components.evaluation.measure_fairness.component import measure_fairness


@pytest.fixture
def run(problem, files, out):
    def call(**changes):
        report = out("report.json")
        inputs = {
            "problem": problem,
            "model": dsl.Model(uri=str(files / "model")),
            "test": dsl.Dataset(uri=str(files / "test.parquet")),
        }
        answer = measure_fairness.python_func(**{**inputs, **changes}, report=report)
        return answer, read_json(report.path)

    return call


def test_the_gated_difference_is_returned_and_agrees_with_fairlearn(run, files) -> None:
    answer, report = run()
    (column,) = report["columns"]
    rows = pd.read_parquet(files / "test.parquet").dropna(subset=["gender"])
    expected = fairlearn.equalized_odds_difference(
        rows["income"] == ">50K",
        load_model(files / "model").score(rows) >= 0.5,
        sensitive_features=rows["gender"],
    )
    assert answer == column["equalized_odds_difference"]["value"] == pytest.approx(expected)
    assert column["min_rows"] == 50
    assert column["excluded"] == [{"group": "(missing)", "reason": "1 row, 50 needed"}]


def test_without_protected_columns_there_is_nothing_to_measure(run, problem) -> None:
    bare = json.loads(problem)
    bare["columns"]["protected"] = []
    bare["gates"] = {}
    answer, report = run(problem=json.dumps(bare))
    assert answer == -1.0
    assert report["columns"] == []
