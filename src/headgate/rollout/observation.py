"""What one look at the world brings."""

from dataclasses import dataclass

from headgate.rollout.counters import LabelCounters, PodCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReading:
    """What is known of one arm right now; None means that the source did not answer."""

    pods: tuple[PodCounters, ...] | None  # empty: the source answers, but no pod can be scraped
    labels: LabelCounters | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look."""

    now: float  # seconds since 1970
    canary: ArmReading
    stable: ArmReading
    canary_ready: bool | None = None  # None: unknown
    canary_restarts: int | None = None  # restarts of all its pods so far; None: unknown
    canary_reason: str = ""  # why it is not ready, for people
