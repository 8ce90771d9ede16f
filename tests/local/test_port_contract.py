"""The local world, with real processes behind a real proxy, keeps what every place promises."""

import httpx
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

pytestmark = pytest.mark.live

OPTIONS = {GOOD: (), FAILING: ("--fail-share", "1"), STUCK: ("--never-ready",)}


class LocalSite:
    """A world and its proxy."""

    def __init__(self, playground, running=RUNNING):
        self.playground, self.place = playground, playground.cluster
        start(self, running)

    def spec(self, name, behaviour=GOOD):
        return self.playground.spec(name, *OPTIONS[behaviour])

    def send(self, deployment, requests):
        with httpx.Client(base_url=self.playground.world.proxy_url, trust_env=False) as http:
            for _ in range(requests):
                answer = http.post("/predict", content=b"{}")
                assert answer.headers["x-headgate-deployment"] == deployment


@pytest.fixture(scope="module")
def site(playground):
    return LocalSite(playground)


@pytest.fixture
def empty(open_world):
    return LocalSite(open_world(), {"stable": GOOD, "canary": GOOD})


@pytest.fixture
def again(playground):
    with playground.world.cluster() as other:
        yield other


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
