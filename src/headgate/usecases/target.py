"""Which version shall replace which."""

import hashlib
import json
from dataclasses import asdict, dataclass

from headgate.errors import BackendError, DataError
from headgate.ports.cluster import Deployments
from headgate.ports.routing import WEIGHT_PARTS, Route, TrafficRouter
from headgate.rollout.plan import Plan
from headgate.rollout.state import Arm, Phase, State, state_from_json
from headgate.usecases.weights import agrees, is_foreign

CHAMPION, CANDIDATE = "champion", "candidate"  # aliases of the registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A candidate, and the champion that it may replace."""

    model: str  # registered model
    canary: Arm
    stable: Arm | None  # None: there is no champion yet
    run_id: str = (
        ""  # a finished rollout is started again by another run, not by a retry of its own
    )


def rollout_id(plan: Plan, target: Target) -> str:
    """Name a rollout by what it does, so that a retry computes the same name.

    Args:
        plan: The plan.
        target: The target; its `run_id` plays no part.

    Returns:
        16 hexadecimal digits.
    """
    identity = {
        "model": target.model,
        "canary": asdict(target.canary),
        "stable": None if target.stable is None else asdict(target.stable),
        "plan": plan.digest(),
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def recorded_state(route: Route | None) -> State | None:
    """Read the rollout's state out of a route.

    Args:
        route: The route, or None if there is none.

    Returns:
        The state; None if there is none or it is not one of ours.
    """
    if route is None or route.state is None:
        return None
    try:
        return state_from_json(route.state)
    except DataError:
        return None


def find_target(
    model: str, canary: Arm, *, router: TrafficRouter, deployments: Deployments, run_id: str = ""
) -> Target:
    """Find the champion that a canary would replace: the deployment with all the traffic.

    Args:
        model: Registered model.
        canary: The candidate.
        router: The route.
        deployments: Tells the champion's version.
        run_id: The run that asks.

    Returns:
        The target. If the route records a rollout of this canary that was not rolled back, the
        champion is that of the record, so that a retry finds the same target. A promotion whose
        weights somebody changed later is history: the champion is who has the traffic now.

    Raises:
        BackendError: If no single deployment has all the traffic, if a backend that is not ours has
            some, or if the champion does not run.
    """
    route = router.read()
    state = recorded_state(route)
    if route is None:
        return Target(model=model, canary=canary, stable=None, run_id=run_id)
    if state is not None and state.canary == canary and _is_in_force(route, state):
        return Target(model=model, canary=canary, stable=state.stable, run_id=run_id)
    holders = [b.deployment for b in route.backends if b.weight == WEIGHT_PARTS]
    _refuse_foreign(route)
    if not holders:
        weights = {backend.deployment: backend.weight for backend in route.backends}
        raise BackendError(f"no deployment has all the traffic, got weights {weights}")
    if holders == [canary.deployment]:
        return Target(model=model, canary=canary, stable=None, run_id=run_id)
    status = deployments.status(holders[0])
    if status is None:
        raise BackendError(f"the champion's deployment {holders[0]} does not run")
    stable = Arm(deployment=status.name, version=status.version)
    return Target(model=model, canary=canary, stable=stable, run_id=run_id)


def _refuse_foreign(route: Route) -> None:
    weights = {b.deployment: b.weight for b in route.backends if b.weight > 0}
    foreign = sorted(name for name in weights if is_foreign(name))
    if foreign:
        raise BackendError(
            f"a backendRef of your own ({', '.join(foreign)}) has traffic, got weights {weights}; "
            "it is not ours to take from: give all of it to a deployed version yourself first "
            "(see manifests/README.md)"
        )


def _is_in_force(route: Route, state: State) -> bool:
    if state.phase is Phase.PROMOTED:
        return agrees(route, state)
    return state.phase is not Phase.ROLLED_BACK
