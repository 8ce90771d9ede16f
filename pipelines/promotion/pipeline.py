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
from headgate_pipelines._placement import heavy, holds_table, light
from headgate_pipelines.canary.pipeline import canary


@dsl.pipeline(name="promotion")
def promotion(
    problem: str,
    registry_uri: str,
    as_of: str,
    cluster_url: str = "",
    cluster_token: str = "",
    command: list[str] = [],  # noqa: B006 - KFP compiles the default into the pipeline; nothing mutates it
    train_cpu: str = "2",
    train_memory: str = "4Gi",
    accelerator_type: str = "nvidia.com/gpu",
    accelerator_count: str = "0",
    node_selector: dict[str, str] = {},  # noqa: B006 - as above
    tolerations: list[dict[str, str]] = [],  # noqa: B006 - as above
) -> str:
    """Train, judge and register a model; if every gate passes, release it through a canary.

    Args:
        problem: Problem file as text (YAML or JSON); `data.path` must be readable from the steps.
        registry_uri: MLflow tracking URI.
        as_of: Time the data are read for, ISO 8601; a new value reads the source anew.
        cluster_url: Control address of the place that serves; empty means the own cluster.
        cluster_token: Bearer token for `cluster_url`.
        command: Command of the model server; empty means the predictor.
        train_cpu: CPU of the step that trains, request and limit, as a Kubernetes quantity.
        train_memory: Its memory, request and limit; the limit of every step that holds the table.
        accelerator_type: Name of the accelerator's resource.
        accelerator_count: How many the step that trains gets, as text; "0" means CPU.
        node_selector: Labels of the nodes that may train.
        tolerations: Kubernetes tolerations of the step that trains.

    Returns:
        Output: Verdict of the gates: PASS, FAIL or INSUFFICIENT.
    """
    run_id = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    ingested = holds_table(ingest_table(problem=problem, as_of=as_of), memory=train_memory)
    table = ingested.outputs["table"]
    validated = holds_table(validate_data(problem=problem, table=table), memory=train_memory)
    parts = holds_table(split_data(problem=problem, table=table), memory=train_memory)
    trained = heavy(
        train_model(problem=problem, train=parts.outputs["train"]).after(validated),
        cpu=train_cpu,
        memory=train_memory,
        accelerator=(accelerator_type, accelerator_count),
        node_selector=node_selector,
        tolerations=tolerations,
    )
    model, test = trained.outputs["model"], parts.outputs["test"]
    evaluated = holds_table(
        evaluate_model(
            problem=problem, model=model, test=test, registry_uri=registry_uri, run_id=run_id
        ),
        memory=train_memory,
    ).set_caching_options(enable_caching=False)
    fair = holds_table(
        measure_fairness(problem=problem, model=model, test=test), memory=train_memory
    )
    exported = holds_table(
        export_model(problem=problem, model=model, test=test), memory=train_memory
    )
    registered = light(
        register_model(
            problem=problem,
            bundle=exported.outputs["bundle"],
            ingest=ingested.outputs["report"],
            training=trained.outputs["report"],
            evaluation=evaluated.outputs["report"],
            fairness=fair.outputs["report"],
            export=exported.outputs["report"],
            registry_uri=registry_uri,
            run_id=run_id,
        )
    ).set_caching_options(enable_caching=False)
    decided = light(
        decide_promotion(
            problem=problem,
            validation=validated.outputs["report"],
            split=parts.outputs["report"],
            training=trained.outputs["report"],
            evaluation=evaluated.outputs["report"],
            fairness=fair.outputs["report"],
            export=exported.outputs["report"],
        )
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
