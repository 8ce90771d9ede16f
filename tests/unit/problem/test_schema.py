from dataclasses import asdict, fields, is_dataclass

import jsonschema
import pytest

from headgate.errors import ConfigError
from headgate.problem import keys, problem_from_mapping, problem_schema
from headgate.problem.section import Section

SCHEMA = problem_schema()


def valid(mapping) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(mapping)


def lists(value):
    """JSON has no tuples."""
    if isinstance(value, dict):
        return {key: lists(entry) for key, entry in value.items()}
    return [lists(entry) for entry in value] if isinstance(value, tuple) else value


def sections(section=keys.PROBLEM):
    yield section
    for key in section.keys:
        if isinstance(key.kind, Section):
            yield from sections(key.kind)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_of_every_section_has_a_key_in_the_same_order() -> None:
    for section in sections():
        assert is_dataclass(section.shape)
        assert section.names == [field.name for field in fields(section.shape)]


def test_every_key_is_described() -> None:
    assert all(key.description for section in sections() for key in section.keys)


def test_the_smallest_and_the_complete_file_meet_it(mapping) -> None:
    assert valid(mapping)
    assert valid(lists(asdict(problem_from_mapping(mapping))))


def test_it_holds_the_defaults_and_bounds_of_the_validation() -> None:
    rollout = SCHEMA["properties"]["rollout"]["anyOf"][0]["properties"]
    assert rollout["alpha"] == {
        "description": "Chance of rolling back an equally good canary for harm, in all",
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.05,
    }
    assert rollout["stages_percent"]["default"] == [1.0, 5.0, 10.0, 25.0, 50.0]
    assert rollout["slow_answers"]["anyOf"][0]["properties"]["max_ratio"]["default"] == 1.5
    assert rollout["wrong_answers"]["anyOf"][0]["properties"]["max_ratio"]["default"] == 1.25
    assert SCHEMA["required"] == ["name", "data", "target", "columns"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Bad Name"},
        {"unknown": 1},
        {"training": {"families": ["xgboost"]}},
        {"training": {"families": []}},
        {"training": {"families": None}},
        {"training": {"folds": 1}},
        {"training": {"metric": None}},
        {"checks": {"min_rows": None}},
        {"checks": {"ranges": {"age": [1]}}},
        {"checks": {"categories": {"sex": []}}},
        {"gates": {"accuracy": {}}},
        {"gates": {"accuracy": {"min": 2}}},
        {"rollout": {"alpha": 0}},
        {"target": None},
        {"data": {"path": ""}},
    ],
)
def test_parsing_refuses_what_the_schema_refuses(mapping, change) -> None:
    mapping |= change
    assert not valid(mapping)
    with pytest.raises(ConfigError):
        problem_from_mapping(mapping)


@pytest.mark.parametrize(
    "change",
    [
        {"checks": None},
        {"gates": {"improvement": None, "accuracy": None}},
        {"rollout": {"errors": None}},
        {"rollout": {"errors": {}}},
        {"checks": {"ranges": None}},
        {"target": {"column": "income", "positive": 1}},
        {"data": {"path": "a.csv", "missing_values": None}},
        {"data": {"path": "a.csv", "missing_values": ["", -9]}},
    ],
)
def test_parsing_takes_what_the_schema_takes(mapping, change) -> None:
    mapping |= change
    assert valid(mapping)
    problem_from_mapping(mapping)
