"""An API server and pods that take a connection and say nothing, or do not even take it."""

import socket
from collections.abc import Iterator

import pytest
import urllib3

from headgate.adapters.kubernetes import api as api_module
from headgate.adapters.kubernetes import connection
from headgate.adapters.kubernetes.api import SERVICE, KubernetesApi
from headgate.errors import BackendError, NoDataError

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "serving"},
    "status": {"podIP": "127.0.0.1"},
}


@pytest.fixture
def silent() -> Iterator[int]:
    """Port of a server whose connections open and that never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """Port of a server that takes no more connections, as if it were gone without a word."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        yield listener.getsockname()[1]


def reaching(port: int, *, in_cluster: bool = False) -> KubernetesApi:
    return KubernetesApi(
        connection.Connection(
            server=f"http://127.0.0.1:{port}",
            pool=urllib3.PoolManager(),
            authorization=lambda: None,
            namespace="serving",
            in_cluster=in_cluster,
        )
    )


def test_an_api_server_that_is_gone_is_noticed_before_a_guard_takes_over(full, monkeypatch) -> None:
    assert connection.CONNECT_SECONDS < 4
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.05)
    with (
        reaching(full) as api,
        pytest.raises(BackendError, match=r"connect timeout=0\.05") as caught,
    ):
        api.get(SERVICE, "a")
    assert caught.value.retryable


def test_a_pod_that_hangs_costs_little_time_in_all(silent, monkeypatch) -> None:
    assert api_module.POD_SECONDS <= 1
    monkeypatch.setattr(api_module, "POD_SECONDS", 0.2)
    # What the connection took is taken off.
    with reaching(1, in_cluster=True) as api, pytest.raises(NoDataError, match=r"timeout=0\.1"):
        api.pod_get(POD, port=silent, path="/metrics")


def test_a_pod_that_hangs_behind_the_api_server_is_the_pod_s_matter(silent, full, monkeypatch):
    monkeypatch.setattr(api_module, "PROXIED_SECONDS", 0.1)
    with reaching(silent) as api, pytest.raises(NoDataError, match="pod p does not answer on port"):
        api.pod_get(POD, port=8080, path="/metrics")
    with (
        reaching(full) as api,
        pytest.raises(BackendError, match=r"the API server .* does not"),
    ):
        api.pod_get(POD, port=8080, path="/metrics")
