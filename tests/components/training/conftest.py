import json

import numpy as np
import pandas as pd
import pytest

from headgate.adapters.files import write_table


@pytest.fixture
def problem_text():
    return json.dumps(
        {
            "name": "toy",
            "data": {"path": "toy.parquet"},
            "target": {"column": "rich", "positive": "yes"},
            "columns": {"numeric": ["age"], "categorical": ["town"]},
            "training": {"families": ["logistic_regression", "lightgbm"], "folds": 2},
        }
    )


@pytest.fixture
def write_rows(tmp_path):
    def write(name, rows=200):
        random = np.random.default_rng(4)
        age = random.uniform(20, 60, rows)
        rich = np.where(age + random.normal(0, 9, rows) > 40, "yes", "no")
        towns = pd.Series([["Bath", "York", None][n % 3] for n in range(rows)], dtype=object)
        table = pd.DataFrame({"age": age, "town": towns, "rich": rich})
        write_table(tmp_path / name, table)
        return table

    return write
