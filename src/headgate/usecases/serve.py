"""Let the champion serve everything, as it must be whenever no rollout runs."""

from headgate.ports.clock import Clock
from headgate.ports.cluster import Deployments
from headgate.ports.registry import ModelRegistry, ModelVersion
from headgate.ports.routing import WEIGHT_PARTS, Backend, Route, TrafficRouter
from headgate.usecases.completion import complete_promotion
from headgate.usecases.deploy import deploy_and_wait, deployment_spec
from headgate.usecases.target import CHAMPION, recorded_state


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
    complete_promotion(name, recorded_state(route), registry)
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
