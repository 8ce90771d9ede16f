from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.world import World, start_world
from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
from headgate.adapters.problem_file import problem_text
from headgate.adapters.registration import Registration
from headgate.ports import ModelVersion


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[World]:
    with start_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="module")
def cluster(place) -> Iterator[LocalCluster]:
    with place.cluster() as opened:
        yield opened


@pytest.fixture(scope="module")
def registry_uri(tmp_path_factory) -> str:
    uri = f"sqlite:///{tmp_path_factory.mktemp('registry') / 'mlflow.db'}"
    create_store(uri)
    return uri


@pytest.fixture
def registered(
    tmp_path, registry_uri, tiny_problem, tiny_reports, make_bundle
) -> Callable[[float], ModelVersion]:
    """Register versions of the tiny model, each once; the weight tells them apart."""

    def register(weight: float) -> ModelVersion:
        folder: Path = make_bundle(tmp_path / f"bundle-{weight}", weight=weight)
        entry = Registration(
            problem=tiny_problem, bundle=folder, reports=tiny_reports, run_id="run-1"
        )
        return MlflowRegistry(registry_uri).register(entry)

    return register


@pytest.fixture
def arguments(place, registry_uri, tiny_problem) -> dict[str, str]:
    """What every deployment step is given."""
    return {
        "problem": problem_text(tiny_problem),
        "registry_uri": registry_uri,
        "cluster_url": place.url,
        "cluster_token": place.token,
        "run_id": "run-1",
    }
