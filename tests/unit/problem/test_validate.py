import pytest

from headgate.errors import ConfigError
from headgate.problem import check_columns, problem_from_mapping, validate_problem


def refused(mapping) -> str:
    with pytest.raises(ConfigError) as caught:
        problem_from_mapping(mapping)
    return str(caught.value)


def test_a_valid_problem_passes_again(mapping) -> None:
    assert validate_problem(problem_from_mapping(mapping)) is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"numeric": [], "categorical": []}, "columns: got 'no feature'; needed: a column under"),
        ({"categorical": ["age"]}, "columns.categorical: got 'age'; needed: a column that is not"),
        ({"numeric": ["income"]}, "columns.numeric: got 'income'; needed: a column other than"),
        ({"categorical": ["income"]}, "columns.categorical: got 'income'; needed: a column other"),
        ({"protected": ["income"]}, "columns.protected: got 'income'; needed: a column other"),
        ({"weight": "age"}, "columns.weight: got 'age'; needed: a column that is not a feature"),
        ({"id": "work"}, "columns.id: got 'work'; needed: a column that is not a feature"),
        ({"weight": "income"}, "columns.weight: got 'income'; needed: a column other than the tar"),
        ({"id": "income"}, "columns.id: got 'income'; needed: a column other than the target"),
        (
            {"categorical": ["work"], "id": "sex"},
            "columns.id: got 'sex'; needed: a column that is not protected",
        ),
        ({"weight": "w", "id": "w"}, "columns.weight: got 'w'; needed: a column other than column"),
    ],
)
def test_a_column_with_two_roles_is_refused(mapping, columns, message) -> None:
    mapping["columns"] |= columns
    assert refused(mapping).startswith(message)


def test_weight_and_id_may_stand_beside_each_other(mapping) -> None:
    mapping["columns"] |= {"weight": "w", "id": "person"}
    assert problem_from_mapping(mapping).columns.weight == "w"


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (
            {"ranges": {"work": [0, 1]}},
            "checks.ranges.work: got 'work'; needed: one of age, hours",
        ),
        (
            {"categories": {"age": ["1"]}},
            "checks.categories.age: got 'age'; needed: one of work, sex, income",
        ),
        (
            {"max_missing_share_by_column": {"x": 0.1}},
            "checks.max_missing_share_by_column.x: got 'x'; needed: one of age, hours, work, sex,",
        ),
        ({"ranges": {"age": [2, 1]}}, "checks.ranges.age: got [2.0, 1.0]; needed: [smallest,"),
    ],
)
def test_a_check_of_a_column_that_cannot_have_it_is_refused(mapping, checks, message) -> None:
    mapping["checks"] = checks
    assert refused(mapping).startswith(message)


def test_a_range_without_any_numeric_column_says_so(mapping) -> None:
    mapping["columns"]["numeric"] = []
    mapping["checks"] = {"ranges": {"work": [0, 1]}}
    assert refused(mapping) == "checks.ranges.work: got 'work'; needed: one of no column"


def test_shares_that_do_not_sum_to_one_are_refused(mapping) -> None:
    mapping["split"] = {"train": 0.7}
    assert refused(mapping) == (
        "split: got 1.1; needed: shares of train, test and live that sum to 1"
    )


def test_shares_that_sum_to_one_but_for_rounding_are_taken(mapping) -> None:
    mapping["split"] = {"train": 0.7, "test": 0.2, "live": 0.1}
    assert problem_from_mapping(mapping).split.train == 0.7


@pytest.mark.parametrize("gate", ["equalized_odds_difference", "demographic_parity_difference"])
def test_a_fairness_gate_needs_a_protected_column(mapping, gate) -> None:
    mapping["gates"] = {gate: {"column": "work", "max": 0.1}}
    assert refused(mapping) == f"gates.{gate}.column: got 'work'; needed: one of sex"
    mapping["columns"]["protected"] = []
    assert refused(mapping).endswith("needed: one of columns.protected, which is empty")
    mapping["columns"]["protected"] = ["sex", "work"]
    assert getattr(problem_from_mapping(mapping).gates, gate).column == "work"


def test_a_rollout_that_judges_nothing_is_refused(mapping) -> None:
    mapping["rollout"] = dict.fromkeys(["errors", "slow_answers", "wrong_answers"])
    assert refused(mapping) == (
        "rollout: no metric is left; needed: one of errors, slow_answers, wrong_answers"
    )


@pytest.mark.parametrize("key", ["max_ratio", "harmful_ratio"])
def test_a_ratio_must_lie_above_the_tolerated_one(mapping, key) -> None:
    mapping["rollout"] = {"errors": {"tolerated_ratio": 1.5, "max_ratio": 2, "harmful_ratio": 2}}
    problem_from_mapping(mapping)
    mapping["rollout"]["errors"][key] = 1.5
    assert refused(mapping) == (
        f"rollout.errors.{key}: got 1.5; needed: a number above rollout.errors.tolerated_ratio"
        " = 1.5"
    )


def test_stages_must_rise_strictly(mapping) -> None:
    mapping["rollout"] = {"stages_percent": [1, 5, 5]}
    # the same stage twice is caught as a repeated item
    assert refused(mapping) == "rollout.stages_percent: got 5.0; needed: every item once"
    mapping["rollout"] = {"stages_percent": [5, 1]}
    assert refused(mapping).endswith("got [5.0, 1.0]; needed: stages that rise strictly")


@pytest.mark.parametrize("stage", [0, 100, -1, 0.001])
def test_a_stage_lies_between_0_and_100_percent(mapping, stage) -> None:
    mapping["rollout"] = {"stages_percent": [stage]}
    assert refused(mapping).endswith("needed: a number at least 0.01 and at most 99.99")


def test_a_stage_finer_than_a_weight_is_refused(mapping) -> None:
    mapping["rollout"] = {"stages_percent": [0.07, 1.005]}
    assert refused(mapping) == "rollout.stages_percent: got 1.005; needed: steps of 0.01"


def test_a_heartbeat_must_outlive_a_look(mapping) -> None:
    mapping["rollout"] = {"look_seconds": 4}
    assert refused(mapping) == (
        "rollout.heartbeat_timeout_seconds: got 4.0; needed: a number above rollout.look_seconds"
        " = 4"
    )


def test_the_deadline_must_leave_time_for_the_stages(mapping) -> None:
    mapping["rollout"] = {"min_stage_seconds": 200}
    assert refused(mapping) == (
        "rollout.deadline_seconds: got 900.0; needed: a number above the 1000 s that the stages"
        " take at least"
    )


def test_a_column_that_the_table_lacks_is_named_with_its_key(mapping) -> None:
    mapping["columns"] |= {"weight": "w", "id": "person"}
    problem = problem_from_mapping(mapping)
    there = ["age", "hours", "work", "sex", "income", "w", "person"]
    assert check_columns(problem, there) is None
    for key, name in (
        ("target.column", "income"),
        ("columns.numeric", "age"),
        ("columns.categorical", "work"),
        ("columns.weight", "w"),
        ("columns.id", "person"),
    ):
        rest = [other for other in there if other != name]
        with pytest.raises(ConfigError) as caught:
            check_columns(problem, rest)
        assert str(caught.value) == (
            f"{key}: got {name!r}; needed: one of the table's columns {', '.join(rest)}"
        )


def test_a_problem_without_weight_and_id_asks_for_neither(mapping) -> None:
    problem = problem_from_mapping(mapping)
    assert check_columns(problem, ["age", "hours", "work", "sex", "income"]) is None
