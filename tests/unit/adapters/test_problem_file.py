import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from headgate.adapters.problem_file import (
    parse_problem,
    problem_digest,
    problem_text,
    read_problem,
)
from headgate.errors import ConfigError

EXAMPLES = Path(__file__).parents[3] / "examples"

TEXT = """
name: people
data:
  path: people.csv
  missing_values: ["?", NA, -999, 007, null-ish]
target: {column: left, positive: yes}
columns:
  numeric: [age]
  categorical: [on]
checks:
  # categories: everything is commented out
training: {seed: 7}
rollout: {alpha: 1e-2, traffic_per_second: 2.5e3, deadline_seconds: +600., min_stage_seconds: .5}
"""


def test_yaml_keeps_words_codes_and_numbers_as_they_are_meant() -> None:
    problem = parse_problem(TEXT)
    assert problem.data.missing_values == ("?", "NA", "-999", "007", "null-ish")
    assert problem.target.positive == "yes"
    assert problem.columns.categorical == ("on",)
    assert problem.training.seed == 7
    assert problem.rollout.alpha == 0.01
    assert problem.rollout.traffic_per_second == 2500.0
    assert problem.rollout.deadline_seconds == 600.0
    assert problem.rollout.min_stage_seconds == 0.5


@pytest.mark.parametrize("word", ["2024-01-01", "12:30", "0x1F", "1_000", "True", "N/A"])
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(word) -> None:
    assert parse_problem(TEXT.replace("yes", word)).target.positive == word


@pytest.mark.parametrize("empty", ["~", "null", ""])
def test_nothing_is_written_in_three_ways(empty) -> None:
    text = f"{TEXT}gates:\n  improvement: {empty}\n"
    assert parse_problem(text).gates.improvement is None


def test_json_is_yaml() -> None:
    problem = parse_problem(TEXT)
    assert parse_problem(json.dumps(dataclasses.asdict(problem))) == problem


def test_canonical_text_is_equal_for_equal_problems_and_reads_back() -> None:
    problem = parse_problem(TEXT)
    text = problem_text(problem)
    assert "\n" not in text
    assert parse_problem(text) == problem
    assert problem_text(parse_problem(TEXT + "\n# a comment\n")) == text


def test_the_digest_is_of_everything_but_the_path() -> None:
    problem = parse_problem(TEXT)
    text = problem_text(problem)
    assert text.count(',"path":"people.csv"}') == 1
    without = text.replace(',"path":"people.csv"}', "}")
    assert problem_digest(problem) == hashlib.sha256(without.encode()).hexdigest()
    assert problem_digest(parse_problem(TEXT.replace("people.csv", "/moved/x.csv"))) == (
        problem_digest(problem)
    )
    for other in (TEXT.replace("seed: 7", "seed: 8"), TEXT.replace('"?"', '"!"')):
        assert problem_digest(parse_problem(other)) != problem_digest(problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "problem: not readable as YAML (while parsing"),
        ("a: !!python/name:os.system x", "problem: not readable as YAML (could not determine"),
        ("- a", "problem: not a mapping; needed: the keys name, data, target and columns"),
        ("", "problem: not a mapping"),
        ("name: a1\nname: a2", "name: stands twice in one section (line 2)"),
        ("{[a]: 1}", "problem: not readable as YAML (while constructing a mapping"),
        ("nam: x", "nam: unknown key; did you mean name?"),
    ],
)
def test_a_broken_file_is_refused_on_one_line(text, message) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_problem(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_relative_path_starts_at_the_file(tmp_path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "p.yaml").write_text(TEXT.replace("people.csv", "../people.csv"))
    assert read_problem(folder / "p.yaml").data.path == str(tmp_path / "people.csv")


def test_an_absolute_path_stays(tmp_path) -> None:
    (tmp_path / "p.yaml").write_text(TEXT.replace("people.csv", "/data/people.csv"))
    assert read_problem(str(tmp_path / "p.yaml")).data.path == "/data/people.csv"


def test_a_message_about_a_file_starts_with_its_name(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    with pytest.raises(ConfigError, match=r"p\.yaml: there is no such file"):
        read_problem(path)
    path.write_text("name: X")
    with pytest.raises(ConfigError, match=r"p\.yaml: name: got 'X'; needed"):
        read_problem(path)
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match=r"p\.yaml: cannot be read .*utf-8"):
        read_problem(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_problem(tmp_path)


def test_the_two_adult_examples_are_about_the_same_model_and_rows() -> None:
    baseline = read_problem(EXAMPLES / "adult-baseline.yaml")
    candidate = read_problem(EXAMPLES / "adult.yaml")
    for section in ("name", "data", "target", "columns", "split"):
        assert getattr(baseline, section) == getattr(candidate, section)
    assert baseline.training.families == ("logistic_regression",)
    assert "lightgbm" in candidate.training.families
    assert baseline.gates.accuracy.min == 0.80
    assert baseline.gates.equalized_odds_difference is None
    gates = candidate.gates
    assert (gates.accuracy.min, gates.latency_p95_ms.max, gates.improvement.min) == (0.85, 100, 0)
    assert dataclasses.astuple(gates.equalized_odds_difference) == ("gender", 0.2, 100)
    assert gates.demographic_parity_difference is None
    assert "fnlwgt" not in candidate.named_columns
