import json

import pytest
from tests.unit.adapters.kubernetes.api_server import USER

from headgate.adapters.kubernetes import connection
from headgate.adapters.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    GATEWAY_CLASS,
    HTTP_ROUTE,
    POD,
    SERVICE,
    KubernetesApi,
    kind_of,
)
from headgate.adapters.kubernetes.kinds import Kind
from headgate.adapters.kubernetes.refusals import Answer, Ask, refusal
from headgate.errors import BackendError, ConfigError, NoDataError
from headgate.ports import ConflictError


def service(name="a", **metadata):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, **metadata},
        "spec": {"ports": [{"port": 80}]},
    }


def pod(name="p", **status):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "serving"},
        "status": status,
    }


def test_an_object_is_created_read_replaced_and_deleted(server, api) -> None:
    made = api.create(service())
    assert api.get(SERVICE, "a") == made
    changed = api.replace({**made, "spec": {"ports": [{"port": 81}]}})
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    assert api.delete(SERVICE, "a")
    assert api.get(SERVICE, "a") is None
    assert not api.delete(SERVICE, "a")
    assert server.objects == {}


def test_objects_go_where_their_manifest_says_else_to_the_own_namespace(api) -> None:
    api.create(service())
    api.create(service(namespace="elsewhere"))
    assert api.get(SERVICE, "a")["metadata"]["namespace"] == "serving"
    assert api.get(SERVICE, "a", namespace="elsewhere") is not None
    assert [found["metadata"]["namespace"] for found in api.list(SERVICE, all_namespaces=True)] == [
        "elsewhere",
        "serving",
    ]


def test_a_second_creation_is_a_conflict(api) -> None:
    api.create(service())
    with pytest.raises(ConflictError, match=r"cannot create Service serving/a: .*already exists"):
        api.create(service())


def test_replacing_what_changed_or_is_gone_is_a_conflict(api) -> None:
    made = api.create(service())
    api.replace({**made, "spec": {}})
    with pytest.raises(ConflictError, match=r"cannot update Service serving/a: .*modified"):
        api.replace({**made, "spec": {"x": 1}})
    api.delete(SERVICE, "a")
    with pytest.raises(ConflictError, match="it is gone"):
        api.replace(made)


def test_deletion_can_be_held_to_a_uid(api) -> None:
    made = api.create(service())
    with pytest.raises(ConflictError, match="UID"):
        api.delete(SERVICE, "a", uid="another")
    assert api.delete(SERVICE, "a", uid=made["metadata"]["uid"])


def test_apply_creates_then_sets_the_named_fields(server, api) -> None:
    api.apply(service(labels={"a": "1"}))
    server.put({**server.object(SERVICE, "a"), "status": {"of": "somebody else"}})
    found = api.apply(service(labels={"a": "2"}))
    assert found["metadata"]["labels"] == {"a": "2"}
    assert found["status"] == {"of": "somebody else"}
    assert {method for method, _ in server.requests} == {"PATCH"}


def test_a_dry_run_stores_nothing(server, api) -> None:
    assert api.apply(service(), dry_run=True)["metadata"]["name"] == "a"
    assert server.objects == {}


def test_a_list_comes_whole_with_kinds_and_by_label(server, api) -> None:
    for number in range(501):  # one more than a page
        server.put(service(f"s-{number}", labels={"odd": str(number % 2)}))
    found = api.list(SERVICE)
    assert len(found) == 501
    assert kind_of(found[-1]) == SERVICE
    assert len(api.list(SERVICE, labels={"odd": "1"})) == 250
    assert api.list(SERVICE, namespace="empty") == []


def test_a_kind_that_is_not_installed_is_named_with_the_remedy(server, api) -> None:
    server.unknown = {"httproutes"}
    message = (
        r"does not know httproutes.gateway.networking.k8s.io \(gateway.networking.k8s.io/v1\); "
        "install the Gateway API"
    )
    with pytest.raises(BackendError, match=message):
        api.get(HTTP_ROUTE, "a")
    with pytest.raises(BackendError, match=message):
        api.list(HTTP_ROUTE)


def test_a_missing_namespace_is_named(server, api) -> None:
    server.missing.add("gone")
    with pytest.raises(BackendError, match="namespace gone does not exist; create it first"):
        api.create(service(namespace="gone"))


def test_a_missing_right_is_named_with_account_and_remedy(server, api) -> None:
    server.refuse("PUT", "/httproutes/", 403)
    route = {"apiVersion": HTTP_ROUTE.api_version, "kind": "HTTPRoute", "metadata": {"name": "a"}}
    with pytest.raises(BackendError) as caught:
        api.replace(route)
    assert str(caught.value) == (
        "this account may not update httproutes.gateway.networking.k8s.io in namespace serving "
        f"(account {USER}); apply the RBAC manifests (kubectl apply -k manifests/overlays/...) or "
        "ask an administrator"
    )
    assert not caught.value.retryable


def test_another_403_keeps_the_words_of_the_server(server, api) -> None:
    server.refuse("POST", "/services", 403, message="exceeded quota:\n services=3")
    with pytest.raises(
        BackendError, match="cannot create Service serving/a: exceeded quota: services"
    ):
        api.create(service())


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (422, False), (429, True), (500, True), (503, True)],
)
def test_only_what_may_pass_is_worth_another_try(server, api, status, retryable) -> None:
    server.refuse("GET", "/services", status, message="no")
    with pytest.raises(BackendError, match=str(status)) as caught:
        api.get(SERVICE, "a")
    assert caught.value.retryable is retryable


def test_a_read_survives_a_connection_that_was_closed(server, api) -> None:
    server.put(service())
    server.hang_up("GET", times=1)
    assert api.get(SERVICE, "a") is not None


def test_a_write_whose_answer_is_lost_is_not_repeated(server, api) -> None:
    made = api.create(service())
    for method, call in (
        ("PUT", lambda: api.replace({**made, "spec": {}})),
        ("PATCH", lambda: api.apply(service("b"))),
        ("POST", lambda: api.create(service("c"))),
        ("DELETE", lambda: api.delete(SERVICE, "a")),
    ):
        server.requests.clear()
        server.lose_answer(method, "/services")
        with pytest.raises(BackendError, match="does not answer") as caught:
            call()
        assert caught.value.retryable
        assert [found for found, _ in server.requests] == [method]
    assert [found["metadata"]["name"] for found in api.list(SERVICE)] == ["b", "c"]


def test_nobody_there_is_worth_another_try(server, api) -> None:
    server.hang_up()
    with pytest.raises(BackendError, match=r"the API server http://.* does not answer") as caught:
        api.get(SERVICE, "a")
    assert caught.value.retryable


@pytest.mark.parametrize("page", ["<html>", "[]"])
def test_something_else_at_the_address_is_told(server, api, page) -> None:
    server.pages["/api/v1/namespaces/serving/services/a"] = page
    with pytest.raises(BackendError, match="is this an API server"):
        api.get(SERVICE, "a")


def test_rights_are_asked_for_kinds_and_for_resources(server, api) -> None:
    server.denied = {("create", "pods"), ("get", "deployments.apps")}
    assert not api.allowed("create", "pods", subresource="exec")
    assert not api.allowed("get", DEPLOYMENT)
    assert api.allowed("list", "deployments.apps", namespace="elsewhere")
    assert api.allowed("list", GATEWAY_CLASS)


def test_the_account_is_named_or_nothing(server, api) -> None:
    assert api.who() == USER
    server.refuse("POST", "selfsubjectreviews", 403)
    assert api.who() == ""


def test_outside_a_pod_is_asked_by_way_of_the_api(server, api) -> None:
    server.pages["p:8080/metrics"] = "up 1"
    assert api.pod_get(pod(), port=8080, path="/metrics") == "up 1"
    with pytest.raises(NoDataError, match="pod p does not answer on port 8080: error trying"):
        api.pod_get(pod(), port=8080, path="/other")
    server.refuse("GET", "/proxy/", 403)
    with pytest.raises(BackendError, match="this account may not get pods"):
        api.pod_get(pod(), port=8080, path="/metrics")


def test_inside_a_pod_is_asked_directly_without_credentials(server) -> None:
    server.pages["/metrics"] = "up 1"
    with server.api(in_cluster=True) as api:
        found = pod(podIP="127.0.0.1")
        assert api.pod_get(found, port=server.port, path="/metrics") == "up 1"
        with pytest.raises(NoDataError, match=r"\(404\)"):
            api.pod_get(found, port=server.port, path="/other")
        with pytest.raises(NoDataError, match="pod p does not answer on port 1:"):
            api.pod_get(found, port=1, path="/metrics")
        with pytest.raises(NoDataError, match="pod p has no address yet"):
            api.pod_get(pod(), port=1, path="/metrics")


def test_a_kind_of_somebody_else_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"does not handle objects of kind Secret \(v1\)"):
        kind_of({"apiVersion": "v1", "kind": "Secret"})


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "path"),
    [
        (SERVICE, "n", "a", "/api/v1/namespaces/n/services/a"),
        (GATEWAY, "n", "", "/apis/gateway.networking.k8s.io/v1/namespaces/n/gateways"),
        (GATEWAY_CLASS, "n", "a", "/apis/gateway.networking.k8s.io/v1/gatewayclasses/a"),
        (POD, None, "", "/api/v1/pods"),
        (Kind("v1", "X", "xs"), "a/b", "c d", "/api/v1/namespaces/a%2Fb/xs/c%20d"),
    ],
)
def test_paths_are_those_of_the_api(kind, namespace, name, path) -> None:
    assert kind.path(namespace=namespace, name=name) == path


def kubeconfig(path, server, **context) -> str:
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                "users": [{"name": "u", "user": {"token": "secret"}}],
                "contexts": [
                    {"name": "here", "context": {"cluster": "c", "user": "u", **context}},
                    {"name": "bare", "context": {"cluster": "c", "user": "u"}},
                ],
            }
        )
    )
    return str(path)


def test_a_kubeconfig_names_server_and_namespace(server, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", server, namespace="mine"))
    with KubernetesApi.connect() as api:
        assert (api.server, api.namespace, api.in_cluster) == (server.url, "mine", False)
        assert api.who() == USER
        assert api.list(CONFIG_MAP, namespace="serving") == []
    found = json.loads((tmp_path / "config").read_text())
    del found["current-context"]
    (tmp_path / "config").write_text(json.dumps(found))
    with KubernetesApi.connect(context="bare") as api:
        assert (api.namespace, api.who()) == ("default", USER)


def test_an_unusable_kubeconfig_is_a_configuration_error(server, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(
        ConfigError, match=r"no cluster: the current context of .*none cannot .*there is none"
    ):
        KubernetesApi.connect()
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", server))
    with pytest.raises(ConfigError, match=r"context 'x' .*object with name x.*make kind"):
        KubernetesApi.connect(context="x")
    (tmp_path / "config").write_text("{")
    with pytest.raises(ConfigError, match="cannot be used"):
        KubernetesApi.connect()


@pytest.fixture
def credentials(tmp_path, monkeypatch):
    """What the kubelet puts into a pod."""
    monkeypatch.setattr(connection, "CREDENTIALS", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (tmp_path / "namespace").write_text("serving\n")
    (tmp_path / "token").write_text("first\n")
    return tmp_path


def test_a_pod_uses_its_own_credentials_and_reads_a_new_token(credentials, monkeypatch) -> None:
    found = connection.connect()
    assert (found.server, found.namespace) == ("https://10.96.0.1:6443", "serving")
    assert found.in_cluster
    assert found.authorization() == "Bearer first"
    (credentials / "token").write_text("second")
    assert found.authorization() == "Bearer first"
    monkeypatch.setattr(connection, "TOKEN_SECONDS", 0.0)
    assert found.authorization() == "Bearer second"
    (credentials / "token").unlink()
    with pytest.raises(BackendError, match="the pod's token cannot be read"):
        found.authorization()


@pytest.mark.usefixtures("credentials")
def test_a_pod_may_have_an_address_of_version_6_and_a_named_namespace(monkeypatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("POD_NAMESPACE", "mine")
    found = connection.connect()
    assert (found.server, found.namespace) == ("https://[fd00::1]:6443", "mine")


def test_a_pod_without_credentials_is_told_what_it_lacks(credentials) -> None:
    (credentials / "token").unlink()
    with pytest.raises(
        ConfigError, match=r"no credentials .*set automountServiceAccountToken: true"
    ):
        connection.connect()


@pytest.mark.usefixtures("credentials")
def test_a_pod_without_credentials_may_have_a_kubeconfig(server, tmp_path, monkeypatch) -> None:
    (tmp_path / "token").unlink()
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", server))
    assert connection.connect().server == server.url


def test_a_log_in_that_fails_later_is_worth_another_try() -> None:
    class LoggedOut:
        def get_api_key_with_prefix(self, _: str) -> str:
            raise RuntimeError("the plugin\nfailed")

    with pytest.raises(BackendError, match="log-in failed: the plugin failed") as caught:
        connection._authorization(LoggedOut())
    assert caught.value.retryable


def test_words_that_are_no_status_are_kept() -> None:
    answer = Answer(502, b"<html>\n bad gateway</html>")
    ask = Ask(verb="get", kind=SERVICE, namespace="n", name="a")
    assert str(refusal(answer, ask)) == "cannot get Service n/a: <html> bad gateway</html> (502)"
    gone = {"message": "x", "details": {"kind": "services", "name": "a"}}
    missing = refusal(Answer(404, json.dumps(gone).encode()), ask)
    assert str(missing) == "cannot get Service n/a: there is none"
