"""Waits for objects of the cluster, and says why one did not become ready."""

from collections.abc import Callable, Sequence
from time import monotonic, sleep

from headgate.cli.kind import explaining
from headgate.cli.kind.explaining import Evidence, Trouble
from headgate.cli.kind.kubectl import Kubectl, Manifest
from headgate.cli.kind.steps import Steps
from headgate.cli.kind.waiting import RESOURCES, Awaited, identity, standing
from headgate.errors import BackendError

BETWEEN_LOOKS = 1.0  # seconds
BETWEEN_WORDS = 20.0  # seconds between two lines on what is still awaited
IMAGE_PATIENCE = 60.0  # seconds; a registry may stumble, an image that is not there stays away
WORKLOADS = ("Deployment", "StatefulSet")
MUTE = (*explaining.NOT_PULLED, "ContainerCreating", "PodInitializing")  # reasons without a log


class Waiter:
    """Waits with progress and a time-out."""

    def __init__(
        self,
        kubectl: Kubectl,
        steps: Steps,
        *,
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        """Choose the cluster.

        Args:
            kubectl: Asks it.
            steps: Where progress goes.
            clock: Seconds on a clock that never goes back.
            pause: Lets that many seconds pass.
        """
        self._kubectl = kubectl
        self._steps = steps
        self._clock = clock
        self._pause = pause
        self._stuck_since: dict[Awaited, float] = {}
        self._said: dict[Awaited, str] = {}

    def until_ready(self, objects: Sequence[Awaited], *, seconds: float) -> None:
        """Wait for objects.

        Args:
            objects: What must become ready; none returns at once.
            seconds: How long to wait for all of them.

        Raises:
            BackendError: Some did not; conditions, events and log lines were said before.
        """
        started = spoken = self._clock()
        left = list(objects)
        while left:
            there = self._look(left)
            took = self._clock() - started
            for one in [one for one in left if standing(there.get(one)).ready]:
                self._steps.end(one.words, took, standing(there.get(one)).note)
                left.remove(one)
            if left and took >= seconds:
                self._give_up(left, there, took)
            if left and self._clock() - spoken >= BETWEEN_WORDS:
                spoken = self._clock()
                self._still_waiting(left, there, took)
            if left:
                self._pause(BETWEEN_LOOKS)

    def _look(self, wanted: Sequence[Awaited]) -> dict[Awaited, Manifest]:
        kinds = ",".join(RESOURCES[kind] for kind in dict.fromkeys(one.kind for one in wanted))
        found = {identity(manifest): manifest for manifest in self._kubectl.get(kinds)}
        return {one: found[one] for one in wanted if one in found}

    def _still_waiting(
        self, left: Sequence[Awaited], there: dict[Awaited, Manifest], took: float
    ) -> None:
        for one in left:
            pods = self._pods(there.get(one)) if one.kind in WORKLOADS else []
            now = self._progress(one, standing(there.get(one)).note, pods)
            again = self._said.get(one) == now
            self._said[one] = now
            self._steps.say(f"waiting for {one.path}: {'as before' if again else now}")
            if not explaining.is_stuck(pods):
                self._stuck_since.pop(one, None)
            elif took - self._stuck_since.setdefault(one, took) >= IMAGE_PATIENCE:
                self._give_up([one], there, took)

    def _progress(self, one: Awaited, note: str, pods: Sequence[Manifest]) -> str:
        found = explaining.troubles(pods)
        if not found:
            return note
        log = self._log(found[0], one.namespace) if found[0].restarted else []
        return found[0].line + (f"; it said: {explaining.short(log[-1])}" if log else "")

    def _give_up(
        self, left: Sequence[Awaited], there: dict[Awaited, Manifest], took: float
    ) -> None:
        # Workloads first: a gateway waits for its controller, not the other way round.
        in_order = sorted(left, key=lambda one: one.kind not in WORKLOADS)
        advice = []
        for one in in_order:
            manifest = there.get(one)
            self._steps.fail(one.words, took, standing(manifest).note)
            evidence = self._evidence(one, manifest)
            advice.append(explaining.remedy(evidence, self._describe(one)))
            self._steps.say(*explaining.explain(evidence), f"to do: {advice[-1]}")
        names = ", ".join(one.path for one in in_order)
        first = f"{in_order[0].path}: {advice[0]}"
        raise BackendError(f"not ready after {took:.0f} s: {names}. {first}")

    def _describe(self, one: Awaited) -> str:
        where = f"--namespace {one.namespace} " if one.namespace else ""
        resource = RESOURCES[one.kind].partition(".")[0]
        return self._kubectl.typed(f"{where}describe {resource} {one.name}")

    def _evidence(self, one: Awaited, manifest: Manifest | None) -> Evidence:
        if one.kind not in WORKLOADS or manifest is None:
            return Evidence(workload=manifest)
        pods = self._pods(manifest)
        events = self._kubectl.get("events", namespace=one.namespace)
        logs = {
            f"{trouble.pod}/{trouble.container}": self._log(trouble, one.namespace)
            for trouble in explaining.troubles(pods)
            if trouble.container and trouble.reason not in MUTE
        }
        warnings = explaining.warnings_about(one.name, pods, events)
        return Evidence(workload=manifest, pods=pods, events=warnings, logs=logs)

    def _log(self, trouble: Trouble, namespace: str) -> list[str]:
        where = (trouble.pod, trouble.container)
        lines = self._kubectl.logs(*where, namespace=namespace)
        if not lines and trouble.restarted:
            return self._kubectl.logs(*where, namespace=namespace, previous=True)
        return lines

    def _pods(self, workload: Manifest | None) -> list[Manifest]:
        if workload is None:
            return []
        labels = workload["spec"]["selector"].get("matchLabels", {})
        namespace = workload["metadata"]["namespace"]
        return self._kubectl.get("pods", namespace=namespace, labels=labels)
