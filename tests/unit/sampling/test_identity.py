"""Two problems with one identity deal every row to the same part; with another they may not."""

import pytest

from headgate.problem import problem_from_mapping
from headgate.sampling import split_digest, split_identity

BASE = {
    "name": "people",
    "data": {"path": "people.csv", "missing_values": ["?", ""]},
    "target": {"column": "left", "positive": "yes"},
    "columns": {"numeric": ["x", "y"], "categorical": ["c"]},
}


def digest(**changes):
    return split_digest(problem_from_mapping({**BASE, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"numeric": ["y", "x"], "categorical": ["c"]}},
        {"data": {"path": "moved.csv", "missing_values": ["", "?"]}},
        {"training": {"seed": 7}},
        {"gates": {"accuracy": {"min": 0.9}}},
    ],
    ids=["order of columns", "path and order of markers", "seed", "gates"],
)
def test_what_does_not_move_a_row_does_not_matter(changes):
    assert digest(**changes) == digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"numeric": ["x", "y"], "categorical": ["c"], "protected": ["g"]}},
        {"columns": {"numeric": ["x", "y"], "categorical": ["c"], "weight": "w"}},
        {"columns": {"numeric": ["x", "y"], "categorical": ["c"], "id": "i"}},
        {"data": {"path": "people.csv"}},
        {"split": {"key": "another"}},
        {"split": {"train": 0.4, "test": 0.4, "live": 0.2}},
    ],
    ids=["protected", "weight", "id", "markers", "key", "shares"],
)
def test_what_may_move_a_row_changes_the_digest(changes):
    assert digest(**changes) != digest()


def test_with_an_id_the_other_columns_do_not_matter():
    one = {"columns": {"numeric": ["x"], "id": "i"}}
    other = {"columns": {"numeric": ["x", "y"], "categorical": ["c"], "id": "i"}}
    assert digest(**one) == digest(**other)
    assert split_identity(problem_from_mapping({**BASE, **one}))["identifying_columns"] == []
