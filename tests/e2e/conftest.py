"""End-to-end tests: a kind cluster that `make kind` made, the real images, the real gateway.

They fail, and say what is missing, where there is no such cluster: a test that was skipped has
shown nothing.
"""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests.e2e.support import PREFIX, Cluster, Load, remove_model

from headgate.adapters.kubernetes.api import DEPLOYMENT, HTTP_ROUTE, NAMESPACE, KubernetesApi
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.errors import HeadgateError

CLUSTER = os.environ.get("KIND_CLUSTER", "headgate")
SERVING = os.environ.get("HEADGATE_NAMESPACE", "headgate")
HTTP_PORT = int(os.environ.get("KIND_HTTP_PORT", "8080"))
MLFLOW_PORT = int(os.environ.get("KIND_MLFLOW_PORT", "5500"))


@pytest.fixture(scope="session")
def context() -> str:
    return f"kind-{CLUSTER}"


@pytest.fixture(scope="session")
def namespace() -> str:
    return SERVING


@pytest.fixture(scope="session")
def api(context, namespace) -> KubernetesApi:
    """The API server, as the administrator that `kind create cluster` makes."""
    try:
        found = KubernetesApi.connect(context=context)
        known = found.get(NAMESPACE, namespace)
    except HeadgateError as error:
        pytest.fail(f"no cluster in context {context}: run `make kind` ({error})", pytrace=False)
    if known is None:
        pytest.fail(f"{context} has no namespace {namespace}: run `make kind`", pytrace=False)
    return found


@pytest.fixture(scope="session", autouse=True)
def _swept(api, kubectl, namespace) -> None:
    """Take away what a run that was killed has left: models of tests have names of their own."""
    for kind in (HTTP_ROUTE, DEPLOYMENT):
        for found in api.list(kind, namespace=namespace):
            model = found["metadata"].get("labels", {}).get("headgate.dev/model", "")
            if model.startswith(PREFIX):
                remove_model(kubectl, model, namespace=namespace)


@pytest.fixture(scope="session")
def kubectl(context) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, check: bool = True, text: str | None = None):
        done = subprocess.run(
            ["kubectl", "--context", context, *arguments],  # noqa: S607 - the one on the PATH
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done

    return run


@pytest.fixture(scope="session")
def registry_uri() -> str:
    return f"http://127.0.0.1:{MLFLOW_PORT}"


@pytest.fixture(scope="session")
def registry(registry_uri, tmp_path_factory) -> MlflowRegistry:
    return MlflowRegistry(registry_uri, cache=tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def gateway() -> str:
    return f"http://127.0.0.1:{HTTP_PORT}"


@pytest.fixture
def cluster(api, kubectl, namespace, registry) -> Iterator[Cluster]:
    """Ways to say what a test is about; what a test made is gone afterwards."""
    made = Cluster(api, kubectl, namespace=namespace, registry=registry)
    yield made
    made.clean()


@pytest.fixture
def load() -> Iterator[Callable[..., Load]]:
    """Start requests through the gateway that go on until the test is over."""
    started: list[Load] = []

    def start(host: str, *, rate: float = 200.0, body: bytes) -> Load:
        started.append(Load(port=HTTP_PORT, host=host, rate=rate, body=body))
        return started[-1]

    yield start
    for one in started:
        one.stop()
