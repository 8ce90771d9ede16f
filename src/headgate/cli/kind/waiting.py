"""What must become ready, and whether it is; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]

RESOURCES = {
    "GatewayClass": "gatewayclasses.gateway.networking.k8s.io",
    "Gateway": "gateways.gateway.networking.k8s.io",
    "Deployment": "deployments.apps",
    "StatefulSet": "statefulsets.apps",
}
CONDITIONS = {
    "GatewayClass": "Accepted",
    "Gateway": "Programmed",
}

OF_THE_CLUSTER = ("GatewayClass",)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Awaited:
    """An object that must become ready.

    Attributes:
        kind: Its kind, one of `RESOURCES`.
        namespace: Where it is; empty for the whole cluster.
        name: Its name.
    """

    kind: str
    namespace: str = ""
    name: str

    @property
    def words(self) -> str:
        """What a person calls it, e.g. "deployment mlflow"."""
        return f"{self.kind.lower()} {self.name}"

    @property
    def path(self) -> str:
        """Where it is, e.g. "headgate/mlflow"."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far an object is.

    Attributes:
        ready: Whether it is ready.
        note: How far, in a few words.
    """

    ready: bool
    note: str


def awaited(manifests: Iterable[Manifest]) -> list[Awaited]:
    """Return what of these manifests must become ready.

    Args:
        manifests: What was applied.

    Returns:
        Gateway classes, gateways, deployments and stateful sets, in this order.
    """
    found = [identity(manifest) for manifest in manifests if manifest["kind"] in RESOURCES]
    order = list(RESOURCES)
    return sorted(found, key=lambda one: order.index(one.kind))


def identity(manifest: Manifest) -> Awaited:
    """Return which object a manifest is of."""
    meta, kind = manifest["metadata"], manifest["kind"]
    # A kustomization puts its namespace on kinds, too, that have none unknown to it.
    namespace = "" if kind in OF_THE_CLUSTER else meta.get("namespace", "")
    return Awaited(kind=kind, namespace=namespace, name=meta["name"])


def standing(manifest: Manifest | None) -> Standing:
    """Judge an object.

    Args:
        manifest: The object as the server has it; None if it has none.

    Returns:
        Whether it is ready; an object whose change was not looked at yet is not.
    """
    if manifest is None:
        return Standing(ready=False, note="not there yet")
    status = manifest.get("status") or {}
    condition = CONDITIONS.get(manifest["kind"])
    if condition is not None:
        return _by_condition(manifest, status, condition)
    return _by_replicas(manifest, status)


def _by_condition(manifest: Manifest, status: Manifest, wanted: str) -> Standing:
    generation = manifest["metadata"].get("generation", 0)
    for condition in status.get("conditions", []):
        if condition["type"] != wanted:
            continue
        fresh = condition.get("observedGeneration", generation) >= generation  # optional
        if condition["status"] == "True" and fresh:
            return Standing(ready=True, note=wanted.lower())
        if not fresh:
            break
        reason, message = condition.get("reason", ""), condition.get("message", "")
        return Standing(ready=False, note=f"not {wanted.lower()}: {reason} {message}".strip())
    return Standing(ready=False, note=f"not {wanted.lower()} yet: no controller has looked at it")


def _by_replicas(manifest: Manifest, status: Manifest) -> Standing:
    wanted = manifest["spec"].get("replicas", 1)
    ready = status.get("availableReplicas", 0)
    of_this_revision = status.get("updatedReplicas", 0)
    looked_at = status.get("observedGeneration", 0) >= manifest["metadata"].get("generation", 0)
    done = looked_at and ready >= wanted and of_this_revision >= wanted
    # Old pods of a rolling update would make an unready new one look ready.
    done = done and status.get("replicas", 0) <= wanted
    return Standing(ready=done, note=f"{min(ready, wanted)} of {wanted} pods ready")
