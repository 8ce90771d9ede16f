"""What is seen of the Gateway API: definitions, class, Gateway, listener."""

import pytest
from tests.unit.adapters.diagnosis.healthy import (
    NAMESPACE,
    condition,
    gateway,
    gateway_class,
    namespace,
    serve_gateway_api,
)

from headgate.adapters.diagnosis.finding import State
from headgate.adapters.diagnosis.gateway_api import (
    look_at_class,
    look_at_definitions,
    look_at_gateway,
)
from headgate.adapters.kubernetes.api import GATEWAY, GATEWAY_CLASS


def test_a_healthy_gateway_has_no_problem(site):
    found = [*look_at_definitions(site), *look_at_class(site), *look_at_gateway(site)]
    assert [(f.name, f.state) for f in found] == [
        ("definitions", State.OK),
        ("gateway class", State.OK),
        ("gateway features", State.NOTE),
        ("gateway", State.OK),
        ("listener", State.OK),
    ]
    assert found[0].seen == "v1.5.0, v1 served"
    assert "192.0.2.7" in found[3].seen


def test_missing_definitions_are_named_with_the_command_that_installs_them(server, site):
    serve_gateway_api(server, plurals=("gatewayclasses", "gateways"))
    (found,) = look_at_definitions(site)
    assert found.state is State.PROBLEM
    assert "httproutes, referencegrants" in found.seen
    assert found.remedy.startswith("kubectl --context kind-headgate apply --server-side -f https:")


def test_a_cluster_without_the_gateway_api_lacks_all_of_it(server, site):
    del server.pages["/apis/gateway.networking.k8s.io"]
    (found,) = look_at_definitions(site)
    assert found.state is State.PROBLEM
    assert "gatewayclasses, gateways, httproutes, referencegrants" in found.seen


@pytest.mark.parametrize(
    ("bundle", "controller", "state"),
    [
        ("v1.3.0", "example.com/other", State.PROBLEM),
        ("v1.4.1", "example.com/other", State.OK),
        ("v1.4.1", "traefik.io/gateway-controller", State.PROBLEM),
        ("v1.10.0", "traefik.io/gateway-controller", State.OK),
        ("", "example.com/other", State.PROBLEM),
    ],
)
def test_traefik_needs_newer_definitions_than_others(server, site, bundle, controller, state):
    serve_gateway_api(server, bundle=bundle)
    server.put({**gateway_class(), "spec": {"controllerName": controller}})
    assert look_at_definitions(site)[0].state is state


def test_traefik_needs_definitions_that_others_do_not(server, site):
    four = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
    serve_gateway_api(server, plurals=four)
    assert "tlsroutes, backendtlspolicies" in look_at_definitions(site)[0].seen
    server.put({**gateway_class(), "spec": {"controllerName": "example.com/other"}})
    assert look_at_definitions(site)[0].state is State.OK


def test_an_account_that_may_not_read_definitions_still_sees_that_they_are_served(server, site):
    server.refuse("GET", "customresourcedefinitions", 403)
    (found,) = look_at_definitions(site)
    assert found.state is State.UNKNOWN
    assert "installed, v1 served" in found.seen


def test_a_class_that_is_gone_is_named_with_those_that_are_there(server, site):
    server.put({**gateway_class(), "metadata": {"name": "envoy"}})
    del server.objects[GATEWAY_CLASS.path(name="traefik")]
    (found,) = look_at_class(site)
    assert found.state is State.PROBLEM
    assert found.seen == "there is no GatewayClass traefik; there are: envoy"
    assert found.remedy.startswith("make kind")


def test_a_class_that_nobody_took_is_a_problem(server, site):
    server.put(gateway_class(conditions=[]))
    (found,) = look_at_class(site)
    assert found.state is State.PROBLEM
    assert "no controller has looked at it" in found.seen


@pytest.mark.parametrize(
    "feature", ["HTTPRouteRequestTimeout", {"name": "HTTPRouteRequestTimeout"}]
)
def test_features_are_read_as_names_and_as_objects(server, site, feature):
    server.put(gateway_class(supportedFeatures=[feature]))
    seen = look_at_class(site)[1].seen
    assert "request mirroring no, request timeouts yes, session persistence no" in seen


def test_a_controller_that_lists_no_features_is_said_to(server, site):
    server.put(gateway_class())
    assert look_at_class(site)[1].seen == "the controller does not say what it supports"


def test_a_gateway_that_is_not_there_is_a_problem_and_its_class_unknown(server, site):
    del server.objects[GATEWAY.path(namespace="gateways", name="web")]
    assert look_at_class(site)[0].state is State.UNKNOWN
    (found,) = look_at_gateway(site)
    assert found.state is State.PROBLEM
    assert found.seen == "there is no Gateway gateways/web"
    assert "edit configmap headgate" in found.remedy


def test_a_gateway_that_is_not_programmed_says_why(server, site):
    conditions = [condition("Programmed", holds=False, reason="Invalid", message="port  taken")]
    server.put(gateway(conditions=conditions))
    found = look_at_gateway(site)[0]
    assert found.state is State.PROBLEM
    assert found.seen == "gateways/web is not programmed: Invalid: port taken"
    assert found.remedy == "kubectl --context kind-headgate -n gateways describe gateway web"


@pytest.mark.parametrize(
    ("listener", "seen"),
    [
        ({"name": "other"}, "no listener 'http'; it has: other"),
        ({"protocol": "TCP"}, "speaks TCP, not HTTP"),
        ({"hostname": "*.example.org"}, "serves *.example.org, not *.example.com"),
        ({"hostname": "example.com"}, "serves example.com, not *.example.com"),
        ({"allowedRoutes": {}}, f"does not take routes of {NAMESPACE}"),
        ({"allowedRoutes": {"namespaces": {"from": "None"}}}, "does not take routes"),
        ({"allowedRoutes": {"kinds": [{"kind": "TLSRoute"}]}}, "does not take routes"),
        ({"allowedRoutes": {"namespaces": {"from": "Selector"}}}, ""),
        ({"hostname": "*.example.com"}, ""),
        ({"hostname": "*.com"}, ""),
        ({"hostname": "income.example.com"}, ""),
    ],
)
def test_a_listener_must_take_the_routes_of_the_namespace(server, site, listener, seen):
    server.put(gateway(listener=listener))
    found = look_at_gateway(site)[1]
    assert found.state is (State.PROBLEM if seen else State.OK)
    assert seen in found.seen


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ({"matchLabels": {"team": "ml"}}, True),
        ({"matchLabels": {"team": "web"}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["ml"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["ml"]}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_listener_may_choose_namespaces_by_label(server, site, selector, taken):
    server.put(namespace(team="ml"))
    allowed = {"namespaces": {"from": "Selector", "selector": selector}}
    server.put(gateway(listener={"allowedRoutes": allowed}))
    assert look_at_gateway(site)[1].state is (State.OK if taken else State.PROBLEM)


def test_a_listener_that_its_controller_refused_says_why(server, site):
    entry = condition("Programmed", holds=False, reason="PortUnavailable", message="8000")
    server.put(gateway(listeners=[{"name": "http", "conditions": [entry]}]))
    assert look_at_gateway(site)[1].seen == "listener http is not programmed: PortUnavailable: 8000"


def test_without_settings_nobody_knows_which_gateway(server, site):
    server.objects.pop(f"/api/v1/namespaces/{NAMESPACE}/configmaps/headgate")
    found = [*look_at_class(site), *look_at_gateway(site)]
    assert {f.state for f in found} == {State.UNKNOWN}
