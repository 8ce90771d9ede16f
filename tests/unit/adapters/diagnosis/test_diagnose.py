"""All checks together: what one failure means for the others."""

import socket
import threading
from collections.abc import Callable

import pytest
from tests.unit.adapters.diagnosis.healthy import NAMESPACE as SERVING
from tests.unit.adapters.diagnosis.healthy import namespace, site_at, site_of

from headgate.adapters.diagnosis import Finding, Group, Site, State, diagnose
from headgate.adapters.diagnosis.patience import within
from headgate.adapters.diagnosis.place import look_at_namespace, look_at_server
from headgate.adapters.kubernetes.api import NAMESPACE
from headgate.errors import BackendError, ConfigError


@pytest.fixture(autouse=True)
def no_tools(monkeypatch, tmp_path) -> None:
    """A machine without Docker and kind: commands of the real one are not asked."""
    monkeypatch.setenv("PATH", str(tmp_path))


def findings(find: Callable[[], Site]) -> dict[str, Finding]:
    return {f"{f.group.value}: {f.name}": f for f in diagnose(find, images=())}


def test_a_healthy_cluster_has_no_problem_and_needs_no_tools_here(site):
    found = findings(lambda: site)
    assert [name for name, f in found.items() if f.state is State.PROBLEM] == []
    assert found["this machine: docker"].state is State.NOTE
    assert list(dict.fromkeys(f.group for f in found.values())) == list(Group)
    assert "context kind-headgate" in found["cluster: API server"].seen


def test_looking_changes_nothing(server, site):
    findings(lambda: site)
    writes = {(m, path) for m, path in server.requests if m != "GET" and "reviews" not in path}
    assert writes == set()


def test_without_a_cluster_only_this_machine_is_checked():
    def find() -> Site:
        raise ConfigError("no kubeconfig")

    found = findings(find)
    assert found["this machine: docker"].state is State.PROBLEM
    assert found["cluster: API server"].state is State.PROBLEM
    assert found["cluster: API server"].remedy.startswith("make kind")
    rest = [f for f in found.values() if f.group is not Group.MACHINE and f.name != "API server"]
    assert {(f.state, f.seen) for f in rest} == {(State.UNKNOWN, "not checked: no cluster")}


def test_a_server_that_is_away_is_named(server):
    server.hang_up()
    found = findings(lambda: site_of(server))["cluster: API server"]
    assert found.state is State.PROBLEM
    assert found.seen.startswith(f"context kind-headgate: the API server {server.url} does not")


def test_a_server_that_never_answers_is_given_up_and_named(monkeypatch):
    monkeypatch.setattr("headgate.adapters.diagnosis.checkup.FIRST_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = findings(lambda: site_at(url))["cluster: API server"]
    assert found.seen == f"context kind-headgate, {url}: no answer within 0.1 s"


def test_a_server_that_does_not_let_us_in_is_a_problem(server):
    server.refuse("GET", "/version", 401)
    found = findings(lambda: site_of(server))["cluster: API server"]
    assert "does not accept our credentials" in found.seen


def test_without_the_namespace_the_cluster_is_still_checked(server, site):
    del server.objects[NAMESPACE.path(name=SERVING)]
    found = findings(lambda: site)
    assert found["cluster: namespace"].state is State.PROBLEM
    assert found["Gateway API: definitions"].state is State.OK
    assert found["permissions: RBAC"].state is State.OK
    assert found["installation: guard"].seen == "not checked: no namespace serving"


def test_what_an_account_may_not_see_is_unknown_and_the_rest_is_checked(server, site):
    server.refuse("GET", "/nodes", 403)
    server.refuse("GET", "/api/v1/namespaces/serving", 403)
    found = findings(lambda: site)
    assert found["cluster: namespace"].state is State.UNKNOWN
    images = found["installation: images"]
    assert images.state is State.UNKNOWN
    assert images.seen.startswith("not seen: this account may not list nodes in the cluster")
    assert found["model registry: MLflow"].state is State.OK


def test_a_cluster_that_goes_away_meanwhile_ends_the_look(server, site):
    server.hang_up("GET", "/podtemplates/")
    found = findings(lambda: site)
    template = found["installation: predictor template"]
    assert template.state is State.UNKNOWN
    assert template.seen.startswith("not checked: the cluster stopped answering")
    assert found["Gateway API: gateway"].state is State.OK
    assert found["routes: routes"].seen == "not checked: the cluster stopped answering"


def test_an_object_of_a_shape_that_nobody_foresaw_is_no_traceback(server, site):
    broken = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "status": {"images": 3},
    }
    server.put(broken)
    found = findings(lambda: site)["installation: images"]
    assert found.state is State.UNKNOWN
    assert "this check itself failed (TypeError" in found.seen


def test_patience_ends():
    never = threading.Event()
    with pytest.raises(BackendError, match=r"no answer within 0\.05 s") as caught:
        within(0.05, never.wait)
    never.set()
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("version", "state"), [("v1.34.3", State.OK), ("v1.3.4", State.NOTE), ("v1.35.0", State.NOTE)]
)
def test_only_tested_versions_of_kubernetes_are_called_tested(server, site, version, state):
    server.pages["/version"] = f'{{"gitVersion": "{version}"}}'
    assert look_at_server(site)[1].state is state


@pytest.mark.parametrize(
    ("level", "state"),
    [
        ("restricted", State.OK),
        ("baseline", State.OK),
        ("privileged", State.NOTE),
        ("", State.NOTE),
    ],
)
def test_a_namespace_that_enforces_nothing_is_worth_a_note(server, site, level, state):
    server.put(namespace(**{"pod-security.kubernetes.io/enforce": level}))
    found = look_at_namespace(site)[1]
    assert found.state is state
    assert bool(found.remedy) is (state is State.NOTE)


def test_a_namespace_that_goes_away_is_a_problem(server, site):
    going = namespace()
    going["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    server.put(going)
    assert look_at_namespace(site)[0].seen == "serving is being deleted"


def test_remedies_name_the_cluster_that_they_are_for(server):
    assert site_of(server).install == "make kind"
    assert site_of(server, context="kind-lab").install == "make kind KIND_CLUSTER=lab"
    elsewhere = site_of(server, context="prod")
    assert elsewhere.install.startswith("kubectl --context prod apply -k")
    assert site_of(server, context="").kubectl == "kubectl"


def test_a_missing_namespace_says_how_to_make_it(server):
    del server.objects[NAMESPACE.path(name=SERVING)]
    found = look_at_namespace(site_of(server, context="prod"))[0]
    assert found.remedy.startswith("kubectl --context prod create namespace serving")
    assert look_at_namespace(site_of(server, namespace="headgate"))[0].remedy == "make kind"
