import pytest
from kfp import dsl

from headgate.adapters.bundles import bundle_sha256
from headgate.adapters.files import read_json, read_table
from headgate.adapters.model_files import load_model
from headgate.adapters.onnx_models import load_bundle
from headgate.errors import NoDataError
from headgate_components.training.export_model.component import export_model
from headgate_components.training.train_model.component import train_model


@pytest.fixture
def run(problem_text, tmp_path, write_rows):
    write_rows("train.parquet")
    train_model.python_func(
        problem=problem_text,
        train=dsl.Dataset(uri=str(tmp_path / "train.parquet")),
        model=dsl.Model(uri=str(tmp_path / "model")),
        report=dsl.Artifact(uri=str(tmp_path / "training.json")),
    )

    def call(test):
        return export_model.python_func(
            problem=problem_text,
            model=dsl.Model(uri=str(tmp_path / "model")),
            test=dsl.Dataset(uri=str(tmp_path / test)),
            bundle=dsl.Model(uri=str(tmp_path / "bundle")),
            report=dsl.Artifact(uri=str(tmp_path / "report.json")),
        )

    return call


def test_the_bundle_answers_like_the_model_and_the_report_says_so(run, tmp_path):
    checksum = run("train.parquet")
    rows = read_table(tmp_path / "train.parquet")
    scorer = load_bundle(tmp_path / "bundle", sha256=checksum)
    assert scorer.score(rows) == pytest.approx(load_model(tmp_path / "model").score(rows), abs=1e-6)
    report = read_json(tmp_path / "report.json")
    assert report["sha256"] == checksum == bundle_sha256(tmp_path / "bundle")
    assert report["parity"]["verdict"] == "PASS"
    assert (report["rows"], report["label_flips"]) == (200, 0)
    assert report["max_probability_difference"] < 1e-6
    assert abs(report["auc_change"]) < 1e-3


def test_the_latency_has_an_interval(run, tmp_path):
    run("train.parquet")
    latency = read_json(tmp_path / "report.json")["latency_ms"]
    assert latency["requests"] == 1000
    p95 = latency["p95"]
    assert 0 < latency["p50"] <= p95["value"]
    assert p95["low"] <= p95["value"] <= p95["high"]


def test_the_bundle_is_named_after_the_problem(run, tmp_path):
    run("train.parquet")
    assert read_json(tmp_path / "bundle" / "bundle.json")["name"] == "toy"


def test_an_empty_test_part_stops_the_step(run, write_rows):
    write_rows("test.parquet", rows=0)
    with pytest.raises(NoDataError):
        run("test.parquet")
