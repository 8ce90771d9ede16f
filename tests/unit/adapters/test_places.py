"""Which place an address names."""

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.adapters.kubernetes.place import KubernetesPlace
from headgate.adapters.local.client import LocalCluster
from headgate.adapters.places import open_place
from headgate.errors import ConfigError

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {token: secret}}]
contexts:
  - {name: here, context: {cluster: c, user: u, namespace: mine}}
  - {name: there, context: {cluster: c, user: u}}
"""


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch) -> None:
    """A machine with a kubeconfig that is no pod."""
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1234", "https://127.0.0.1:1234"])
def test_an_http_address_is_a_local_world(url) -> None:
    with open_place(url, "token", model="adult") as place:
        assert isinstance(place, LocalCluster)
        assert place.ready_timeout_seconds == 90
        assert place.settle_seconds == 0.5


@pytest.mark.parametrize("url", ["kubernetes://serving", "kubernetes://serving?context=there"])
def test_a_kubernetes_address_is_a_namespace_of_a_cluster(url) -> None:
    with open_place(url, "", model="adult") as place:
        assert isinstance(place, KubernetesPlace)
        assert place._namespace == "serving"


def test_a_context_that_the_kubeconfig_does_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match="context 'nowhere' of kubeconfig"):
        open_place("kubernetes://serving?context=nowhere", "", model="adult")


def test_nothing_at_all_is_the_namespace_of_the_pod_and_of_nobody_else(monkeypatch) -> None:
    with pytest.raises(ConfigError, match="cluster_url is empty, and this is no pod; allowed are"):
        open_place("", "", model="adult")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    with pytest.raises(ConfigError, match="this pod has no credentials"):
        open_place("", "", model="adult")


@pytest.mark.parametrize(
    "url",
    [
        "serving",
        "kubernetes:serving",
        "kubernetes://",
        "kubernetes://Serving",
        "kubernetes://a.b",
        "kubernetes://user@serving",
        "kubernetes://serving:80",
        "kubernetes://serving/",
        "kubernetes://serving#part",
        "kubernetes://serving?context=",
        "kubernetes://serving?context",
        "kubernetes://serving?cluster=a",
        "kubernetes://serving?context=a&context=b",
        "kubernetes://[serving",
        "ftp://serving",
    ],
)
def test_any_other_address_is_told_the_three_forms(url) -> None:
    with pytest.raises(ConfigError, match="is not understood") as caught:
        open_place(url, "", model="adult")
    for form in ("kubernetes://NAMESPACE", "?context=NAME", "http(s)://", "nothing at all"):
        assert form in str(caught.value)


def test_a_local_run_does_not_pay_for_the_client_of_kubernetes() -> None:
    code = (
        "import sys\n"
        "from headgate.adapters.places import open_place\n"
        "open_place('http://127.0.0.1:9', '', model='adult')\n"
        "assert not [n for n in sys.modules if n.startswith(('kubernetes', 'urllib3'))]\n"
        "assert 'headgate.adapters.kubernetes' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
