"""The cluster and the namespace that are looked at, and how their remedies are spelt."""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from headgate.adapters.kubernetes.api import KubernetesApi
from headgate.adapters.kubernetes.connection import Connection, connect
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.errors import ConfigError

NAMESPACE = "headgate"  # where our manifests go, and the name of the cluster of `make kind`
KIND = "kind-"  # how kind begins the names of its contexts


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the checks look.

    Attributes:
        connection: The API server.
        namespace: Namespace that serves the models.
        context: Context of the kubeconfig; empty in a pod.
        registry_uri: Model registry as seen from this machine; empty looks for it in the cluster.
        account: Service account `NAMESPACE:NAME` whose permissions count; empty is this account.
    """

    connection: Connection
    namespace: str
    context: str = ""
    registry_uri: str = ""
    account: str = ""

    @cached_property
    def api(self) -> KubernetesApi:
        """The objects of the cluster."""
        return KubernetesApi(self.connection)

    @property
    def shown(self) -> str:
        """The cluster, for people."""
        server = self.api.server
        return f"context {self.context}, {server}" if self.context else server

    @property
    def kubectl(self) -> str:
        """How a remedy begins: `kubectl --context NAME`."""
        return f"kubectl --context {self.context}" if self.context else "kubectl"

    @property
    def kubectl_here(self) -> str:
        """The same, for objects of the namespace."""
        return f"{self.kubectl} -n {self.namespace}"

    @property
    def is_kind(self) -> bool:
        """Whether this is a cluster that kind made."""
        return self.context.startswith(KIND)

    @property
    def install(self) -> str:
        """What to type to apply our manifests again."""
        if not self.is_kind:
            return f"{self.kubectl} apply -k YOURS (its pattern: manifests/overlays/production)"
        cluster = self.context.removeprefix(KIND)
        return "make kind" if cluster == NAMESPACE else f"make kind KIND_CLUSTER={cluster}"

    @cached_property
    def settings(self) -> Settings | None:
        """The settings; None if they cannot be used, which a check of its own says."""
        try:
            return read_settings(self.api, self.namespace)
        except ConfigError:
            return None


def open_site(
    *, context: str | None, namespace: str | None, registry_uri: str = "", account: str = ""
) -> Site:
    """Find the cluster and the namespace; nothing is sent yet.

    Args:
        context: Context of the kubeconfig; None takes the pod's cluster or the current context.
        namespace: Namespace that serves the models; None takes the pod's own, outside of a pod
            that of our manifests.
        registry_uri: Model registry as seen from this machine; empty looks for it in the cluster.
        account: Service account `NAMESPACE:NAME`, or `NAME` of the namespace; empty is this one.

    Returns:
        Where to look.

    Raises:
        ConfigError: If there is neither a pod nor a usable kubeconfig.
    """
    connection = connect(context)
    where = namespace or (connection.namespace if connection.in_cluster else NAMESPACE)
    return Site(
        connection=connection,
        namespace=where,
        context=context or ("" if connection.in_cluster else _current_context()),
        registry_uri=registry_uri,
        account=account if ":" in account or not account else f"{where}:{account}",
    )


def load_client() -> None:
    """Import what reading a kubeconfig takes: two seconds of work that no pod needs."""
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        importlib.import_module("kubernetes.config")


def _current_context() -> str:
    from kubernetes.config import list_kube_config_contexts  # noqa: PLC0415

    return str(list_kube_config_contexts()[1]["name"])


def condition(part: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """Look up a condition.

    Args:
        part: What has `conditions`: the status of an object, of a listener, of a route's parent.
        kind: Its type: `Accepted`, `Programmed`.

    Returns:
        The condition, or None if nobody has said anything yet.
    """
    found = [entry for entry in part.get("conditions") or () if entry.get("type") == kind]
    return found[0] if found else None


def is_true(entry: Mapping[str, Any] | None) -> bool:
    """Say whether a condition holds."""
    return entry is not None and entry.get("status") == "True"


def words(entry: Mapping[str, Any] | None) -> str:
    """Say what a condition says: `Reason: message`, on one line."""
    if entry is None:
        return "no controller has looked at it"
    text = f"{entry.get('reason', '')}: {entry.get('message', '')}"
    return " ".join(text.split()).strip(": ")
