"""The one route on disk: weights and recorded state in one file, replaced as a whole."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from headgate.adapters.files import read_json, write_json
from headgate.errors import BackendError, DataError
from headgate.ports import WEIGHT_PARTS, ConflictError, Route

MAX_STATE_BYTES = 100 * 1024  # what the port allows; on Kubernetes it must fit in an annotation


class RouteStore:
    """Compare-and-swap on a file. One process owns it."""

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Args:
            path: The file; need not exist.

        Raises:
            DataError: If it exists and does not hold a route.
        """
        self._path = path
        self.route = _read(path) if path.exists() else None

    def check(self, proposed: Route) -> None:
        """Check a proposed route against the stored one, and its weights and state.

        Args:
            proposed: What shall be.

        Raises:
            ConflictError: If its revision is not the stored one.
            BackendError: If the weights do not sum to 10,000 or the state is not small JSON.
        """
        stored = "" if self.route is None else self.route.revision
        if proposed.revision != stored:
            raise ConflictError(
                f"route: revision {proposed.revision!r} was replaced by {stored!r}; read it again"
            )
        _check_weights(proposed)
        check_state(proposed.state)

    def commit(self, proposed: Route) -> Route:
        """Replace the stored route; `check` it first.

        Args:
            proposed: What shall be.

        Returns:
            The route with its new revision.
        """
        number = 0 if self.route is None else int(self.route.revision)
        written = replace(proposed, revision=str(number + 1))
        write_json(self._path, msgspec.to_builtins(written))
        self.route = written
        return written


def _read(path: Path) -> Route:
    try:
        return msgspec.convert(read_json(path), Route)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: not a route ({error})") from error


def _check_weights(route: Route) -> None:
    weights = {backend.deployment: backend.weight for backend in route.backends}
    if len(weights) < len(route.backends):
        raise BackendError(f"route: a deployment stands twice in {list(route.backends)}")
    if sum(weights.values()) != WEIGHT_PARTS or min(weights.values(), default=0) < 0:
        raise BackendError(
            f"route: weights must be 0 or more and sum to {WEIGHT_PARTS}, got {weights}"
        )


def check_state(state: Mapping[str, object] | None) -> None:
    """Check a state; a client does so, too, because on its way NaN would become null.

    Args:
        state: What shall be recorded.

    Raises:
        BackendError: If it has no JSON form or is too large.
    """
    try:
        size = len(json.dumps(None if state is None else dict(state), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BackendError(f"route: state has no JSON form ({error})") from error
    if size > MAX_STATE_BYTES:
        raise BackendError(f"route: state of {size} bytes, allowed are {MAX_STATE_BYTES}")
