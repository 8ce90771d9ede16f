"""Where models are served: a local world, or a namespace of a cluster."""

import os
import re
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from headgate.adapters.local.client import LocalCluster
from headgate.errors import ConfigError
from headgate.ports import (
    Deployments,
    GuardStatus,
    Heartbeat,
    LabelSource,
    MetricSource,
    TrafficRouter,
)

FORMS = (
    "allowed are kubernetes://NAMESPACE (with ?context=NAME for a context of the kubeconfig), "
    "http(s)://… for a local world, and nothing at all in a pod for its own namespace"
)
_NAMESPACE = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Place(
    TrafficRouter, MetricSource, LabelSource, Heartbeat, GuardStatus, Deployments, Protocol
):
    """All that a rollout needs of the place that serves."""

    @property
    def ready_timeout_seconds(self) -> float:
        """How long a model server may take until it is ready."""

    @property
    def settle_seconds(self) -> float:
        """How long the proxies may take to follow a new weight."""

    def __enter__(self) -> Self:
        """Return the place itself."""

    def __exit__(self, *_: object) -> None:
        """Close the connections."""


def open_place(
    cluster_url: str, cluster_token: str, *, model: str, slow_above_ms: float | None = None
) -> Place:
    """Open the place that an address names; nothing is sent yet.

    Args:
        cluster_url: `kubernetes://NAMESPACE`, on the pod's own cluster or else that of the
            kubeconfig (`?context=NAME` says which); `http(s)://…`, a local world; empty in a pod
            for the namespace that it runs in.
        cluster_token: Bearer token of a local world; a cluster has credentials of its own.
        model: Registered model.
        slow_above_ms: On a cluster the bound above which an answer is slow; None takes the one
            that each deployment was made with, as a local world always does.

    Returns:
        The place; use it as a context, or close it by leaving one.

    Raises:
        ConfigError: If the address has none of the forms, or there are no credentials.
    """
    if cluster_url.startswith(("http://", "https://")):
        return LocalCluster(cluster_url, cluster_token)
    namespace, context = _kubernetes(cluster_url)
    # Imported here because a step of a local run shall not pay for it.
    from headgate.adapters.kubernetes.api import KubernetesApi  # noqa: PLC0415
    from headgate.adapters.kubernetes.place import KubernetesPlace  # noqa: PLC0415

    api = KubernetesApi.connect(context=context)
    return KubernetesPlace(
        api, namespace=namespace or api.namespace, model=model, slow_above_ms=slow_above_ms
    )


def _kubernetes(url: str) -> tuple[str, str | None]:
    """Read namespace and context; an empty namespace is the pod's own."""
    if not url:
        if not os.environ.get("KUBERNETES_SERVICE_HOST"):
            raise ConfigError(f"cluster_url is empty, and this is no pod; {FORMS}")
        return "", None
    refused = ConfigError(f"cluster_url {url!r} is not understood; {FORMS}")
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise refused from error
    wrong = parts.scheme != "kubernetes" or parts.path or parts.fragment
    if wrong or not _NAMESPACE.fullmatch(parts.netloc):
        raise refused
    match query:
        case []:
            return parts.netloc, None
        case [("context", context)] if context:
            return parts.netloc, context
        case _:
            raise refused
