"""What follows a commit: aliases that were left behind, and deployments of earlier champions."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError
from headgate.ports import Backend, DeploymentSpec
from headgate.rollout import Arm, Phase
from headgate.usecases import Target

from .conftest import CANARY, STABLE, World  # noqa: TID252 - tests have no package name

OUTAGE = BackendError("connection refused", retryable=True)


def arm(number):
    return Arm(deployment=f"m-{number}", version=str(number))


def add_version(world, number):
    """Register and deploy a candidate that answers well."""
    new = arm(number)
    spec = DeploymentSpec(name=new.deployment, model="m", version=new.version, uri="", sha256="")
    world.deployments.deploy(spec)
    world.registry.register("m", new.version)
    world.registry.set_alias("m", "candidate", new.version)
    world.behaviour[new.deployment] = replace(world.behaviour["m-2"])
    world.metrics.add(new.deployment, requests=1)


def promote(world, plan, *, canary, over, **named):
    target = Target(model="m", canary=canary, stable=over, run_id="r1")
    record = world.run(plan, target, **named)
    assert record["phase"] == "PROMOTED"


def names(world):
    return [backend.deployment for backend in world.router.route.backends]


@pytest.fixture
def twice(world, plan):
    """Version 2 has replaced 1; version 3 is deployed."""
    promote(world, plan, canary=CANARY, over=STABLE)
    add_version(world, 3)
    return world


def test_the_champion_that_was_replaced_stays_and_those_before_it_go(twice, plan):
    assert set(twice.deployments.running) == {"m-1", "m-2", "m-3"}
    promote(twice, plan, canary=arm(3), over=CANARY)
    assert names(twice) == ["m-2", "m-3"]
    assert set(twice.deployments.running) == {"m-2", "m-3"}


def test_a_route_never_grows_over_many_promotions(world, plan):
    promote(world, plan, canary=CANARY, over=STABLE)
    for number in range(3, 20):
        add_version(world, number)
        promote(world, plan, canary=arm(number), over=arm(number - 1))
    assert max(len(route.backends) for route in world.router.history) == 2
    assert set(world.deployments.running) == {"m-18", "m-19"}


def test_nothing_is_removed_before_the_alias_has_moved(twice, plan):
    twice.registry.faults = [OUTAGE]
    with pytest.raises(BackendError, match="connection refused"):
        promote(twice, plan, canary=arm(3), over=CANARY)
    assert "m-1" in twice.deployments.running
    promote(twice, plan, canary=arm(3), over=CANARY)  # the retry
    assert "m-1" not in twice.deployments.running
    promote(twice, plan, canary=arm(3), over=CANARY)


def test_a_candidate_that_fails_removes_nobody_and_the_next_promotion_does(twice, plan):
    twice.behaviour["m-3"].errors = 0.9
    target = Target(model="m", canary=arm(3), stable=CANARY, run_id="r1")
    assert twice.run(plan, target)["phase"] == "ROLLED_BACK"
    assert set(twice.deployments.running) == {"m-1", "m-2", "m-3"}
    add_version(twice, 4)
    promote(twice, plan, canary=arm(4), over=CANARY)
    assert set(twice.deployments.running) == {"m-2", "m-4"}


def test_a_removal_that_fails_is_told_and_the_next_promotion_tries_again(twice, plan):
    remove = twice.deployments.remove

    def refuse(name):
        raise BackendError(f"{name} hangs")

    twice.deployments.remove = refuse
    promote(twice, plan, canary=arm(3), over=CANARY)
    assert twice.events[-1]["event"] == "left_over"
    assert twice.events[-1]["reason"] == "m-1 could not be removed: m-1 hangs"
    promote(twice, plan, canary=arm(3), over=CANARY, on_event=None)
    twice.deployments.remove = remove
    add_version(twice, 4)
    promote(twice, plan, canary=arm(4), over=arm(3))
    assert set(twice.deployments.running) == {"m-3", "m-4"}


@pytest.mark.parametrize("gone", [True, False])
def test_what_somebody_has_put_back_behind_the_route_stays(twice, plan, gone):
    def put_back(_record):
        route = twice.router.route
        idle = Backend(deployment="m-1", weight=0)
        twice.router.route = None if gone else replace(route, backends=(*route.backends, idle))

    promote(twice, plan, canary=arm(3), over=CANARY, on_record=put_back)
    assert ("m-1" in twice.deployments.running) != gone


def test_an_old_version_that_is_the_candidate_again_is_not_removed(twice, plan):
    promote(twice, plan, canary=STABLE, over=CANARY)
    assert {"m-1", "m-2"} <= set(twice.deployments.running)


# Aliases that were left behind


def left_behind(plan):
    """Version 2 was committed while the registry was down."""
    world = World()
    world.registry.faults = [OUTAGE]
    with pytest.raises(BackendError, match="connection refused"):
        world.run(plan)
    assert world.registry.aliases["m", "champion"] == "1"
    return world


def test_a_roll_back_that_finds_a_promotion_moves_its_alias(plan):
    world = left_behind(plan)
    assert world.roll_back() is Phase.PROMOTED
    assert world.registry.aliases == {("m", "champion"): "2"}
    assert world.weight() == 10_000


def test_the_next_rollout_moves_the_alias_of_the_last_one_before_it_starts(plan):
    world = left_behind(plan)
    add_version(world, 3)
    world.registry.set_alias("m", "candidate", "2")
    world.behaviour["m-3"].errors = 0.9
    target = Target(model="m", canary=arm(3), stable=CANARY, run_id="r2")
    assert world.run(plan, target)["phase"] == "ROLLED_BACK"
    assert world.registry.aliases == {("m", "champion"): "2"}


def test_a_promotion_that_was_taken_back_moves_no_alias(plan):
    world = left_behind(plan)
    backends = (Backend(deployment="m-1", weight=10_000), Backend(deployment="m-2", weight=0))
    world.router.write(replace(world.router.route, backends=backends))
    world.behaviour["m-2"].errors = 0.9
    assert world.run(plan)["phase"] == "ROLLED_BACK"
    assert world.registry.aliases == {("m", "champion"): "1", ("m", "candidate"): "2"}
