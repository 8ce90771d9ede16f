"""What follows a commit: the aliases, and the deployments that nobody needs any more.

The write of 100 % with phase PROMOTED is the promotion. All of this may fail, may be done later by
whoever comes next, and changes nothing if it is done twice.
"""

from headgate.errors import HeadgateError
from headgate.ports.cluster import Deployments
from headgate.ports.registry import ModelRegistry
from headgate.ports.routing import Route, TrafficRouter
from headgate.rollout.state import Phase, State
from headgate.usecases.target import CANDIDATE, CHAMPION, Target
from headgate.usecases.weights import is_foreign


def move_aliases(registry: ModelRegistry, state: State) -> None:
    """Follow the commit in the registry.

    Args:
        registry: The aliases.
        state: The state that the rollout ended with; only a promotion moves them.

    Raises:
        BackendError: If the registry does not answer.
    """
    if state.phase is not Phase.PROMOTED:
        return
    model, version = state.model, state.canary.version
    registry.set_alias(model, CHAMPION, version)
    candidate = registry.by_alias(model, CANDIDATE)
    if candidate is not None and candidate.version == version:
        registry.delete_alias(model, CANDIDATE)


def complete_promotion(model: str, state: State | None, registry: ModelRegistry) -> None:
    """Complete a rollout that was committed and died before its alias moved.

    Args:
        model: Registered model.
        state: The state found in the route; None if there is none.
        registry: The aliases.

    Raises:
        BackendError: If the registry does not answer.
    """
    if state is None or state.phase is not Phase.PROMOTED or state.model != model:
        return
    candidate = registry.by_alias(model, CANDIDATE)
    # The candidate's alias is dropped after the champion's moved; where it still points at the
    # promoted version, the driver died in between. Anything else was somebody's later choice.
    if candidate is not None and candidate.version == state.canary.version:
        move_aliases(registry, state)


def find_retired(
    target: Target, *, route: Route | None, found: State | None, deployments: Deployments
) -> tuple[str, ...]:
    """List the deployments that nobody needs once this rollout is committed.

    They are those of earlier champions and candidates. The champion that is replaced is none of
    them: it stays, so that traffic can be moved back to it.

    Args:
        target: The candidate and the champion.
        route: The route before the rollout.
        found: The state in it; what an earlier rollout could not remove stands there.
        deployments: Tells which of them still run.

    Returns:
        Names of deployments of ours without weight.

    Raises:
        BackendError: If nothing answers.
    """
    used = {target.canary.deployment, target.stable.deployment if target.stable else ""}
    earlier = () if found is None else found.retired
    backends = () if route is None else route.backends
    idle = (b.deployment for b in backends if b.weight == 0 and not is_foreign(b.deployment))
    names = dict.fromkeys((*earlier, *idle))  # each once, in order
    return tuple(n for n in names if n not in used and deployments.status(n) is not None)


def remove_retired(state: State, *, router: TrafficRouter, deployments: Deployments) -> str:
    """Remove what a promotion made superfluous, if the route no longer names it.

    Args:
        state: The state that the rollout ended with; only a promotion removes anything.
        router: The route: a deployment that somebody has put back behind it stays.
        deployments: The model servers.

    Returns:
        What could not be removed and why, for people; empty if all is done. It never raises for
        it: the promotion stands, and the next one tries again.
    """
    if state.phase is not Phase.PROMOTED or not state.retired:
        return ""
    failures = []
    for name in state.retired:
        try:
            route = router.read()
            if route is None or all(b.deployment != name for b in route.backends):
                deployments.remove(name)
        except HeadgateError as error:
            failures.append(f"{name} could not be removed: {error}")
    return "; ".join(failures)
