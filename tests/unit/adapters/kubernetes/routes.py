"""HTTPRoutes and rollouts for the tests of what reads and writes them."""

import json

from headgate.adapters.kubernetes.http_route import OWNED
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import CREATED
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, State, make_plan, start_state

CANARY = Arm(deployment="income-v2", version="2")
STABLE = Arm(deployment="income-v1", version="1")
START = 1_750_000_000.0  # the wall time at which the rollouts of these tests begin
TIMEOUT = 4.0  # heartbeat time-out of their plan
PLAN = make_plan(
    Rollout(
        stages_percent=(10.0, 50.0),
        slow_answers=None,
        wrong_answers=None,
        heartbeat_timeout_seconds=TIMEOUT,
    )
)


def ref(name, weight=None, **more):
    weighted = {} if weight is None else {"weight": weight}
    return {"group": "", "kind": "Service", "name": name, "port": 80, **weighted, **more}


def http_route(*refs, name="income", rules=None, notes=None, labels=None, **metadata):
    """A route that we made, whose one rule has these refs, all of them ours if not said else."""
    owned = {CREATED: "true", OWNED: json.dumps([found["name"] for found in refs])}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": name,
            "namespace": "serving",
            "resourceVersion": "7",
            "labels": {MANAGED_BY: "headgate", MODEL: "income"} if labels is None else labels,
            "annotations": owned if notes is None else notes,
            **metadata,
        },
        "spec": {
            "parentRefs": [{"name": "headgate", "namespace": "headgate"}],
            "rules": [{"backendRefs": list(refs)}] if rules is None else rules,
        },
    }


def route(weights, *, revision="", state=None) -> Route:
    """A route with these weights by deployment."""
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    return Route(revision=revision, backends=backends, state=state)


def rollout(*, now: float = START, epoch: int = 1, rollout_id: str = "abc") -> State:
    """A rollout at its first stage: 10 % for the canary."""
    return start_state(
        PLAN,
        rollout_id=rollout_id,
        run_id="r1",
        model="income",
        canary=CANARY,
        stable=STABLE,
        now=now,
        epoch=epoch,
    )
