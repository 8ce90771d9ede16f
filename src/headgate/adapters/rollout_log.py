"""The log of a rollout's driver: one JSON line per change, so that people and tools can follow."""

import json
import sys
from collections.abc import Mapping
from typing import TextIO

from headgate.ports import Clock

PREFIX = "headgate-rollout "
LOOK_SECONDS = 0.5  # between two lines of mere looks; changes are always written


class RolloutLog:
    """Write the events of `usecases.canary.run_canary` to a stream."""

    def __init__(self, clock: Clock, *, stream: TextIO | None = None) -> None:
        """Choose where to write.

        Args:
            clock: For thinning the looks.
            stream: Where to; None is standard output, which is a pod's log.
        """
        self._clock = clock
        self._stream = sys.stdout if stream is None else stream
        self._next = 0.0

    def __call__(self, event: Mapping[str, object]) -> None:
        """Write one event; a mere look is left out if one was written just before.

        Args:
            event: JSON object with `event`.
        """
        now = self._clock.monotonic()
        if event["event"] == "look" and now < self._next:
            return
        self._next = now + LOOK_SECONDS
        self._stream.write(f"{PREFIX}{json.dumps(event)}\n")
        self._stream.flush()


def rollout_event(line: str) -> dict[str, object] | None:
    """Read an event back out of a line of a log.

    Args:
        line: Any line.

    Returns:
        The event, or None if the line holds none.
    """
    _, found, text = line.partition(PREFIX)
    if not found:
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
