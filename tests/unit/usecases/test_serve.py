"""The champion serves whenever no rollout runs."""

import json

import pytest

from headgate.adapters.memory import (
    ManualClock,
    MemoryDeployments,
    MemoryRegistry,
    MemoryRouter,
)
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, Phase, Verdict, finish, make_plan, start_state
from headgate.usecases.serve import serve_champion


@pytest.fixture
def registry():
    versions = MemoryRegistry()
    versions.register("m", "1", uri="/bundles/1", sha256="a")
    versions.register("m", "2", uri="/bundles/2", sha256="b")
    return versions


def serve(registry, router):
    deployments = MemoryDeployments()
    champion = serve_champion(
        "m",
        slow_above_ms=100.0,
        router=router,
        deployments=deployments,
        registry=registry,
        clock=ManualClock(),
    )
    return champion, deployments


def ended(phase: Phase, *, canary: str) -> dict[str, object]:
    """The state of a finished rollout of version `canary`."""
    state = start_state(
        make_plan(Rollout()),
        rollout_id="r",
        run_id="run",
        model="m",
        canary=Arm(deployment=f"m-v{canary}", version=canary),
        stable=Arm(deployment="m-v1", version="1"),
        now=0.0,
        epoch=1,
    )
    done = finish(state, phase=phase, verdict=Verdict.PASS, reason="because", now=1.0)
    return json.loads(json.dumps(done.to_json()))


def route_with(state: dict[str, object] | None, deployment: str) -> MemoryRouter:
    router = MemoryRouter()
    backends = (Backend(deployment=deployment, weight=10_000),)
    router.write(Route(revision="", backends=backends, state=state))
    return router


def test_without_a_champion_nothing_serves(registry):
    router = MemoryRouter()
    champion, deployments = serve(registry, router)
    assert champion is None
    assert deployments.running == {}
    assert router.read() is None


def test_the_champion_gets_all_traffic_of_a_new_place(registry):
    registry.set_alias("m", "champion", "1")
    router = MemoryRouter()
    champion, deployments = serve(registry, router)
    assert champion.version == "1"
    assert list(deployments.running) == ["m-v1"]
    assert router.read().backends == (Backend(deployment="m-v1", weight=10_000),)


def test_a_route_that_is_there_keeps_its_record(registry):
    registry.set_alias("m", "champion", "1")
    state = ended(Phase.ROLLED_BACK, canary="2")
    router = route_with(state, "m-v1")
    serve(registry, router)
    assert router.read().state == state


def test_a_promotion_that_died_before_its_alias_moved_is_completed(registry):
    registry.set_alias("m", "champion", "1")
    registry.set_alias("m", "candidate", "2")
    router = route_with(ended(Phase.PROMOTED, canary="2"), "m-v2")
    champion, _ = serve(registry, router)
    assert champion.version == "2"
    assert registry.by_alias("m", "champion").version == "2"
    assert registry.by_alias("m", "candidate") is None
    assert router.read().backends == (Backend(deployment="m-v2", weight=10_000),)


def test_a_champion_chosen_by_hand_after_a_promotion_stays(registry):
    registry.set_alias("m", "champion", "1")
    router = route_with(ended(Phase.PROMOTED, canary="2"), "m-v2")
    champion, _ = serve(registry, router)
    assert champion.version == "1"


def test_a_rolled_back_candidate_is_never_made_champion(registry):
    registry.set_alias("m", "champion", "1")
    registry.set_alias("m", "candidate", "2")
    router = route_with(ended(Phase.ROLLED_BACK, canary="2"), "m-v1")
    champion, _ = serve(registry, router)
    assert champion.version == "1"


def test_the_route_of_another_model_moves_no_alias(registry):
    registry.set_alias("m", "champion", "1")
    registry.set_alias("m", "candidate", "2")
    state = ended(Phase.PROMOTED, canary="2") | {"model": "another"}
    champion, _ = serve(registry, route_with(state, "m-v2"))
    assert champion.version == "1"


def test_a_record_that_is_not_ours_moves_no_alias(registry):
    registry.set_alias("m", "champion", "1")
    champion, _ = serve(registry, route_with({"somebody": "else"}, "m-v1"))
    assert champion.version == "1"
