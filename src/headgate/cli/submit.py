"""Submit the `promotion` pipeline to Kubeflow Pipelines and follow the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headgate.adapters.kfp_client import PipelineServer
from headgate.cli.compiling import Fit, promotion_documents, step_names
from headgate.cli.progress import Progress
from headgate.cli.run_arguments import cluster_problem, run_arguments
from headgate.cli.run_follower import RunFollower, curl_options
from headgate.errors import ConfigError

SINGLE_USER_NAMESPACE = "kubeflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a run goes.

    Attributes:
        host: Address of Kubeflow Pipelines.
        namespace: Namespace of the run; "" on a server of one user.
        token_file: File with a bearer token.
        ca_cert: Certificate of the authority that signed the server's.
        experiment: Name of the experiment; "" takes the problem's name.
        registry_uri: MLflow, as the steps reach it.
        cluster_url: The place that serves, as the steps reach it.
    """

    host: str
    namespace: str
    token_file: Path | None
    ca_cert: Path | None
    experiment: str
    registry_uri: str
    cluster_url: str


def submit_problem(
    path: Path,
    target: Target,
    fit: Fit,
    *,
    params: Sequence[str] = (),
    follow_seconds: float | None,
) -> bool | None:
    """Start a run of the promotion pipeline and follow it to its end.

    Args:
        path: Problem file.
        target: Where the run goes.
        fit: What is special about the cluster.
        params: Further parameters of the pipeline, `name=value` each.
        follow_seconds: How long to follow at most; None does not follow.

    Returns:
        Whether the candidate was promoted; None if the run was not followed.

    Raises:
        ConfigError: If something on the command line or in the problem file is wrong.
        BackendError: If the server refuses, the run fails, or it goes on after `follow_seconds`.
    """
    if follow_seconds is not None and not follow_seconds > 0:
        raise ConfigError(f"--timeout is {follow_seconds:g}; needed: seconds, more than 0")
    problem = cluster_problem(path, data_folder=fit.data_folder)
    as_of = datetime.now(UTC).isoformat(timespec="seconds")
    documents = promotion_documents(fit)
    fixed = {
        "as_of": as_of,
        "registry_uri": target.registry_uri,
        "cluster_url": target.cluster_url,
    }
    arguments = run_arguments(documents[0], problem, fixed=fixed, params=params)
    with (
        PipelineServer(target.host, token_file=target.token_file, ca_cert=target.ca_cert) as server,
        Progress() as progress,
    ):
        experiment = server.experiment(
            target.experiment or problem.name, namespace=_namespace(server, target.namespace)
        )
        name = f"{problem.name} {as_of}"
        progress.start_run(problem.name)
        run_id = server.start(documents, arguments, name=name, experiment=experiment)
        if follow_seconds is None:
            progress.fact(f"run {run_id}: {server.run_address(run_id)}")
            return None
        follower = RunFollower(
            server,
            run_id,
            steps=step_names(documents[0]),
            progress=progress,
            namespace=target.namespace or SINGLE_USER_NAMESPACE,
            curl_options=curl_options(token_file=target.token_file, ca_cert=target.ca_cert),
        )
        return follower.follow(follow_seconds)


def _namespace(server: PipelineServer, namespace: str) -> str:
    many = server.serves_many()
    if many and not namespace:
        raise ConfigError(
            f"{server.host} serves many users; name the namespace of yours with --namespace"
        )
    return namespace if many else ""  # a server of one user refuses to hear of namespaces
