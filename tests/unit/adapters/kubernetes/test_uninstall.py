import copy

import pytest
from tests.unit.adapters.kubernetes.routes import START, http_route, ref, rollout, route

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.heartbeat import LeaseHeartbeat
from headgate.adapters.kubernetes.http_route import STATE
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import ADOPT
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings
from headgate.adapters.kubernetes.uninstall import uninstall
from headgate.errors import BackendError
from headgate.rollout import Phase, Verdict, finish
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
    ended = finish(
        rollout(), phase=Phase.ROLLED_BACK, verdict=Verdict.FAIL, reason="bad", now=START
    ).to_json()
    router.write(route({**weights, "income-v1": 0}, revision=found.revision, state=ended))
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


@pytest.mark.parametrize("text", ["{", '{"format": 2, "phase": "PROGRESSING"}'])
def test_a_state_that_nobody_here_can_read_stops_it_unless_forced(server, api, text) -> None:
    manifest = http_route(ref("a", 1))
    manifest["metadata"]["annotations"][STATE] = text
    server.put(manifest)
    with pytest.raises(BackendError, match="is not one of this version of headgate and may be"):
        uninstall(api, "serving")
    assert len(server.objects) == 1
    assert uninstall(api, "serving", force=True) == ["HTTPRoute serving/income: deleted"]


@pytest.mark.parametrize(
    "rule",
    [
        {"backendRefs": [ref("page", 1), ref("income-v1", 0)]},
        {
            "backendRefs": [
                ref("page", 1, filters=[{"requestMirror": {"backendRef": {"name": "income-v1"}}}])
            ],
            "filters": [{"type": "RequestHeaderModifier"}],
        },
    ],
)
def test_a_server_that_a_restored_route_refers_to_stays(server, api, router, rule) -> None:
    for kind in KINDS:
        for name in ("income-v1", "income-v2"):
            server.put(thing(kind, name, SERVER))
    server.put(http_route(rules=[rule], notes={ADOPT: "true"}, labels={}))
    router.ensure()
    found = router.read()
    weights = {backend.deployment: backend.weight for backend in found.backends}
    router.write(route({**weights, "income-v2": 0}, revision=found.revision))
    kept = [
        f"{kind} serving/income-v1: kept, HTTPRoute serving/income refers to it"
        for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Service", "Deployment")
    ]
    done = uninstall(api, "serving")
    assert [line for line in done if "income-v1" in line] == kept
    assert "Service serving/income-v2: deleted" in done
    assert uninstall(api, "serving") == kept  # the route is not ours any more, and still theirs
    assert server.object(HTTP_ROUTE, "income")["spec"]["rules"] == [rule]
    api.delete(HTTP_ROUTE, "income")
    assert len(uninstall(api, "serving")) == len(KINDS)
    assert server.objects == {}


def test_services_that_only_look_alike_are_no_reason_to_keep_a_server(server, api) -> None:
    server.put(thing("Service", "income-v1", SERVER))
    refs = [ref("income-v1", 1, namespace="far"), {**ref("income-v1", 1), "kind": "Thing"}]
    server.put(http_route(*refs, name="page", notes={}, labels={}))
    assert uninstall(api, "serving") == ["Service serving/income-v1: deleted"]


@pytest.mark.usefixtures("theirs")
def test_a_route_whose_past_is_lost_is_told_before_anything_is_touched(server, api) -> None:
    server.put(thing("Service", "income-v1", SERVER))
    found = server.object(HTTP_ROUTE, "income")
    del found["metadata"]["annotations"]["headgate.dev/original-spec"]
    server.put(found)
    server.requests.clear()
    with pytest.raises(BackendError, match="original-spec is gone or damaged; put the route back"):
        uninstall(api, "serving")
    assert {method for method, _ in server.requests} == {"GET"}


@pytest.mark.usefixtures("theirs")
def test_a_route_whose_label_a_tool_took_back_is_given_back_all_the_same(server, api) -> None:
    found = server.object(HTTP_ROUTE, "income")
    found["metadata"]["labels"][MANAGED_BY] = "Helm"
    server.put(found)
    assert uninstall(api, "serving") == [
        "HTTPRoute serving/income: as it was before headgate adopted it"
    ]
    notes = server.object(HTTP_ROUTE, "income")["metadata"]["annotations"]
    assert notes == {ADOPT: "true"}


def test_a_missing_right_is_told_before_anything_is_touched(server, api, router) -> None:
    router.write(route({"income-v1": 10_000}))
    server.refuse("GET", "/httproutes", 403)
    with pytest.raises(BackendError, match="this account may not list httproutes"):
        uninstall(api, "serving")
    assert len(server.objects) == 1
