"""What the guard makes of routes that others edit, take back or delete."""

from dataclasses import replace

import pytest
from tests.unit.adapters.kubernetes.guarding import AT_FIRST, TAKEN_OUT, go_on, weights
from tests.unit.adapters.kubernetes.routes import TIMEOUT, http_route, ref, rollout

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.http_route import OWNED, STATE, route_of
from headgate.adapters.kubernetes.kinds import MANAGED_BY
from headgate.usecases.weights import route_for


@pytest.mark.usefixtures("started")
def test_a_route_that_cannot_be_read_does_not_hide_the_others(server, guard, clock, caplog) -> None:
    server.put(http_route(ref("a", 1), name="broken", notes={OWNED: "{"}))
    go_on(guard, clock, TIMEOUT + 1)
    assert weights(server) == TAKEN_OUT
    assert guard.ready()
    troubles = [record.message for record in caplog.records if "cannot guard" in record.message]
    assert len(troubles) == 1  # not at every step
    assert "HTTPRoute serving/broken: annotation headgate.dev/owned must be" in troubles[0]


def test_routes_of_others_are_not_looked_at(server, guard) -> None:
    server.put(http_route(ref("a", 1), notes={}, labels={}))
    guard.step()
    assert guard.ready()
    assert not [path for _, path in server.requests if "/leases/" in path]


def troubles(caplog) -> list[str]:
    return [record.message for record in caplog.records if "cannot guard" in record.message]


def edit(server, change) -> None:
    """Change the stored route as somebody else would."""
    found = server.object(HTTP_ROUTE, "income")
    change(found)
    server.put(found)


def second_rollout(server):
    """Another model of the namespace, with a silent driver, too."""
    found = server.object(HTTP_ROUTE, "income")
    found["metadata"]["name"] = "other"
    server.put(found)
    return lambda: route_of(server.object(HTTP_ROUTE, "other")).weight("income-v2")


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("text", ["{", '{"format": 2, "phase": "PROGRESSING"}'])
def test_a_rollout_that_it_cannot_read_is_trouble_and_the_others_are_guarded(
    server, guard, clock, caplog, text
) -> None:
    canary_of_other = second_rollout(server)
    edit(server, lambda found: found["metadata"]["annotations"].update({STATE: text}))
    go_on(guard, clock, TIMEOUT + 1)
    assert not guard.ready()
    assert canary_of_other() == 0
    assert len(troubles(caplog)) == 1
    assert "serving/income: its recorded rollout is not one of this version" in troubles(caplog)[0]


def all_to_nobody(found) -> None:
    for backend in found["spec"]["rules"][0]["backendRefs"]:
        backend["weight"] = 0


def another_port(found) -> None:
    found["spec"]["rules"][0]["backendRefs"][0]["port"] = 8080


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (all_to_nobody, "weights must be 0 or more and sum to 10000"),
        (another_port, "there is a backendRef to income-v1 that headgate did not write"),
    ],
)
def test_a_route_edited_so_that_none_can_write_to_it_does_not_stop_the_other_models(
    server, guard, clock, caplog, change, seen
) -> None:
    canary_of_other = second_rollout(server)
    edit(server, change)
    before = server.object(HTTP_ROUTE, "income")
    go_on(guard, clock, TIMEOUT + 4)
    assert guard.ready()
    assert canary_of_other() == 0
    assert server.object(HTTP_ROUTE, "income") == before
    assert [path for method, path in server.requests if method == "PUT"] == [
        HTTP_ROUTE.path(namespace="serving", name="other")
    ]
    assert len(troubles(caplog)) == 1
    assert f"HTTPRoute serving/income: {seen}" in troubles(caplog)[0]


@pytest.mark.usefixtures("started")
def test_a_route_that_a_tool_says_to_manage_is_guarded(server, guard, clock) -> None:
    edit(server, lambda found: found["metadata"]["labels"].update({MANAGED_BY: "Helm"}))
    go_on(guard, clock, TIMEOUT + 1)
    assert weights(server) == TAKEN_OUT


@pytest.mark.usefixtures("started")
def test_a_rollout_that_it_loses_sight_of_is_told_once(server, guard, clock, caplog) -> None:
    guard.step()
    edit(server, lambda found: found["metadata"]["labels"].clear())
    go_on(guard, clock, TIMEOUT)
    assert [record.message for record in caplog.records] == [
        "HTTPRoute serving/income: gone, or its labels are; rollout abc is not watched"
    ]


def test_a_route_that_is_deleted_is_forgotten(server, guard, clock, api, started, router) -> None:
    go_on(guard, clock, TIMEOUT - 1)
    api.delete(HTTP_ROUTE, "income")
    guard.step()
    router.write(replace(route_for(rollout(), onto=started), revision=""))
    go_on(guard, clock, TIMEOUT - 1)
    assert weights(server) == AT_FIRST
