"""The real clock."""

import time


class SystemClock:
    """Wall and monotonic time of this machine."""

    def now(self) -> float:
        """Read the wall clock.

        Returns:
            Seconds since 1970-01-01 UTC.
        """
        return time.time()

    def monotonic(self) -> float:
        """Read a clock that never goes back.

        Returns:
            Seconds; the zero means nothing.
        """
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: How long; 0 or less returns at once.
        """
        time.sleep(max(seconds, 0.0))
