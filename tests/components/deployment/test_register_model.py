import json

import pytest
from kfp import dsl

from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
from headgate.adapters.problem_file import problem_text
from headgate.errors import BackendError, DataError
from headgate_components.deployment.register_model.component import register_model


@pytest.fixture
def arguments(tmp_path, tiny_problem, tiny_bundle, tiny_reports):
    for name, report in tiny_reports.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    return {
        "problem": problem_text(tiny_problem),
        "bundle": dsl.Model(uri=str(tiny_bundle)),
        **{name: dsl.Artifact(uri=str(tmp_path / f"{name}.json")) for name in tiny_reports},
        "registry_uri": f"sqlite:///{tmp_path / 'registry' / 'mlflow.db'}",
        "run_id": "run-1",
    }


def test_the_model_is_registered_once_and_is_the_candidate(arguments) -> None:
    create_store(arguments["registry_uri"])
    version, uri, sha256 = register_model.python_func(**arguments)
    assert register_model.python_func(**{**arguments, "run_id": "run-2"}) == (version, uri, sha256)
    found = MlflowRegistry(arguments["registry_uri"]).by_alias("adult", "candidate")
    assert found is not None
    assert (found.version, found.uri, found.sha256) == (version, uri, sha256) == ("1", uri, sha256)
    assert found.tags["headgate.run_id"] == "run-1"


@pytest.mark.parametrize(
    ("stamped", "told"), [("abc-dirty", "abc-dirty"), ("unknown", ""), ("", ""), (None, "")]
)
def test_without_git_the_image_says_which_code_it_was_made_of(
    arguments, monkeypatch, tmp_path, stamped, told
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # an image holds no git
    monkeypatch.delenv("HEADGATE_REVISION", raising=False)
    if stamped is not None:
        monkeypatch.setenv("HEADGATE_REVISION", stamped)
    create_store(arguments["registry_uri"])
    register_model.python_func(**arguments)
    found = MlflowRegistry(arguments["registry_uri"]).by_alias("adult", "candidate")
    assert found is not None
    assert found.tags["headgate.revision"] == told


def test_a_registry_that_was_never_created_is_an_error_of_the_backend(arguments) -> None:
    with pytest.raises(BackendError, match="create it once with create_store"):
        register_model.python_func(**arguments)


def test_a_bundle_without_its_model_is_an_error_of_the_data(arguments, tiny_bundle) -> None:
    create_store(arguments["registry_uri"])
    (tiny_bundle / "model.onnx").unlink()
    with pytest.raises(DataError, match=r"model\.onnx"):
        register_model.python_func(**arguments)
