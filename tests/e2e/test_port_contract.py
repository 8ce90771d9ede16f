"""A namespace of a cluster, with real pods behind a real gateway, keeps what every place promises.

The pods are the cost of these tests: one namespace's servers serve them all.
"""

import uuid
from dataclasses import replace
from itertools import islice

import httpx
import pytest
from tests.e2e.support import ROW, Cluster
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

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.place import KubernetesPlace
from headgate.usecases.deploy import deployment_spec

ANSWERS_500 = """
from headgate.serving import argument_parser, asgi, instrumented, open_engine, predictor, serve
options = argument_parser().parse_args()
engine = open_engine(options)
app = predictor(engine, version=options.version, deployment=options.deployment)
async def failing(scope, receive, send):
    if scope["method"] == "POST":
        await asgi.answer(send, 500, asgi.error("on purpose"))
    else:
        await app(scope, receive, send)
serve(instrumented(failing, engine, options), options)
"""
COMMANDS = {
    GOOD: [],
    FAILING: ["python", "-c", ANSWERS_500],
    STUCK: ["python", "-c", "import time; time.sleep(600)"],
}
SENT_AT_MOST = 2_000  # until the gateway deals by new weights


class ClusterSite:
    """A model in the serving namespace, and the gateway in front of it."""

    def __init__(self, place, *, version, gateway, host):
        self.place, self.version = place, version
        self._gateway, self._host = gateway, host

    def spec(self, name, behaviour=GOOD):
        made = deployment_spec(self.version, command=COMMANDS[behaviour], slow_above_ms=100.0)
        return replace(made, name=f"{self.version.name}-{name}")

    def send(self, deployment, requests):
        with httpx.Client(base_url=self._gateway, headers={"host": self._host}) as http:
            answers = (http.post("/predict", content=ROW) for _ in range(SENT_AT_MOST))
            names = (answer.headers.get("x-headgate-deployment") for answer in answers)
            found = list(islice((name for name in names if name == deployment), requests))
        assert len(found) == requests, f"{deployment} answered {len(found)} of {requests}"


@pytest.fixture(scope="module")
def served(api, kubectl, namespace, registry):
    """The cluster, a model of these tests' own in it, and its site once it was made."""
    made = Cluster(api, kubectl, namespace=namespace, registry=registry)
    yield made, []
    made.clean()


@pytest.fixture
def site(served, gateway, make_bundle, tiny_reports, tmp_path):
    cluster, made = served
    if not made:
        place = KubernetesPlace(cluster.api, namespace=cluster.namespace, model=cluster.model)
        version = cluster.register(make_bundle(tmp_path / "bundle"), tiny_reports)
        found = ClusterSite(place, version=version, gateway=gateway, host=cluster.host)
        start(found, RUNNING)
        made.append(found)
    return made[0]


@pytest.fixture
def empty(site, api, namespace, gateway):
    """Another model of the same namespace: its route, too, may lead to what runs there."""
    model = f"toy-{uuid.uuid4().hex[:6]}"
    place = KubernetesPlace(api, namespace=namespace, model=model)
    yield ClusterSite(place, version=site.version, gateway=gateway, host=f"{model}.localhost")
    api.delete(HTTP_ROUTE, model, namespace=namespace)


@pytest.fixture
def again(served):
    cluster, _ = served
    return KubernetesPlace(cluster.api, namespace=cluster.namespace, model=cluster.model)


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
