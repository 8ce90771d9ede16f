"""What changed lately, for people: kept in memory, written to the log."""

import logging
import time
from collections import deque

LOG = logging.getLogger("headgate.supervisor")
KEPT = 1000


class Events:
    """The last changes of state, numbered from 1."""

    def __init__(self) -> None:
        """Begin without any."""
        self._number = 0
        self._kept: deque[dict[str, object]] = deque(maxlen=KEPT)

    def add(self, kind: str, message: str) -> None:
        """Record a change and log it.

        Args:
            kind: `route`, `deployment`, `proxy`, `traffic` or `guard`.
            message: One line.
        """
        self._number += 1
        self._kept.append(
            {"number": self._number, "at": time.time(), "kind": kind, "message": message}
        )
        LOG.info("%s: %s", kind, message)

    def after(self, number: int) -> list[dict[str, object]]:
        """Return the kept changes that are newer than one.

        Args:
            number: Number of the last change already seen; 0 for all.

        Returns:
            The changes, oldest first: `number`, `at` (unix seconds), `kind`, `message`.
        """
        return [event for event in self._kept if int(str(event["number"])) > number]
