import pytest


@pytest.fixture
def mapping():
    """The smallest problem file."""
    return {
        "name": "adult-income",
        "data": {"path": "adult.parquet"},
        "target": {"column": "income", "positive": ">50K"},
        "columns": {
            "numeric": ["age", "hours"],
            "categorical": ["work", "sex"],
            "protected": ["sex"],
        },
    }
