"""The place that runs model servers, and the watchman that outlives a rollout's driver."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """What shall run; a version has a deployment of its own, never a re-labelled one."""

    name: str
    model: str
    version: str
    uri: str  # folder of the bundle, where the server runs on this machine
    sha256: str  # of the bundle; a server refuses to start with another one
    source: str = ""  # of the bundle in the registry, where the server runs on another machine
    command: tuple[str, ...] = ()  # empty: the predictor
    slow_above_ms: float = 100.0  # becomes a bucket of the server's latency histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """What runs."""

    name: str
    version: str
    ready: bool
    restarts: int  # restarts of all its pods so far
    reason: str = ""  # why it is down for good, for people
    waiting: str = ""  # what it waits for while it may still become ready, for people


class Heartbeat(Protocol):
    """The driver's sign of life. The guard judges it by its own monotonic clock."""

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """Say that the driver of a rollout is alive.

        Args:
            rollout_id: The rollout.
            epoch: The epoch in the route's state that the driver acts on.

        Raises:
            BackendError: If the beat was not recorded.
        """


class GuardStatus(Protocol):
    """Whether somebody would take the canary out if the driver vanished."""

    def ready(self) -> bool:
        """Ask whether a guard watches.

        Returns:
            True if one does.

        Raises:
            BackendError: If nothing answers.
        """


class Deployments(Protocol):
    """Start, look at and remove model servers."""

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Start what `spec` says, or attach to it if it runs already; wait for nothing.

        Args:
            spec: What shall run.

        Returns:
            Its status right now.

        Raises:
            BackendError: If it cannot be started, or the name is taken by something else.
        """

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None if there is no such deployment.

        Raises:
            BackendError: If nothing answers.
        """

    def remove(self, name: str) -> None:
        """Stop a deployment; one that does not exist is fine.

        Args:
            name: Its name.

        Raises:
            ConflictError: If it still has weight.
            BackendError: If nothing answers.
        """
