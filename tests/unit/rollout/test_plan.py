"""The plan: thresholds, floors, and what is refused."""

import json
from dataclasses import replace

import pytest

from headgate.errors import ConfigError
from headgate.problem.sections import LiveMetric, Rollout
from headgate.rollout import make_plan, plan_from_json
from headgate.rollout.plan import planned_ratios


def test_alpha_is_shared_by_the_metrics():
    plan = make_plan(Rollout())
    assert [metric.name for metric in plan.metrics] == ["errors", "slow_answers", "wrong_answers"]
    assert plan.threshold == pytest.approx(60.0)
    assert make_plan(Rollout(slow_answers=None)).threshold == pytest.approx(40.0)


def test_weights_are_parts_of_ten_thousand():
    plan = make_plan(Rollout(stages_percent=(0.5, 33.33)))
    assert plan.weights == (50, 3333)
    assert plan.last_stage == 1


def test_the_planned_regression_falls_from_the_cube_to_the_harmful_ratio():
    errors = Rollout().errors
    assert planned_ratios(errors, stages=5) == pytest.approx((27, 3**2.5, 9, 3**1.5, 3))
    assert planned_ratios(errors, stages=1) == pytest.approx((3,))


def test_the_planned_rate_is_capped_at_a_half():
    wrong = Rollout().wrong_answers
    assert planned_ratios(wrong, stages=5)[0] == pytest.approx(0.5 / 0.15)
    steep = LiveMetric(
        tolerated_ratio=1, max_ratio=2, absolute_floor=0.1, harmful_ratio=2, base_rate=0.4
    )
    assert planned_ratios(steep, stages=2) == pytest.approx((2, 2))


def test_floors_grow_and_the_default_ladder_takes_seconds_not_minutes():
    plan = make_plan(Rollout())
    seconds = 0.0
    for stage, weight in enumerate(plan.weights):
        new = max(
            metric.exposure_floors[stage] - (metric.exposure_floors[stage - 1] if stage else 0)
            for metric in plan.metrics
        )
        seconds += max(new / (500 * weight / 10_000), plan.min_stage_seconds)
    assert all(
        list(metric.exposure_floors) == sorted(metric.exposure_floors) for metric in plan.metrics
    )
    assert 10 < seconds < 40


def test_a_plan_survives_json_and_its_digest_names_its_content():
    plan = make_plan(Rollout())
    again = plan_from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert again.digest() == plan.digest()
    assert make_plan(Rollout(alpha=0.01)).digest() != plan.digest()
    assert plan.to_json()["stages_percent"] == [1.0, 5.0, 10.0, 25.0, 50.0]


def test_a_place_says_how_long_its_proxies_take_to_settle():
    assert make_plan(Rollout()).settle_seconds == 0.5
    plan = make_plan(Rollout(), settle_seconds=3)
    assert plan.settle_seconds == 3.0
    assert plan.digest() == make_plan(Rollout(), settle_seconds=3.0).digest()
    assert plan.digest() != make_plan(Rollout()).digest()


@pytest.mark.parametrize(
    ("asked", "look", "settle", "planned"),
    [
        (2.0, 0.25, 0.5, 2.0),
        (2.0, 0.25, 3.0, 4.0),
        (3.0, 0.25, 3.0, 4.0),
        (3.25, 0.25, 3.0, 3.25),
        (3.5, 2.0, 3.0, 5.0),
        (0.0, 0.25, 0.0, 1.0),
    ],
)
def test_every_stage_lasts_until_its_split_was_checked(asked, look, settle, planned):
    section = Rollout(min_stage_seconds=asked, look_seconds=look)
    assert make_plan(section, settle_seconds=settle).min_stage_seconds == planned


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_a_time_to_settle_out_of_range_is_refused(seconds):
    with pytest.raises(ConfigError, match="settle_seconds must be 0 or more"):
        make_plan(Rollout(), settle_seconds=seconds)


def test_labels_are_needed_only_if_they_are_judged():
    assert make_plan(Rollout()).needs_labels()
    assert not make_plan(Rollout(wrong_answers=None)).needs_labels()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"errors": None, "slow_answers": None, "wrong_answers": None}, "no metric is judged"),
        ({"alpha": 0.0}, r"rollout\.alpha must lie between 0 and 0\.5, got 0\.0"),
        ({"alpha": float("nan")}, "alpha"),
        ({"stages_percent": ()}, "stages_percent"),
        ({"stages_percent": (5.0, 1.0)}, "must rise"),
        ({"stages_percent": (50.0, 100.0)}, r"got \[50\.0, 100\.0\]"),
        ({"stages_percent": (0.001, 50.0)}, "stages_percent"),
        ({"warm_up_seconds": -1.0}, r"warm_up_seconds must be 0 or more, got -1\.0"),
        ({"max_hold_seconds": float("inf")}, "max_hold_seconds"),
        ({"look_seconds": 0.0}, "look_seconds"),
        ({"heartbeat_timeout_seconds": 0.4}, "must be 2 looks or more"),
    ],
)
def test_values_out_of_range_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(Rollout(**changes))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tolerated_ratio", 0.0),
        ("max_ratio", -1.0),
        ("absolute_floor", 0.0),
        ("absolute_floor", 1.0),
        ("base_rate", 0.0),
        ("harmful_ratio", 1.0),
        ("harmful_ratio", 150.0),
    ],
)
def test_metric_values_out_of_range_are_refused(key, value):
    errors = replace(Rollout().errors, **{key: value})
    with pytest.raises(ConfigError, match=rf"rollout\.errors\.{key} must lie between"):
        make_plan(Rollout(errors=errors))
