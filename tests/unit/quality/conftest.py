import pandas as pd
import pytest

from headgate.problem import problem_from_mapping


@pytest.fixture
def make_problem():
    """A problem over the columns of `table`, with sections replaced by the arguments."""

    def make(*, missing_values=(), positive="yes", **sections):
        columns = {"numeric": ["age"], "categorical": ["job"], "protected": ["sex"]}
        columns |= sections.pop("columns", {})
        return problem_from_mapping(
            {
                "name": "people",
                "data": {"path": "people.csv", "missing_values": list(missing_values)},
                "target": {"column": "left", "positive": positive},
                "columns": columns,
                **sections,
            }
        )

    return make


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "age": [20.0, 30.0, 40.0, float("nan")],
            "job": pd.Series(["cook", None, "smith", "cook"], dtype=object),
            "sex": pd.Series(["f", "m", "f", "m"], dtype=object),
            "left": pd.Series(["no", "yes", "no", "no"], dtype=object),
        }
    )
