from collections.abc import Iterator

import pytest
from tests.unit.adapters.kubernetes.api_server import ApiServer
from tests.unit.adapters.kubernetes.routes import START, rollout

from headgate.adapters.kubernetes.api import KubernetesApi
from headgate.adapters.kubernetes.guard import Guard
from headgate.adapters.kubernetes.heartbeat import LeaseHeartbeat
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings
from headgate.adapters.memory import ManualClock
from headgate.usecases.weights import route_for


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A small API server; its namespace is `serving`."""
    with ApiServer() as running:
        yield running


@pytest.fixture
def api(server: ApiServer) -> Iterator[KubernetesApi]:
    """A client outside of the cluster."""
    with server.api() as client:
        yield client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=START)


@pytest.fixture
def guard(api, clock) -> Guard:
    return Guard(api, "serving", clock)


@pytest.fixture
def router(api) -> HttpRouteRouter:
    return HttpRouteRouter(api, namespace="serving", model="income", settings=Settings())


@pytest.fixture
def heartbeat(api) -> LeaseHeartbeat:
    return LeaseHeartbeat(api, namespace="serving", route="income")


@pytest.fixture
def started(router):
    """A rollout under way."""
    return router.write(route_for(rollout(), onto=None))
