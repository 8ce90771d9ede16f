"""The route: how much of the traffic each deployment gets, and the record that travels with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from headgate.errors import BackendError
from headgate.rollout.plan import WEIGHT_PARTS

__all__ = ["WEIGHT_PARTS", "Backend", "ConflictError", "Route", "TrafficRouter"]


class ConflictError(BackendError):
    """The thing changed since it was read, or is in use; read it again, then decide again."""

    def __init__(self, message: str) -> None:
        """Mark the error as retryable: a fresh read may lead to a call that succeeds.

        Args:
            message: What was expected, what was found.
        """
        super().__init__(message, retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One deployment behind the route."""

    deployment: str
    weight: int  # parts of 10,000 of the traffic (1 % is 100); the weights of a route sum to 10,000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Weights and recorded state, which are only ever written together."""

    revision: str  # changes with every write; "" stands for a route that does not exist yet
    backends: tuple[Backend, ...]
    state: Mapping[str, object] | None = None  # JSON object of the rollout, at most 100 KiB

    def weight(self, deployment: str) -> int:
        """Look up the weight of a deployment.

        Args:
            deployment: Name of the deployment.

        Returns:
            Parts of 10,000; 0 if the deployment is not behind the route.
        """
        return sum(b.weight for b in self.backends if b.deployment == deployment)


class TrafficRouter(Protocol):
    """Read and write the one route of a model."""

    def read(self) -> Route | None:
        """Read the route.

        Returns:
            The route, or None if there is none yet.

        Raises:
            BackendError: If the route cannot be read.
        """

    def write(self, route: Route) -> Route:
        """Replace weights and state in one write, if nobody wrote since `route.revision`.

        Args:
            route: What shall be; its revision is that of the route it replaces ("" creates).

        Returns:
            The route as written, with its new revision.

        Raises:
            ConflictError: If the stored revision is another one.
            BackendError: If the weights do not sum to 10,000 (all 0 included), or nothing answers.
        """
