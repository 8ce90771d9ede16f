"""The registry on a real SQLite file; MLflow's own client is the witness."""

import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headgate.adapters.mlflow_client import connect
from headgate.adapters.mlflow_quiet import quiet
from headgate.adapters.mlflow_reads import KNOWN_SCHEMAS, SqliteReader
from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
from headgate.adapters.problem_file import problem_text
from headgate.adapters.registration import KEY, Registration, joined_run
from headgate.errors import BackendError, ConfigError

with quiet():
    import mlflow.pyfunc


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("fresh") / "mlflow.db"
    create_store(f"sqlite:///{file}")
    return file


@pytest.fixture
def uri(tmp_path, fresh_store) -> str:
    folder = tmp_path / "registry with a space"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(fresh_store.read_bytes())
    return f"sqlite:///{folder / 'mlflow.db'}"


@pytest.fixture
def registry(uri) -> MlflowRegistry:
    return MlflowRegistry(uri)


@pytest.fixture
def entry(tiny_problem, tiny_bundle, tiny_reports) -> Registration:
    return Registration(
        problem=tiny_problem, bundle=tiny_bundle, reports=tiny_reports, run_id="run-1"
    )


@pytest.fixture
def through_mlflow(monkeypatch):
    """No schema is known: every look-up takes MLflow's own way."""

    def switch() -> None:
        monkeypatch.setattr("headgate.adapters.mlflow_reads.KNOWN_SCHEMAS", frozenset())

    return switch


def call(uri, ask):
    with quiet():
        return ask(connect(uri))


def test_a_version_holds_the_bundle_and_the_tags(registry, entry) -> None:
    made = registry.register(entry)
    assert (made.name, made.version) == ("adult", "1")
    assert (Path(made.uri) / "model.onnx").read_bytes() == (
        entry.bundle / "model.onnx"
    ).read_bytes()
    assert made.source == ""  # nobody serves a file's artifacts to others
    assert made.tags["headgate.family"] == "lightgbm"
    assert made.tags["headgate.data_fingerprint"] == "f" * 8
    assert made.tags["headgate.seed"] == "7"
    assert made == registry.version("adult", "1") == registry.by_alias("adult", "candidate")


def test_mlflow_loads_the_version_as_a_model_of_its_own(registry, entry) -> None:
    made = registry.register(entry)
    with quiet():
        model = mlflow.pyfunc.load_model(made.uri)
        answer = model.predict(
            {"age": np.array([[0.0], [40.0]], dtype=np.float32), "gender": np.array([["a"], [""]])}
        )
        example = model.predict(model.input_example)
    assert [column.name for column in model.metadata.signature.inputs] == ["age", "gender"]
    # sigmoid(0.1 * age), by hand: 1 / (1 + exp(-4)) = 0.98201
    assert answer["probabilities"][:, 1].tolist() == pytest.approx([0.5, 0.98201], abs=1e-5)
    assert example["probabilities"].tolist() == [[0.5, 0.5]]


def test_metrics_with_interval_ends_figures_reports_and_card_are_kept(registry, entry, uri) -> None:
    made = registry.register(entry)
    version = call(uri, lambda client: client.get_model_version("adult", made.version))
    run = call(uri, lambda client: client.get_run(version.run_id))
    assert run.data.metrics["accuracy"] == 0.86
    assert run.data.metrics["accuracy_low"] == 0.84
    assert run.data.metrics["fairness.gender.equalized_odds_difference_high"] == 0.15
    assert run.data.metrics["export.latency_p95_ms_high"] == 0.22
    assert "roc_auc" not in run.data.metrics
    assert run.info.status == "FINISHED"
    assert version.description.startswith("# adult: lightgbm")
    artifacts = Path(made.uri).parents[2]
    (run_folder,) = [path for path in artifacts.iterdir() if path.name == version.run_id]
    logged = {str(path.relative_to(run_folder)) for path in run_folder.rglob("*") if path.is_file()}
    assert {"artifacts/model_card.md", "artifacts/reports/evaluation.json"} <= logged
    assert {
        "artifacts/figures/confusion_matrix.png",
        "artifacts/figures/roc_curve.png",
        "artifacts/figures/precision_recall_curve.png",
        "artifacts/figures/calibration.png",
    } <= logged


def test_artifacts_lie_beside_the_database_and_not_in_the_working_directory(
    registry, entry, tmp_path, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = registry.register(entry)
    assert Path(made.uri).is_relative_to(tmp_path / "registry with a space" / "artifacts")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_registering_twice_gives_the_same_version(registry, entry, uri) -> None:
    first = registry.register(entry)
    again = registry.register(replace(entry, run_id="run-2"))
    assert again == first
    assert len(call(uri, lambda client: client.search_model_versions("name = 'adult'"))) == 1


def test_another_bundle_is_another_version_and_the_new_candidate(
    registry, entry, make_bundle, tmp_path
) -> None:
    registry.register(entry)
    other = registry.register(replace(entry, bundle=make_bundle(tmp_path / "other", weight=0.2)))
    assert other.version == "2"
    assert registry.by_alias("adult", "candidate") == other
    assert registry.version("adult", "1").version == "1"


def test_the_same_bundle_from_other_data_is_another_version(registry, entry) -> None:
    registry.register(entry)
    other = {**entry.reports, "ingest": {**entry.reports["ingest"], "fingerprint": "e" * 8}}
    assert registry.register(replace(entry, reports=other)).version == "2"


def test_a_champion_that_is_registered_again_does_not_become_the_candidate(registry, entry) -> None:
    made = registry.register(entry)
    registry.set_alias("adult", "champion", made.version)
    registry.delete_alias("adult", "candidate")
    assert registry.register(entry) == made
    assert registry.by_alias("adult", "candidate") is None
    assert registry.by_alias("adult", "champion") == made


def test_of_two_processes_at_the_same_time_one_registers(registry, entry, uri, monkeypatch) -> None:
    # The other process writes its version after this one looked and before this one wrote.
    lookups = []
    found = SqliteReader.by_tag

    def slow(self, name, key, value):
        lookups.append(key)
        if len(lookups) == 1:
            MlflowRegistry(uri).register(replace(entry, run_id="the other one"))
            return None
        return found(self, name, key, value)

    monkeypatch.setattr(SqliteReader, "by_tag", slow)
    assert registry.register(entry).tags["headgate.run_id"] == "the other one"
    versions = call(uri, lambda client: client.search_model_versions("name = 'adult'"))
    assert [str(version.version) for version in versions] == ["1"]


def test_real_processes_agree_on_one_version(entry, uri, tmp_path) -> None:
    reports = tmp_path / "reports.json"
    reports.write_text(json.dumps(entry.reports))
    code = f"""
import json, pathlib
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.adapters.problem_file import parse_problem
from headgate.adapters.registration import Registration
problem = parse_problem({problem_text(entry.problem)!r})
reports = json.loads(pathlib.Path({str(reports)!r}).read_text())
bundle = pathlib.Path({str(entry.bundle)!r})
entry = Registration(problem=problem, bundle=bundle, reports=reports, run_id="r")
print(MlflowRegistry({uri!r}).register(entry).version)
"""
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate()[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(answers) == 1
    assert len(call(uri, lambda client: client.search_model_versions("name = 'adult'"))) == 1


def test_an_alias_moves_and_a_missing_one_is_none(registry, entry) -> None:
    assert registry.by_alias("adult", "champion") is None
    registry.delete_alias("adult", "champion")
    made = registry.register(entry)
    registry.set_alias("adult", "champion", "1")
    registry.set_alias("adult", "champion", "1")
    assert registry.by_alias("adult", "champion") == made
    registry.delete_alias("adult", "champion")
    registry.delete_alias("adult", "champion")
    assert registry.by_alias("adult", "champion") is None


def test_an_unknown_version_is_named(registry, entry) -> None:
    with pytest.raises(BackendError, match="adult has no version '9'"):
        registry.version("adult", "9")
    with pytest.raises(BackendError, match="adult has no version 'latest'"):
        registry.version("adult", "latest")
    registry.register(entry)
    with pytest.raises(BackendError, match="cannot point adult@champion at version 9") as caught:
        registry.set_alias("adult", "champion", "9")
    assert not caught.value.retryable


def test_a_changed_or_vanished_bundle_is_refused(registry, entry) -> None:
    made = registry.register(entry)
    model = Path(made.uri) / "model.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(BackendError, match="registered was"):
        registry.by_alias("adult", "candidate")
    model.unlink()
    with pytest.raises(BackendError, match="cannot be read"):
        registry.version("adult", "1")


def test_the_file_and_mlflow_give_the_same_answers(registry, entry, uri, through_mlflow) -> None:
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as base:
        assert {row[0] for row in base.execute("SELECT * FROM alembic_version")} <= KNOWN_SCHEMAS
    made = registry.register(entry)
    registry.register(
        replace(
            entry,
            reports={**entry.reports, "ingest": {"fingerprint": "e", "source": "", "rows": 1}},
        )
    )
    call(uri, lambda client: client.delete_model_version("adult", "2"))

    def ask():
        with pytest.raises(BackendError, match="no version '2'"):
            registry.version("adult", "2")
        aliases = [("adult", "candidate"), ("adult", "champion"), ("none", "champion")]
        return [
            registry.register(entry),
            registry.version("adult", "1"),
            *(registry.by_alias(*alias) for alias in aliases),
        ]

    from_file = ask()
    assert from_file == [made, made, made, None, None]
    through_mlflow()
    assert ask() == from_file


def test_registering_works_through_mlflow_alone(registry, entry, through_mlflow) -> None:
    through_mlflow()
    assert registry.register(entry) == registry.register(entry)


def test_a_joined_run_is_used_and_left_open(registry, entry, uri, tmp_path) -> None:
    root = str(tmp_path / "of the plug-in")
    experiment = call(uri, lambda client: client.create_experiment("of the plug-in", root))
    run = call(uri, lambda client: client.create_run(experiment)).info.run_id
    registry.register(replace(entry, joined=run))
    found = call(uri, lambda client: client.get_run(run))
    assert found.data.metrics["accuracy"] == 0.86
    assert found.info.status == "RUNNING"
    version = call(uri, lambda client: client.get_model_version("adult", "1"))
    assert version.run_id == run


def test_only_a_run_of_the_same_server_is_joined() -> None:
    environment = {"MLFLOW_RUN_ID": "r", "MLFLOW_TRACKING_URI": "http://mlflow:5000/"}
    assert joined_run(environment, "http://mlflow:5000") == "r"
    assert joined_run(environment, "http://other:5000") is None
    assert joined_run({}, "http://mlflow:5000") is None
    assert joined_run({**environment, "MLFLOW_RUN_ID": ""}, "http://mlflow:5000") is None


def test_the_key_does_not_depend_on_who_registers(entry) -> None:
    assert entry.tags()[KEY] == replace(entry, run_id="x", revision="y").tags()[KEY]


def test_the_same_run_from_a_moved_folder_is_the_same_version(registry, entry) -> None:
    made = registry.register(entry)
    moved = replace(entry.problem, data=replace(entry.problem.data, path="/moved/adult.csv"))
    assert registry.register(replace(entry, problem=moved)) == made


def test_another_problem_on_the_same_table_is_another_version(registry, entry) -> None:
    registry.register(entry)
    other = replace(entry.problem, split=replace(entry.problem.split, key="other"))
    assert registry.register(replace(entry, problem=other)).version == "2"


def test_a_store_that_was_not_created_is_named(tmp_path) -> None:
    registry = MlflowRegistry(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(BackendError, match="create it once with create_store"):
        registry.by_alias("adult", "champion")
    with pytest.raises(BackendError, match="create it once with create_store"):
        registry.set_alias("adult", "champion", "1")
    assert not (tmp_path / "none.db").exists()


def test_creating_a_store_again_keeps_it(uri, registry, entry) -> None:
    registry.register(entry)
    create_store(uri)
    assert registry.version("adult", "1").version == "1"


def test_a_server_is_never_created() -> None:
    create_store("http://127.0.0.1:9")


def test_processes_that_create_a_store_together_end_with_one(tmp_path) -> None:
    uri = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    code = f"from headgate.adapters.mlflow_registry import create_store; create_store({uri!r})"
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    assert MlflowRegistry(uri).by_alias("adult", "champion") is None


def test_an_unwritable_place_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendError, match="cannot be created"):
        create_store(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}")


def test_a_file_that_is_no_database_is_named(tmp_path) -> None:
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(BackendError, match="cannot be read"):
        MlflowRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}").by_alias("adult", "champion")


def test_a_server_that_is_down_is_a_retryable_error_without_credentials(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    registry = MlflowRegistry(f"http://me:secret@127.0.0.1:{port}")
    with pytest.raises(BackendError, match=f"127.0.0.1:{port}") as caught:
        registry.by_alias("adult", "champion")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


def test_a_registry_uri_of_another_kind_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="registry_uri"):
        MlflowRegistry("mlruns")


def test_looking_up_imports_no_mlflow(uri) -> None:
    code = f"""
import sys
from headgate.adapters.mlflow_registry import MlflowRegistry
assert MlflowRegistry({uri!r}).by_alias("adult", "champion") is None
assert not [name for name in ("mlflow", "sqlalchemy", "skl2onnx") if name in sys.modules]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
