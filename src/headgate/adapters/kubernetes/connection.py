"""How to reach an API server: with a pod's own credentials, or as a kubeconfig says.

In a pod nothing but urllib3 is imported: the client package takes two seconds and 80 MiB to import,
which a guard and every short step would pay. Outside it reads the kubeconfig, whatever way of
logging in that names.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from headgate.adapters.kubernetes.kinds import Manifest
from headgate.adapters.kubernetes.refusals import Answer
from headgate.errors import BackendError, ConfigError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

FIELD_MANAGER = "headgate"
JSON, APPLY = "application/json", "application/apply-patch+yaml"
TIMEOUT_SECONDS = 10.0
# A guard takes over after 4 s without a heartbeat; before that a driver shall know of an outage.
CONNECT_SECONDS = 3.0
CREDENTIALS = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_SECONDS = 60.0  # the kubelet replaces the token's file long before the token ends
POOL_SIZE = 4  # connections that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An API server, and what it takes to be let in."""

    server: str  # https://host:port
    pool: urllib3.PoolManager
    authorization: Callable[[], str | None]  # value of the header, asked for at each request
    namespace: str  # the pod's own, or that of the kubeconfig's context
    in_cluster: bool

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = JSON,
        seconds: float | None = None,
    ) -> Answer:
        """Send a request and wait up to 10 s, 3 of them for a connection; writes go once.

        Args:
            method: HTTP method.
            path: Path of the resource.
            query: Query parameters.
            body: JSON object to send.
            content: Media type of the body.
            seconds: How long to wait instead.

        Returns:
            Whatever the server answered.

        Raises:
            BackendError: If it does not answer.
        """
        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"accept": JSON, "user-agent": FIELD_MANAGER}
        authorization = self.authorization()
        if authorization is not None:
            headers["authorization"] = authorization
        if body is not None:
            headers["content-type"] = content
        arguments: dict[str, Any] = {
            "body": None if body is None else json.dumps(body, allow_nan=False),
            "headers": headers,
            "timeout": urllib3.Timeout(total=seconds or TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
            "retries": False,  # the default would send a PUT or a DELETE again
        }
        try:
            return self._request(method, url, arguments)
        except urllib3.exceptions.HTTPError as error:
            raise BackendError(
                f"the API server {self.server} does not answer: {' '.join(str(error).split())}",
                retryable=not isinstance(error, urllib3.exceptions.SSLError),
            ) from error

    def _request(self, method: str, url: str, arguments: dict[str, Any]) -> Answer:
        try:
            found = self.pool.request(method, url, **arguments)
        except urllib3.exceptions.ProtocolError:
            # The server closed a kept connection just now. Reading twice does no harm.
            if method != "GET":
                raise
            found = self.pool.request(method, url, **arguments)
        return Answer(found.status, found.data)


def connect(context: str | None = None) -> Connection:
    """Find the cluster; nothing is sent yet.

    Args:
        context: Context of the kubeconfig; None takes the pod's own cluster, outside of a pod the
            current context.

    Returns:
        The connection.

    Raises:
        ConfigError: If there is neither a pod nor a usable kubeconfig.
    """
    if context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
        if (CREDENTIALS / "token").is_file():
            return _of_pod()
        if not _kubeconfig().is_file():
            raise ConfigError(
                f"this pod has no credentials for its cluster ({CREDENTIALS}/token is missing); "
                "set automountServiceAccountToken: true and a serviceAccountName"
            )
    return _of_kubeconfig(context)


def _of_pod() -> Connection:
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    named = os.environ.get("POD_NAMESPACE")
    return Connection(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        pool=urllib3.PoolManager(maxsize=POOL_SIZE, ca_certs=str(CREDENTIALS / "ca.crt")),
        authorization=_PodToken(CREDENTIALS / "token"),
        namespace=named or (CREDENTIALS / "namespace").read_text(encoding="utf-8").strip(),
        in_cluster=True,
    )


class _PodToken:
    """The account's token, read again each minute because it is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._value = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        if time.monotonic() - self._read_at >= TOKEN_SECONDS:
            try:
                self._value = "Bearer " + self._path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise BackendError(f"the pod's token cannot be read: {error}") from error
            self._read_at = time.monotonic()
        return self._value


def _kubeconfig() -> Path:
    # The variable may hold a list of files; then the loader merges them.
    return Path(os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()


def _of_kubeconfig(context: str | None) -> Connection:
    # Imported here because it takes two seconds.
    from kubernetes.client import Configuration  # noqa: PLC0415
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415

    file, found = str(_kubeconfig()), Configuration()
    try:
        namespace = _load(file, context, found)
    # The loader raises whatever a plugin, a parser or a missing key raises.
    except Exception as error:
        wanted = "the current context" if context is None else f"context {context!r}"
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"no cluster: {wanted} of kubeconfig {file} cannot be used ({reason}); "
            "set KUBECONFIG, or make a cluster with: make kind"
        ) from error
    return Connection(
        server=found.host.rstrip("/"),
        pool=RESTClientObject(found, maxsize=POOL_SIZE).pool_manager,
        authorization=lambda: _authorization(found),
        namespace=namespace,
        in_cluster=False,
    )


def _load(file: str, context: str | None, found: "Configuration") -> str:
    """Fill in `found`; return the context's namespace."""
    # The package's own functions of this purpose want a current context even if one is named.
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger  # noqa: PLC0415

    merged = KubeConfigMerger(file)
    if merged.config is None:
        raise ConfigError("there is none")
    loader = KubeConfigLoader(
        config_dict=merged.config,
        active_context=context,
        config_base_path=None,
        config_persister=merged.save_changes,  # a log-in that renews its token keeps the new one
    )
    loader.load_and_set(found)
    return str(loader.current_context["context"].get("namespace") or "default")


def _authorization(found: "Configuration") -> str | None:
    try:
        # Renews a token that is about to end.
        value: str | None = found.get_api_key_with_prefix("authorization")
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BackendError(f"the kubeconfig's log-in failed: {reason}", retryable=True) from error
    return value
