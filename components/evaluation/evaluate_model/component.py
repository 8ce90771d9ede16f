"""KFP shell of `headgate.evaluation.evaluate`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def evaluate_model(  # noqa: PLR0913 - a KFP signature names every artifact
    *,
    problem: str,
    model: dsl.Input[dsl.Model],
    test: dsl.Input[dsl.Dataset],
    registry_uri: str,
    run_id: str,  # noqa: ARG001 - part of the cache key: the champion changes between runs
    report: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
) -> str:
    """Measure a model on held-out rows and compare it with the champion on the same rows.

    Without a champion the comparison is with the majority class. Nothing is judged here.

    Args:
        problem: Problem file as text (YAML or JSON).
        model: Trained model: folder of `train_model`.
        test: Typed table of the test part.
        registry_uri: Registry that knows the champion.
        run_id: Identity of the pipeline run; the champion may change, so no run re-uses another's.

    Returns:
        report: Evaluation: metrics with intervals, per class, curves, calibration, slices by
            protected column, comparison.
        metrics: The metrics and the ends of their intervals as scalars.
        confusion: Confusion matrix and ROC curve.
        Output: Version of the champion that was compared with, empty if there is none.
    """
    from headgate.adapters.champion import champion_reference
    from headgate.adapters.files import write_json
    from headgate.adapters.kfp_metrics import log_classification
    from headgate.adapters.mlflow_registry import MlflowRegistry
    from headgate.adapters.tested import read_tested
    from headgate.evaluation import evaluate

    tested = read_tested(problem, model=model.path, test=test.path)
    champion = champion_reference(
        MlflowRegistry(registry_uri),
        tested.problem,
        rows=tested.rows,
        classes=tested.answers.classes,
    )
    result = evaluate(tested.answers, columns=tested.groups, reference=champion)
    write_json(report.path, result)
    log_classification(result, metrics=metrics, pictures=confusion)
    return "" if champion is None else champion.version
