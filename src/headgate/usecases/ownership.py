"""Is the route still ours? Every write is a compare-and-swap, and every answer may get lost."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum

from headgate.errors import BackendError
from headgate.ports.routing import Route, TrafficRouter
from headgate.rollout.state import State
from headgate.usecases.target import recorded_state
from headgate.usecases.weights import agrees, route_for


class Claim(Enum):
    """Whose the route is after a fresh read."""

    OURS = "ours"
    ENDED = "ended"  # a guard or a person ended our rollout, in the way we agreed on
    FOREIGN = "foreign"  # somebody else wrote weights or state


@dataclass(kw_only=True)
class Keeper:
    """The route as this driver knows it."""

    router: TrafficRouter
    rollout_id: str
    route: Route | None
    recorded: State | None = None  # what the route holds, as far as we know
    # Writes whose answer got lost: one of them may have been stored after all.
    pending: list[State] = field(default_factory=list)

    def write(self, state: State) -> None:
        """Write weights and state.

        Args:
            state: The state to record.

        Raises:
            BackendError: If it was not written, or the answer got lost; `refresh` finds out.
        """
        self.pending.append(state)
        self._adopt(self.router.write(route_for(state, onto=self.route)), state)

    def refresh(self) -> Claim:
        """Read the route and tell whose it is.

        Returns:
            OURS if it holds what we wrote (also in a write whose answer got lost; then `recorded`
            is that state).

        Raises:
            BackendError: If the route cannot be read.
        """
        route = self.router.read()
        found = recorded_state(route)
        if route is None or found is None or found.rollout_id != self.rollout_id:
            return Claim.FOREIGN
        if not agrees(route, found):
            self.route = route
            return Claim.FOREIGN
        if found in self.pending:
            self._adopt(route, found)
        if found == self.recorded:
            self.route = route
            return Claim.OURS
        if found.phase.is_final:
            self._adopt(route, found)
            return Claim.ENDED
        return Claim.FOREIGN

    def contest(self, state: State) -> None:
        """Record that the route is contested, if its state is still ours; leave the weights.

        Args:
            state: The contested state.
        """
        if self.route is not None and recorded_state(self.route) == self.recorded:
            with suppress(BackendError):
                self.route = self.router.write(replace(self.route, state=state.to_json()))

    def _adopt(self, route: Route, state: State) -> None:
        self.route, self.recorded = route, state
        self.pending.clear()
