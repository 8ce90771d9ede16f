"""Who would replace whom, and what a route says of it."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError
from headgate.ports import Backend, Route
from headgate.usecases import Target, find_target, rollout_id

from .conftest import (  # noqa: TID252 - tests have no package name
    CANARY,
    STABLE,
    rewrite,
)


def target_of(world, canary=CANARY):
    return find_target("m", canary, router=world.router, deployments=world.deployments, run_id="r1")


def test_the_champion_is_who_has_all_the_traffic(world):
    assert target_of(world) == Target(model="m", canary=CANARY, stable=STABLE, run_id="r1")


def test_there_is_no_champion_without_a_route_or_when_the_canary_has_it_all(world):
    assert target_of(world, STABLE).stable is None
    world.router.route = None
    assert target_of(world).stable is None


def test_a_retry_finds_the_same_target_until_the_rollout_is_rolled_back(world, plan):
    world.run(plan)
    assert target_of(world).stable == STABLE
    world.behaviour["m-2"].errors = 0.0
    assert target_of(world, replace(CANARY, deployment="m-3", version="3")).stable == CANARY


def test_no_champion_can_be_named_in_a_split_or_when_it_does_not_run(world):
    world.deployments.running.pop("m-1")
    with pytest.raises(BackendError, match="m-1 does not run"):
        target_of(world)
    rewrite(m_1=9000, m_2=1000)(world)
    with pytest.raises(BackendError, match="no deployment has all the traffic"):
        target_of(world)


@pytest.mark.parametrize("share", [10_000, 3000])
def test_traffic_of_a_backend_that_is_not_ours_must_be_moved_by_its_owner(world, share):
    backends = (
        Backend(deployment="service/page", weight=share),
        Backend(deployment="m-1", weight=10_000 - share),
    )
    world.router.write(replace(world.router.route, backends=backends))
    message = r"backendRef of your own \(service/page\) has traffic.*yourself first"
    with pytest.raises(BackendError, match=message):
        target_of(world)


def test_the_rollout_is_named_by_what_it_does(plan):
    target = Target(model="m", canary=CANARY, stable=STABLE)
    assert rollout_id(plan, target) == rollout_id(plan, replace(target, run_id="x"))
    assert rollout_id(plan, target) != rollout_id(plan, replace(target, stable=None))
    assert len(rollout_id(plan, target)) == 16


def test_backends_of_somebody_else_stay(world, plan):
    route = world.router.route
    page = Backend(deployment="service/page", weight=0)
    world.router.write(replace(route, backends=(*route.backends, page)))
    world.behaviour["service/page"] = world.behaviour["m-1"]
    world.run(plan)
    assert page in world.router.route.backends


def test_routes_know_the_weight_of_a_stranger():
    assert Route(revision="1", backends=()).weight("nobody") == 0
