"""The fakes, put together into a place, keep what every place promises."""

from dataclasses import dataclass, field

import pytest
from tests.port_contract import (
    FAILING,
    GOOD,
    RUNNING,
    STUCK,
    DeploymentsContract,
    MetricsContract,
    PlaceContract,
    RouterContract,
    WatchContract,
    start,
)

from headgate.adapters.memory import (
    MemoryDeployments,
    MemoryGuard,
    MemoryHeartbeat,
    MemoryMetrics,
    MemoryRouter,
)
from headgate.errors import BackendError
from headgate.ports import DeploymentSpec, DeploymentStatus


@dataclass
class MemoryPlace:
    """The fakes, and what one of them has to know of another."""

    router: MemoryRouter = field(default_factory=MemoryRouter)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)
    heartbeat: MemoryHeartbeat = field(default_factory=MemoryHeartbeat)
    guard: MemoryGuard = field(default_factory=MemoryGuard)

    def __post_init__(self):
        self.deployments = MemoryDeployments(router=self.router)
        self.read, self.counters = self.router.read, self.metrics.counters
        self.beat, self.ready = self.heartbeat.beat, self.guard.ready
        self.status = self.deployments.status

    def write(self, route):
        before = self.router.route
        for backend in route.backends:
            fresh = before is None or before.weight(backend.deployment) == 0
            status = self.status(backend.deployment)
            if backend.weight > 0 and fresh and (status is None or not status.ready):
                raise BackendError(
                    f"route: {backend.deployment} is not ready and cannot take weight",
                    retryable=True,
                )
        return self.router.write(route)

    def deploy(self, spec):
        if spec.command == (STUCK,):
            stuck = DeploymentStatus(name=spec.name, version=spec.version, ready=False, restarts=0)
            self.deployments.running.setdefault(spec.name, stuck)
        status = self.deployments.deploy(spec)
        if status.ready:
            self.metrics.add(spec.name, requests=0)  # a server that runs shows its counters
        return status

    def remove(self, name):
        self.deployments.remove(name)
        self.metrics.pods.pop(name, None)


class MemorySite:
    """A place in memory, where everything of the suite runs."""

    def __init__(self):
        self.place = MemoryPlace()
        start(self, RUNNING)

    def spec(self, name, behaviour=GOOD):
        command = () if behaviour == GOOD else (behaviour,)
        return DeploymentSpec(
            name=name, model="toy", version="1", uri="/bundle", sha256="abc", command=command
        )

    def send(self, deployment, requests):
        assert self.place.read().weight(deployment) == 10_000
        failing = self.place.deployments.specs[deployment].command == (FAILING,)
        self.place.metrics.add(deployment, requests=requests, errors=requests if failing else 0)


@pytest.fixture
def site():
    return MemorySite()


@pytest.fixture
def empty():
    return MemorySite()


@pytest.fixture
def again(site):
    return site.place


class TestRouter(RouterContract):
    pass


class TestDeployments(DeploymentsContract):
    pass


class TestMetrics(MetricsContract):
    pass


class TestWatch(WatchContract):
    pass


class TestPlace(PlaceContract):
    pass
