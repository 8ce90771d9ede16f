"""What a guard knows of one rollout: how long its driver has been silent, by the guard's clock."""

from dataclasses import dataclass

from headgate.adapters.kubernetes.heartbeat import EPOCH
from headgate.adapters.kubernetes.http_route import annotations
from headgate.adapters.kubernetes.kinds import Manifest
from headgate.rollout.state import State

# A guard that could not read for longer than this has missed beats, and so may the driver have been
# kept from beating: that time is no silence. What was silent before it stays, or a cluster that
# comes and goes would put the guard off for ever.
BLIND_SECONDS = 2.0

Beat = tuple[str, str, int]  # holder, time of renewal, epoch


@dataclass(kw_only=True)
class Watched:
    """One rollout under way. All times are monotonic."""

    rollout_id: str
    beat_at: float  # when a beat was seen last, or the rollout was seen first
    looked_at: float  # when the Lease was read last
    last: Beat | None = None
    blind_since: float | None = None  # when the first look after that failed

    def look(self, lease: Manifest | None, state: State, *, now: float) -> None:
        """Take in the Lease as it was just read.

        Args:
            lease: The Lease; None if there is none.
            state: The state in the route; a beat of another rollout or of an older epoch, by a
                driver that was overtaken, does not count.
            now: When it was read.
        """
        found = beat_of(lease)
        blind = 0.0 if self.blind_since is None else now - self.blind_since
        if found != self.last and _counts(found, state):
            self.beat_at = now
        elif blind > BLIND_SECONDS:
            self.beat_at += blind
        self.last, self.looked_at, self.blind_since = found, now, None

    def miss(self, *, now: float) -> None:
        """Take in that the Lease could not be read.

        Args:
            now: When the look began.
        """
        if self.blind_since is None:
            self.blind_since = now


def first_sight(lease: Manifest | None, state: State, *, now: float) -> Watched:
    """Begin to watch a rollout; the beat that is there may be old and says nothing.

    Args:
        lease: Its Lease; None if there is none.
        state: The state in the route.
        now: Monotonic time.

    Returns:
        What is known of it.
    """
    return Watched(rollout_id=state.rollout_id, beat_at=now, looked_at=now, last=beat_of(lease))


def beat_of(lease: Manifest | None) -> Beat | None:
    """Read a beat.

    Args:
        lease: The Lease; None if there is none.

    Returns:
        The beat, or None if the Lease holds none.
    """
    if lease is None:
        return None
    spec, epoch = lease.get("spec") or {}, annotations(lease).get(EPOCH, "")
    if not epoch.isdecimal():
        return None
    return spec.get("holderIdentity", ""), spec.get("renewTime", ""), int(epoch)


def _counts(beat: Beat | None, state: State) -> bool:
    return beat is not None and beat[0] == state.rollout_id and beat[2] >= state.epoch
