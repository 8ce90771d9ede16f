"""What a plan will take, said before the start."""

from dataclasses import replace

import pytest

from headgate.errors import ConfigError
from headgate.problem.sections import Rollout
from headgate.rollout import forecast, make_plan

from .conftest import small_plan  # noqa: TID252 - tests have no package name


@pytest.fixture(scope="module")
def default():
    return make_plan(Rollout())


def test_a_stage_lasts_until_its_longest_wait(default):
    told = forecast(default, requests_per_second=50.0)
    first = told.stages[0]
    floor = next(m for m in default.metrics if m.name == "wrong_answers").exposure_floors[0]
    assert first.weight_percent == 1.0
    assert first.seconds == pytest.approx(floor / 0.5)
    assert first.limited_by == f"{floor} canary labels (wrong answers)"


def test_labels_and_slow_answers_start_late(default):
    delayed = forecast(default, requests_per_second=50.0, label_delay_seconds=10.0)
    prompt = forecast(default, requests_per_second=50.0)
    assert delayed.stages[0].seconds == pytest.approx(prompt.stages[0].seconds + 10.0)
    slow = next(m for m in prompt.stages[0].metrics if m.name == "slow_answers")
    errors = next(m for m in prompt.stages[0].metrics if m.name == "errors")
    assert slow.exposures == errors.exposures - 1  # 2 s of warm-up at 0.5 requests/s


def test_few_labels_take_longer(default):
    all_labelled = forecast(default, requests_per_second=50.0)
    tenth = forecast(default, requests_per_second=50.0, labelled_share=0.1)
    assert tenth.stages[0].seconds == pytest.approx(10 * all_labelled.stages[0].seconds)


def test_a_fast_stage_lasts_its_minimum():
    plan = small_plan()
    told = forecast(plan, requests_per_second=1e6)
    assert [stage.seconds for stage in told.stages][1:] == [1.0]
    assert told.stages[1].limited_by == "minimum of 1 s"


def test_later_stages_see_smaller_regressions(default):
    told = forecast(default, requests_per_second=500.0)
    rates = [stage.metrics[0].smallest_rate for stage in told.stages]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] <= 0.03
    last = told.stages[-1].metrics[0]
    assert last.smallest_ratio == pytest.approx(last.smallest_rate / 0.01)
    assert last.exposures >= last.exposure_floor


def test_the_default_ladder_at_500_requests_per_second_takes_seconds(default):
    told = forecast(default, requests_per_second=500.0, label_delay_seconds=1.0)
    assert 10 < sum(stage.seconds for stage in told.stages) < 40
    assert not any("hopeless" in note or "deadline" in note for note in told.notes)


def test_a_hopeless_stage_is_named(default):
    told = forecast(default, requests_per_second=0.01)
    assert "the 1 % stage is hopeless at 0.01 requests/s: 9 canary exposures a day" in told.notes[0]
    assert any("deadline_seconds is 900" in note for note in told.notes)
    assert told.seconds == 900.0


def test_an_expensive_pass_is_named():
    wrong = replace(Rollout().wrong_answers, max_ratio=1.05)
    plan = make_plan(Rollout(errors=None, slow_answers=None, wrong_answers=wrong))
    told = forecast(plan, requests_per_second=500.0)
    assert told.passes[0].exposures > 20_000
    assert len(told.notes) == 1
    assert told.notes[0].startswith("PASS on wrong answers takes about ")
    assert "max_ratio 1.05 is expensive here" in told.notes[0]


def test_a_pass_that_cannot_be_reached_is_named():
    wrong = replace(Rollout().wrong_answers, max_ratio=1.0)
    plan = make_plan(Rollout(errors=None, slow_answers=None, wrong_answers=wrong))
    told = forecast(plan, requests_per_second=500.0)
    assert told.notes[0].startswith("PASS on wrong answers cannot be reached")


def test_nothing_is_seen_without_exposures():
    plan = small_plan(errors=None, wrong_answers=None, warm_up_seconds=0.0, alpha=1e-5)
    blind = replace(
        plan, metrics=(replace(plan.metrics[0], exposure_floors=(1, 2)),), min_stage_seconds=0.0
    )
    told = forecast(blind, requests_per_second=1.0)
    assert told.stages[0].metrics[0].smallest_rate is None
    assert told.stages[0].metrics[0].smallest_ratio is None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_of_nothing_is_refused(default, rate):
    with pytest.raises(ConfigError, match="request rate must be above 0"):
        forecast(default, requests_per_second=rate)


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_an_impossible_share_of_labels_is_refused(default, share):
    with pytest.raises(ConfigError, match="labelled share"):
        forecast(default, requests_per_second=1.0, labelled_share=share)
