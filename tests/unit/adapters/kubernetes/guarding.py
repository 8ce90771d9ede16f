"""What the tests of the guard share."""

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.kubernetes.guard import STEP_SECONDS
from headgate.adapters.kubernetes.http_route import route_of
from headgate.rollout import state_from_json

AT_FIRST = {"income-v1": 9000, "income-v2": 1000}
TAKEN_OUT = {"income-v1": 10_000, "income-v2": 0}


def go_on(guard, clock, seconds: float) -> None:
    """Let the guard watch for some time."""
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        guard.step()
        clock.sleep(STEP_SECONDS)


def weights(server) -> dict[str, int]:
    found = route_of(server.object(HTTP_ROUTE, "income"))
    return {backend.deployment: backend.weight for backend in found.backends}


def recorded(server):
    return state_from_json(route_of(server.object(HTTP_ROUTE, "income")).state)
