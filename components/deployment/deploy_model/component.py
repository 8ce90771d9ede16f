"""KFP shell of `headgate.usecases.deploy`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def deploy_model(
    *,
    problem: str,
    version: str,
    registry_uri: str,
    cluster_url: str,
    cluster_token: str,
    run_id: str,  # noqa: ARG001 - makes the step's inputs new in each run: the cache must not skip it
    command: list[str] = [],  # noqa: B006 - KFP compiles the default into the component
) -> str:
    """Start a registered model version beside what runs, without traffic; wait until it is ready.

    A repeated step attaches to the deployment that its first attempt started. A server that ends
    or is not ready in time fails the step with the server's last words.

    Args:
        problem: Problem file as text (YAML or JSON); names the model and the latency bound.
        version: Version of the registered model.
        registry_uri: MLflow tracking URI.
        cluster_url: The place that serves: `kubernetes://NAMESPACE` (`?context=NAME` for a context
            of the kubeconfig), `http(s)://…` for a local world, empty in a pod for the namespace
            that it runs in.
        cluster_token: Bearer token of a local world; a cluster has credentials of its own.
        run_id: Identity of the pipeline run; a step with side effects is never served from a cache.
        command: Command of the model server, to which bundle, version and port are appended; empty
            means the predictor.

    Returns:
        Output: Name of the deployment.
    """
    from headgate.adapters.clock import SystemClock
    from headgate.adapters.mlflow_registry import MlflowRegistry
    from headgate.adapters.places import open_place
    from headgate.adapters.problem_file import parse_problem
    from headgate.usecases.deploy import deploy_and_wait, deployment_spec

    wanted = parse_problem(problem)
    found = MlflowRegistry(registry_uri).version(wanted.name, version)
    spec = deployment_spec(found, command=command, slow_above_ms=wanted.rollout.slow_above_ms)
    with open_place(cluster_url, cluster_token, model=wanted.name) as place:
        return deploy_and_wait(
            spec,
            deployments=place,
            clock=SystemClock(),
            timeout_seconds=place.ready_timeout_seconds,
        ).name
