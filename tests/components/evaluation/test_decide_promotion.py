import json

import pytest
from kfp import dsl, local

from headgate.adapters.files import read_json, write_json
from headgate.errors import DataError
from headgate_components.evaluation.decide_promotion.component import decide_promotion
from headgate_components.evaluation.evaluate_model.component import evaluate_model
from headgate_components.evaluation.measure_fairness.component import measure_fairness

REPORTS = {
    "validation": {"verdict": "PASS", "reason": "9 checks passed"},
    "split": {"verdict": "PASS", "reason": "sizes are off by at most 0.001"},
    "training": {
        "best": "logistic_regression",
        "metric": "roc_auc",
        "folds": 2,
        "rows": 800,
        "leaderboard": [{"family": "logistic_regression", "mean": 0.8}],
    },
    "export": {
        "rows": 1000,
        "max_probability_difference": 2e-7,
        "latency_ms": {
            "p95": {"value": 0.1, "low": 0.09, "high": 0.2, "method": "order_statistic"},
            "requests": 1000,
        },
        "parity": {"verdict": "PASS", "reason": "largest difference 2e-07"},
    },
}


@pytest.fixture
def steps(problem, files, registry, tmp_path):
    """Run evaluation, fairness and decision as a local pipeline; the other reports are given."""

    def run(text: str = problem) -> tuple[str, dict]:
        given = {}
        for name, report in REPORTS.items():
            write_json(tmp_path / f"{name}.json", report)
            given[name] = str(tmp_path / f"{name}.json")
        model, test = str(files / "model"), str(files / "test.parquet")

        @dsl.pipeline(name="evaluation")
        def pipeline(problem: str, registry_uri: str) -> str:
            def load(path: str, kind: type[dsl.Artifact]) -> dsl.PipelineTask:
                return dsl.importer(artifact_uri=path, artifact_class=kind).output

            held = {"model": load(model, dsl.Model), "test": load(test, dsl.Dataset)}
            evaluated = evaluate_model(
                problem=problem, registry_uri=registry_uri, run_id="run-1", **held
            )
            fair = measure_fairness(problem=problem, **held)
            return decide_promotion(
                problem=problem,
                evaluation=evaluated.outputs["report"],
                fairness=fair.outputs["report"],
                **{name: load(path, dsl.Artifact) for name, path in given.items()},
            ).outputs["Output"]

        local.init(
            local.SubprocessRunner(use_venv=False),
            pipeline_root=str(tmp_path / "root"),
            workspace_root=str(tmp_path / "workspace"),
        )
        verdict = pipeline(problem=text, registry_uri=registry).output
        (decision,) = (tmp_path / "root").rglob("decide-promotion/decision")
        return verdict, read_json(decision)

    return run


def test_the_three_steps_decide_in_a_local_pipeline(steps) -> None:
    verdict, decision = steps()
    assert verdict == decision["verdict"] == "PASS"
    assert [gate["name"] for gate in decision["gates"] if gate["judged"]] == [
        "data_validation",
        "split",
        "export_parity",
        "accuracy",
        "improvement",
        "equalized_odds_difference:gender",
    ]


def test_a_gate_that_is_missed_is_a_result_and_no_error(problem, out, tmp_path) -> None:
    strict = json.loads(problem)
    strict["gates"] = {"accuracy": {"min": 0.99}}
    accuracy = {"value": 0.9, "low": 0.88, "high": 0.92, "method": "clopper_pearson"}
    gain = {"value": 0.1, "low": 0.05, "high": 0.15, "method": "tango"}
    evaluation = {
        "rows": 1000,
        "metrics": {"accuracy": accuracy},
        "calibration": {"expected_calibration_error": 0.0},
        "comparison": {
            "reference": "majority class",
            "reference_version": None,
            "rows": 1000,
            "accuracy_gain": gain,
        },
    }
    reports = {**REPORTS, "evaluation": evaluation, "fairness": {"columns": []}}
    inputs = {}
    for name, report in reports.items():
        write_json(tmp_path / f"{name}.json", report)
        inputs[name] = dsl.Artifact(uri=str(tmp_path / f"{name}.json"))
    decision = out("decision.json")
    verdict = decide_promotion.python_func(problem=json.dumps(strict), decision=decision, **inputs)
    assert verdict == "FAIL"
    assert read_json(decision.path)["reason"] == "the candidate fails accuracy"


def test_a_report_without_its_numbers_is_an_error(problem, out, tmp_path) -> None:
    write_json(tmp_path / "empty.json", {})
    empty = dsl.Artifact(uri=str(tmp_path / "empty.json"))
    names = ("validation", "split", "training", "evaluation", "fairness", "export")
    with pytest.raises(DataError, match="the validation report has no verdict"):
        decide_promotion.python_func(
            problem=problem, decision=out("decision.json"), **dict.fromkeys(names, empty)
        )
