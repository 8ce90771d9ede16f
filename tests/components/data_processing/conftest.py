import json

import pandas as pd
import pytest
from kfp import dsl


@pytest.fixture
def artifact(tmp_path):
    """An artifact whose file lies in tmp_path."""

    def make(name, kind=dsl.Artifact):
        return kind(uri=str(tmp_path / "artifacts" / name))

    return make


@pytest.fixture
def people(tmp_path):
    """400 people in a CSV, and the text of their problem file."""
    frame = pd.DataFrame(
        {
            "person": [f"p{i}" for i in range(400)],
            "age": [str(20 + i % 50) if i % 10 else "?" for i in range(400)],
            "sex": [["f", "m"][i % 2] for i in range(400)],
            "left": [["no", "no", "yes", "no"][(i // 2) % 4] for i in range(400)],
        }
    )
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    problem = {
        "name": "people",
        "data": {"path": str(path), "missing_values": ["?"]},
        "target": {"column": "left", "positive": "yes"},
        "columns": {
            "numeric": ["age"],
            "categorical": ["sex"],
            "protected": ["sex"],
            "id": "person",
        },
        "checks": {"min_rows": 100},
    }
    return path, json.dumps(problem)
