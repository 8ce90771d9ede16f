"""Give a registered model version live traffic step by step, or take it back out."""

from kfp import dsl

from headgate_components.deployment.deploy_model.component import deploy_model
from headgate_components.deployment.roll_back.component import roll_back
from headgate_components.deployment.shift_traffic.component import shift_traffic
from headgate_pipelines._placement import light


@dsl.pipeline(name="canary")
def canary(
    problem: str,
    version: str,
    registry_uri: str,
    run_id: str,
    cluster_url: str = "",
    cluster_token: str = "",
    command: list[str] = [],  # noqa: B006 - KFP compiles the default into the pipeline; nothing mutates it
) -> str:
    """Deploy a registered version beside the champion, shift traffic to it, judge it live.

    Args:
        problem: Problem file as text (YAML or JSON).
        version: Version of the registered model.
        registry_uri: MLflow tracking URI.
        run_id: Identity of this run; steps with side effects are never served from a cache.
        cluster_url: Control address of the place that serves; empty means the own cluster.
        cluster_token: Bearer token for `cluster_url`.
        command: Command of the model server; empty means the predictor.

    Returns:
        Output: Verdict of the rollout: PASS, FAIL or INSUFFICIENT.
    """
    deployed = light(
        deploy_model(
            problem=problem,
            version=version,
            registry_uri=registry_uri,
            cluster_url=cluster_url,
            cluster_token=cluster_token,
            run_id=run_id,
            command=command,
        )
    ).set_caching_options(enable_caching=False)
    shifted = light(
        shift_traffic(
            problem=problem,
            deployment=deployed.output,
            version=version,
            registry_uri=registry_uri,
            cluster_url=cluster_url,
            cluster_token=cluster_token,
            run_id=run_id,
        )
    ).set_caching_options(enable_caching=False)
    with dsl.If(shifted.outputs["Output"] != "PASS", name="not-promoted"):
        light(
            roll_back(
                problem=problem,
                deployment=deployed.output,
                version=version,
                registry_uri=registry_uri,
                cluster_url=cluster_url,
                cluster_token=cluster_token,
                run_id=run_id,
            )
        ).set_caching_options(enable_caching=False)
    return shifted.outputs["Output"]
