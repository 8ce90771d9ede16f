"""One driver of one rollout: look, decide, write, until the rollout is over."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import assert_never

from headgate.errors import BackendError, HeadgateError
from headgate.ports.clock import Clock
from headgate.ports.cluster import GuardStatus, Heartbeat
from headgate.rollout.absorb import Look, absorb
from headgate.rollout.decide import Action, Decision, decide, is_holding
from headgate.rollout.plan import Plan
from headgate.rollout.state import Phase, State, Verdict
from headgate.rollout.transitions import finish, follow, hold_from
from headgate.usecases.ownership import Claim, Keeper
from headgate.usecases.progress import OnEvent, progress
from headgate.usecases.watch import Watch

ATTEMPTS_TO_ABANDON = 3  # of a driver that ends early; after them the guard takes over
# A look beats again once this part of the time-out has passed: sources may take seconds to answer,
# and the guard must not take that for a dead driver.
BEAT_PART = 0.25


@dataclass(kw_only=True)
class Driver:
    """A rollout under way. `state` runs ahead of the recorded one by the looks since the write."""

    plan: Plan
    keeper: Keeper
    watch: Watch
    heartbeat: Heartbeat
    guard: GuardStatus
    clock: Clock
    on_event: OnEvent | None
    state: State  # to be written first
    looks: list[Look] = field(default_factory=list)
    ending: Decision | None = None  # a roll-back that was decided is tried until it is written
    beaten: bool = False  # whether the last heartbeat was recorded
    beaten_at: float = -inf  # monotonic, of the last one that was due
    readable: bool = True  # whether the route could be read at the last look
    next_look_at: float = 0.0  # monotonic

    def drive(self) -> State:
        """Write the first state and go on until the rollout is over.

        Returns:
            The last state; its phase is PROMOTED, ROLLED_BACK or CONTESTED.

        Raises:
            HeadgateError: If something else than a source of evidence failed; the weight is set to
                0 first, if the route can be written. `state` tells how far that went.
            KeyboardInterrupt: If the driver was interrupted; the same holds.
        """
        try:
            return self._drive()
        except KeyboardInterrupt:
            self._abandon("interrupted")
            raise
        except HeadgateError as error:
            self._abandon(f"the driver failed: {error}")
            raise

    def _drive(self) -> State:
        if not self.guard.ready():
            raise BackendError("no guard is ready; a canary needs one", retryable=True)
        # Between the read that found our state and now, a guard or a person may have acted.
        claim: Claim | None = Claim.OURS if self.keeper.recorded is None else self._claim()
        if claim is Claim.FOREIGN:
            return self._contest()
        if claim is Claim.OURS:
            self.keeper.write(self.state)
            self._tell("started", self.state.reason)
        self.next_look_at = self.clock.monotonic()
        while not self.state.phase.is_final:
            self._beat()
            self._wait()
            claim = self._refresh()
            if claim is Claim.FOREIGN:
                return self._contest()
            if claim is Claim.OURS and not self.state.phase.is_final:
                self._step()
            self._give_up_late()
        return self.state

    def _wait(self) -> None:
        now = self.clock.monotonic()
        self.next_look_at = max(self.next_look_at + self.plan.look_seconds, now)
        self.clock.sleep(self.next_look_at - now)

    def _give_up_late(self) -> None:
        """Stop when the guard would have acted as well: then the route cannot be written."""
        limit = self.state.deadline_at + self.state.heartbeat_timeout_seconds
        if not self.state.phase.is_final and self.clock.now() >= limit:
            raise BackendError(
                "the end of the rollout could not be written until "
                f"{self.state.heartbeat_timeout_seconds:g} s after its deadline",
                retryable=True,
            )

    def _beat(self) -> None:
        # A driver that cannot read the route, or cannot write its roll-back, must not look alive:
        # the guard shall act.
        self.beaten, self.beaten_at = False, self.clock.monotonic()
        if self.ending is None and self.readable:
            with suppress(BackendError):
                self.heartbeat.beat(self.state.rollout_id, epoch=self.state.epoch)
                self.beaten = True

    def _beat_if_due(self) -> None:
        limit = self.state.heartbeat_timeout_seconds * BEAT_PART
        if self.clock.monotonic() - self.beaten_at >= limit:
            self._beat()

    def _refresh(self) -> Claim | None:
        """Read the route; None if it cannot be read now."""
        self.readable = False
        try:
            claim = self._claim()
        except BackendError:
            if self.clock.now() >= self.state.deadline_at:
                raise
            return None
        self.readable = True
        return claim

    def _claim(self) -> Claim:
        """Read the route, and follow what others or a lost write of ours made of it."""
        known = self.keeper.recorded
        claim = self.keeper.refresh()
        recorded = self.keeper.recorded
        if recorded is not None and recorded is not known:
            self._take_over(recorded, claim)
        return claim

    def _take_over(self, recorded: State, claim: Claim) -> None:
        """Follow a write whose answer got lost, or the end that a guard or a person wrote."""
        if claim is Claim.OURS:
            self.state = recorded
        else:
            verdict, reason = self._conclude(recorded.verdict, recorded.reason)
            self.state = finish(
                replace(self.state, epoch=recorded.epoch - 1),
                phase=recorded.phase,
                verdict=verdict,
                reason=reason,
                now=self.clock.now(),
            )
        self._tell(self.state.phase.value.lower(), self.state.reason)

    def _conclude(self, verdict: Verdict, reason: str) -> tuple[Verdict, str]:
        """Keep what was decided already, whoever ends the rollout in the end."""
        if self.ending is None:
            return verdict, reason
        return self.ending.verdict, f"{self.ending.reason} ({reason})"

    def _step(self) -> None:
        decision = self.ending or self._look()
        match decision.action:
            case Action.HOLD:
                if self.looks and is_holding(self.plan, self.state, self.looks[-1]):
                    self._write(hold_from(self.state, now=self.clock.now()), decision.reason)
            case Action.ADVANCE:
                if self._is_watched():
                    self._follow(decision)
            case Action.PROMOTE:
                self._follow(decision)
            case Action.ROLL_BACK:
                self._follow(decision)
            case _:
                assert_never(decision.action)

    def _look(self) -> Decision:
        observation = self.watch.look(
            self.plan,
            canary=self.state.canary,
            stable=self.state.stable,
            between=self._beat_if_due,
        )
        self.state, look = absorb(self.plan, self.state, observation)
        self.looks.append(look)
        decision = decide(self.plan, self.state, look)
        if decision.action is Action.ROLL_BACK:
            self.ending = decision
        self._tell("look", decision.reason)
        return decision

    def _is_watched(self) -> bool:
        """Tell whether the guard would take the canary out if this driver vanished."""
        try:
            return self.beaten and self.guard.ready()
        except BackendError:
            return False

    def _follow(self, decision: Decision) -> None:
        state = follow(self.plan, self.state, decision, now=self.clock.now())
        self._write(state, decision.reason)

    def _write(self, state: State, reason: str) -> None:
        # A write that failed is looked at again before the next look: it may have been stored.
        with suppress(BackendError):
            self.keeper.write(state)
            self.state = state
            event = "stage" if state.phase is Phase.PROGRESSING else state.phase.value.lower()
            self._tell(event, reason)

    def _contest(self) -> State:
        verdict, reason = self._conclude(
            Verdict.INSUFFICIENT, "somebody else changed the route: no step up, a person must look"
        )
        self.state = finish(
            self.state,
            phase=Phase.CONTESTED,
            verdict=verdict,
            reason=reason,
            now=self.clock.now(),
        )
        self.keeper.contest(self.state)
        self._tell("contested", reason)
        return self.state

    def _abandon(self, reason: str) -> None:
        """Set the weight to 0 before the driver ends, if the route is still ours."""
        verdict, reason = self._conclude(Verdict.INSUFFICIENT, reason)
        for _ in range(ATTEMPTS_TO_ABANDON):
            with suppress(BackendError):
                self._end_early(verdict, reason)
                return
        if not self.state.phase.is_final:
            left = f"{reason}; the weight could not be set to 0: that is left to the guard"
            self.state = replace(self.state, verdict=verdict, reason=left)

    def _end_early(self, verdict: Verdict, reason: str) -> None:
        """Roll back what is ours and in progress; follow what has ended."""
        claim, recorded = self.keeper.refresh(), self.keeper.recorded
        if recorded is None or self.state.phase.is_final:
            return
        if claim is Claim.FOREIGN:
            self.state = replace(self.state, epoch=recorded.epoch)
            self._contest()
        elif recorded.phase.is_final:
            self._take_over(recorded, claim)
        else:
            ended = finish(
                replace(self.state, epoch=recorded.epoch),
                phase=Phase.ROLLED_BACK,
                verdict=verdict,
                reason=reason,
                now=self.clock.now(),
            )
            self.keeper.write(ended)
            self.state = ended
            self._tell("rolled_back", reason)

    def _tell(self, event: str, reason: str) -> None:
        if self.on_event is None:
            return
        now = self.clock.now()
        self.on_event(progress(self.plan, self.state, event=event, reason=reason, now=now))
