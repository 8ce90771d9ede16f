"""Time, as something that is handed in."""

from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for durations."""

    def now(self) -> float:
        """Read the wall clock.

        Returns:
            Seconds since 1970-01-01 UTC.
        """

    def monotonic(self) -> float:
        """Read a clock that never goes back; its zero means nothing.

        Returns:
            Seconds.
        """

    def sleep(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: How long; 0 or less returns at once.
        """
