"""Put the driver of a rollout together: a place that serves, a registry, a clock, a log."""

from functools import partial

from headgate.adapters.clock import SystemClock
from headgate.adapters.files import write_json
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.adapters.places import Place
from headgate.adapters.problem_file import parse_problem
from headgate.adapters.rollout_log import RolloutLog
from headgate.adapters.signals import raise_on_terminate
from headgate.rollout import Arm, make_plan
from headgate.usecases.canary import Interrupted, run_canary
from headgate.usecases.target import find_target


def drive_rollout(
    problem: str,
    canary: Arm,
    *,
    place: Place,
    registry_uri: str,
    run_id: str,
    record_to: str,
) -> dict[str, object]:
    """Drive a rollout to its end; SIGTERM sets the weight to 0 first.

    Args:
        problem: Problem file as text.
        canary: The candidate's deployment and version.
        place: Where it is deployed.
        registry_uri: Where the aliases are.
        run_id: The run that asks; a retry of the same run resumes its rollout.
        record_to: JSON file that gets the record as soon as the rollout has ended, also before an
            exception leaves (an interruption, an alias that cannot be moved).

    Returns:
        The record of the rollout.

    Raises:
        BackendError: If the rollout cannot start, its route cannot be reached, or the alias cannot
            be moved.
    """
    asked, clock = parse_problem(problem), SystemClock()
    with raise_on_terminate(Interrupted):
        return run_canary(
            make_plan(asked.rollout, settle_seconds=place.settle_seconds),
            find_target(asked.name, canary, router=place, deployments=place, run_id=run_id),
            router=place,
            metrics=place,
            labels=place,
            heartbeat=place,
            guard=place,
            deployments=place,
            registry=MlflowRegistry(registry_uri),
            clock=clock,
            on_event=RolloutLog(clock),
            on_record=partial(write_json, record_to),
        )
