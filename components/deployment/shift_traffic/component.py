"""KFP shell of `headgate.usecases.canary`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def shift_traffic(  # noqa: PLR0913 - a KFP signature names every parameter
    *,
    problem: str,
    deployment: str,
    version: str,
    registry_uri: str,
    cluster_url: str,
    cluster_token: str,
    run_id: str,
    rollout: dsl.Output[dsl.Artifact],
) -> str:
    """Give a deployed version live traffic stage by stage, and promote it or take it back out.

    Errors, slow answers and wrong answers of both versions are judged by tests that may be looked
    at whenever one likes. A terminated step sets the weight to 0; a killed one leaves that to the
    guard.

    Args:
        problem: Problem file as text (YAML or JSON); its `rollout` section is the plan.
        deployment: Name of the candidate's deployment, ready to answer.
        version: Version of the registered model that it serves.
        registry_uri: MLflow tracking URI; the alias `champion` moves there after the promotion.
        cluster_url: The place that serves: `kubernetes://NAMESPACE` (`?context=NAME` for a context
            of the kubeconfig), `http(s)://…` for a local world, empty in a pod for the namespace
            that it runs in.
        cluster_token: Bearer token of a local world; a cluster has credentials of its own.
        run_id: Identity of this run; a retry of the same run resumes its rollout.

    Returns:
        rollout: JSON record: verdict, stages, evidence of every look.
        Output: PASS (promoted), FAIL or INSUFFICIENT (the champion serves 100 %).
    """
    from headgate.adapters.driving import drive_rollout
    from headgate.adapters.places import open_place
    from headgate.adapters.problem_file import parse_problem
    from headgate.rollout import Arm

    asked, canary = parse_problem(problem), Arm(deployment=deployment, version=version)
    judged = asked.rollout.slow_answers is not None
    slow_above_ms = asked.rollout.slow_above_ms if judged else None
    with open_place(
        cluster_url, cluster_token, model=asked.name, slow_above_ms=slow_above_ms
    ) as place:
        record = drive_rollout(
            problem,
            canary,
            place=place,
            registry_uri=registry_uri,
            run_id=run_id,
            record_to=rollout.path,
        )
    return str(record["verdict"])
