"""The weights that go with a state. The only place that turns states into routes."""

from dataclasses import replace

from headgate.ports.routing import WEIGHT_PARTS, Backend, Route
from headgate.rollout.state import State


def route_for(state: State, *, onto: Route | None) -> Route:
    """Make the route of a state: weights and record in one.

    Args:
        state: The state; its phase and stage say the canary's weight.
        onto: The route that it replaces; backends that are not ours stay as they are (weight 0).
            None creates a route.

    Returns:
        A route to write with compare-and-swap; the weights sum to 10,000.
    """
    ours = [Backend(deployment=state.canary.deployment, weight=state.weight)]
    if state.stable is not None:
        rest = WEIGHT_PARTS - state.weight
        ours.insert(0, Backend(deployment=state.stable.deployment, weight=rest))
    names = {backend.deployment for backend in ours}
    others = () if onto is None else onto.backends
    return Route(
        revision="" if onto is None else onto.revision,
        backends=(*ours, *(other for other in others if other.deployment not in names)),
        state=state.to_json(),
    )


def without_canary(route: Route, ended: State) -> Route:
    """Move the canary's weight to the champion, whatever the other backends have.

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
