import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from headgate.problem import Columns, Data, Problem, Target, Training
from headgate.training import Examples, input_frame

COLUMNS = Columns(numeric=("age", "hours"), categorical=("job", "town"))
JOBS = ("clerk", "smith", None)
TOWNS = ("Bath", "York")


def make_table(rows: int = 300, *, seed: int = 1) -> pd.DataFrame:
    """A typed table whose label follows the age and the job."""
    random = np.random.default_rng(seed)
    age = random.uniform(20, 60, rows)
    job = random.integers(len(JOBS), size=rows)
    chance = 1 / (1 + np.exp(-(age - 40) / 5 - (job == 1)))
    hours = random.uniform(10, 50, rows)
    hours[::7] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "hours": hours,
            "job": pd.Series([JOBS[j] for j in job], dtype=object),
            "town": pd.Series([TOWNS[t] for t in random.integers(2, size=rows)], dtype=object),
            "rich": pd.Series(np.where(random.random(rows) < chance, "yes", "no"), dtype=object),
        }
    )


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def problem():
    return Problem(
        name="toy",
        data=Data(path="toy.parquet"),
        target=Target(column="rich", positive="yes"),
        columns=COLUMNS,
        training=Training(folds=3),
    )


@pytest.fixture
def with_training(problem):
    return lambda **settings: dataclasses.replace(
        problem, training=dataclasses.replace(problem.training, **settings)
    )


@pytest.fixture
def examples(table):
    return make_examples(table)


def make_examples(table, weights=None):
    return Examples(
        frame=input_frame(table, numeric=COLUMNS.numeric, categorical=COLUMNS.categorical),
        positive=(table["rich"] == "yes").to_numpy().astype(np.int64),
        weights=weights,
        numeric=COLUMNS.numeric,
        categorical=COLUMNS.categorical,
    )


@pytest.fixture
def ticks():
    """A clock that moves on by one second whenever it is read."""
    seconds = itertools.count()
    return lambda: float(next(seconds))
