"""The published schemas and the code that validates never differ."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from headgate.adapters.problem_file import problem_text, read_problem
from headgate.problem import problem_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.fixture(scope="module")
def published():
    return json.loads((ROOT / "schemas" / "problem.schema.json").read_text(encoding="utf-8"))


def test_the_published_schema_of_a_problem_is_in_step(published) -> None:
    assert published == json.loads(json.dumps(problem_schema()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_meet_the_published_schema(published, path) -> None:
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    validator.validate(json.loads(problem_text(read_problem(path))))
