"""A rollout on a route in which somebody else has traffic of their own."""

import pytest
from tests.unit.adapters.kubernetes.routes import CANARY, START, ref, rollout

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings
from headgate.adapters.memory import ManualClock, MemoryDeployments, MemoryMetrics, MemoryRegistry
from headgate.rollout import Phase, Verdict, finish
from headgate.usecases import guard_step, roll_back
from headgate.usecases.weights import route_for


@pytest.fixture
def router(api) -> HttpRouteRouter:
    return HttpRouteRouter(api, namespace="serving", model="income", settings=Settings())


def refs(server):
    return server.object(HTTP_ROUTE, "income")["spec"]["rules"][0]["backendRefs"]


@pytest.fixture
def shared(server, router):
    """A contested rollout: somebody gave a page of theirs a third of the traffic."""
    first = router.write(route_for(rollout(), onto=None))
    contested = finish(
        rollout(),
        phase=Phase.CONTESTED,
        verdict=Verdict.INSUFFICIENT,
        reason="somebody else changed the route",
        now=START + 5,
    )
    router.write(route_for(contested, onto=first))
    found = server.object(HTTP_ROUTE, "income")
    found["spec"]["rules"][0]["backendRefs"].append(ref("page", 5000))
    server.put(found)
    weights = {backend.deployment: backend.weight for backend in router.read().backends}
    assert weights == {"income-v1": 6000, "income-v2": 667, "service/page": 3333}
    return server


def test_a_guard_takes_the_canary_out_and_leaves_their_part_to_the_word(shared, router) -> None:
    wanted = guard_step(
        router.read(), last_heartbeat_monotonic=0.0, now_monotonic=0.0, now=START + 1e6
    )
    router.write(wanted)
    assert refs(shared) == [ref("income-v1", 10_000), ref("income-v2", 0), ref("page", 5000)]
    assert router.read().state["phase"] == "ROLLED_BACK"


def test_a_roll_back_does_the_same_and_forgets_the_canary(shared, router) -> None:
    done = roll_back(
        "income",
        CANARY,
        router=router,
        metrics=MemoryMetrics(),
        deployments=MemoryDeployments(),
        registry=MemoryRegistry(),
        clock=ManualClock(start=START),
    )
    assert done is Phase.ROLLED_BACK
    assert refs(shared) == [ref("income-v1", 10_000), ref("page", 5000)]
