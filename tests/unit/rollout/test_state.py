"""The state that travels with the weights."""

import json
from dataclasses import replace

import pytest

from headgate.errors import DataError
from headgate.problem.sections import Rollout
from headgate.rollout import (
    Arm,
    Phase,
    Verdict,
    absorb,
    finish,
    make_plan,
    promote_directly,
    state_from_json,
)

from .conftest import START, fresh_state, pods, seen  # noqa: TID252 - tests have no package name


def through_json(state):
    return state_from_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))


def test_a_fresh_state_survives_json(plan):
    state = fresh_state(plan)
    assert through_json(state) == state


def test_a_state_with_evidence_survives_json_exactly(plan):
    look = seen(
        3,
        canary=pods(20, errors=1),
        stable=pods(180, errors=7),
        canary_labels=(20, 3),
        stable_labels=(180, 20),
        canary_restarts=0,
    )
    state, _ = absorb(plan, fresh_state(plan), look)
    assert through_json(state) == state


def test_a_state_without_a_champion_survives_json(plan):
    state = promote_directly(fresh_state(plan, stable=None))
    assert through_json(state) == state


def test_the_state_fits_an_annotation_with_many_pods():
    plan = make_plan(Rollout())
    many = tuple(
        replace(pods(10**9)[0], pod=f"model-12-7d9f8c6b5d-{number:05d}") for number in range(200)
    )
    look = seen(3, canary=many, stable=many, canary_labels=(5, 1), stable_labels=(50, 7))
    state, _ = absorb(plan, fresh_state(plan), look)
    assert len(json.dumps(state.to_json())) < 100 * 1024


@pytest.mark.parametrize(
    "record",
    [{}, {"format": 2}, {"format": 1, "phase": "PROGRESSING"}, {"format": 1, "stable": 3}],
)
def test_what_is_not_a_state_of_ours_is_refused(record):
    with pytest.raises(DataError, match="not one of ours"):
        state_from_json(record)


def test_the_phase_says_the_weight(plan):
    state = fresh_state(plan)

    def weight(phase):
        ended = finish(state, phase=phase, verdict=Verdict.PASS, reason="", now=START)
        return ended.weight

    assert state.weight == 1000
    assert weight(Phase.PROMOTED) == 10_000
    assert weight(Phase.ROLLED_BACK) == 0
    assert weight(Phase.CONTESTED) == 1000


def test_two_phases_are_final():
    assert {phase for phase in Phase if phase.is_final} == {Phase.PROMOTED, Phase.ROLLED_BACK}


def test_invalid_evidence_is_insufficient_for_the_gate():
    assert Verdict.INVALID.of_three is Verdict.INSUFFICIENT
    assert Verdict.FAIL.of_three is Verdict.FAIL


def test_arms_name_deployment_and_version(plan):
    assert fresh_state(plan).canary == Arm(deployment="m-2", version="2")


def test_what_is_to_be_removed_survives_json_and_may_be_missing(plan):
    state = fresh_state(plan, retired=("m-0", "m-3"))
    assert through_json(state) == state
    record = {key: value for key, value in state.to_json().items() if key != "retired"}
    assert state_from_json(record).retired == ()
