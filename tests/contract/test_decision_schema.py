import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from headgate.adapters.reporting import build_decision, decision_schema

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "schemas" / "decision.schema.json"
DECISIONS = sorted((ROOT / "tests/unit/adapters/reporting/fixtures").glob("*/decision.json"))


@pytest.fixture
def validator():
    return Draft202012Validator(
        decision_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


@pytest.fixture
def promoted():
    return json.loads(DECISIONS[1].read_text())


def test_the_published_schema_is_the_one_in_the_code(request):
    if request.config.getoption("--update-golden"):
        PUBLISHED.write_text(json.dumps(decision_schema(), indent=2) + "\n")
    assert json.loads(PUBLISHED.read_text()) == decision_schema()


def test_the_schema_is_a_valid_schema_and_describes_every_key_of_a_decision():
    schema = decision_schema()
    Draft202012Validator.check_schema(schema)
    assert all("description" in each or "const" in each for each in schema["properties"].values())


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.parent.name)
def test_decisions_of_all_kinds_meet_the_schema(validator, path):
    validator.validate(json.loads(path.read_text()))


def test_a_run_that_ended_at_once_meets_the_schema(validator):
    validator.validate(
        build_decision(
            title="Run",
            problem="churn",
            problem_digest="0" * 64,
            gates=None,
            rollout=None,
            candidate=None,
            champion=None,
            data={"path": "t.csv"},
            split={"key": "headgate", "train": 0.6, "test": 0.2, "live": 0.2},
            revision=None,
            packages={},
            seed=1,
            started_at="2026-08-24T09:00:00Z",
            ended_at="2026-08-24T09:00:01Z",
            error="interrupted",
        )
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("verdict",), "MAYBE"),
        (("promoted",), "yes"),
        (("problem_digest",), "abc"),
        (("data", "split", "test"), 1.5),
        (("data", "split", "seed"), 1),
        (("unknown",), 1),
        (("gates", 0, "verdict"), "OK"),
        (("gates", 0, "limit_kind"), "above"),
        (("gates", 0, "unknown"), 1),
        (("models", "candidate", "sha256"), "abc"),
        (("rollout", "phase"), "DONE"),
        (("rollout", "threshold"), 1),
        (("rollout", "metrics", "latency"), {}),
        (("rollout", "looks", 0, "metrics", "errors", "canary"), [1]),
        (("rollout", "looks", 0, "metrics", "errors", "canary"), [1, 2, 3]),
        (("rollout", "looks", 0, "metrics", "errors", "e_harm"), -1),
        (("rollout", "stages", 0, "split_p_value"), 1.5),
        (("packages", "numpy"), 2),
    ],
)
def test_what_a_decision_must_not_be_is_refused(validator, promoted, path, value):
    place = promoted
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not validator.is_valid(promoted)


@pytest.mark.parametrize("key", list(decision_schema()["required"]))
def test_no_key_of_a_decision_may_be_absent(validator, promoted, key):
    del promoted[key]
    assert not validator.is_valid(promoted)


def test_a_rollout_may_say_more_than_is_written_down_here(validator, promoted):
    promoted["rollout"]["more"] = True
    promoted["rollout"]["looks"][0]["more"] = True
    validator.validate(promoted)
