import time

import pytest

from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, Phase, make_plan
from headgate.rollout.state import Verdict, start_state
from headgate.rollout.transitions import finish
from headgate.usecases.weights import route_for
from headgate_components.deployment.deploy_model.component import deploy_model
from headgate_components.deployment.roll_back.component import roll_back

pytestmark = pytest.mark.live


@pytest.fixture
def begun(registered, arguments, cluster):
    """A champion with 99 %, a candidate with 1 %, as the driver of a rollout left them."""
    champion, candidate = (registered(weight).version for weight in (0.1, 0.2))
    names = [
        deploy_model.python_func(version=version, **arguments) for version in (champion, candidate)
    ]
    before = cluster.read()
    if before is None:
        before = cluster.write(
            Route(revision="", backends=(Backend(deployment=names[0], weight=10_000),))
        )
    stable, canary = (
        Arm(deployment=name, version=version)
        for name, version in zip(names, (champion, candidate), strict=True)
    )
    state = start_state(
        make_plan(Rollout()),
        rollout_id="r",
        run_id="run-1",
        model="adult",
        canary=canary,
        stable=stable,
        now=time.time(),
        epoch=1,
    )
    cluster.write(route_for(state, onto=before))
    return state


def test_the_candidate_loses_traffic_server_and_alias(
    begun, arguments, cluster, registry_uri
) -> None:
    asked = {"deployment": begun.canary.deployment, "version": begun.canary.version, **arguments}
    assert MlflowRegistry(registry_uri).by_alias("adult", "candidate").version == "2"
    assert roll_back.python_func(**asked) == "ROLLED_BACK"
    route = cluster.read()
    assert route.backends == (Backend(deployment=begun.stable.deployment, weight=10_000),)
    assert route.state["phase"] == "ROLLED_BACK"
    assert route.state["reason"] == "rolled back by run run-1"
    assert cluster.status(begun.canary.deployment) is None
    assert cluster.status(begun.stable.deployment).ready
    assert MlflowRegistry(registry_uri).by_alias("adult", "candidate") is None
    assert roll_back.python_func(**asked) == "ROLLED_BACK"


def test_a_candidate_that_was_promoted_is_left_alone(begun, arguments, cluster) -> None:
    promoted = finish(
        begun, phase=Phase.PROMOTED, verdict=Verdict.PASS, reason="promoted", now=time.time()
    )
    route = cluster.write(route_for(promoted, onto=cluster.read()))
    asked = {"deployment": begun.canary.deployment, "version": begun.canary.version, **arguments}
    assert roll_back.python_func(**asked) == "PROMOTED"
    assert cluster.read() == route
    assert cluster.status(begun.canary.deployment).ready
