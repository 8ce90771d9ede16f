from dataclasses import asdict, fields

import pytest

from headgate.errors import ConfigError
from headgate.problem import (
    AccuracyGate,
    Checks,
    FairnessGate,
    Gates,
    ImprovementGate,
    LiveMetric,
    Problem,
    Rollout,
    Split,
    Training,
    problem_from_mapping,
)


def refused(mapping) -> str:
    with pytest.raises(ConfigError) as caught:
        problem_from_mapping(mapping)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_smallest_file_takes_every_default(mapping) -> None:
    problem = problem_from_mapping(mapping)
    assert problem.name == "adult-income"
    assert problem.columns.features == ("age", "hours", "work", "sex")
    assert problem.checks == Checks()
    assert problem.split == Split()
    assert problem.training == Training()
    assert problem.gates == Gates()
    assert problem.rollout == Rollout()


def test_what_is_written_is_what_is_read_back(mapping) -> None:
    mapping |= {
        "gates": {"accuracy": {"min": 0.8}, "improvement": None},
        "rollout": {"errors": None, "stages_percent": [0.5, 20]},
        "checks": {"ranges": {"age": [17, 90]}, "categories": {"sex": ["f", "m"]}},
    }
    problem = problem_from_mapping(mapping)
    assert problem_from_mapping(asdict(problem)) == problem


def test_a_gate_is_off_unless_named_and_improvement_is_on_unless_null(mapping) -> None:
    assert problem_from_mapping(mapping).gates.improvement == ImprovementGate(min=0.0)
    mapping["gates"] = {"accuracy": {"min": 1}, "improvement": None}
    gates = problem_from_mapping(mapping).gates
    assert gates.accuracy == AccuracyGate(min=1.0)
    assert gates.improvement is None
    assert gates.latency_p95_ms is None


def test_a_live_metric_that_is_named_in_part_keeps_its_other_defaults(mapping) -> None:
    mapping["rollout"] = {"wrong_answers": {"max_ratio": 1.4}}
    assert problem_from_mapping(mapping).rollout.wrong_answers == LiveMetric(
        tolerated_ratio=1.0, max_ratio=1.4, absolute_floor=0.01, harmful_ratio=1.5, base_rate=0.15
    )


def test_a_section_whose_every_line_is_commented_out_is_its_default(mapping) -> None:
    mapping |= {"checks": None, "rollout": None}
    mapping["columns"] |= {"protected": None}
    problem = problem_from_mapping(mapping)
    assert problem.checks == Checks()
    assert problem.rollout == Rollout()
    assert problem.columns.protected == ()


def test_whole_numbers_may_arrive_as_floats(mapping) -> None:
    mapping["training"] = {"folds": 4.0, "seed": 7.0}
    training = problem_from_mapping(mapping).training
    assert (training.folds, training.seed) == (4, 7)
    assert isinstance(training.folds, int)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (True, "true"), (0.5, "0.5"), ("x", "x")])
def test_a_label_needs_no_quotes(mapping, value, text) -> None:
    mapping["target"]["positive"] = value
    assert problem_from_mapping(mapping).target.positive == text


def test_an_empty_text_may_be_a_missing_marker_but_not_a_column(mapping) -> None:
    mapping["data"]["missing_values"] = ["", "?", -999]
    assert problem_from_mapping(mapping).data.missing_values == ("", "?", "-999")
    mapping["columns"]["numeric"] = [""]
    assert refused(mapping).startswith("columns.numeric[0]: got ''")


def test_an_unknown_key_is_named_with_its_neighbours(mapping) -> None:
    mapping["gates"] = {"acuracy": {"min": 0.8}}
    assert refused(mapping) == (
        "gates.acuracy: unknown key; did you mean accuracy? valid keys: accuracy, latency_p95_ms,"
        " improvement, equalized_odds_difference, demographic_parity_difference"
    )


def test_an_unknown_key_that_resembles_nothing_gets_the_list_alone(mapping) -> None:
    mapping[7] = 1
    assert refused(mapping).startswith("7: unknown key; valid keys: name, data, target")


def test_a_missing_key_is_named_with_what_it_is_for(mapping) -> None:
    del mapping["data"]["path"]
    assert refused(mapping) == (
        "data.path: is missing; needed: Parquet or CSV file; a relative path starts at the"
        " problem file"
    )


def test_a_missing_section_is_named(mapping) -> None:
    del mapping["target"]
    assert refused(mapping).startswith("target: is missing")


def test_a_section_that_may_not_be_empty_names_its_first_missing_key(mapping) -> None:
    mapping["target"] = None
    assert refused(mapping).startswith("target.column: is missing")


def test_a_gate_without_its_limit_is_refused(mapping) -> None:
    mapping["gates"] = {"accuracy": {}}
    assert refused(mapping).startswith("gates.accuracy.min: is missing")


def test_an_unknown_family_is_named_with_those_there_are(mapping) -> None:
    mapping["training"] = {"families": ["lightgbm", "xgboost"]}
    assert refused(mapping) == (
        "training.families[1]: got 'xgboost'; needed: one of logistic_regression, lightgbm"
    )


@pytest.mark.parametrize(
    ("section", "key", "value", "needed"),
    [
        ("checks", "min_rows", 0, "a whole number at least 1"),
        ("checks", "min_rows", 10.5, "a whole number at least 1"),
        ("checks", "min_rows", True, "a whole number at least 1"),
        ("checks", "min_rows", "many", "a whole number at least 1"),
        ("checks", "max_missing_share", 1.01, "a number at least 0 and at most 1"),
        ("checks", "max_missing_share", None, "a number at least 0 and at most 1"),
        ("checks", "max_missing_share", float("nan"), "a number at least 0 and at most 1"),
        ("checks", "ranges", [1], "a value for each column, as `column: value`"),
        ("split", "train", 0, "a number above 0 and below 1"),
        ("training", "folds", 1, "a whole number at least 2 and at most 50"),
        ("training", "seed", -1, "a whole number at least 0 and at most 4294967295"),
        ("training", "metric", "auc", "one of roc_auc, average_precision, accuracy, log_loss"),
        ("training", "metric", None, "one of roc_auc, average_precision, accuracy, log_loss"),
        ("training", "metric", ["roc_auc"], "one of roc_auc, average_precision, accuracy, log_"),
        ("training", "families", [], "a list of 1 or more items"),
        ("training", "families", None, "a list of 1 or more items"),
        ("training", "families", "lightgbm", "a list of 1 or more items"),
        ("rollout", "alpha", 1, "a number above 0 and below 1"),
        ("rollout", "warm_up_seconds", -1, "a number at least 0"),
        ("rollout", "traffic_per_second", 0, "a number above 0"),
        ("rollout", "traffic_per_second", float("inf"), "a number above 0"),
        ("rollout", "errors", 3, "a section with the keys tolerated_ratio, max_ratio,"),
        ("data", "path", "", "text"),
        ("data", "path", 3, "text"),
        ("target", "positive", None, "text, or a value as it stands in the data"),
        ("split", "key", ["a"], "text, or a value as it stands in the data"),
    ],
)
def test_a_value_of_the_wrong_kind_or_range_is_refused(
    mapping, section, key, value, needed
) -> None:
    mapping[section] = {**mapping.get(section, {}), key: value}
    seen = "nothing" if value is None else repr(value)
    assert refused(mapping).startswith(f"{section}.{key}: got {seen}; needed: {needed}")


def test_a_long_value_is_shown_in_part(mapping) -> None:
    mapping["name"] = "A" * 200
    assert refused(mapping) == (
        f"name: got '{'A' * 76}...; needed: 2 to 63 small letters, digits and dashes,"
        " no dash at either end"
    )


@pytest.mark.parametrize("name", ["a", "-ab", "ab-", "a b", "Ab", "ab\n", "a" * 64])
def test_a_name_that_no_registry_takes_is_refused(mapping, name) -> None:
    mapping["name"] = name
    assert refused(mapping).startswith("name: got ")


@pytest.mark.parametrize("name", ["ab", "a" * 63, "credit-2"])
def test_a_plain_name_is_taken(mapping, name) -> None:
    mapping["name"] = name
    assert problem_from_mapping(mapping).name == name


def test_a_range_has_two_ends(mapping) -> None:
    mapping["checks"] = {"ranges": {"age": [1, 2, 3]}}
    assert refused(mapping) == "checks.ranges.age: got [1, 2, 3]; needed: a list of 2 items"


def test_the_ends_of_a_range_are_numbers(mapping) -> None:
    mapping["checks"] = {"ranges": {"age": [1, "old"]}}
    assert refused(mapping) == "checks.ranges.age[1]: got 'old'; needed: a number"


def test_both_ends_of_a_range_may_be_the_same(mapping) -> None:
    mapping["checks"] = {"ranges": {"age": [3, 3]}}
    assert problem_from_mapping(mapping).checks.ranges == {"age": (3.0, 3.0)}


def test_a_column_may_be_named_once_in_a_list(mapping) -> None:
    mapping["columns"]["numeric"] = ["age", "hours", "age"]
    assert refused(mapping) == "columns.numeric: got 'age'; needed: every item once"


def test_a_file_that_is_no_mapping_is_refused() -> None:
    assert refused(["name"]).startswith("problem: got ['name']; needed: a section with the keys")


def test_the_gates_of_fairness_have_a_default_support(mapping) -> None:
    mapping["gates"] = {"equalized_odds_difference": {"column": "sex", "max": 0.2}}
    assert problem_from_mapping(mapping).gates.equalized_odds_difference == FairnessGate(
        column="sex", max=0.2, min_support=100
    )


def test_every_column_is_named_once_and_numbers_come_first(mapping) -> None:
    mapping["columns"] |= {"weight": "w", "id": "person", "protected": ["sex", "age"]}
    problem = problem_from_mapping(mapping)
    assert problem.number_columns == ("age", "hours", "w")
    assert problem.named_columns == ("age", "hours", "w", "work", "sex", "income", "person")


def test_without_weight_and_id_neither_is_named(mapping) -> None:
    problem = problem_from_mapping(mapping)
    assert problem.number_columns == ("age", "hours")
    assert problem.named_columns == ("age", "hours", "work", "sex", "income")


def test_the_problem_cannot_be_changed(mapping) -> None:
    problem = problem_from_mapping(mapping)
    with pytest.raises(AttributeError):
        setattr(problem, fields(Problem)[0].name, "other")
