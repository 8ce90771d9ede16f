"""Whether a Deployment runs, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.adapters.diagnosis.site import condition, is_true, words
from headgate.adapters.kubernetes.api import DEPLOYMENT, POD, KubernetesApi, Manifest

STARTING = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How a Deployment stands."""

    wanted: int
    ready: int
    pods: tuple[Manifest, ...]
    trouble: str  # why pods are not ready; empty if all are, or if nobody says

    @property
    def shown(self) -> str:
        """The count, and the reason if some are not ready."""
        count = f"{self.ready} of {self.wanted} ready"
        return f"{count}: {self.trouble}" if self.trouble else count


def look_at_workload(api: KubernetesApi, name: str, *, namespace: str) -> Workload | None:
    """Read a Deployment and its pods.

    Args:
        api: The cluster.
        name: Name of the Deployment.
        namespace: Its namespace.

    Returns:
        How it stands, or None if there is none of that name.
    """
    found = api.get(DEPLOYMENT, name, namespace=namespace)
    if found is None:
        return None
    labels = found["spec"]["selector"].get("matchLabels") or {}
    pods = tuple(api.list(POD, namespace=namespace, labels=labels))
    status: Mapping[str, Any] = found.get("status", {})
    wanted = found["spec"].get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    trouble = "" if ready >= wanted else _why(status, pods)
    return Workload(wanted=wanted, ready=ready, pods=pods, trouble=trouble)


def image_of(template: Manifest, container: str = "") -> str:
    """Look up an image.

    Args:
        template: A pod template: what has `spec.containers`.
        container: Name of the container; empty takes the first.

    Returns:
        Its image; empty if there is no such container.
    """
    containers = template.get("spec", {}).get("containers") or ()
    images = [c.get("image", "") for c in containers if not container or c["name"] == container]
    return str(images[0]) if images else ""


def _why(status: Mapping[str, Any], pods: tuple[Manifest, ...]) -> str:
    failure = condition(status, "ReplicaFailure")  # a quota, or Pod Security, lets no pod in
    if is_true(failure):
        return words(failure)
    for pod in pods:
        reason = _pod_trouble(pod)
        if reason:
            return f"pod {pod['metadata']['name']}: {reason}"
    return ""


def _pod_trouble(pod: Manifest) -> str:
    status: Mapping[str, Any] = pod.get("status", {})
    scheduled = condition(status, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return words(scheduled)
    containers = (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    )
    return next(filter(None, map(_container_trouble, containers)), "")


def _container_trouble(container: Mapping[str, Any]) -> str:
    state: Mapping[str, Any] = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting.get("reason") == "CrashLoopBackOff":
        ended = (container.get("lastState") or {}).get("terminated") or ended
        return f"CrashLoopBackOff: {_last_words(ended)}"
    if waiting and waiting.get("reason") not in STARTING:
        return words(waiting)
    if ended and ended.get("exitCode") != 0:
        return _last_words(ended)
    if state.get("running") and not container.get("ready", True):
        return f"container {container['name']} runs but is not ready"
    return ""


def _last_words(ended: Mapping[str, Any]) -> str:
    """Say how a container ended; our containers leave the end of their log as message."""
    lines = str(ended.get("message") or "").strip().splitlines()
    what = f"{ended.get('reason', 'ended')}, exit code {ended.get('exitCode', 'unknown')}"
    return f"{what}: {lines[-1].strip()}" if lines else what
