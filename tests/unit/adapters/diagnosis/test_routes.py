"""What is seen of the routes: weights, backends, unfinished rollouts, routes of others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.adapters.diagnosis.healthy import GATEWAY, SETTINGS, condition, service, settings

from headgate.adapters.diagnosis.finding import Finding, State
from headgate.adapters.diagnosis.routes import look_at_routes
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, Phase, make_plan, start_state

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LABELS = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/model": "income"}


def route(
    weights: dict[str, int],
    *,
    name: str = "income",
    state: dict[str, Any] | str | None = None,
    parents: list[dict[str, Any]] | None = None,
    labels: dict[str, str] | None = None,
    **annotations: str,
) -> dict[str, Any]:
    refs = [
        {"group": "", "kind": "Service", "name": service, "port": 80, "weight": weight}
        for service, weight in weights.items()
    ]
    notes = {"headgate.dev/owned": json.dumps(list(weights)), "headgate.dev/created": "true"}
    if state is not None:
        notes["headgate.dev/state"] = state if isinstance(state, str) else json.dumps(state)
    taken = [condition("Accepted"), condition("ResolvedRefs")]
    default = [{"parentRef": {"name": "web"}, "conditions": taken}]
    return {
        "apiVersion": f"{GATEWAY}/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": name,
            "labels": LABELS if labels is None else labels,
            "annotations": notes | annotations,
        },
        "spec": {"rules": [{"backendRefs": refs}]},
        "status": {"parents": default if parents is None else parents},
    }


def endpoints(service: str, *, ready: bool = True) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-x", "labels": {"kubernetes.io/service-name": service}},
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}],
    }


def rollout(phase: Phase = Phase.PROGRESSING) -> dict[str, Any]:
    state = start_state(
        make_plan(Rollout()),
        rollout_id="0123456789abcdef",
        run_id="run",
        model="income",
        canary=Arm(deployment="income-v2", version="2"),
        stable=Arm(deployment="income-v1", version="1"),
        now=NOW.timestamp() - 60,
        epoch=1,
    ).to_json()
    return {**state, "phase": phase.value, "reason": "weights changed"}


def beat(*, ago: float, holder: str = "0123456789abcdef") -> dict[str, Any]:
    at = NOW - timedelta(seconds=ago)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "headgate-income"},
        "spec": {"holderIdentity": holder, "renewTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    }


@pytest.fixture
def backends(server) -> None:
    for name in ("income-v1", "income-v2"):
        server.put(service(name))
        server.put(endpoints(name))


def look(site) -> list[Finding]:
    return look_at_routes(site, now=lambda: NOW)


def test_without_routes_there_is_only_a_note(site):
    (found,) = look(site)
    assert found.state is State.NOTE


@pytest.mark.usefixtures("backends")
def test_a_route_at_rest_tells_its_split(server, site):
    server.put(route({"income-v1": 9000, "income-v2": 1000}))
    (found,) = look(site)
    assert found.state is State.OK
    assert found.name == "route income"
    assert found.seen == "income-v1 90 %, income-v2 10 %"


def test_a_route_that_only_holds_the_place_is_fine(server, site):
    server.put({**route({}), "spec": {"rules": [{}]}})
    assert [(f.state, f.seen) for f in look(site)] == [
        (State.OK, "holds the place; the first rollout gives it traffic")
    ]


@pytest.mark.usefixtures("backends")
def test_weights_that_are_all_zero_lose_every_request(server, site):
    server.put(route({"income-v1": 0, "income-v2": 0}))
    assert [(f.state, f.seen) for f in look(site)] == [
        (State.PROBLEM, "all weights are 0: income-v1, income-v2")
    ]


@pytest.mark.usefixtures("backends")
def test_a_backend_that_is_gone_is_a_problem_while_it_has_weight(server, site):
    server.put(route({"income-v1": 9900, "income-v3": 100}))
    assert [(f.state, f.seen) for f in look(site)] == [
        (State.PROBLEM, "Service income-v3 (weight 100) does not exist")
    ]
    server.put(route({"income-v1": 10000, "income-v3": 0}))
    assert [f.state for f in look(site)] == [State.NOTE, State.OK]


@pytest.mark.usefixtures("backends")
def test_a_backend_without_a_ready_pod_is_a_problem(server, site):
    server.put(endpoints("income-v2", ready=False))
    server.put(route({"income-v1": 9900, "income-v2": 100}))
    (found,) = look(site)
    assert found.state is State.PROBLEM
    assert found.seen == "Service income-v2 (weight 100) has no ready pod"
    assert found.remedy.endswith("-n serving describe service income-v2")
    ours = {"app.kubernetes.io/managed-by": "headgate"}
    made = service("income-v2")
    server.put({**made, "metadata": {**made["metadata"], "labels": ours}})
    assert look(site)[0].remedy.endswith("describe pods -l headgate.dev/deployment=income-v2")


@pytest.mark.usefixtures("backends")
def test_what_a_gateway_has_against_a_route_is_told(server, site):
    refused = condition("Accepted", holds=False, reason="NotAllowedByListeners", message="no")
    parents = [{"parentRef": {"name": "web"}, "conditions": [refused]}]
    server.put(route({"income-v1": 10000}, parents=parents))
    assert look(site)[0].seen == "gateway web: NotAllowedByListeners: no"
    server.put(route({"income-v1": 10000}, parents=[]))
    (found,) = look(site)
    assert found.seen == "no gateway has taken it"
    assert found.remedy == "kubectl --context kind-headgate -n serving get httproute income -o yaml"


@pytest.mark.usefixtures("backends")
def test_a_rollout_whose_driver_lives_is_worth_a_note(server, site):
    server.put(route({"income-v1": 9900, "income-v2": 100}, state=rollout()))
    server.put(beat(ago=3))
    (found,) = look(site)
    assert found.state is State.NOTE
    assert found.seen == "a rollout is running: income-v1 99 %, income-v2 1 %"


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize(
    ("sign", "seen"),
    [
        (beat(ago=3600), "its driver is silent for 3600 s"),
        (beat(ago=1, holder="another"), "its driver never gave a sign of life"),
        (None, "its driver never gave a sign of life"),
    ],
)
def test_a_rollout_that_nobody_drives_is_a_problem(server, site, sign, seen):
    server.put(route({"income-v1": 9900, "income-v2": 100}, state=rollout()))
    if sign is not None:
        server.put(sign)
    (found,) = look(site)
    assert found.state is State.PROBLEM
    assert seen in found.seen
    assert "logs deployment/headgate-guard" in found.remedy


@pytest.mark.usefixtures("backends")
def test_a_contested_rollout_is_a_problem_for_a_person(server, site):
    state = rollout(Phase.CONTESTED)
    server.put(route({"income-v1": 5000, "income-v2": 5000}, state=state))
    (found,) = look(site)
    assert found.state is State.PROBLEM
    assert found.seen.startswith("contested: weights changed")


@pytest.mark.usefixtures("backends")
def test_a_rollout_that_ended_leaves_a_route_at_rest(server, site):
    server.put(route({"income-v1": 10000, "income-v2": 0}, state=rollout(Phase.ROLLED_BACK)))
    assert [f.state for f in look(site)] == [State.OK]


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize("state", ["no JSON", '{"format": 99}'])
def test_a_record_of_another_version_is_a_problem(server, site, state):
    server.put(route({"income-v1": 10000}, state=state))
    (found,) = look(site)
    assert found.state is State.PROBLEM
    assert "not one of this version" in found.seen


def test_a_list_of_owned_backends_that_was_edited_is_a_problem(server, site):
    server.put(route({}, **{"headgate.dev/owned": "oops"}))
    assert look(site)[0].state is State.PROBLEM


@pytest.fixture
def adopting(server) -> None:
    server.put(settings(f"{SETTINGS}\nroutes: {{income: shop}}"))


@pytest.mark.usefixtures("adopting")
def test_a_route_of_somebody_else_needs_the_owners_word(server, site):
    server.put(route({"shop": 1}, name="shop", labels={}))
    (found,) = look(site)
    assert found.state is State.PROBLEM
    assert "belongs to somebody else" in found.seen
    assert found.remedy.endswith("annotate httproute shop headgate.dev/adopt=true")


@pytest.mark.usefixtures("adopting")
def test_a_route_that_its_owner_offers_is_fine_if_its_rule_is_clear(server, site):
    offered = route({"shop": 1}, name="shop", labels={}, **{"headgate.dev/adopt": "true"})
    server.put(offered)
    assert [(f.state, f.seen) for f in look(site)] == [
        (State.OK, "is adopted when income is deployed")
    ]
    server.put({**offered, "spec": {"rules": [{}, {}]}})
    assert look(site)[0].seen == "has several rules or none, and none of them is named headgate"


@pytest.mark.usefixtures("adopting")
def test_a_named_route_that_is_not_there_is_a_problem(site):
    assert [f.state for f in look(site)] == [State.PROBLEM]


@pytest.mark.usefixtures("adopting", "backends")
def test_a_route_that_was_adopted_is_looked_at_once(server, site):
    server.put(route({"income-v1": 10000}, name="shop"))
    assert [f.name for f in look(site)] == ["route shop"]
