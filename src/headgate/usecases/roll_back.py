"""Take a candidate out for good. Each part may have happened before; doing it twice is fine."""

from collections.abc import Callable
from dataclasses import replace

from headgate.errors import BackendError, NoDataError
from headgate.ports.clock import Clock
from headgate.ports.cluster import Deployments
from headgate.ports.evidence import MetricSource
from headgate.ports.registry import ModelRegistry
from headgate.ports.routing import ConflictError, Route, TrafficRouter
from headgate.rollout.state import Arm, Phase, Verdict
from headgate.rollout.transitions import finish
from headgate.usecases.completion import complete_promotion
from headgate.usecases.target import CANDIDATE, recorded_state
from headgate.usecases.weights import has_our_weight, without_canary

ATTEMPTS = 5  # writes against others who write the route too, the guard for one
# A proxy may take some seconds to follow; a canary that is still asked after this has a reason.
DRAIN_SECONDS = 30.0
DRAIN_LOOK_SECONDS = 0.25


def roll_back(  # noqa: PLR0913 - one port each, all named
    model: str,
    canary: Arm,
    *,
    router: TrafficRouter,
    metrics: MetricSource,
    deployments: Deployments,
    registry: ModelRegistry,
    clock: Clock,
    settle_seconds: float = DRAIN_LOOK_SECONDS,
    reason: str = "rolled back on request",
) -> Phase:
    """Set a candidate's weight to 0, remove its deployment, drop its `candidate` alias.

    Args:
        model: Registered model.
        canary: The candidate.
        router: The route.
        metrics: Counters; the deployment goes when its requests have stopped.
        deployments: The model servers.
        registry: The aliases; `champion` only follows a commit whose driver could not move it.
        clock: Time.
        settle_seconds: How long the proxy may take to follow a new weight; the candidate must have
            been silent for so long.
        reason: Goes on record if the rollout was still in progress.

    Returns:
        PROMOTED if the candidate is the champion by now (then its traffic is not touched), else
        ROLLED_BACK. Its deployment stays while the route of another rollout still names it.

    Raises:
        BackendError: If the candidate has traffic that no rollout of ours gave it, if its requests
            do not stop, or if something does not answer.
    """
    route = router.read()
    state = recorded_state(route)
    promoted = state is not None and state.canary == canary and state.phase is Phase.PROMOTED
    # A promotion that somebody has undone since is history: then there is something to take out.
    if promoted and route is not None and route.weight(canary.deployment) > 0:
        complete_promotion(model, state, registry)
        return Phase.PROMOTED
    _change(router, lambda route: _ended(route, canary, now=clock.now(), reason=reason))
    if deployments.status(canary.deployment) is not None:
        _wait_for_silence(metrics, canary, clock=clock, seconds=settle_seconds)
    left = _change(router, lambda route: _without_backend(route, canary))
    if left is None or not _names(left, canary):
        deployments.remove(canary.deployment)
    candidate = registry.by_alias(model, CANDIDATE)
    if candidate is not None and candidate.version == canary.version:
        registry.delete_alias(model, CANDIDATE)
    return Phase.ROLLED_BACK


def _change(
    router: TrafficRouter, change: Callable[[Route], Route | None], *, attempts: int = ATTEMPTS
) -> Route | None:
    """Read, change, write with compare-and-swap; again if somebody else was faster."""
    route = router.read()
    wanted = None if route is None else change(route)
    if wanted is None:
        return route
    try:
        return router.write(wanted)
    except ConflictError:
        if attempts == 1:
            raise
        return _change(router, change, attempts=attempts - 1)


def _ended(route: Route, canary: Arm, *, now: float, reason: str) -> Route | None:
    """End the canary's rollout; None if it has no weight and no rollout in progress."""
    state = recorded_state(route)
    weight = route.weight(canary.deployment)
    if state is None or state.canary != canary or state.phase.is_final:
        if weight > 0:
            raise _foreign(canary, weight)
        return None
    if not has_our_weight(route, state):
        raise _foreign(canary, weight)
    ended = finish(
        state, phase=Phase.ROLLED_BACK, verdict=Verdict.INSUFFICIENT, reason=reason, now=now
    )
    return without_canary(route, ended)


def _foreign(canary: Arm, weight: int) -> BackendError:
    return BackendError(
        f"{canary.deployment} has a weight of {weight} of 10000 that no rollout of ours gave it; "
        "take it away first"
    )


def _without_backend(route: Route, canary: Arm) -> Route | None:
    """Forget the canary; None if it is forgotten, or if another rollout owns the route now."""
    state = recorded_state(route)
    busy = state is not None and not state.phase.is_final
    if busy or not _names(route, canary):
        return None
    kept = tuple(b for b in route.backends if b.deployment != canary.deployment)
    record = route.state if state is None else replace(state, epoch=state.epoch + 1).to_json()
    return replace(route, backends=kept, state=record)


def _names(route: Route, canary: Arm) -> bool:
    return any(backend.deployment == canary.deployment for backend in route.backends)


def _wait_for_silence(metrics: MetricSource, canary: Arm, *, clock: Clock, seconds: float) -> None:
    """Wait until the counters say that nobody asks the canary any more.

    One without counters is given the same time: it may have missed a scrape, or be gone.
    """
    begin = since = clock.monotonic()
    before = _requests(metrics, canary)
    while clock.monotonic() < since + seconds:
        if clock.monotonic() >= begin + max(DRAIN_SECONDS, seconds):
            raise BackendError(
                f"{canary.deployment} still gets requests {DRAIN_SECONDS:g} s after its weight "
                "became 0",
                retryable=True,
            )
        clock.sleep(DRAIN_LOOK_SECONDS)
        requests = _requests(metrics, canary)
        if requests != before:
            before, since = requests, clock.monotonic()


def _requests(metrics: MetricSource, canary: Arm) -> int | None:
    try:
        return sum(pod.requests for pod in metrics.counters(canary.deployment))
    except NoDataError:
        return None
