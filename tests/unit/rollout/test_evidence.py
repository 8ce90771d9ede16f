"""The record, and the verdict that follows from it again."""

import json
from dataclasses import replace

import pytest

from headgate.rollout import (
    Phase,
    Verdict,
    absorb,
    decide,
    e_value,
    finish,
    follow,
    promote_directly,
    recompute,
    resume,
    rollout_record,
    timestamp,
)
from headgate.stats.binomial import split_p_value

from .conftest import START, fresh_state, pods, seen, small_plan  # noqa: TID252 - tests have no package name


@pytest.fixture
def plan():
    return small_plan(slow_answers=None)


def drive(plan, looks, state=None):
    """Absorb and decide; return the state, the looks and the record through JSON."""
    state = state or fresh_state(plan)
    carried = state if state.epoch > 1 else None
    taken = []
    for look in looks:
        state, one = absorb(plan, state, look)
        taken.append(one)
        state = follow(plan, state, decide(plan, state, one), now=look.now)
    record = rollout_record(plan, state, taken, carried=carried)
    return state, json.loads(json.dumps(record, allow_nan=False))


def good(seconds, n, m):
    return seen(
        seconds,
        canary=pods(n),
        stable=pods(m, errors=m // 20),
        canary_labels=(n, n // 20),
        stable_labels=(m, m // 10),
    )


def bad(seconds):
    return seen(
        seconds,
        canary=pods(40, errors=20),
        stable=pods(360, errors=4),
        canary_labels=(40, 4),
        stable_labels=(360, 36),
    )


def test_a_promoted_rollout_is_recomputed_as_pass(plan):
    state, record = drive(plan, [good(2, 100, 900), good(4, 2000, 2800)])
    assert state.phase is Phase.PROMOTED
    assert (record["verdict"], record["phase"]) == ("PASS", "PROMOTED")
    assert recompute(record) is Verdict.PASS


def test_a_failed_rollout_is_recomputed_as_fail(plan):
    _, record = drive(plan, [bad(1)])
    assert (record["verdict"], record["phase"]) == ("FAIL", "ROLLED_BACK")
    assert recompute(record) is Verdict.FAIL
    errors = record["metrics"]["errors"]
    assert errors["verdict"] == "FAIL"
    assert errors["canary"] == {"exposures": 40, "bad": 20}
    assert errors["e_harm_ratio"] >= record["threshold"] == 40.0
    assert errors["e_harm_floor"] >= record["threshold"]


def test_a_look_holds_its_increments_and_the_evidence_after_it(plan):
    _, record = drive(plan, [good(1, 10, 90), bad(2)])
    look = record["looks"][1]
    assert look["t"] == 2.0
    assert (look["stage"], look["weight_percent"], look["health"]) == (0, 10.0, "answers")
    assert look["metrics"]["errors"]["canary"] == [30, 20]
    assert look["metrics"]["errors"]["stable"] == [270, 0]
    errors = record["metrics"]["errors"]
    last = min(errors["e_harm_ratio"], errors["e_harm_floor"])
    assert look["metrics"]["errors"]["e_harm"] == pytest.approx(last)


@pytest.mark.parametrize("health", ["silent", "restarted"])
def test_a_broken_canary_is_recomputed_as_fail(plan, health):
    if health == "silent":
        looks = [
            replace(good(i, 1, 9), canary=replace(good(i, 1, 9).canary, pods=())) for i in (1, 2, 3)
        ]
    else:
        looks = [
            good(1, 10, 90),
            replace(
                good(2, 12, 120),
                canary=replace(good(2, 12, 120).canary, pods=pods(3, started="boot-2")),
            ),
        ]
    state, record = drive(plan, looks)
    assert state.verdict is Verdict.FAIL
    assert recompute(record) is Verdict.FAIL


def test_an_unfinished_rollout_is_insufficient(plan):
    outage = replace(good(2, 10, 90), stable=replace(good(2, 10, 90).stable, pods=None))
    labels_down = replace(good(3, 11, 95), canary=replace(good(3, 11, 95).canary, labels=None))
    _, record = drive(plan, [good(1, 10, 90), outage, labels_down])
    assert record["verdict"] == "INSUFFICIENT"
    assert record["ended_at"] is None
    assert record["looks"][1]["health"] == "unknown"
    assert record["looks"][2]["labels_known"] is False
    assert recompute(record) is Verdict.INSUFFICIENT


def test_evidence_for_pass_of_a_rollout_that_was_stopped_is_insufficient(plan):
    state, record = drive(plan, [good(2, 100, 900), good(4, 2000, 2800)])
    stopped = finish(
        state, phase=Phase.ROLLED_BACK, verdict=Verdict.INSUFFICIENT, reason="stop", now=START + 5
    )
    record = {**record, "phase": stopped.phase.value}
    assert recompute(record) is Verdict.INSUFFICIENT


def test_a_promotion_that_the_looks_do_not_support_is_insufficient(plan):
    _, record = drive(plan, [good(2, 100, 900), good(4, 2000, 2800)])
    assert recompute({**record, "looks": record["looks"][:1]}) is Verdict.INSUFFICIENT


def test_a_resumed_rollout_is_recomputed_from_what_it_carried(plan):
    state, _ = absorb(plan, fresh_state(plan), good(2, 100, 900))
    carried = resume(state, now=START + 3)
    ended, record = drive(plan, [good(5, 200, 1800), good(8, 3000, 4600)], carried)
    assert ended.phase is Phase.PROMOTED
    assert record["carried"]["seconds"] == 2.0
    assert recompute(record) is Verdict.PASS
    failed = {**record["carried"], "broken": "the canary's server restarted"}
    assert recompute({**record, "carried": failed}) is Verdict.FAIL


def test_a_first_model_passes_without_a_look(plan):
    state = promote_directly(fresh_state(plan, stable=None))
    record = rollout_record(plan, state, [])
    assert record["stable"] is None
    assert record["stages"][0]["split_p_value"] is None
    assert recompute(record) is Verdict.PASS


def test_a_stage_holds_its_split_and_exact_p_value(plan):
    _, record = drive(plan, [good(1, 10, 90), good(2, 110, 1030), good(3, 200, 1130)])
    stage = record["stages"][0]
    assert stage["weight_percent"] == 10.0
    assert stage["started_at"] == "2025-06-15T15:06:40.000+00:00"
    assert stage["outcome"] == "floors reached, nothing crossed"
    assert record["stages"][1]["ended_at"] is None
    assert stage["split_p_value"] == pytest.approx(
        split_p_value(
            stage["split_canary"], stage["split_canary"] + stage["split_stable"], share=0.1
        )
    )
    assert record["exposed_requests"] == 200


def test_an_invalid_split_has_its_own_verdict_and_is_insufficient_for_the_gate(plan):
    state = replace(fresh_state(plan), counted_at=START + 1)
    look = seen(2, canary=pods(300), stable=pods(700))
    state, record = drive(plan, [look], state)
    assert state.verdict is Verdict.INVALID
    assert record["verdict"] == "INSUFFICIENT"
    assert record["reason"].startswith("split invalid")
    assert record["split"]["verdict"] == "INVALID"
    assert record["split"]["e_value"] > record["split"]["threshold"] == 1000.0
    assert recompute(record) is Verdict.INSUFFICIENT


def test_e_values_are_cut_to_json_numbers():
    assert e_value(0.0) == 1.0
    assert e_value(5000.0) == pytest.approx(1e300)


def test_times_are_utc():
    assert timestamp(0.25) == "1970-01-01T00:00:00.250+00:00"
