import json

import pytest
from tests.unit.adapters.kubernetes.routes import http_route, ref, rollout, route

from headgate.adapters.kubernetes.api import HTTP_ROUTE, SERVICE
from headgate.adapters.kubernetes.http_route import OWNED
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import ADOPT
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings
from headgate.errors import BackendError, ConfigError
from headgate.ports import ConflictError
from headgate.usecases.ownership import Claim, Keeper

ALL_TO_FIRST = {"income-v1": 10_000}
BOTH = {"income-v1": 9000, "income-v2": 1000}


@pytest.fixture
def router(api) -> HttpRouteRouter:
    return HttpRouteRouter(api, namespace="serving", model="income", settings=Settings())


def change(server, **parts) -> None:
    """Change the stored route as somebody else would."""
    found = server.object(HTTP_ROUTE, "income")
    for name, value in parts.items():
        found[name] = {**found.get(name, {}), **value}
    server.put(found)


def writes(server) -> list[str]:
    return [method for method, path in server.requests if method != "GET" and "httproutes" in path]


def test_a_route_is_created_read_and_replaced(server, router) -> None:
    assert router.read() is None
    first = router.write(route(ALL_TO_FIRST))
    second = router.write(route(BOTH, revision=first.revision, state={"epoch": 1, "pair": (1, 2)}))
    assert second.revision != first.revision
    assert (
        router.read()
        == second
        == route(BOTH, revision=second.revision, state={"epoch": 1, "pair": [1, 2]})
    )
    assert writes(server) == ["POST", "PUT"]


def test_a_route_that_only_holds_the_place_counts_as_none_and_is_filled(server, router) -> None:
    router.ensure()
    assert server.object(HTTP_ROUTE, "income")["spec"]["rules"] == [{}]
    assert router.read() is None
    assert router.write(route(ALL_TO_FIRST)).weight("income-v1") == 10_000
    assert writes(server) == ["POST", "PUT"]


def test_ensuring_twice_changes_nothing(server, router) -> None:
    router.ensure()
    router.write(route(ALL_TO_FIRST))
    router.ensure()
    assert writes(server) == ["POST", "PUT"]


def test_names_of_routes_come_from_the_settings_or_the_model(api) -> None:
    settings = Settings(routes={"Adult Income": "income"})
    for model, name in (("Adult Income", "income"), ("Other One", "other-one-")):
        found = HttpRouteRouter(api, namespace="serving", model=model, settings=settings).name
        assert found.startswith(name)


@pytest.mark.parametrize("revision", ["", "999"])
def test_a_stale_revision_is_a_conflict_that_may_be_retried(router, revision) -> None:
    router.write(route(ALL_TO_FIRST))
    with pytest.raises(ConflictError, match=f"revision '{revision}' was replaced by '1'") as caught:
        router.write(route(BOTH, revision=revision))
    assert caught.value.retryable


def test_a_route_that_is_gone_is_a_conflict(server, router, api) -> None:
    written = router.write(route(ALL_TO_FIRST))
    api.delete(HTTP_ROUTE, "income")
    with pytest.raises(ConflictError, match="was changed; read it again"):
        router.write(route(BOTH, revision=written.revision))
    with pytest.raises(ConflictError, match="was replaced by nothing"):
        router.write(route(BOTH, revision="999"))
    assert server.objects == {}


def test_somebody_who_creates_it_first_wins(server, router) -> None:
    server.before_write = lambda method, _: method == "POST" and server.put(http_route())
    with pytest.raises(ConflictError, match="already exists"):
        router.write(route(ALL_TO_FIRST))


def test_another_process_can_go_on_from_a_revision(api, router) -> None:
    written = router.write(route(ALL_TO_FIRST))
    other = HttpRouteRouter(api, namespace="serving", model="income", settings=Settings())
    assert other.write(route(BOTH, revision=written.revision)).weight("income-v2") == 1000


def test_a_revision_of_long_ago_is_a_conflict_and_not_kept_for_ever(server, router) -> None:
    first = last = router.write(route(ALL_TO_FIRST))
    for epoch in range(20):
        last = router.write(route(ALL_TO_FIRST, revision=last.revision, state={"epoch": epoch}))
    before = server.object(HTTP_ROUTE, "income")
    with pytest.raises(ConflictError, match="was replaced by"):
        router.write(route(BOTH, revision=first.revision))
    assert server.object(HTTP_ROUTE, "income") == before


def test_weights_that_are_not_allowed_are_never_sent(server, router) -> None:
    with pytest.raises(BackendError, match="weights must be 0 or more and sum to 10000"):
        router.write(route({"income-v1": 0}))
    assert writes(server) == []


# Others write, too.


def test_a_controller_that_reports_a_status_is_no_conflict(server, router) -> None:
    written = router.write(route(ALL_TO_FIRST))
    reports = iter([{"status": {"parents": [1]}}, {"status": {"parents": [2]}}])

    def report(method: str, _: str) -> None:
        if method == "PUT" and (found := next(reports, None)):
            change(server, **found)

    server.before_write = report
    changed = router.write(route(BOTH, revision=written.revision, state={"epoch": 1}))
    assert changed.weight("income-v2") == 1000
    assert server.object(HTTP_ROUTE, "income")["status"] == {"parents": [2]}
    assert writes(server) == ["POST", "PUT", "PUT", "PUT"]


def test_a_controller_that_never_rests_is_a_conflict_in_the_end(server, router) -> None:
    written = router.write(route(ALL_TO_FIRST))
    server.before_write = lambda *_: change(server, status={"n": len(server.requests)})
    with pytest.raises(ConflictError):
        router.write(route(BOTH, revision=written.revision))
    assert writes(server) == ["POST", "PUT", "PUT", "PUT", "PUT"]


@pytest.mark.parametrize(
    "edit",
    [
        {"spec": {"hostnames": ["x"]}},
        {"spec": {"rules": [{"backendRefs": [ref("income-v1", 1), ref("x", 1)]}]}},
    ],
)
def test_a_change_of_the_spec_is_a_conflict(server, router, edit) -> None:
    written = router.write(route(ALL_TO_FIRST))
    change(server, **edit)
    before = server.object(HTTP_ROUTE, "income")
    with pytest.raises(ConflictError, match="HTTPRoute serving/income was changed; read it again"):
        router.write(route(BOTH, revision=written.revision))
    assert server.object(HTTP_ROUTE, "income") == before


@pytest.mark.parametrize(
    ("part", "edit", "conflict"),
    [
        ("annotations", {"headgate.dev/state": "{}"}, True),
        ("annotations", {"theirs": "x"}, False),
        ("labels", {"theirs": "x"}, True),
    ],
)
def test_only_labels_and_annotations_that_matter_are_a_conflict(
    server, router, part, edit, conflict
) -> None:
    written = router.write(route(ALL_TO_FIRST))
    found = server.object(HTTP_ROUTE, "income")
    found["metadata"][part] |= edit
    server.put(found)
    if conflict:
        with pytest.raises(ConflictError):
            router.write(route(BOTH, revision=written.revision))
        return
    router.write(route(BOTH, revision=written.revision))
    assert server.object(HTTP_ROUTE, "income")["metadata"][part].items() >= edit.items()


def test_a_write_whose_answer_got_lost_is_found_again(server, router) -> None:
    keeper = Keeper(router=router, rollout_id="abc", route=router.write(route(ALL_TO_FIRST)))
    server.lose_answer("PUT", "httproutes")
    with pytest.raises(BackendError, match="does not answer"):
        keeper.write(rollout())
    assert writes(server) == ["POST", "PUT"]
    assert keeper.refresh() is Claim.OURS
    keeper.write(rollout(epoch=2))
    assert keeper.refresh() is Claim.OURS


# Whose it is.


def offered(*refs, **more):
    return http_route(*refs, notes={ADOPT: "true"}, labels={}, **more)


def service(name, **labels):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "serving", "labels": labels},
    }


def test_a_route_of_somebody_else_is_left_alone(server, router) -> None:
    server.put(http_route(ref("page", 1), notes={}, labels={}))
    for call in (router.ensure, router.read, lambda: router.write(route(ALL_TO_FIRST))):
        with pytest.raises(BackendError, match="belongs to somebody else; add the annotation"):
            call()
    assert writes(server) == []


def test_a_route_of_another_model_is_left_alone(server, router) -> None:
    server.put(http_route(labels={MANAGED_BY: "headgate", MODEL: "other"}))
    for call in (router.ensure, router.read):
        with pytest.raises(BackendError, match="serves model other, not income"):
            call()


def test_an_offered_route_is_adopted_once_and_only_by_ensuring(server, router) -> None:
    server.put(offered(ref("page", 1)))
    with pytest.raises(BackendError, match="is not adopted yet; deploy_model does that"):
        router.read()
    router.ensure()
    router.ensure()
    assert writes(server) == ["PUT"]
    assert router.read().weight("service/page") == 10_000


def test_a_ref_that_the_owner_pointed_at_our_service_is_taken_over(server, router) -> None:
    ours = {MANAGED_BY: "headgate", MODEL: "income"}
    for name, labels in (
        ("income-v1", ours),
        ("income-v2", ours),
        ("income-v3", {**ours, MODEL: "other"}),
        ("income-v4", ours),
        ("page", {}),
    ):
        server.put(service(name, **labels))
    server.put(
        offered(
            ref("income-v1", 1),
            ref("income-v2", 0, port=8080),  # another port: not as we write it
            ref("income-v3", 0),
            ref("income-v4", 0),
            ref("income-v4", 0),  # twice: which of them?
            ref("page", 0),
            ref("gone", 0),
        )
    )
    router.ensure()
    notes = server.object(HTTP_ROUTE, "income")["metadata"]["annotations"]
    assert json.loads(notes[OWNED]) == ["income-v1"]
    assert router.read().weight("income-v1") == 10_000
    assert ("GET", SERVICE.path(namespace="serving", name="gone")) in server.requests


def test_the_owner_sends_the_first_version_its_traffic_and_we_take_it_from_there(
    server, router
) -> None:
    server.put(offered(ref("page", 1)))
    router.ensure()
    server.put(service("income-v1", **{MANAGED_BY: "headgate", MODEL: "income"}))
    server.put(service("page"))
    assert router.read().weight("service/page") == 10_000
    # The owner's edit.
    change(server, spec={"rules": [{"backendRefs": [ref("page", 0), ref("income-v1", 1)]}]})
    found = router.read()
    assert found.weight("income-v1") == 10_000
    wanted = {"service/page": 0, **BOTH}
    written = router.write(route(wanted, revision=found.revision, state={"epoch": 1}))
    assert {backend.deployment: backend.weight for backend in written.backends} == wanted
    notes = server.object(HTTP_ROUTE, "income")["metadata"]["annotations"]
    assert json.loads(notes[OWNED]) == ["income-v1", "income-v2"]
    server.requests.clear()
    router.read()
    assert ("GET", SERVICE.path(namespace="serving", name="income-v1")) not in server.requests


def test_a_route_that_we_made_gets_no_refs_of_others(server, router) -> None:
    router.write(route(ALL_TO_FIRST))
    server.put(service("income-v2", **{MANAGED_BY: "headgate", MODEL: "income"}))
    change(server, spec={"rules": [{"backendRefs": [ref("income-v1", 1), ref("income-v2", 1)]}]})
    assert router.read().weight("service/income-v2") == 5000


def test_a_route_that_a_tool_took_back_is_adopted_again_without_forgetting_what_it_was(
    server, router
) -> None:
    server.put(offered(ref("page", 1)))
    router.ensure()
    before = server.object(HTTP_ROUTE, "income")["metadata"]["annotations"]
    found = server.object(HTTP_ROUTE, "income")
    found["metadata"]["labels"] = {MANAGED_BY: "Helm"}
    found["spec"]["rules"][0]["backendRefs"][0]["weight"] = 5
    server.put(found)
    router.ensure()
    assert server.object(HTTP_ROUTE, "income")["metadata"]["annotations"] == before


def test_a_route_that_the_settings_name_and_nobody_made_is_a_slip_of_the_pen(server, api) -> None:
    settings = Settings(routes={"Adult Income": "shop"})
    named = HttpRouteRouter(api, namespace="serving", model="Adult Income", settings=settings)
    assert named.read() is None
    message = (
        "settings.routes names HTTPRoute shop for model Adult Income, which does not exist in "
        "namespace serving; create it, or take the entry out"
    )
    for call in (named.ensure, lambda: named.write(route(ALL_TO_FIRST))):
        with pytest.raises(ConfigError, match=message):
            call()
    assert server.objects == {}


def test_an_offered_route_with_several_rules_is_not_guessed_at(server, router) -> None:
    rules = [{"backendRefs": [ref("a", 1)]}, {"backendRefs": [ref("b", 1)]}]
    server.put(offered(rules=rules))
    with pytest.raises(ConfigError, match="name the one whose weights headgate may set"):
        router.ensure()
    assert writes(server) == []


def test_two_that_make_it_at_once_both_find_it_made(server, router) -> None:
    def be_faster(method: str, _: str) -> None:
        if method == "POST":
            server.put(http_route(rules=[{}]))

    server.before_write = be_faster
    router.ensure()
    assert writes(server) == ["POST"]


def test_an_adoption_that_meets_another_write_is_tried_again(server, router) -> None:
    server.put(offered(ref("page", 1)))
    edits = iter([{"spec": {"hostnames": ["x"]}}])

    def edit(*_: str) -> None:
        if found := next(edits, None):
            change(server, **found)

    server.before_write = edit
    router.ensure()
    assert writes(server) == ["PUT", "PUT"]
    assert server.object(HTTP_ROUTE, "income")["spec"]["hostnames"] == ["x"]


def test_an_adoption_that_always_meets_another_write_is_given_up(server, router) -> None:
    server.put(offered(ref("page", 1)))
    server.before_write = lambda *_: change(server, status={"n": len(server.requests)})
    with pytest.raises(ConflictError):
        router.ensure()
    assert writes(server) == ["PUT", "PUT", "PUT"]
