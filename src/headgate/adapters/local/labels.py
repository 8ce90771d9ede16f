"""What the traffic generator has seen: answers by deployment, and labels that arrive later."""

import math
from collections import deque
from dataclasses import dataclass, field

# Latency is kept as counts in buckets that grow by 5 %: exact enough for a percentile, mergeable.
_GROWTH = math.log(1.05)
_FIRST_MS = 0.05
_BUCKETS = 300  # up to 100 s


@dataclass(slots=True)
class Tally:
    """Counts of one deployment; the proxy's own answers stand under the name ""."""

    requests: int = 0
    client_errors: int = 0  # answers 4xx
    server_errors: int = 0  # answers 5xx
    labelled: int = 0
    wrong: int = 0
    first_at: float = 0.0  # unix seconds of the first and the last answer
    last_at: float = 0.0
    latency: list[int] = field(default_factory=lambda: [0] * _BUCKETS)

    def percentile_ms(self, share: float) -> float | None:
        """Return the latency below which a share of the answers lie.

        Args:
            share: In (0, 1], for example 0.95.

        Returns:
            Milliseconds, at most 5 % too high; None without an answer.
        """
        wanted = share * self.requests
        seen = 0
        for index, count in enumerate(self.latency):
            seen += count
            if count and seen >= wanted:
                return round(_FIRST_MS * math.exp(_GROWTH * index), 3)
        return None

    def record(self) -> dict[str, object]:
        """Return the counts as a JSON object."""
        return {
            "requests": self.requests,
            "client_errors": self.client_errors,
            "server_errors": self.server_errors,
            "labelled": self.labelled,
            "wrong": self.wrong,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "latency_p50_ms": self.percentile_ms(0.5),
            "latency_p95_ms": self.percentile_ms(0.95),
        }


class Ledger:
    """All counts of the traffic. A label joins its answer a fixed delay after the answer."""

    def __init__(self, *, label_delay_seconds: float) -> None:
        """Begin at zero.

        Args:
            label_delay_seconds: Time from an answer to its label; 0 or more.
        """
        self.sent = 0
        self.ok = 0
        self.lost = 0  # no answer at all, or the proxy had to answer instead of a deployment
        self.tallies: dict[str, Tally] = {}
        self._delay = label_delay_seconds
        self._waiting: deque[tuple[float, Tally, bool]] = deque()

    def answer(self, deployment: str, *, status: int, seconds: float, at: float) -> None:
        """Count an answer.

        Args:
            deployment: Who answered, "" for the proxy itself.
            status: HTTP status.
            seconds: Latency.
            at: Unix time.
        """
        tally = self._tally(deployment)
        tally.requests += 1
        tally.first_at, tally.last_at = tally.first_at or at, at
        tally.latency[_bucket(seconds)] += 1
        if not deployment:
            self.lost += 1
        elif status < 400:
            self.ok += 1
        tally.client_errors += 400 <= status < 500
        tally.server_errors += status >= 500

    def expect_label(self, deployment: str, *, wrong: bool, now: float) -> None:
        """Remember a prediction until its label arrives.

        Args:
            deployment: Who predicted.
            wrong: Whether the label will contradict it.
            now: Monotonic time of the answer.
        """
        self._waiting.append((now + self._delay, self._tally(deployment), wrong))

    def mature(self, now: float) -> None:
        """Count the labels that have arrived.

        Args:
            now: Monotonic time.
        """
        while self._waiting and self._waiting[0][0] <= now:
            _, tally, wrong = self._waiting.popleft()
            tally.labelled += 1
            tally.wrong += wrong

    def _tally(self, deployment: str) -> Tally:
        return self.tallies.setdefault(deployment, Tally())


def _bucket(seconds: float) -> int:
    # The bucket's value is its upper bound.
    scaled = max(seconds * 1000 / _FIRST_MS, 1.0)
    return min(math.ceil(math.log(scaled) / _GROWTH), _BUCKETS - 1)
