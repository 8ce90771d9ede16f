"""A trained model and held-out rows, as the steps before the evaluation leave them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kfp import dsl

from headgate.adapters.files import write_table
from headgate.adapters.mlflow_registry import create_store
from headgate.adapters.model_files import save_model
from headgate.adapters.problem_file import parse_problem
from headgate.training import TrainedModel, train

PROBLEM = {
    "name": "adult",
    "data": {"path": "/data/table.csv"},
    "target": {"column": "income", "positive": ">50K"},
    "columns": {
        "numeric": ["age"],
        "categorical": ["job"],
        "protected": ["gender"],
    },
    "training": {"families": ["logistic_regression"], "folds": 2},
    "gates": {
        "accuracy": {"min": 0.6},
        "equalized_odds_difference": {"column": "gender", "max": 0.4, "min_support": 50},
    },
}


def table(rows: int, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, job = rng.uniform(20, 60, rows), rng.choice(["a", "b"], rows)
    odds = 0.15 * (age - 42) + 1.5 * (job == "a") - 0.75
    frame = pd.DataFrame(
        {
            "age": age,
            "job": pd.Series(job, dtype=object),
            "gender": pd.Series(rng.choice(["f", "m"], rows), dtype=object),
            "income": np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), ">50K", "<=50K"),
        }
    )
    frame.loc[0, ["age", "job", "gender"]] = [np.nan, None, None]
    return frame


@pytest.fixture(scope="session")
def problem() -> str:
    return json.dumps(PROBLEM)


@pytest.fixture(scope="session")
def trained(problem: str) -> TrainedModel:
    return train(table(800, seed=1), parse_problem(problem))


@pytest.fixture(scope="session")
def files(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model/` and `test.parquet`."""
    folder = tmp_path_factory.mktemp("steps")
    save_model(folder / "model", trained)
    write_table(folder / "test.parquet", table(1000, seed=2))
    return folder


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URI of an empty registry."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.db"
    create_store(uri)
    return uri


@pytest.fixture
def out(tmp_path: Path) -> Callable[..., dsl.Artifact]:
    """Make an output artifact of a kind."""

    def make(name: str, kind: type[dsl.Artifact] = dsl.Artifact) -> dsl.Artifact:
        return kind(name=name, uri=str(tmp_path / name))

    return make
