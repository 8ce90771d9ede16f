"""The weights that go with a state. The only place that turns states into routes."""

from dataclasses import replace

from headgate.ports.routing import WEIGHT_PARTS, Backend, Route
from headgate.rollout.state import State


def route_for(state: State, *, onto: Route | None) -> Route:
    """Make the route of a state: weights and record in one.

    Args:
        state: The state; its phase and stage say the canary's weight.
        onto: The route that it replaces; None creates a route. Backends of somebody else stay as
            they are. Of ours, those without weight are dropped: a route holds 16 at most.

    Returns:
        A route to write with compare-and-swap; the weights sum to 10,000.
    """
    ours = [Backend(deployment=state.canary.deployment, weight=state.weight)]
    if state.stable is not None:
        rest = WEIGHT_PARTS - state.weight
        ours.insert(0, Backend(deployment=state.stable.deployment, weight=rest))
    names = {backend.deployment for backend in ours}
    others = () if onto is None else onto.backends
    kept = (
        other
        for other in others
        if other.deployment not in names and (other.weight > 0 or is_foreign(other.deployment))
    )
    return Route(
        revision="" if onto is None else onto.revision,
        backends=(*ours, *kept),
        state=state.to_json(),
    )


def without_canary(route: Route, ended: State) -> Route:
    """Move the canary's weight to the champion; nobody else's weight changes.

    Args:
        route: The route as found.
        ended: The state to record; it names canary and champion.

    Returns:
        A route to write with compare-and-swap.
    """
    weights = {backend.deployment: backend.weight for backend in route.backends}
    freed = weights.get(ended.canary.deployment, 0)
    weights[ended.canary.deployment] = 0
    heir = (ended.stable or ended.canary).deployment  # never all weights 0
    weights[heir] = weights.get(heir, 0) + freed
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    return replace(route, backends=backends, state=ended.to_json())


def agrees(route: Route, state: State) -> bool:
    """Tell whether a route has exactly the weights of a state.

    Args:
        route: The route.
        state: The state.

    Returns:
        False after a foreign write of the weights.
    """
    expected = {
        backend.deployment: backend.weight for backend in route_for(state, onto=None).backends
    }
    found = {b.deployment: b.weight for b in route.backends if b.weight > 0}
    return found == {name: weight for name, weight in expected.items() if weight > 0}


def is_foreign(deployment: str) -> bool:
    """Tell whether a backend is somebody else's.

    Args:
        deployment: Name of a backend, as the router calls it.

    Returns:
        True for the name of a backend that no deployment of ours can have: one with a slash.
    """
    return "/" in deployment


def has_our_weight(route: Route, state: State) -> bool:
    """Tell whether the canary's weight is one that we gave it, or 0.

    A backend that somebody adds takes its part from all of ours alike; so what counts beside it is
    the canary's share of what is ours.

    Args:
        route: The route.
        state: The state; it names the canary and its weight.

    Returns:
        False after somebody else's write of the canary's weight.
    """
    weight = route.weight(state.canary.deployment)
    if weight in {0, state.weight}:
        return True
    ours = sum(b.weight for b in route.backends if not is_foreign(b.deployment))
    # Shares come rounded to parts; without others nothing had to be rounded.
    off = abs(weight * WEIGHT_PARTS - state.weight * ours)
    return ours < WEIGHT_PARTS and off < WEIGHT_PARTS
