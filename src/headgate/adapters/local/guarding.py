"""The local guard: takes the canary out when nobody watches it any more."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from headgate.errors import HeadgateError
from headgate.ports import ConflictError, Route
from headgate.rollout.state import Phase, Verdict
from headgate.rollout.transitions import finish
from headgate.usecases.guard import guard_step
from headgate.usecases.target import recorded_state
from headgate.usecases.weights import route_for

STEP_SECONDS = 0.1  # a small part of any sensible heartbeat time-out
READY_SECONDS = 2.0  # a guard that has not looked for this long does not watch
STOPPED = "the supervisor stopped during the rollout"


def taken_back(route: Route, *, now: float) -> Route | None:
    """Make the route to begin with after the supervisor had stopped.

    Args:
        route: The route as stored.
        now: Seconds since 1970.

    Returns:
        The champion at 100 % and the rollout ROLLED_BACK, or None if no rollout was under way or
        there is no champion to go back to.
    """
    state = recorded_state(route)
    if state is None or state.phase.is_final or state.stable is None:
        return None
    ended = finish(
        state,
        phase=Phase.ROLLED_BACK,
        verdict=Verdict.INSUFFICIENT,
        reason=STOPPED,
        now=now,
    )
    # Foreign weights, too: nothing runs any more that could carry them.
    emptied = tuple(replace(backend, weight=0) for backend in route.backends)
    return route_for(ended, onto=replace(route, backends=emptied))


class Guard:
    """Calls `guard_step` again and again, on the supervisor's own clock."""

    def __init__(
        self,
        *,
        read: Callable[[], Route | None],
        write: Callable[[Route], Awaitable[Route]],
        on_event: Callable[[str, str], None],
    ) -> None:
        """Keep what it needs; it does not watch yet.

        Args:
            read: Returns the route.
            write: Writes the route with compare-and-swap.
            on_event: Called with kind and message when it acts or cannot act.
        """
        self._read, self._write, self._on_event = read, write, on_event
        self._task: asyncio.Task[None] | None = None
        self._watched: str | None = None  # the rollout under way
        self._beat_at = 0.0
        self._looked_at = float("-inf")

    def start(self, *, on_failure: Callable[[], None]) -> None:
        """Begin to watch.

        Args:
            on_failure: Called if it ends by an error that it does not know how to survive.
        """
        self._task = asyncio.create_task(self._watch())
        self._task.add_done_callback(lambda _: None if self.failure is None else on_failure())

    def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()

    @property
    def failure(self) -> BaseException | None:
        """The error by which it ended; None while it watches and after `stop`."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    def ready(self) -> bool:
        """Say whether it watches.

        Returns:
            True if it has looked at the route just now.
        """
        return time.monotonic() - self._looked_at < READY_SECONDS

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """See a heartbeat; one of another rollout or of an overtaken driver does not count.

        Args:
            rollout_id: The rollout.
            epoch: The epoch that the driver acts on.
        """
        state = recorded_state(self._read())
        if state is not None and state.rollout_id == rollout_id and epoch >= state.epoch:
            self._beat_at = time.monotonic()

    async def step(self) -> None:
        """Look once, and act if nobody else does."""
        route, now = self._read(), time.monotonic()
        state = recorded_state(route)
        watched = None if state is None or state.phase.is_final else state.rollout_id
        if watched != self._watched:
            self._watched, self._beat_at = watched, now
        wanted = guard_step(
            route, last_heartbeat_monotonic=self._beat_at, now_monotonic=now, now=time.time()
        )
        self._looked_at = now
        if wanted is None:
            return
        try:
            written = await self._write(wanted)
        except ConflictError:
            return  # somebody else acted; the next step looks again
        state = recorded_state(written)
        self._on_event("guard", "rolled back" if state is None else state.reason)

    async def _watch(self) -> None:
        while True:
            try:
                await self.step()
            except (HeadgateError, OSError) as error:  # the latter for a full disk
                self._on_event("guard", f"could not act: {error}")
            await asyncio.sleep(STEP_SECONDS)
