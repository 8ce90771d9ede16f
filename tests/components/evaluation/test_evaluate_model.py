import json
from dataclasses import replace

import pandas as pd
import pytest
from kfp import dsl
from sklearn.metrics import accuracy_score, roc_auc_score

from headgate.adapters.champion import champion_reference
from headgate.adapters.files import read_json, write_table
from headgate.adapters.memory import MemoryRegistry
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.adapters.model_files import load_model
from headgate.adapters.onnx_models import export_bundle
from headgate.adapters.problem_file import parse_problem
from headgate.adapters.registration import SPLIT, Registration
from headgate.errors import BackendError, DataError
from headgate.problem import Problem
from headgate.sampling import split_digest
from headgate_components.evaluation.evaluate_model.component import evaluate_model


@pytest.fixture
def run(problem, files, registry, out):
    def call(**changes):
        outputs = {
            "report": out("report.json"),
            "metrics": out("metrics", dsl.Metrics),
            "confusion": out("confusion", dsl.ClassificationMetrics),
        }
        inputs = {
            "problem": problem,
            "model": dsl.Model(uri=str(files / "model")),
            "test": dsl.Dataset(uri=str(files / "test.parquet")),
            "registry_uri": registry,
            "run_id": "run-1",
        }
        answer = evaluate_model.python_func(**{**inputs, **outputs, **changes})
        return answer, read_json(outputs["report"].path), outputs

    return call


def test_without_a_champion_the_majority_class_is_the_reference(run, files) -> None:
    version, report, _ = run()
    assert version == ""
    assert report["comparison"]["reference"] == "majority class"
    rows = pd.read_parquet(files / "test.parquet")
    scores = load_model(files / "model").score(rows)
    labels = rows["income"] == ">50K"
    assert report["metrics"]["accuracy"]["value"] == accuracy_score(labels, scores >= 0.5)
    assert report["metrics"]["roc_auc"]["value"] == pytest.approx(roc_auc_score(labels, scores))
    assert [s["group"] for s in report["slices"]] == ["f", "m", "(missing)"]


def test_the_user_interface_gets_scalars_matrix_and_curve(run) -> None:
    _, report, outputs = run()
    metrics, pictures = outputs["metrics"].metadata, outputs["confusion"].metadata
    accuracy = report["metrics"]["accuracy"]
    assert (metrics["accuracy"], metrics["accuracy_low"]) == (accuracy["value"], accuracy["low"])
    rows = [row["row"] for row in pictures["confusionMatrix"]["rows"]]
    assert rows == report["confusion"]["counts"]
    assert len(pictures["confidenceMetrics"]) == len(report["roc"]["threshold"])
    json.dumps([metrics, pictures], allow_nan=False)


def test_the_registered_champion_answers_the_same_rows(
    run, problem, trained, registry, tiny_reports, tmp_path
) -> None:
    # the champion is the candidate's own export: it must be right and wrong in the same rows
    named = json.dumps({**json.loads(problem), "name": "crowned"})
    export_bundle(trained, tmp_path / "bundle", name="crowned")
    entry = Registration(
        problem=parse_problem(named),
        bundle=tmp_path / "bundle",
        reports=tiny_reports,
        run_id="run-0",
    )
    store = MlflowRegistry(registry)
    made = store.register(entry)
    store.set_alias("crowned", "champion", made.version)
    version, report, _ = run(problem=named)
    assert version == made.version
    comparison = report["comparison"]
    assert comparison["reference"] == f"champion {made.version}"
    assert (comparison["candidate_only_right"], comparison["reference_only_right"]) == (0, 0)
    assert comparison["roc_auc_gain"]["value"] == pytest.approx(0.0, abs=1e-6)


def test_an_empty_test_part_is_no_data(run, files, tmp_path) -> None:
    rows = pd.read_parquet(files / "test.parquet").iloc[:0]
    write_table(tmp_path / "empty.parquet", rows)
    with pytest.raises(DataError, match="no rows"):
        run(test=dsl.Dataset(uri=str(tmp_path / "empty.parquet")))


def test_a_missing_label_is_an_error(run, files, tmp_path) -> None:
    rows = pd.read_parquet(files / "test.parquet")
    rows["income"] = rows["income"].astype(object)
    rows.loc[3, "income"] = None
    write_table(tmp_path / "hole.parquet", rows)
    with pytest.raises(DataError, match="in row 3 of the target"):
        run(test=dsl.Dataset(uri=str(tmp_path / "hole.parquet")))


def test_one_class_in_the_test_part_leaves_the_area_undefined(run, files, tmp_path) -> None:
    rows = pd.read_parquet(files / "test.parquet")
    write_table(tmp_path / "one.parquet", rows[rows["income"] == ">50K"])
    _, report, outputs = run(test=dsl.Dataset(uri=str(tmp_path / "one.parquet")))
    assert report["metrics"]["roc_auc"]["reason"] == "only one class is in the labels"
    assert "roc_auc" not in outputs["metrics"].metadata
    assert "confidenceMetrics" not in outputs["confusion"].metadata


def test_a_registry_that_is_not_there_is_a_backend_error(run, tmp_path) -> None:
    with pytest.raises(BackendError):
        run(registry_uri=f"sqlite:///{tmp_path}/nothing.db")


def test_more_than_fifty_groups_are_refused(run, problem) -> None:
    many = json.loads(problem)
    many["columns"] = {**many["columns"], "protected": ["age"]}
    del many["gates"]["equalized_odds_difference"]
    with pytest.raises(DataError, match=r"column 'age' makes \d+ groups, at most 50"):
        run(problem=json.dumps(many))


def named(problem: str) -> Problem:
    return replace(parse_problem(problem), name="adult")


def crowned(problem: Problem, *, uri: str, sha256: str) -> MemoryRegistry:
    """A registry whose champion was trained on the problem's split."""
    store = MemoryRegistry()
    tags = {SPLIT: split_digest(problem)}
    store.register("adult", "4", uri=uri, sha256=sha256, tags=tags)
    store.set_alias("adult", "champion", "4")
    return store


def test_a_champion_of_other_classes_cannot_be_compared(problem, trained, tmp_path) -> None:
    asked = named(problem)
    sha256 = export_bundle(replace(trained, classes=("0", "1")), tmp_path / "b", name="m")
    store = crowned(asked, uri=str(tmp_path / "b"), sha256=sha256)
    with pytest.raises(DataError, match=r"champion 4 of adult predicts \('0', '1'\)"):
        champion_reference(store, asked, rows=pd.DataFrame(), classes=("<=50K", ">50K"))


def test_a_champion_of_another_split_may_have_seen_the_test_rows_and_is_refused(problem) -> None:
    asked = named(problem)
    other = replace(asked, split=replace(asked.split, key="another"))
    store = crowned(asked, uri="/nowhere", sha256="0" * 64)
    with pytest.raises(DataError, match="was trained on another split of the rows"):
        champion_reference(store, other, rows=pd.DataFrame(), classes=("<=50K", ">50K"))


def test_a_champion_whose_bundle_changed_is_refused(problem, trained, tmp_path) -> None:
    asked = named(problem)
    export_bundle(trained, tmp_path / "b", name="m")
    store = crowned(asked, uri=str(tmp_path / "b"), sha256="0" * 64)
    with pytest.raises(DataError, match="sha256"):
        champion_reference(store, asked, rows=pd.DataFrame(), classes=trained.classes)
