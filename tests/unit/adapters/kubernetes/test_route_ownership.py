import copy
import json

import pytest
from tests.unit.adapters.kubernetes.routes import http_route, ref, route

from headgate.adapters.kubernetes.http_route import OWNED, STATE, route_of, with_route
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import (
    ADOPT,
    adopted,
    is_created,
    is_edited,
    is_ours,
    new_route,
    original,
)
from headgate.adapters.kubernetes.settings import GatewaySettings, Settings
from headgate.errors import BackendError, ConfigError

THEIRS = {"app": "shop", MANAGED_BY: "Helm"}


def offered(*refs, **more):
    """A route whose owner lets us adopt it."""
    return http_route(*refs, notes={ADOPT: "true", "note": "x"}, labels=dict(THEIRS), **more)


def test_a_new_route_matches_everything_and_leads_nowhere() -> None:
    found = new_route("income", namespace="serving", model="income", settings=Settings())
    assert found["spec"] == {
        "parentRefs": [
            {
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "namespace": "headgate",
                "name": "headgate",
                "sectionName": "http",
            }
        ],
        "hostnames": ["income.localhost"],
        "rules": [{}],
    }
    assert is_created(found)
    assert is_ours(found, model="income")
    assert route_of(with_route(found, route({"income-v1": 10_000}))).weight("income-v1") == 10_000


def test_without_domain_and_section_a_route_is_for_every_host_and_listener() -> None:
    settings = Settings(gateway=GatewaySettings(section=""), domain="")
    spec = new_route("income", namespace="serving", model="income", settings=settings)["spec"]
    assert "hostnames" not in spec
    assert "sectionName" not in spec["parentRefs"][0]


def test_a_route_of_another_model_is_refused() -> None:
    with pytest.raises(BackendError, match="HTTPRoute serving/income serves model income, not x"):
        is_ours(http_route(), model="x")


@pytest.mark.parametrize(
    ("labels", "keeper"), [({}, "somebody else; add"), (THEIRS, r"somebody else \(Helm\); add")]
)
def test_a_route_of_somebody_else_is_refused_with_the_way_to_offer_it(labels, keeper) -> None:
    message = f'belongs to {keeper} the annotation headgate.dev/adopt: "true" to let headgate set'
    with pytest.raises(BackendError, match=message):
        is_ours(http_route(notes={}, labels=labels), model="income")


def test_an_offered_route_is_not_ours_yet() -> None:
    assert not is_ours(offered(), model="income")


def test_adoption_changes_no_spec_and_can_be_undone_after_writes() -> None:
    manifest = offered(ref("income-v1", 1), ref("page", 0))
    before = copy.deepcopy(manifest)
    ours = adopted(manifest, model="income", owned=["income-v1"])
    assert manifest == before
    assert ours["spec"] == manifest["spec"]
    assert is_ours(ours, model="income")
    assert not is_created(ours)
    assert ours["metadata"]["labels"] == {"app": "shop", MANAGED_BY: "headgate", MODEL: "income"}
    wanted = route({"income-v1": 9000, "income-v2": 1000, "service/page": 0}, state={"epoch": 1})
    written = with_route(ours, wanted)
    assert not is_edited(written)
    assert original(written) == before


def test_what_others_changed_in_the_meantime_is_noticed() -> None:
    ours = adopted(offered(ref("a", 1)), model="income", owned=[])
    ours["spec"]["hostnames"] = ["new.example.org"]
    assert is_edited(ours)
    doubled = adopted(offered(ref("a", 1)), model="income", owned=["a"])
    doubled["spec"]["rules"] *= 2
    assert is_edited(doubled)
    damaged = adopted(offered(ref("a", 1)), model="income", owned=["a"])
    damaged["spec"]["rules"] *= 2
    damaged["metadata"]["annotations"][OWNED] = "x"
    assert is_edited(damaged)


def test_adopting_again_keeps_the_record_of_what_it_was_and_what_is_ours() -> None:
    before = offered(ref("page", 1))
    ours = adopted(before, model="income", owned=[])
    written = with_route(ours, route({"service/page": 10_000, "income-v1": 0}))
    written["metadata"]["labels"] = dict(THEIRS)  # a tool synced
    assert not is_ours(written, model="income")
    again = adopted(written, model="income", owned=["income-v2"])
    assert is_ours(again, model="income")
    assert json.loads(again["metadata"]["annotations"][OWNED]) == ["income-v1", "income-v2"]
    assert original(again) == before


def test_a_first_adoption_does_not_believe_a_list_of_refs_that_is_there() -> None:
    manifest = offered(ref("page", 1))
    manifest["metadata"]["annotations"][OWNED] = '["page"]'
    ours = adopted(manifest, model="income", owned=[])
    assert route_of(ours).weight("service/page") == 10_000


def test_a_route_with_several_rules_needs_one_of_our_name() -> None:
    rules = [{"backendRefs": [ref("a", 1)]}, {"backendRefs": [ref("b", 1)]}]
    with pytest.raises(ConfigError, match=r"several rules or none; name the one .* 'headgate'"):
        adopted(offered(rules=rules), model="income", owned=[])
    rules[1]["name"] = "headgate"
    assert adopted(offered(rules=rules), model="income", owned=["b"])["spec"]["rules"] == rules


@pytest.mark.parametrize("text", [None, "{"])
def test_a_route_whose_original_is_lost_is_left_to_people(text) -> None:
    ours = adopted(offered(ref("a", 1)), model="income", owned=[])
    notes = {} if text is None else {"headgate.dev/original-spec": text}
    ours["metadata"]["annotations"] = notes
    with pytest.raises(BackendError, match="original-spec is gone or damaged; put the route back"):
        original(ours)


def test_what_is_kept_of_an_adoption_is_only_what_its_owner_wrote() -> None:
    ours = adopted(offered(ref("a", 1)), model="income", owned=[])
    ours["metadata"]["annotations"][STATE] = "{}"
    assert original(ours)["metadata"]["annotations"] == {ADOPT: "true", "note": "x"}
    assert json.loads(ours["metadata"]["annotations"]["headgate.dev/original-labels"]) == {
        MANAGED_BY: "Helm",
        MODEL: None,
    }
