import copy

import pytest
from tests.unit.adapters.kubernetes.routes import http_route, ref, rollout, route

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.heartbeat import LeaseHeartbeat
from headgate.adapters.kubernetes.http_route import STATE
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import ADOPT
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings
from headgate.adapters.kubernetes.uninstall import uninstall
from headgate.errors import BackendError
from headgate.usecases.weights import route_for

SERVER = {MANAGED_BY: "headgate", "app.kubernetes.io/name": "headgate-predictor", MODEL: "income"}
KINDS = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}


def thing(kind, name, labels):
    return {
        "apiVersion": KINDS.get(kind, "coordination.k8s.io/v1"),
        "kind": kind,
        "metadata": {"name": name, "namespace": "serving", "labels": labels},
    }


@pytest.fixture
def router(api) -> HttpRouteRouter:
    return HttpRouteRouter(api, namespace="serving", model="income", settings=Settings())


def test_what_we_made_goes_and_what_others_made_stays(server, api, router) -> None:
    router.write(route({"income-v1": 10_000}))
    LeaseHeartbeat(api, namespace="serving", route="income").beat("abc", epoch=1)
    for kind in KINDS:
        server.put(thing(kind, "income-v1", SERVER))
    foreign = [
        thing("Deployment", "headgate-guard", {MANAGED_BY: "headgate"}),  # of the manifests
        thing("Service", "page", {}),
        thing("Lease", "leader", {MANAGED_BY: "headgate"}),
        thing("Lease", "headgate-other", {}),
        http_route(ref("page", 1), name="page", notes={}, labels={}),
    ]
    for manifest in foreign:
        server.put(manifest)
    server.requests.clear()
    assert uninstall(api, "serving") == [
        "HTTPRoute serving/income: deleted",
        "HorizontalPodAutoscaler serving/income-v1: deleted",
        "PodDisruptionBudget serving/income-v1: deleted",
        "Service serving/income-v1: deleted",
        "Deployment serving/income-v1: deleted",
        "Lease serving/headgate-income: deleted",
    ]
    left = {found["metadata"]["name"] for found in server.objects.values()}
    assert left == {"headgate-guard", "page", "leader", "headgate-other"}
    assert len(server.objects) == len(foreign)
    assert uninstall(api, "serving") == []


@pytest.fixture
def theirs(server, router):
    """A user's route that we adopted and wrote to; the fixture is what it was before."""
    before = http_route(ref("page", 1), notes={ADOPT: "true"}, labels={MANAGED_BY: "Helm"})
    server.put(before)
    router.ensure()
    found = router.read()
    weights = {backend.deployment: backend.weight for backend in found.backends}
    router.write(route({**weights, "income-v1": 0}, revision=found.revision, state={"x": 1}))
    return before


def mine(manifest):
    """A route without what the server writes."""
    manifest = copy.deepcopy(manifest)
    for key in ("uid", "resourceVersion"):
        manifest["metadata"].pop(key, None)
    return manifest


def test_an_adopted_route_is_as_it_was(server, api, theirs) -> None:
    assert len(server.object(HTTP_ROUTE, "income")["spec"]["rules"][0]["backendRefs"]) == 2
    assert uninstall(api, "serving") == [
        "HTTPRoute serving/income: as it was before headgate adopted it"
    ]
    assert mine(server.object(HTTP_ROUTE, "income")) == mine(theirs)


def test_edits_that_get_lost_are_told(server, api, theirs) -> None:
    found = server.object(HTTP_ROUTE, "income")
    found["spec"]["hostnames"] = ["new"]
    server.put(found)
    assert uninstall(api, "serving")[0].endswith("changes made since then are gone")
    assert mine(server.object(HTTP_ROUTE, "income")) == mine(theirs)


@pytest.mark.usefixtures("theirs")
def test_a_status_written_meanwhile_does_not_stop_it(server, api) -> None:
    reports = iter([1, 2])

    def report(*_: str) -> None:
        if number := next(reports, None):
            server.put({**server.object(HTTP_ROUTE, "income"), "status": {"n": number}})

    server.before_write = report
    assert uninstall(api, "serving") == [
        "HTTPRoute serving/income: as it was before headgate adopted it"
    ]


@pytest.mark.usefixtures("theirs")
def test_a_route_that_its_owner_deletes_meanwhile_is_fine(server, api) -> None:
    server.before_write = lambda *_: server.objects.clear()
    assert uninstall(api, "serving") == ["HTTPRoute serving/income: was gone already"]


def test_a_rollout_under_way_stops_it_unless_forced(server, api, router) -> None:
    router.write(route_for(rollout(), onto=None))
    server.put(thing("Service", "income-v1", SERVER))
    before = dict(server.objects)
    message = "rollout abc of income-v2 is PROGRESSING; let it end, roll it back, or force"
    with pytest.raises(BackendError, match=message) as caught:
        uninstall(api, "serving")
    assert caught.value.retryable
    assert server.objects == before
    assert len(uninstall(api, "serving", force=True)) == 2
    assert server.objects == {}


def test_a_state_that_is_not_ours_does_not_stop_it(server, api) -> None:
    manifest = http_route(ref("a", 1))
    manifest["metadata"]["annotations"][STATE] = "{"
    server.put(manifest)
    assert uninstall(api, "serving") == ["HTTPRoute serving/income: deleted"]


def test_a_missing_right_is_told_before_anything_is_touched(server, api, router) -> None:
    router.write(route({"income-v1": 10_000}))
    server.refuse("GET", "/httproutes", 403)
    with pytest.raises(BackendError, match="this account may not list httproutes"):
        uninstall(api, "serving")
    assert len(server.objects) == 1
