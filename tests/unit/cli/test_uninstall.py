"""What `headgate uninstall` says, asks and does."""

import json
from typing import Any

import pytest
from tests.unit.adapters.diagnosis.test_routes import beat, rollout, route
from tests.unit.adapters.kubernetes.api_server import ApiServer
from tests.unit.cli.cluster_cli import CONTEXT, kubeconfig, run

from headgate.adapters.kubernetes.api import HTTP_ROUTE, SERVICE

SERVER_LABELS = {
    "app.kubernetes.io/name": "headgate-predictor",
    "app.kubernetes.io/managed-by": "headgate",
}
BEFORE = {"rules": [{"backendRefs": [{"name": "shop", "port": 80}]}]}


def adopted() -> dict[str, Any]:
    found = route({"income-v1": 10000}, name="shop")
    found["metadata"]["annotations"] = {
        "headgate.dev/adopt": "true",
        "headgate.dev/owned": '["income-v1"]',
        "headgate.dev/original-spec": json.dumps(BEFORE),
        "headgate.dev/original-labels": "{}",
    }
    return found


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with ApiServer() as running:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        running.put(route({"income-v1": 10000}))
        running.put(adopted())
        for kind, version in (("Deployment", "apps/v1"), ("Service", "v1")):
            metadata = {"name": "income-v1", "labels": SERVER_LABELS}
            running.put({"apiVersion": version, "kind": kind, "metadata": metadata})
        lease = beat(ago=100)
        lease["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "headgate"}
        running.put(lease)
        yield running


def uninstall(*arguments: str):
    return run("uninstall", "--context", CONTEXT, "--namespace", "serving", *arguments)


def writes(server: ApiServer) -> list[tuple[str, str]]:
    return [(method, path) for method, path in server.requests if method != "GET"]


def test_it_lists_what_it_will_do_then_does_it(server):
    done = uninstall("--yes")
    assert done.exit_code == 0, done.output
    intended, _, finished = done.stdout.partition("What came with")
    assert "delete HTTPRoute serving/income, which answers for every host name" in intended
    assert "put HTTPRoute serving/shop back as it was before headgate adopted it" in intended
    assert "delete Deployment serving/income-v1" in intended
    assert "delete Lease serving/headgate-income" in intended
    assert "HTTPRoute serving/income: deleted" in finished
    assert "Deployment serving/income-v1: deleted" in finished
    assert server.object(HTTP_ROUTE, "income") is None
    assert server.object(HTTP_ROUTE, "shop")["spec"] == BEFORE


def test_a_second_time_there_is_nothing_to_do_and_nobody_is_asked(server):
    uninstall("--yes")
    before = writes(server)
    done = uninstall()
    assert done.exit_code == 0
    assert done.stdout.startswith("nothing of headgate's is left in namespace serving")
    assert writes(server) == before


def test_where_nobody_can_be_asked_it_does_nothing(server):
    done = uninstall()
    assert done.exit_code == 2
    assert "add --yes" in done.stderr
    assert writes(server) == []


def test_a_rollout_under_way_is_not_cut_off_unless_forced(server):
    server.put(route({"income-v1": 9900, "income-v2": 100}, state=rollout()))
    done = uninstall("--yes")
    assert done.exit_code == 4
    assert "income-v2 is PROGRESSING; let it end, roll it back, or add --force" in done.stderr
    assert writes(server) == []
    done = uninstall("--yes", "--force")
    assert done.exit_code == 0
    assert server.object(HTTP_ROUTE, "income") is None


def test_a_rollout_that_nobody_here_can_read_is_not_cut_off_unless_forced(server):
    server.put(route({"income-v1": 9900, "income-v2": 100}, state={"format": 2}))
    done = uninstall("--yes")
    assert done.exit_code == 4
    assert "its recorded rollout is not one of this version of headgate" in done.stderr
    assert done.stderr.rstrip().endswith("let it end, roll it back, or add --force")
    assert writes(server) == []
    assert uninstall("--yes", "--force").exit_code == 0


def test_a_server_that_the_users_route_refers_to_is_announced_to_stay(server):
    before = {"rules": [{"backendRefs": [{"name": "income-v1", "port": 80}]}]}
    found = adopted()
    found["metadata"]["annotations"]["headgate.dev/original-spec"] = json.dumps(before)
    server.put(found)
    done = uninstall("--yes")
    intended, _, finished = done.stdout.partition("What came with")
    for kind in ("Deployment", "Service"):
        what = f"{kind} serving/income-v1"
        assert f"keep {what}, which HTTPRoute serving/shop refers to" in intended
        assert f"{what}: kept, HTTPRoute serving/shop refers to it" in finished
    assert server.object(SERVICE, "income-v1") is not None


def test_changes_of_others_to_an_adopted_route_are_announced_as_lost(server):
    edited = adopted()
    edited["spec"] = {**edited["spec"], "hostnames": ["new.example.com"]}
    server.put(edited)
    assert "what others changed in it since is lost" in uninstall("--yes").stdout


@pytest.mark.usefixtures("server")
def test_without_a_cluster_it_is_a_configuration_error(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    done = uninstall("--yes")
    assert done.exit_code == 2
    assert done.stderr.startswith("headgate: ConfigError: ")
