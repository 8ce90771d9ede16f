"""From a table of data to guarded traffic: eight steps in a row, measurements side by side."""

from kfp import dsl

from headgate_components.data_processing.ingest_table.component import ingest_table
from headgate_components.data_processing.split_data.component import split_data
from headgate_components.data_processing.validate_data.component import validate_data
from headgate_components.deployment.register_model.component import register_model
from headgate_components.evaluation.decide_promotion.component import decide_promotion
from headgate_components.evaluation.evaluate_model.component import evaluate_model
from headgate_components.evaluation.measure_fairness.component import measure_fairness
from headgate_components.training.export_model.component import export_model
from headgate_components.training.train_model.component import train_model
from headgate_pipelines.canary.pipeline import canary


@dsl.pipeline(name="promotion")
def promotion(
    problem: str,
    registry_uri: str,
    as_of: str,
    cluster_url: str = "",
    cluster_token: str = "",
    command: list[str] = [],  # noqa: B006 - KFP compiles the default into the pipeline; nothing mutates it
) -> str:
    """Train, judge and register a model; if every gate passes, release it through a canary.

    Args:
        problem: Problem file as text (YAML or JSON); `data.path` must be readable from the steps.
        registry_uri: MLflow tracking URI.
        as_of: Time the data are read for, ISO 8601; a new value reads the source anew.
        cluster_url: Control address of the place that serves; empty means the own cluster.
        cluster_token: Bearer token for `cluster_url`.
        command: Command of the model server; empty means the predictor.

    Returns:
        Output: Verdict of the gates: PASS, FAIL or INSUFFICIENT.
    """
    run_id = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    ingested = ingest_table(problem=problem, as_of=as_of)
    table = ingested.outputs["table"]
    validated = validate_data(problem=problem, table=table)
    parts = split_data(problem=problem, table=table)
    trained = train_model(problem=problem, train=parts.outputs["train"]).after(validated)
    model, test = trained.outputs["model"], parts.outputs["test"]
    evaluated = evaluate_model(
        problem=problem, model=model, test=test, registry_uri=registry_uri, run_id=run_id
    ).set_caching_options(enable_caching=False)
    fair = measure_fairness(problem=problem, model=model, test=test)
    exported = export_model(problem=problem, model=model, test=test)
    registered = register_model(
        problem=problem,
        bundle=exported.outputs["bundle"],
        ingest=ingested.outputs["report"],
        training=trained.outputs["report"],
        evaluation=evaluated.outputs["report"],
        fairness=fair.outputs["report"],
        export=exported.outputs["report"],
        registry_uri=registry_uri,
        run_id=run_id,
    ).set_caching_options(enable_caching=False)
    decided = decide_promotion(
        problem=problem,
        validation=validated.outputs["report"],
        split=parts.outputs["report"],
        training=trained.outputs["report"],
        evaluation=evaluated.outputs["report"],
        fairness=fair.outputs["report"],
        export=exported.outputs["report"],
    )
    with dsl.If(decided.outputs["Output"] == "PASS", name="gates-passed"):
        canary(
            problem=problem,
            version=registered.outputs["version"],
            registry_uri=registry_uri,
            run_id=run_id,
            cluster_url=cluster_url,
            cluster_token=cluster_token,
            command=command,
        )
    return decided.outputs["Output"]
