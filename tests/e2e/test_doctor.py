"""`headgate doctor` and `headgate uninstall` on a real cluster, which they find and leave whole."""

import json
import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from tests.e2e.support import until

from headgate.adapters.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    GATEWAY_CLASS,
    HTTP_ROUTE,
    LEASE,
    SERVICE,
    KubernetesApi,
)
from headgate.adapters.kubernetes.heartbeat import LeaseHeartbeat
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.adapters.kubernetes.uninstall import SERVERS
from headgate.ports import Backend, Route

PATIENCE = 120  # seconds, for a machine that does much else


@dataclass(frozen=True)
class Diagnosis:
    """What doctor said."""

    code: int
    findings: list[dict[str, str]]

    @property
    def problems(self) -> dict[str, dict[str, str]]:
        return {f["name"]: f for f in self.findings if f["state"] == "PROBLEM"}


def headgate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


@pytest.fixture
def doctor(context, namespace) -> Callable[..., Diagnosis]:
    def look(*arguments: str, **environment: str) -> Diagnosis:
        where = ("--context", context, "--namespace", namespace)
        done = headgate("doctor", *where, "--json", *arguments, **environment)
        assert "Traceback" not in done.stderr
        return Diagnosis(done.returncode, json.loads(done.stdout)["findings"])

    return look


def test_a_healthy_cluster_has_no_problem(doctor):
    found = doctor()
    assert found.problems == {}
    assert found.code == 0
    unseen = [f for f in found.findings if f["state"] == "UNKNOWN"]
    assert [f for f in unseen if f["group"] != "this machine"] == []


@pytest.fixture
def no_mlflow(api, namespace, kubectl) -> Iterator[None]:
    """MLflow is scaled to nothing, and back again afterwards."""
    where = ("-n", namespace, "deployment/mlflow")
    kubectl("scale", *where, "--replicas=0")
    try:
        until(lambda: not ready_pods(api, namespace, "mlflow"), what="the end of MLflow")
        yield
    finally:
        kubectl("scale", *where, "--replicas=1")
        kubectl("rollout", "status", *where, f"--timeout={PATIENCE - 10}s")


@pytest.mark.usefixtures("no_mlflow")
def test_mlflow_that_is_gone_is_named_with_the_command_that_brings_it_back(doctor):
    found = doctor()
    assert found.code == 4
    assert list(found.problems) == ["MLflow"]
    typed = shlex.split(found.problems["MLflow"]["remedy"])
    assert typed[0] == "kubectl"
    assert typed[-4:] == ["scale", "deployment", "mlflow", "--replicas=1"]


@pytest.fixture
def broken_settings(api, namespace, kubectl) -> Iterator[None]:
    """The settings have a key that nobody knows, until the test is over."""
    before = api.get(CONFIG_MAP, "headgate", namespace=namespace)["data"]["settings.yaml"]

    def set_to(text: str) -> None:
        patch = json.dumps({"data": {"settings.yaml": text}})
        kubectl("patch", "configmap", "headgate", "-n", namespace, "--type=merge", "-p", patch)

    set_to(f"{before}\nreplikas: {{min: 1}}\n")
    try:
        yield
    finally:
        set_to(before)


@pytest.mark.usefixtures("broken_settings")
def test_settings_that_are_broken_are_named_with_key_and_command(doctor, namespace):
    found = doctor()
    assert found.code == 4
    assert list(found.problems) == ["settings"]
    assert "replikas" in found.problems["settings"]["seen"]
    assert f"-n {namespace} edit configmap headgate" in found.problems["settings"]["remedy"]
    # What depends on them is not guessed.
    unknown = {f["name"] for f in found.findings if f["state"] == "UNKNOWN"}
    assert {"gateway class", "gateway", "MLflow"} <= unknown


@pytest.fixture
def no_class(api, namespace, kubectl) -> Iterator[str]:
    """The class of the Gateway is gone; its name. It is made again afterwards."""
    gateway = read_settings(api, namespace).gateway
    found = api.get(GATEWAY, gateway.name, namespace=gateway.namespace)
    name = found["spec"]["gatewayClassName"]
    before = api.get(GATEWAY_CLASS, name)
    kept = ("labels", "annotations", "name")
    head = {key: before["metadata"][key] for key in kept if key in before["metadata"]}
    again = {"metadata": head, **{key: before[key] for key in ("apiVersion", "kind", "spec")}}
    api.delete(GATEWAY_CLASS, name)
    try:
        until(lambda: api.get(GATEWAY_CLASS, name) is None, what="the end of the class")
        yield name
    finally:
        kubectl("create", "-f", "-", text=json.dumps(again))
        until(lambda: is_accepted(api.get(GATEWAY_CLASS, name)), what="a controller for the class")


def test_a_gateway_class_that_is_gone_is_named(doctor, no_class):
    found = doctor()
    assert found.code == 4
    assert found.problems["gateway class"]["seen"].startswith(
        f"there is no GatewayClass {no_class}"
    )
    assert found.problems["gateway class"]["remedy"]


def test_an_account_without_permissions_is_told_all_that_is_missing(doctor, namespace):
    found = doctor("--service-account", "default")
    assert found.code == 4
    assert list(found.problems) == ["RBAC"]
    seen, remedy = found.problems["RBAC"]["seen"], found.problems["RBAC"]["remedy"]
    assert f"system:serviceaccount:{namespace}:default may not" in seen
    for resource in ("httproutes", "leases", "deployments", "gatewayclasses", "endpointslices"):
        assert resource in seen
    assert f"--role=headgate-deployer --serviceaccount={namespace}:default" in remedy


def test_the_account_of_our_manifests_may_do_all_that_is_needed(doctor):
    assert doctor("--service-account", "headgate-deployer").problems == {}


def test_an_account_that_sees_little_is_told_what_it_cannot_see(
    doctor, namespace, context, kubectl, tmp_path
):
    config = kubeconfig(kubectl, context, account="headgate-guard", namespace=namespace)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    found = doctor(KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert found.code == 4
    assert list(found.problems) == ["RBAC"]  # it is the guard, it may not deploy
    states = {f["name"]: f["state"] for f in found.findings}
    assert states["API server"] == "OK"
    assert states["namespace"] == states["settings"] == states["images"] == "UNKNOWN"
    assert "may not get configmaps" in next(
        f["seen"] for f in found.findings if f["name"] == "settings"
    )


def ready_pods(api: KubernetesApi, namespace: str, name: str) -> int:
    found = api.get(DEPLOYMENT, name, namespace=namespace) or {}
    return int(found.get("status", {}).get("readyReplicas", 0))


def is_accepted(found: dict[str, Any] | None) -> bool:
    conditions = ((found or {}).get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Accepted" and c["status"] == "True" for c in conditions)


def kubeconfig(kubectl: Any, context: str, *, account: str, namespace: str) -> dict[str, Any]:
    """The same cluster, with the token of a service account."""
    shown = kubectl("config", "view", "--minify", "--flatten", "--raw").stdout
    config: dict[str, Any] = yaml.safe_load(shown)
    token = kubectl("create", "token", account, "-n", namespace).stdout.strip()
    config["users"][0]["user"] = {"token": token}
    config["current-context"] = context
    return config


# Uninstalling, in a namespace of its own.


@pytest.fixture
def own(kubectl) -> Iterator[str]:
    name = f"headgate-uninstall-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


USERS_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: shop
  labels: {team: shop}
  annotations: {headgate.dev/adopt: "true", owner: somebody}
spec:
  parentRefs: [{name: web}]
  hostnames: [shop.example.com]
  rules:
    - name: headgate
      matches: [{path: {type: PathPrefix, value: /predict}}]
      backendRefs: [{name: shop, port: 8000}]
    - backendRefs: [{name: shop, port: 8000, weight: 3}, {name: old-shop, port: 8000}]
"""


def deployment(name: str, labels: dict[str, str]) -> dict[str, Any]:
    own = {"app": name}
    container = {"name": "main", "image": "example.com/none:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": own},
            "template": {"metadata": {"labels": own}, "spec": {"containers": [container]}},
        },
    }


def service(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
    }


@pytest.fixture
def installed(api, own, kubectl) -> dict[str, Any]:
    """A namespace with a route of ours, an adopted one, servers and a lease; the user's route."""
    kubectl("apply", "-n", own, "-f", "-", text=USERS_ROUTE)
    before = api.get(HTTP_ROUTE, "shop", namespace=own)
    for labels, name in ((SERVERS, "v1"), ({}, "shop")):
        for made in (deployment(name, dict(labels)), service(name, dict(labels))):
            made["metadata"]["namespace"] = own
            api.create(made)
    settings = Settings(routes={"kept": "shop"})
    for model in ("made", "kept"):
        router = HttpRouteRouter(api, namespace=own, model=model, settings=settings)
        router.ensure()
        theirs = router.read()  # nothing was written to a route that we made
        ours = Backend(deployment="v1", weight=10_000 if theirs is None else 0)
        backends = (*(theirs.backends if theirs else ()), ours)
        router.write(Route(revision=theirs.revision if theirs else "", backends=backends))
    LeaseHeartbeat(api, namespace=own, route="made").beat("id", epoch=1)
    return before


def test_uninstalling_gives_the_users_route_back_and_takes_ours_away(api, own, context, installed):
    where = ("--context", context, "--namespace", own)
    assert api.get(HTTP_ROUTE, "shop", namespace=own)["spec"] != installed["spec"]

    asked = headgate("uninstall", *where)
    assert asked.returncode == 2
    assert "add --yes" in asked.stderr
    assert api.get(HTTP_ROUTE, "made", namespace=own) is not None

    done = headgate("uninstall", *where, "--yes")
    assert done.returncode == 0, done.stderr
    after = api.get(HTTP_ROUTE, "shop", namespace=own)
    assert after["spec"] == installed["spec"]
    for part in ("labels", "annotations"):
        assert after["metadata"][part] == installed["metadata"][part]
    assert api.get(HTTP_ROUTE, "made", namespace=own) is None
    for kind in (DEPLOYMENT, SERVICE):
        names = {one["metadata"]["name"] for one in api.list(kind, namespace=own)}
        assert "v1" not in names
        assert "shop" in names
    assert api.get(LEASE, "headgate-made", namespace=own) is None

    again = headgate("uninstall", *where, "--yes")
    assert again.returncode == 0
    assert again.stdout.startswith("nothing of headgate's is left")
    assert api.get(HTTP_ROUTE, "shop", namespace=own)["metadata"] == after["metadata"]
