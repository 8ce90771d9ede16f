from collections.abc import Iterator

import pytest
from tests.unit.adapters.kubernetes.api_server import ApiServer

from headgate.adapters.kubernetes.api import KubernetesApi


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A small API server; its namespace is `serving`."""
    with ApiServer() as running:
        yield running


@pytest.fixture
def api(server: ApiServer) -> Iterator[KubernetesApi]:
    """A client outside of the cluster."""
    with server.api() as client:
        yield client
