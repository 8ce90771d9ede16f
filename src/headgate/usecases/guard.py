"""The dead-man switch: nobody watching means no canary.

A guard outlives the driver of a rollout. It reads the route and the heartbeat, calls `guard_step`,
and writes what it returns with compare-and-swap; a conflict means that somebody else acted, and the
next step looks again.
"""

from headgate.ports.routing import Route
from headgate.rollout.state import Phase, State, Verdict
from headgate.rollout.transitions import finish
from headgate.usecases.target import recorded_state
from headgate.usecases.weights import has_our_weight, without_canary


def guard_step(
    route: Route | None,
    *,
    last_heartbeat_monotonic: float,
    now_monotonic: float,
    now: float,
) -> Route | None:
    """Decide whether the canary must go, and to what route. Pure.

    The limits (heartbeat time-out, deadline, hold limit) are those in the route's state. A final
    phase is never touched. A contested route loses its canary at the hold limit only, and only if
    the canary still has the weight, or the share of what is ours, that we gave it.

    Args:
        route: The route as read.
        last_heartbeat_monotonic: The guard's own monotonic time at which it last saw the heartbeat
            of this rollout change, or first saw the rollout.
        now_monotonic: The guard's own monotonic time.
        now: Seconds since 1970.

    Returns:
        The route to write, or None if nothing is to be done.
    """
    state = recorded_state(route)
    if route is None or state is None or state.phase.is_final:
        return None
    reason = _reason(state, silent=now_monotonic - last_heartbeat_monotonic, now=now)
    if reason is None or not has_our_weight(route, state):
        return None
    ended = finish(
        state,
        phase=Phase.ROLLED_BACK,
        verdict=Verdict.INSUFFICIENT,
        reason=f"guard: {reason}",
        now=now,
    )
    return without_canary(route, ended)


def _reason(state: State, *, silent: float, now: float) -> str | None:
    # The driver ends a rollout itself at these limits; the guard gives it the time to do so.
    grace = state.heartbeat_timeout_seconds
    if state.phase is Phase.CONTESTED:
        contested = state.ended_at is not None and now >= state.ended_at + state.max_hold_seconds
        return "the hold limit of a contested route passed" if contested else None
    if silent > state.heartbeat_timeout_seconds:
        return f"no heartbeat of the driver for {silent:.1f} s"
    if now >= state.deadline_at + grace:
        return "the deadline of the rollout passed"
    if state.holding_since is None:
        return None
    over = now >= state.holding_since + state.max_hold_seconds + grace
    return "the hold limit at the last stage passed" if over else None
