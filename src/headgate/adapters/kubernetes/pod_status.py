"""What the objects of a deployment say about it: ready, down for good, or still starting. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headgate.adapters.kubernetes.kinds import Manifest
from headgate.adapters.kubernetes.predictor_objects import CONTAINER, NAME, TEMPLATE, VERSION
from headgate.ports import DeploymentStatus

LAST_LINES, LAST_CHARACTERS = 3, 600
_COLOURS = re.compile(r"\x1b?\[[0-9;]*m")  # of a terminal; the kubelet may drop their first byte
_NO_IMAGE = frozenset({"ImagePullBackOff", "ErrImageNeverPull"})
_NOT_CREATED = frozenset({"CreateContainerConfigError", "CreateContainerError", "InvalidImageName"})
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})


def deployment_status(
    deployment: Manifest, *, pods: Sequence[Manifest], slices: Iterable[Manifest]
) -> DeploymentStatus:
    """Judge a deployment.

    It is ready while one of its pods takes traffic. The condition `Available` asks for all pods at
    once: an autoscaler that adds a third one would make the other two look broken.

    Args:
        deployment: The Deployment.
        pods: Its pods; those that have ended or are going away play no part, nor do those of a
            Deployment that had the name before.
        slices: EndpointSlices of its Service.

    Returns:
        The status; a reason only if it will not become ready by waiting.
    """
    since = deployment["metadata"].get("creationTimestamp", "")
    staying = [pod for pod in pods if _stays(pod, since=since)]
    available = (deployment.get("status") or {}).get("availableReplicas", 0) > 0
    ready = available and _takes_traffic(slices)
    reason = "" if ready else _reason(deployment, staying)
    return DeploymentStatus(
        name=deployment["metadata"]["name"],
        version=deployment["metadata"]["labels"][VERSION],
        ready=ready,
        restarts=sum(_restarts(pod) for pod in staying),
        reason=reason,
        waiting="" if ready or reason else _waiting(staying),
    )


def container_status(pod: Mapping[str, Any]) -> Manifest:
    """Find the status of a pod's predictor.

    Args:
        pod: The pod.

    Returns:
        The status of its container `predictor`; empty before the kubelet has seen the pod.
    """
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((status for status in found if status["name"] == CONTAINER), {})


def takes_requests(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod has to answer: it is ready, and not going away.

    Args:
        pod: The pod.

    Returns:
        True if its Service sends it requests.
    """
    going = "deletionTimestamp" in pod["metadata"]
    return not going and _condition(pod, "Ready").get("status") == "True"


def _stays(pod: Manifest, *, since: str) -> bool:
    # What was evicted stays on the books as Failed, and is replaced.
    ended = (pod.get("status") or {}).get("phase") in {"Failed", "Succeeded"}
    head = pod["metadata"]
    mine = head.get("creationTimestamp", since) >= since  # both stamps are of the API server
    return mine and not ended and "deletionTimestamp" not in head


def _takes_traffic(slices: Iterable[Manifest]) -> bool:
    return any(
        # An unknown condition counts as ready: so proxies read it.
        (endpoint.get("conditions") or {}).get("ready") is not False
        for found in slices
        for endpoint in found.get("endpoints") or ()
    )


def _restarts(pod: Manifest) -> int:
    """Count the restarts of a pod that is down, or on its way back, after it had been ready.

    A server that fails while it starts, and then starts, has failed nobody: a registry was busy for
    a moment when an autoscaler added a pod. One that is ready again shows in its counters as
    another process. A pod that only fails its readiness probe runs on and counts nothing, however
    often its container was started before.
    """
    ready, status = _condition(pod, "Ready"), container_status(pod)
    # The kubelet sets both stamps in one go; the condition gets a later one only by a change, and
    # before it became false it was true.
    since = ready.get("lastTransitionTime") or ""
    served = ready.get("status") == "False" and since > pod["status"].get("startTime", since)
    running = (status.get("state") or {}).get("running")
    lost = running is None or running["startedAt"] >= since
    return int(status.get("restartCount", 0)) if served and lost else 0


def _reason(deployment: Manifest, pods: Sequence[Manifest]) -> str:
    for pod in pods:
        for status in _containers(pod):
            reason = _container_reason(status, pod)
            if reason:
                return reason
    if pods:
        return ""
    refused = _condition(deployment, "ReplicaFailure")
    if refused.get("status") == "True":
        return f"its pods are refused: {_line(refused.get('message'))}"
    return ""


def _container_reason(status: Manifest, pod: Manifest) -> str:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    why, message = waiting.get("reason", ""), _line(waiting.get("message"))
    if why in _NO_IMAGE:
        image = _image(pod, status["name"])
        return (
            f"image {image} is not on the node and cannot be pulled ({why}: {message}); load it"
            f" (kind: `docker save {image} -o image.tar && kind load image-archive image.tar`), or"
            f" let the node pull it with imagePullSecrets in PodTemplate {TEMPLATE}"
        )
    if why in _NOT_CREATED:
        return f"container {status['name']} cannot be created: {message}"
    if why == "CrashLoopBackOff":
        return _ended(status, (status.get("lastState") or {}).get("terminated") or {})
    # The first end may be bad luck; the kubelet starts the container again at once.
    ended = state.get("terminated") or {}
    if ended.get("exitCode", 0) != 0 and status.get("restartCount", 0) > 0:
        return _ended(status, ended)
    return ""


def _ended(status: Manifest, terminated: Manifest) -> str:
    plain = _COLOURS.sub("", str(terminated.get("message", "")))
    lines = [line.strip() for line in plain.splitlines()]
    words = " | ".join([line for line in lines if line][-LAST_LINES:])[-LAST_CHARACTERS:]
    what = f"exited with code {terminated.get('exitCode', 'unknown')}"
    if terminated.get("reason") in _NOT_STARTED:
        what = "cannot be started"
    elif terminated.get("reason") == "OOMKilled":
        what = f"ran out of memory (raise resources.limits.memory in PodTemplate {TEMPLATE})"
    who = "" if status["name"] == CONTAINER else f"container {status['name']} "
    return f"{who}{what}: {words or 'no output'} (after {status.get('restartCount', 0)} restarts)"


def _waiting(pods: Sequence[Manifest]) -> str:
    if not pods:
        return "there is no pod yet"
    pod = pods[-1]
    name = pod["metadata"]["name"]
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"no node takes pod {name}: {_line(scheduled.get('message'))}"
    for status in _containers(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting:
            message = f": {_line(waiting['message'])}" if waiting.get("message") else ""
            text = f"{waiting.get('reason', 'no reason given')}{message}"
            return f"container {status['name']} of pod {name} waits ({text}); see {_describe(pod)}"
    if _condition(pod, "Ready").get("status") == "True":
        return f"pod {name} is ready, its Service {_deployment_of(pod)} does not list it yet"
    return f"pod {name} runs, but its readiness probe does not pass; see {_describe(pod)}"


def _containers(pod: Manifest) -> list[Manifest]:
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def _condition(thing: Mapping[str, Any], kind: str) -> Manifest:
    found = (thing.get("status") or {}).get("conditions") or ()
    return next((condition for condition in found if condition["type"] == kind), {})


def _image(pod: Manifest, container: str) -> str:
    # That of the specification: the kubelet fills in the registry of the status's own.
    found = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    return next(str(one["image"]) for one in found if one["name"] == container)


def _deployment_of(pod: Manifest) -> str:
    return str((pod["metadata"].get("labels") or {}).get(NAME, ""))


def _describe(pod: Manifest) -> str:
    head = pod["metadata"]
    return f"`kubectl -n {head['namespace']} describe pod {head['name']}`"


def _line(text: object) -> str:
    return " ".join(str(text or "no message").split())
