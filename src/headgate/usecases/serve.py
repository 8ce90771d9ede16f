"""Let the champion serve everything, as it must be whenever no rollout runs."""

from headgate.ports.clock import Clock
from headgate.ports.cluster import Deployments
from headgate.ports.registry import ModelRegistry, ModelVersion
from headgate.ports.routing import WEIGHT_PARTS, Backend, Route, TrafficRouter
from headgate.rollout.state import Phase
from headgate.usecases.deploy import deploy_and_wait, deployment_spec
from headgate.usecases.target import CANDIDATE, CHAMPION, recorded_state


def serve_champion(
    name: str,
    *,
    slow_above_ms: float,
    router: TrafficRouter,
    deployments: Deployments,
    registry: ModelRegistry,
    clock: Clock,
) -> ModelVersion | None:
    """Deploy the champion and give it all traffic, after a place was started anew.

    A rollout that was committed (phase PROMOTED) and died before its alias moved is completed
    first: the commit is the promotion, the alias only follows.

    Args:
        name: Registered model.
        slow_above_ms: Bound above which an answer is slow.
        router: The route.
        deployments: The model servers.
        registry: Knows the champion.
        clock: For waiting until the server is ready.

    Returns:
        The champion, or None if the registry has none yet.

    Raises:
        BackendError: If the server does not become ready or the route cannot be written.
    """
    route = router.read()
    _complete_promotion(name, route, registry)
    champion = registry.by_alias(name, CHAMPION)
    if champion is None:
        return None
    spec = deployment_spec(champion, command=(), slow_above_ms=slow_above_ms)
    deploy_and_wait(spec, deployments=deployments, clock=clock)
    backends = (Backend(deployment=spec.name, weight=WEIGHT_PARTS),)
    if route is None:
        router.write(Route(revision="", backends=backends, state=None))
    else:
        router.write(Route(revision=route.revision, backends=backends, state=route.state))
    return champion


def _complete_promotion(name: str, route: Route | None, registry: ModelRegistry) -> None:
    state = recorded_state(route)
    if state is None or state.phase is not Phase.PROMOTED or state.model != name:
        return
    candidate = registry.by_alias(name, CANDIDATE)
    # The candidate's alias is dropped after the champion's moved; where it still points at the
    # promoted version, the driver died in between. Anything else was somebody's later choice.
    if candidate is not None and candidate.version == state.canary.version:
        registry.set_alias(name, CHAMPION, candidate.version)
        registry.delete_alias(name, CANDIDATE)
