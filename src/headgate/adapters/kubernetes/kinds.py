"""The kinds of objects that headgate reads or writes, and where the API server keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from headgate.errors import ConfigError

Manifest = dict[str, Any]

# Labels of what headgate makes; `OURS` selects it.
MANAGED_BY, MODEL = "app.kubernetes.io/managed-by", "headgate.dev/model"
OURS = {MANAGED_BY: "headgate"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def resource(self) -> str:
        """The resource as `kubectl` and RBAC messages write it: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, *, namespace: str | None = None, name: str = "") -> str:
        """Make the path of an object or a collection.

        Args:
            namespace: Its namespace; None means all of them, or none for a cluster's own objects.
            name: Its name; empty for the collection.

        Returns:
            The path, with names escaped.
        """
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        within = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        tail = f"/{quote(name, safe='')}" if name else ""
        return f"{root}{within}/{self.plural}{tail}"


DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
SERVICE = Kind("v1", "Service", "services")
HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
POD = Kind("v1", "Pod", "pods")
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
EVENT = Kind("v1", "Event", "events")
POD_TEMPLATE = Kind("v1", "PodTemplate", "podtemplates")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
GATEWAY = Kind("gateway.networking.k8s.io/v1", "Gateway", "gateways")
GATEWAY_CLASS = Kind(
    "gateway.networking.k8s.io/v1", "GatewayClass", "gatewayclasses", namespaced=False
)
POD_DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
HORIZONTAL_POD_AUTOSCALER = Kind(
    "autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
)
JOB = Kind("batch/v1", "Job", "jobs")
NODE = Kind("v1", "Node", "nodes", namespaced=False)
CUSTOM_RESOURCE_DEFINITION = Kind(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")

KINDS = (
    DEPLOYMENT,
    SERVICE,
    HTTP_ROUTE,
    LEASE,
    POD,
    ENDPOINT_SLICE,
    EVENT,
    POD_TEMPLATE,
    CONFIG_MAP,
    GATEWAY,
    GATEWAY_CLASS,
    POD_DISRUPTION_BUDGET,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    NODE,
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    SERVICE_ACCOUNT,
)
_BY_NAME = {(kind.api_version, kind.kind): kind for kind in KINDS}


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """Look up the kind of a manifest.

    Args:
        manifest: With `apiVersion` and `kind`.

    Returns:
        Its kind.

    Raises:
        ConfigError: If it is not one of those above.
    """
    key = (str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if key not in _BY_NAME:
        raise ConfigError(f"headgate does not handle objects of kind {key[1]} ({key[0]})")
    return _BY_NAME[key]


def resource_of(kind_or_resource: Kind | str) -> tuple[str, str, bool]:
    """Take apart what an access review asks for.

    Args:
        kind_or_resource: A kind, or `resource.group` as `Kind.resource`.

    Returns:
        Resource, group, and whether it lives in a namespace (unknown ones are taken to).
    """
    if isinstance(kind_or_resource, Kind):
        return kind_or_resource.plural, kind_or_resource.group, kind_or_resource.namespaced
    resource, _, group = kind_or_resource.partition(".")
    known = [kind for kind in KINDS if kind.resource == kind_or_resource]
    return resource, group, known[0].namespaced if known else True
