"""Give a candidate live traffic step by step, until it is promoted or out. On ports alone.

What holds whatever fails:

* Weights and state change in one compare-and-swap; every write raises the epoch.
* No step up without a ready guard, without all sources, or after a foreign write.
* The write of 100 % with phase PROMOTED is the commit; aliases only roll forward after it.
* The driver beats its heart only while it can read the route and is not failing to roll back, so
  that the guard takes over exactly when the driver cannot act.
"""

from collections.abc import Callable
from dataclasses import replace

from headgate.errors import BackendError, HeadgateError
from headgate.ports.clock import Clock
from headgate.ports.cluster import Deployments, GuardStatus, Heartbeat
from headgate.ports.evidence import LabelSource, MetricSource
from headgate.ports.registry import ModelRegistry
from headgate.ports.routing import WEIGHT_PARTS, Route, TrafficRouter
from headgate.rollout.absorb import begin_counting
from headgate.rollout.evidence import rollout_record
from headgate.rollout.plan import Plan
from headgate.rollout.state import Arm, Phase, State, start_state
from headgate.rollout.transitions import promote_directly, resume
from headgate.usecases.completion import (
    complete_promotion,
    find_retired,
    move_aliases,
    remove_retired,
)
from headgate.usecases.driver import Driver
from headgate.usecases.ownership import Keeper
from headgate.usecases.progress import OnEvent, progress
from headgate.usecases.target import Target, recorded_state, rollout_id
from headgate.usecases.watch import Watch
from headgate.usecases.weights import agrees

OnRecord = Callable[[dict[str, object]], None]
_UNFINISHED = frozenset({Phase.PROGRESSING, Phase.HOLDING})


class Interrupted(KeyboardInterrupt):
    """Somebody asked the driver to stop; raise it from a handler of SIGTERM."""


def run_canary(  # noqa: PLR0913 - one port each, all named
    plan: Plan,
    target: Target,
    *,
    router: TrafficRouter,
    metrics: MetricSource,
    labels: LabelSource,
    heartbeat: Heartbeat,
    guard: GuardStatus,
    deployments: Deployments,
    registry: ModelRegistry,
    clock: Clock,
    on_event: OnEvent | None = None,
    on_record: OnRecord | None = None,
) -> dict[str, object]:
    """Drive one rollout, and judge the candidate on live evidence.

    A first model (no champion) gets all traffic at once: there is nothing to compare it with. A
    rollout in progress with the same identity is resumed with its evidence, after a full fresh
    window. A finished one is reported; one that was rolled back starts again for another `run_id`,
    and one that was promoted if the canary has lost its traffic since. After a promotion, the
    deployments of earlier champions are removed; the one just replaced stays.

    Args:
        plan: The plan.
        target: The candidate and the champion.
        router: The route.
        metrics: Counters of answers.
        labels: Counters of labels; read only if the plan judges wrong answers.
        heartbeat: Sign of life for the guard.
        guard: Whether a guard watches.
        deployments: The model servers.
        registry: Aliases to move after the commit.
        clock: Time.
        on_event: Called with a JSON object at every change and look, for live progress.
        on_record: Called once with the record of a rollout that had started, before the aliases
            move and also if this function ends by an exception: whoever stores the record there
            has it however the rollout ended. The phase is PROGRESSING or HOLDING if the weight
            could not be set to 0 before an exception; the guard does it then.

    Returns:
        The record of the rollout (`rollout.json`). Its phase is PROMOTED, ROLLED_BACK or CONTESTED;
        its verdict PASS, FAIL or INSUFFICIENT.

    Raises:
        BackendError: If the rollout cannot start: no ready guard, a canary that is not ready, a
            source that does not answer, traffic that is not all on the champion, another rollout
            in progress; or if the route cannot be read until the deadline, or the end cannot be
            written until the guard's own limit after it.
        KeyboardInterrupt: If the driver is interrupted; the weight is set to 0 first.
    """
    own_id, route = rollout_id(plan, target), router.read()
    found = _found(route, own_id)
    last = _finished(route, found, target, own_id)
    if last is not None:
        record = _hand_over(rollout_record(plan, last, [], carried=last), on_record)
    else:
        keeper = Keeper(router=router, rollout_id=own_id, route=route)
        watch = Watch(metrics=metrics, labels=labels, deployments=deployments, clock=clock)
        driver = Driver(
            plan=plan,
            keeper=keeper,
            watch=watch,
            heartbeat=heartbeat,
            guard=guard,
            clock=clock,
            on_event=on_event,
            state=_begin(plan, target, keeper=keeper, watch=watch, found=found, registry=registry),
        )
        record, last = _drive(driver, on_record), driver.state
    move_aliases(registry, last)
    left = remove_retired(last, router=router, deployments=deployments)
    if left and on_event is not None:
        on_event(progress(plan, last, event="left_over", reason=left, now=clock.now()))
    return record


def _drive(driver: Driver, on_record: OnRecord | None) -> dict[str, object]:
    """Drive to the end, and hand the record over also if that is an exception."""
    carried = driver.keeper.recorded
    try:
        driver.drive()
    except (HeadgateError, KeyboardInterrupt):
        if driver.keeper.recorded is not None:
            _hand_over(_record(driver, carried), on_record)
        raise
    return _hand_over(_record(driver, carried), on_record)


def _record(driver: Driver, carried: State | None) -> dict[str, object]:
    return rollout_record(driver.plan, driver.state, driver.looks, carried=carried)


def _hand_over(record: dict[str, object], on_record: OnRecord | None) -> dict[str, object]:
    if on_record is not None:
        on_record(record)
    return record


def _found(route: Route | None, own_id: str) -> State | None:
    """Read the state out of the route; refuse a route that others use."""
    found = recorded_state(route)
    if route is None or route.state is None:
        return None
    if found is None:
        raise BackendError(
            "the route carries a state that is not one of ours; find out whose it is, then remove "
            "it (on a cluster: annotation headgate.dev/state of the HTTPRoute)"
        )
    if found.rollout_id == own_id or found.phase.is_final:
        return found
    # A contested route that has lost its canary has nothing left to protect.
    if found.phase is Phase.CONTESTED and route.weight(found.canary.deployment) == 0:
        return found
    raise BackendError(
        f"rollout {found.rollout_id} of {found.canary.deployment} is {found.phase.value}; "
        "let it end, or end it with the component roll_back: "
        f"deployment {found.canary.deployment}, version {found.canary.version}",
        retryable=True,
    )


def _finished(
    route: Route | None, found: State | None, target: Target, own_id: str
) -> State | None:
    """Return what a retry finds finished; another run may start a failed rollout anew."""
    if route is None or found is None or found.rollout_id != own_id:
        return None
    if found.phase is Phase.PROMOTED:
        # Somebody who moved the traffic back has taken the promotion back.
        over = agrees(route, found)
    else:
        over = found.phase not in _UNFINISHED and found.run_id == target.run_id
    return found if over else None


def _begin(
    plan: Plan,
    target: Target,
    *,
    keeper: Keeper,
    watch: Watch,
    found: State | None,
    registry: ModelRegistry,
) -> State:
    """Make the state of the first write: go on with a rollout under way, or start one."""
    if found is not None and found.rollout_id == keeper.rollout_id and found.phase in _UNFINISHED:
        keeper.recorded = found
        return resume(found, now=watch.clock.now())
    route = keeper.route
    # A promotion whose weights somebody has changed since was taken back.
    if route is not None and found is not None and agrees(route, found):
        complete_promotion(target.model, found, registry)
    epoch = 1 if found is None else found.epoch + 1
    first = _first_state(plan, target, watch=watch, route=route, epoch=epoch)
    deployments = watch.deployments
    return replace(
        first, retired=find_retired(target, route=route, found=found, deployments=deployments)
    )


def _first_state(
    plan: Plan, target: Target, *, watch: Watch, route: Route | None, epoch: int
) -> State:
    """Check that the rollout may start."""
    _require_ready(watch, target.canary)
    _require_traffic(route, target)
    state = start_state(
        plan,
        rollout_id=rollout_id(plan, target),
        run_id=target.run_id,
        model=target.model,
        canary=target.canary,
        stable=target.stable,
        now=watch.clock.now(),
        epoch=epoch,
    )
    if target.stable is None:
        return promote_directly(state)
    observation = watch.look(plan, canary=target.canary, stable=target.stable)
    for arm, reading in ((target.canary, observation.canary), (target.stable, observation.stable)):
        if not reading.pods:
            raise BackendError(f"the metrics of {arm.deployment} do not answer", retryable=True)
        if plan.needs_labels() and reading.labels is None:
            raise BackendError(f"the labels of {arm.deployment} do not answer", retryable=True)
    return begin_counting(plan, state, observation)


def _require_ready(watch: Watch, canary: Arm) -> None:
    status = watch.deployments.status(canary.deployment)
    if status is None:
        raise BackendError(f"the canary's deployment {canary.deployment} does not exist")
    if status.version != canary.version:
        raise BackendError(
            f"deployment {canary.deployment} serves version {status.version!r}, "
            f"expected {canary.version!r}"
        )
    if not status.ready:
        raise BackendError(
            f"the canary {canary.deployment} is not ready: {status.reason or 'no reason given'}",
            retryable=True,
        )


def _require_traffic(route: Route | None, target: Target) -> None:
    """Refuse unless the champion has all traffic (without a champion: nobody else has any)."""
    backends = () if route is None else route.backends
    found = {backend.deployment: backend.weight for backend in backends if backend.weight > 0}
    if target.stable is not None:
        allowed = [{target.stable.deployment: WEIGHT_PARTS}]
    else:
        allowed = [{}, {target.canary.deployment: WEIGHT_PARTS}]
    if found not in allowed:
        champion = "nobody" if target.stable is None else target.stable.deployment
        raise BackendError(f"all traffic should be with {champion} before a rollout, got {found}")
