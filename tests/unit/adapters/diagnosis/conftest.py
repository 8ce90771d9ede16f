from collections.abc import Iterator

import pytest
from tests.unit.adapters.diagnosis.healthy import site_of, stock
from tests.unit.adapters.kubernetes.api_server import ApiServer

from headgate.adapters.diagnosis import Site


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server with a healthy installation in its namespace, `serving`."""
    with ApiServer() as running:
        stock(running)
        yield running


@pytest.fixture
def site(server: ApiServer) -> Site:
    """That cluster, as reached from outside by a context of kind."""
    return site_of(server)
