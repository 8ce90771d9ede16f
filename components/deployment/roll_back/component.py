"""KFP shell of `headgate.usecases.roll_back`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def roll_back(
    *,
    problem: str,
    deployment: str,
    version: str,
    registry_uri: str,
    cluster_url: str,
    cluster_token: str,
    run_id: str,
) -> str:
    """Take a candidate out for good: weight 0, its deployment removed, its alias dropped.

    A candidate that is the champion by now is left alone. Each part may have happened before.

    Args:
        problem: Problem file as text (YAML or JSON); names the model.
        deployment: Name of the candidate's deployment.
        version: Version of the registered model that it serves.
        registry_uri: MLflow tracking URI.
        cluster_url: The place that serves: `kubernetes://NAMESPACE` (`?context=NAME` for a context
            of the kubeconfig), `http(s)://…` for a local world, empty in a pod for the namespace
            that it runs in.
        cluster_token: Bearer token of a local world; a cluster has credentials of its own.
        run_id: Identity of this run; goes on record as the one that asked for the roll-back.

    Returns:
        Output: ROLLED_BACK, or PROMOTED if the candidate is the champion by now.
    """
    from headgate.adapters.clock import SystemClock
    from headgate.adapters.mlflow_registry import MlflowRegistry
    from headgate.adapters.places import open_place
    from headgate.adapters.problem_file import parse_problem
    from headgate.rollout import Arm
    from headgate.usecases.roll_back import roll_back as take_out

    model = parse_problem(problem).name
    with open_place(cluster_url, cluster_token, model=model) as place:
        phase = take_out(
            model,
            Arm(deployment=deployment, version=version),
            router=place,
            metrics=place,
            deployments=place,
            registry=MlflowRegistry(registry_uri),
            clock=SystemClock(),
            settle_seconds=place.settle_seconds,
            reason=f"rolled back by run {run_id}",
        )
    return phase.value
