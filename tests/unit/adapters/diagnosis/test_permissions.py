"""Which permissions are asked about, and what is said of missing ones."""

import json
from pathlib import Path
from typing import Any

import yaml
from tests.unit.adapters.diagnosis.healthy import settings, site_of
from tests.unit.adapters.kubernetes.api_server import USER

from headgate.adapters.diagnosis.finding import State
from headgate.adapters.diagnosis.permissions import NAMED, NEEDED, look_at_permissions
from headgate.adapters.kubernetes.api import CONFIG_MAP

MANIFESTS = Path(__file__).parents[4] / "manifests" / "base" / "rbac"


def rules(file: str, kind: str) -> dict[tuple[str, str], tuple[set[str], tuple[str, ...]]]:
    """Verbs and names by group and resource, of a role in our manifests."""
    documents = yaml.safe_load_all((MANIFESTS / file).read_text())
    (role,) = [document for document in documents if document["kind"] == kind]
    return {
        (group, resource): (set(rule["verbs"]), tuple(rule.get("resourceNames", ())))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_exactly_what_our_roles_allow_is_asked_about():
    allowed = rules("deployer.yaml", "Role") | rules("gatewayclasses.yaml", "ClusterRole")
    asked = {
        (kind.group, kind.plural): (set(verbs), (NAMED[kind],) if kind in NAMED else ())
        for kind, verbs in NEEDED.items()
    }
    assert asked == allowed


def test_an_account_that_may_do_everything_has_no_problem(site):
    (found,) = look_at_permissions(site)
    assert found.state is State.OK
    assert found.seen.startswith(USER)


def test_all_missing_verbs_stand_on_one_line_with_the_binding_that_grants_them(server, site):
    server.denied = {("create", "httproutes.gateway.networking.k8s.io"), ("get", "pods")}
    server.denied |= {("update", "httproutes.gateway.networking.k8s.io")}
    (found,) = look_at_permissions(site)
    assert found.state is State.PROBLEM
    assert found.seen == (
        f"{USER} may not, in serving: create/update httproutes.gateway.networking.k8s.io; get pods"
    )
    assert "--role=headgate-deployer --serviceaccount=serving:tester" in found.remedy
    assert "clusterrole" not in found.remedy


def test_resources_that_lack_the_same_verbs_stand_together(server, site):
    server.denied = {("create", "services"), ("create", "jobs.batch")}
    assert look_at_permissions(site)[0].seen.endswith("in serving: create services, jobs.batch")


def test_the_one_right_outside_the_namespace_has_a_binding_of_its_own(server, site):
    server.denied = {("list", "gatewayclasses.gateway.networking.k8s.io")}
    (found,) = look_at_permissions(site)
    assert "--clusterrole=headgate-gatewayclasses" in found.remedy
    assert "--role=" not in found.remedy


def test_objects_that_the_role_names_are_asked_about_by_name(server, site):
    asked: list[dict[str, Any]] = []
    answer = server._review

    def remember(path: str, body: dict[str, Any]) -> dict[str, Any]:
        asked.append(body["spec"])
        return answer(path, body)

    server._review = remember
    look_at_permissions(site)
    named = [s["resourceAttributes"] for s in asked if s.get("resourceAttributes", {}).get("name")]
    assert {(a["resource"], a["name"]) for a in named} == {
        ("configmaps", "headgate"),
        ("podtemplates", "headgate-predictor"),
    }
    classes = [s for s in asked if "gatewayclasses" in json.dumps(s)]
    assert all("namespace" not in s["resourceAttributes"] for s in classes)
    gateways = [s["resourceAttributes"] for s in asked if '"gateways"' in json.dumps(s)]
    assert [one["namespace"] for one in gateways] == ["gateways"]  # the settings name it


def test_a_gateway_elsewhere_takes_a_role_in_its_own_namespace(server, site):
    server.denied = {("get", "gateways.gateway.networking.k8s.io")}
    (found,) = look_at_permissions(site)
    assert found.seen.endswith("may not, in gateways: get gateways.gateway.networking.k8s.io")
    assert "-n gateways create role headgate-gateway --verb=get" in found.remedy
    assert "-n gateways create rolebinding headgate-gateway --role=headgate-gateway" in found.remedy
    assert "headgate-deployer" not in found.remedy


def test_without_settings_the_gateway_is_looked_for_where_models_are_served(server, site):
    server.put(settings("no_such_key: 1"))
    server.denied = {("get", "gateways.gateway.networking.k8s.io")}
    assert "in serving: get gateways" in look_at_permissions(site)[0].seen


def test_settings_that_may_not_be_read_hide_no_other_permission(server, site):
    server.refuse("GET", CONFIG_MAP.path(namespace="serving", name="headgate"), 403)
    server.denied = {("get", "configmaps")}
    assert "in serving: get configmaps" in look_at_permissions(site)[0].seen


def test_another_account_is_asked_about_with_the_groups_that_it_is_in(server):
    asked: list[tuple[str, dict[str, Any]]] = []
    answer = server._review

    def remember(path: str, body: dict[str, Any]) -> dict[str, Any]:
        asked.append((path, body["spec"]))
        return answer(path, body)

    server._review = remember
    (found,) = look_at_permissions(site_of(server, account="kubeflow:pipeline-runner"))
    assert found.seen.startswith("system:serviceaccount:kubeflow:pipeline-runner may do")
    assert {path for path, _ in asked} == {"/apis/authorization.k8s.io/v1/subjectaccessreviews"}
    spec = asked[0][1]
    assert spec["user"] == "system:serviceaccount:kubeflow:pipeline-runner"
    assert "system:serviceaccounts:kubeflow" in spec["groups"]
