"""The dead-man switch."""

from dataclasses import replace

import pytest

from headgate.ports import Backend, Route
from headgate.rollout import Phase, Verdict, finish, hold_from, start_state, state_from_json
from headgate.usecases import guard_step

from .conftest import CANARY, STABLE, quick_plan  # noqa: TID252 - tests have no package name

START = 1_750_000_000.0


@pytest.fixture
def state():
    return start_state(
        quick_plan(),
        rollout_id="abc",
        run_id="r1",
        model="m",
        canary=CANARY,
        stable=STABLE,
        now=START,
        epoch=4,
    )


def route_of(state, *, canary=1000, others=()):
    backends = (
        Backend(deployment="m-1", weight=10_000 - canary),
        Backend(deployment="m-2", weight=canary),
        *others,
    )
    return Route(revision="7", backends=backends, state=state.to_json())


def step(route, *, silent=0.0, seconds=1.0):
    return guard_step(
        route, last_heartbeat_monotonic=100.0, now_monotonic=100.0 + silent, now=START + seconds
    )


def test_a_rollout_that_is_watched_is_left_alone(state):
    assert step(route_of(state), silent=4.0) is None


def test_a_silent_driver_costs_the_canary_its_weight(state):
    idle = Backend(deployment="m-0", weight=0)
    wanted = step(route_of(state, others=(idle,)), silent=4.1)
    assert wanted.revision == "7"
    assert {b.deployment: b.weight for b in wanted.backends} == {"m-1": 10_000, "m-2": 0, "m-0": 0}
    ended = state_from_json(wanted.state)
    assert (ended.phase, ended.verdict) == (Phase.ROLLED_BACK, Verdict.INSUFFICIENT)
    assert ended.reason == "guard: no heartbeat of the driver for 4.1 s"
    assert ended.epoch == 5


def test_the_deadline_is_kept_with_time_for_the_driver_to_keep_it(state):
    assert step(route_of(state), seconds=63.9) is None
    wanted = step(route_of(state), seconds=64.0)
    assert wanted.state["reason"] == "guard: the deadline of the rollout passed"


def test_the_hold_limit_is_kept(state):
    holding = hold_from(state, now=START + 10)
    assert step(route_of(holding), seconds=33.9) is None
    wanted = step(route_of(holding), seconds=34.0)
    assert wanted.state["reason"] == "guard: the hold limit at the last stage passed"


@pytest.mark.parametrize("phase", [Phase.PROMOTED, Phase.ROLLED_BACK])
def test_a_final_phase_is_never_touched(state, phase):
    ended = finish(state, phase=phase, verdict=Verdict.PASS, reason="", now=START)
    assert step(route_of(ended, canary=ended.weight), silent=1e6, seconds=1e6) is None


def test_a_contested_route_loses_only_a_canary_that_we_still_own_at_the_hold_limit(state):
    contested = finish(
        state, phase=Phase.CONTESTED, verdict=Verdict.INSUFFICIENT, reason="", now=START + 5
    )
    assert step(route_of(contested), silent=1e6, seconds=24.9) is None
    assert step(route_of(contested), seconds=25.0).weight("m-2") == 0
    assert step(route_of(contested, canary=3000), seconds=1e6) is None


def test_a_weight_that_somebody_else_gave_is_not_ours_to_take(state):
    assert step(route_of(state, canary=3000), silent=1e6) is None


def test_a_canary_without_weight_only_gets_its_state_ended(state):
    wanted = step(route_of(state, canary=0), silent=5.0)
    assert wanted.weight("m-1") == 10_000
    assert wanted.state["phase"] == "ROLLED_BACK"


def test_a_champion_that_vanished_from_the_route_comes_back(state):
    backends = (Backend(deployment="m-0", weight=9000), Backend(deployment="m-2", weight=1000))
    wanted = step(replace(route_of(state), backends=backends), silent=5.0)
    assert {b.deployment: b.weight for b in wanted.backends} == {"m-0": 9000, "m-2": 0, "m-1": 1000}


@pytest.mark.parametrize("record", [None, {"owner": "argo"}])
def test_what_is_not_a_rollout_of_ours_is_left_alone(state, record):
    assert step(None, silent=1e6) is None
    assert step(replace(route_of(state), state=record), silent=1e6) is None


@pytest.mark.parametrize(
    ("stable", "canary", "page", "acts"),
    [
        (6000, 667, 3333, True),  # 9000 : 1000 beside a third
        (905, 101, 8994, True),  # the same, rounded
        (898, 102, 9000, False),
        (5000, 1667, 3333, False),  # somebody also gave the canary more of what is ours
        (0, 1000, 9000, True),  # the canary has what we gave it, whoever has the rest
        (0, 100, 9900, False),
    ],
)
def test_beside_traffic_of_somebody_else_the_share_of_what_is_ours_counts(
    state, stable, canary, page, acts
):
    weights = {"m-1": stable, "m-2": canary, "service/page": page}
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    wanted = step(replace(route_of(state), backends=backends), silent=5.0)
    assert (wanted is not None) == acts
    if acts:
        found = {b.deployment: b.weight for b in wanted.backends}
        assert found == {"m-1": stable + canary, "m-2": 0, "service/page": page}
