"""Why a workload did not become ready, from what the cluster says of its pods; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Manifest = Mapping[str, Any]

EVENTS_SHOWN = 4
LONGEST = 260  # characters of one message
NOT_PULLED = ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName")
MISSING_CONFIG = ("CreateContainerConfigError",)
ENDED = ("CrashLoopBackOff", "Error", "OOMKilled", "RunContainerError", "StartError")
UNSCHEDULABLE = "Unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the cluster says of a workload.

    Attributes:
        workload: The object; None if it is not there.
        pods: Its pods; None if it is of a kind that has none.
        events: Warnings about it, its replica sets and its pods, oldest first.
        logs: Last lines by "pod/container", of containers that are not ready.
    """

    workload: Manifest | None
    pods: Sequence[Manifest] | None = None
    events: Sequence[Manifest] = ()
    logs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A container or a pod that is not ready.

    Attributes:
        pod: Its pod.
        container: Its name; empty if the pod as a whole is in trouble.
        reason: One word of Kubernetes.
        message: What it says beyond; may be empty.
        restarted: Whether it ran before.
    """

    pod: str
    container: str
    reason: str
    message: str
    restarted: bool

    @property
    def line(self) -> str:
        """The trouble on one line."""
        where = f", container {self.container}" if self.container else ""
        said = f": {short(self.message)}" if self.message else ""
        return f"pod {self.pod}{where}: {self.reason}{said}"


def troubles(pods: Sequence[Manifest]) -> list[Trouble]:
    """Find what is wrong with pods.

    Args:
        pods: The pods of one workload.

    Returns:
        A line for each container that is not ready, or for a pod that has no container yet.
    """
    return [trouble for pod in pods for trouble in _of_pod(pod)]


def explain(evidence: Evidence) -> list[str]:
    """Say why a workload is not ready.

    Args:
        evidence: What the cluster says.

    Returns:
        Conditions, pods, events, log lines; one line each.
    """
    lines = list(_conditions(evidence.workload))
    lines += [trouble.line for trouble in troubles(evidence.pods or [])]
    if evidence.pods is not None and not evidence.pods:
        lines.append("it has no pods")
    for event in evidence.events[-EVENTS_SHOWN:]:
        about = event["involvedObject"]
        times = f" ({event['count']} times)" if event.get("count", 1) > 1 else ""
        where = f"{about['kind'].lower()} {about['name']}"
        lines.append(f"event {event['reason']}{times}, {where}: {short(event['message'])}")
    for where, log in evidence.logs.items():
        lines.append(f"log of {where}, its last lines:" if log else f"log of {where}: empty")
        lines += [f"  {short(line)}" for line in log]
    return lines


def remedy(evidence: Evidence, describe: str) -> str:
    """Say what to do about a workload that is not ready.

    Args:
        evidence: What the cluster says.
        describe: A command that shows more.

    Returns:
        One sentence.
    """
    pods = evidence.pods or []
    reasons = {trouble.reason: trouble for trouble in troubles(pods)}
    for reason in NOT_PULLED:
        if reason in reasons:
            image = _image(pods, reasons[reason])
            return (
                f"the node does not have {image} and cannot pull it: for an image of this"
                " repository `make images kind` builds and loads it, for any other see that the"
                f" node reaches its registry, or `docker save {image} -o image.tar && kind load"
                " image-archive image.tar --name CLUSTER` (with --platform, if it has several)"
            )
    if any(reason in reasons for reason in MISSING_CONFIG):
        return "it names a Secret or a ConfigMap that is not there; the message above says which"
    if UNSCHEDULABLE in reasons:
        return "no node has room for it: give the engine more CPU or memory, or lower its requests"
    if "OOMKilled" in reasons:
        return "it was killed for memory: raise its memory limit, or give the engine more"
    if any(reason in reasons for reason in ENDED):
        return "its process ends; its log and its events above say why"
    return f"more is shown by `{describe}`; on a slow machine more time may do: KIND_TIMEOUT=600"


def warnings_about(
    name: str, pods: Sequence[Manifest], events: Sequence[Manifest]
) -> list[Manifest]:
    """Choose the events that tell of trouble with a workload.

    Args:
        name: Of the workload.
        pods: Its pods.
        events: Of its namespace.

    Returns:
        Warnings about it, its replica sets and its pods, oldest first.
    """
    names = {name, *(pod["metadata"]["name"] for pod in pods)}
    chosen = []
    for event in events:
        about = event["involvedObject"]
        of_set = about.get("kind") == "ReplicaSet" and about["name"].startswith(f"{name}-")
        if event.get("type") == "Warning" and (about.get("name") in names or of_set):
            chosen.append(event)
    return sorted(chosen, key=lambda event: event.get("lastTimestamp") or event["eventTime"] or "")


def short(text: str) -> str:
    """Put a message on one line of bounded length; the cause tends to stand at its end."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    half = (LONGEST - 3) // 2
    return f"{line[:half]} … {line[-half:]}"


def is_stuck(pods: Sequence[Manifest]) -> Trouble | None:
    """Return a container whose image the node could not get; waiting longer seldom helps."""
    for trouble in troubles(pods):
        if trouble.reason in NOT_PULLED:
            return trouble
    return None


def _of_pod(pod: Manifest) -> Iterator[Trouble]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    first = [one for one in status.get("initContainerStatuses", []) if not _is_fine(one)]
    # The containers proper only wait for those that prepare.
    waiting = first or [one for one in status.get("containerStatuses", []) if not _is_fine(one)]
    yield from (_of_container(name, one) for one in waiting)
    if not status.get("containerStatuses"):
        yield _of_whole(name, status)


def _of_whole(name: str, status: Manifest) -> Trouble:
    reason, message = status.get("reason") or status.get("phase", "unknown"), ""
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason, message = condition.get("reason", reason), condition.get("message", "")
    return Trouble(
        pod=name,
        container="",
        reason=reason,
        message=message or status.get("message", ""),
        restarted=False,
    )


def _is_fine(container: Manifest) -> bool:
    terminated = container.get("state", {}).get("terminated")
    return bool(container.get("ready")) or (terminated is not None and terminated["exitCode"] == 0)


def _of_container(pod: str, container: Manifest) -> Trouble:
    state = container.get("state", {})
    last = container.get("lastState", {}).get("terminated") or {}
    reason, message = "Running", "its readiness probe does not pass yet"
    if "waiting" in state:
        waiting = state["waiting"]
        reason, message = waiting.get("reason", "Waiting"), waiting.get("message", "")
    elif "terminated" in state:
        ended = state["terminated"]
        reason, message = ended.get("reason", "Error"), f"exit code {ended['exitCode']}"
    if reason == "CrashLoopBackOff" and "exitCode" in last:
        message = (
            f"it ended with exit code {last['exitCode']}, {container['restartCount']} restarts"
        )
    if last.get("reason") == "OOMKilled":
        reason = "OOMKilled"
    return Trouble(
        pod=pod,
        container=container["name"],
        reason=reason,
        message=message,
        restarted=container.get("restartCount", 0) > 0,
    )


def _conditions(workload: Manifest | None) -> Iterator[str]:
    if workload is None:
        yield "it is not there"
        return
    for condition in (workload.get("status") or {}).get("conditions", []):
        if condition["status"] != "True":
            said = f"{condition.get('reason', '')} {short(condition.get('message', ''))}".strip()
            yield f"condition {condition['type']} is {condition['status']}: {said}"


def _image(pods: Sequence[Manifest], trouble: Trouble) -> str:
    for pod in pods:
        spec = pod.get("spec", {})
        if pod["metadata"]["name"] != trouble.pod:
            continue
        for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
            if container["name"] == trouble.container:
                return str(container["image"])
    return "an image"
