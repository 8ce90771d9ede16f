import copy
import json

import pytest
from tests.unit.adapters.kubernetes.routes import http_route, ref, rollout, route

from headgate.adapters.kubernetes.http_route import (
    MAX_STATE_BYTES,
    OWNED,
    STATE,
    is_empty,
    route_of,
    with_route,
)
from headgate.errors import BackendError
from headgate.ports import Backend
from headgate.rollout import state_from_json
from headgate.usecases.weights import route_for, without_canary

OURS = {OWNED: json.dumps(["income-v1", "income-v2"])}
BOTH = {"income-v1": 9000, "income-v2": 1000}


def weights_of(manifest, rule=0):
    return {
        found["name"]: found.get("weight")
        for found in manifest["spec"]["rules"][rule]["backendRefs"]
    }


def read(manifest):
    return {backend.deployment: backend.weight for backend in route_of(manifest).backends}


# Reading.


def test_weights_and_state_are_read_with_the_revision() -> None:
    manifest = http_route(ref("income-v1", 9000), ref("income-v2", 1000))
    manifest["metadata"]["annotations"][STATE] = '{"epoch":3}'
    found = route_of(manifest)
    assert found == route(BOTH, revision="7", state={"epoch": 3})
    assert not is_empty(found)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([9, 1], [9000, 1000]),
        ([1, 1, 1], [3334, 3333, 3333]),
        ([None, None], [5000, 5000]),  # the API's default is 1
        ([0, 0], [0, 0]),
        ([1], [10_000]),
    ],
)
def test_weights_of_another_sum_are_scaled(stored, expected) -> None:
    manifest = http_route(*(ref(f"m-{i}", weight) for i, weight in enumerate(stored)))
    assert list(read(manifest).values()) == expected


def test_a_route_that_only_holds_the_place_is_empty() -> None:
    assert is_empty(route_of(http_route(rules=[{}])))
    assert not is_empty(route_of(http_route(rules=[{}], notes={STATE: "{}"})))


def test_what_others_wrote_is_seen_under_names_that_no_deployment_has() -> None:
    manifest = http_route(
        ref("income-v1", 5000),
        ref("old", 2000),
        ref("old", 1000, port=8080),
        ref("far", 1000, namespace="team"),
        ref("near", 500, namespace="serving"),
        ref("income-v2", 300, port=9000),  # the name is ours, the port is not
        ref("shadow", 200, group="traefik.io", kind="TraefikService"),
        notes=OURS,
    )
    assert read(manifest) == {
        "income-v1": 5000,
        "service/old": 3000,
        "service/team/far": 1000,
        "service/near": 500,
        "service/income-v2": 300,
        "traefikservice/shadow": 200,
    }


@pytest.mark.parametrize("text", ["{", "[1]", "null"])
def test_a_state_that_is_no_object_is_still_a_state(text) -> None:
    found = route_of(http_route(ref("a", 1), notes={STATE: text}))
    assert found.state == {"unreadable": text}


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]"])
def test_a_damaged_list_of_our_refs_is_named(text) -> None:
    with pytest.raises(BackendError, match=r"serving/income: annotation headgate.dev/owned must"):
        route_of(http_route(ref("a", 1), notes={OWNED: text}))


# Which rule.


def test_the_rule_named_headgate_is_ours() -> None:
    rules = [
        {"backendRefs": [ref("other", 1)]},
        {"name": "headgate", "backendRefs": [ref("income-v1", 1)]},
    ]
    manifest = http_route(rules=rules, notes=OURS)
    assert read(manifest) == {"income-v1": 10_000}
    changed = with_route(manifest, route(BOTH))
    assert weights_of(changed, rule=1) == BOTH
    assert changed["spec"]["rules"][0] == rules[0]


def test_a_rule_added_later_does_not_hide_ours() -> None:
    rules = [{"backendRefs": [ref("page", 1)]}, {"backendRefs": [ref("income-v1", 1)]}]
    assert read(http_route(rules=rules, notes=OURS)) == {"income-v1": 10_000}


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{"backendRefs": [ref("a", 1)]}, {"backendRefs": [ref("b", 1)]}],
        [{"backendRefs": [ref("income-v1", 1)]}, {"backendRefs": [ref("income-v2", 1)]}],
    ],
)
def test_a_rule_that_cannot_be_told_is_asked_for(rules) -> None:
    with pytest.raises(BackendError, match=r"several rules or none; name the one .* 'headgate'"):
        route_of(http_route(rules=rules, notes=OURS))


# Writing.


def test_a_write_says_every_field_and_keeps_the_manifest_it_was_given() -> None:
    manifest = http_route(rules=[{"matches": [{"path": {"value": "/x"}}], "timeouts": {}}])
    before = copy.deepcopy(manifest)
    changed = with_route(manifest, route(BOTH, state={"epoch": 1, "pair": (1, 2)}))
    assert manifest == before
    assert changed["spec"]["rules"] == [
        {
            **before["spec"]["rules"][0],
            "backendRefs": [
                {"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight}
                for name, weight in BOTH.items()
            ],
        }
    ]
    notes = changed["metadata"]["annotations"]
    assert notes[STATE] == '{"epoch":1,"pair":[1,2]}'
    assert notes[OWNED] == '["income-v1", "income-v2"]'
    assert changed["metadata"]["resourceVersion"] == "7"
    assert route_of(changed) == route(BOTH, revision="7", state={"epoch": 1, "pair": [1, 2]})


def test_refs_of_ours_keep_their_place_and_what_was_added_to_them() -> None:
    filters = [{"type": "RequestHeaderModifier"}]
    manifest = http_route(
        ref("income-v2", 0, filters=filters), ref("x", 0), ref("income-v1", 1), notes=OURS
    )
    changed = with_route(manifest, route({"income-v3": 10_000, "income-v1": 0, "income-v2": 0}))
    refs = changed["spec"]["rules"][0]["backendRefs"]
    assert [found["name"] for found in refs] == ["income-v2", "x", "income-v1", "income-v3"]
    assert refs[0]["filters"] == filters
    assert refs[1] == ref("x", 0)


def test_a_deployment_that_is_not_named_loses_its_ref() -> None:
    manifest = http_route(ref("income-v1", 10_000), ref("income-v2", 0), ref("x", 0), notes=OURS)
    changed = with_route(manifest, route({"income-v1": 10_000}))
    assert weights_of(changed) == {"income-v1": 10_000, "x": 0}
    assert changed["metadata"]["annotations"][OWNED] == '["income-v1"]'


def test_without_a_state_the_annotation_goes() -> None:
    manifest = http_route(ref("income-v1", 1), notes={**OURS, STATE: "{}", "theirs": "x"})
    notes = with_route(manifest, route({"income-v1": 10_000}))["metadata"]["annotations"]
    assert notes == {OWNED: '["income-v1"]', "theirs": "x"}


@pytest.mark.parametrize("weights", [{}, {"a": 0, "b": 0}, {"a": 9999}, {"a": 10_001, "b": -1}])
def test_weights_must_sum_to_ten_thousand(weights) -> None:
    with pytest.raises(BackendError, match="weights must be 0 or more and sum to 10000, got"):
        with_route(http_route(), route(weights))


def test_a_deployment_stands_only_once() -> None:
    twice = route({"a": 10_000})
    twice = type(twice)(revision="", backends=(*twice.backends, Backend(deployment="a", weight=0)))
    with pytest.raises(BackendError, match="a deployment stands twice in"):
        with_route(http_route(), twice)


def test_a_state_must_be_small_json() -> None:
    with pytest.raises(BackendError, match=f"bytes, allowed are {MAX_STATE_BYTES}"):
        with_route(http_route(), route({"a": 10_000}, state={"x": "y" * MAX_STATE_BYTES}))
    with pytest.raises(BackendError, match="the state has no JSON form"):
        with_route(http_route(), route({"a": 10_000}, state={"x": float("nan")}))


# Beside others.


@pytest.mark.parametrize(
    "weights",
    [
        {"income-v1": 10_000},
        {"income-v1": 5000, "service/x": 5000},
        {"income-v1": 8000, "service/x": 1000, "service/y": 1000},
    ],
)
def test_a_share_of_somebody_else_cannot_be_changed(weights) -> None:
    manifest = http_route(ref("income-v1", 90), ref("x", 10), notes=OURS)
    with pytest.raises(BackendError, match=r"the share of service/. is .* not ours to change"):
        with_route(manifest, route(weights))


def test_beside_foreign_traffic_the_canary_can_still_be_taken_out() -> None:
    manifest = http_route(
        ref("x", 1, port=8080), ref("income-v1", 1), ref("income-v2", 1), notes=OURS
    )
    found = route_of(manifest)
    assert found.backends[0].weight == 3334
    changed = with_route(manifest, without_canary(found, rollout()))
    assert weights_of(changed) == {"x": 1, "income-v1": 2, "income-v2": 0}
    assert changed["spec"]["rules"][0]["backendRefs"][0] == ref("x", 1, port=8080)


def test_a_split_that_foreign_weights_cannot_express_is_refused() -> None:
    manifest = http_route(ref("x", 1), ref("income-v1", 9), notes=OURS)
    with pytest.raises(BackendError, match="'income-v2': 100} cannot be written; set those to 0"):
        with_route(manifest, route({"service/x": 1000, "income-v1": 8900, "income-v2": 100}))


def test_a_ref_of_the_same_name_that_we_did_not_write_is_refused() -> None:
    manifest = http_route(ref("income-v1", 1), ref("income-v2", 0), notes={OWNED: '["income-v1"]'})
    with pytest.raises(BackendError, match="a backendRef to income-v2 that headgate did not write"):
        with_route(manifest, route(BOTH))


def test_a_rollout_goes_through_a_route_and_back() -> None:
    state = rollout()
    manifest = http_route(ref("income-v1", 10_000))
    changed = with_route(manifest, route_for(state, onto=route_of(manifest)))
    found = route_of(changed)
    assert {b.deployment: b.weight for b in found.backends} == BOTH
    assert state_from_json(found.state) == state
