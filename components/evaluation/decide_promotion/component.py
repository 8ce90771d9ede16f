"""KFP shell of `headgate.promotion.decide`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def decide_promotion(  # noqa: PLR0913 - a KFP signature names every artifact
    *,
    problem: str,
    validation: dsl.Input[dsl.Artifact],
    split: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    fairness: dsl.Input[dsl.Artifact],
    export: dsl.Input[dsl.Artifact],
    decision: dsl.Output[dsl.Artifact],
) -> str:
    """Make one verdict of all measurements of a candidate.

    A failed gate is a result and no error. What the problem does not gate is listed as reported.

    Args:
        problem: Problem file as text (YAML or JSON).
        validation: Report of `validate_data`.
        split: Report of `split_data`.
        training: Report of `train_model`.
        evaluation: Report of `evaluate_model`.
        fairness: Report of `measure_fairness`.
        export: Report of `export_model`.

    Returns:
        decision: Verdict, reason in one sentence, and every gate with its numbers.
        Output: PASS, FAIL or INSUFFICIENT; only PASS may meet traffic.
    """
    from headgate.adapters.files import read_json, write_json
    from headgate.adapters.problem_file import parse_problem
    from headgate.promotion import decide

    result = decide(
        parse_problem(problem).gates,
        validation=read_json(validation.path),
        split=read_json(split.path),
        training=read_json(training.path),
        evaluation=read_json(evaluation.path),
        fairness=read_json(fairness.path),
        export=read_json(export.path),
    )
    write_json(decision.path, result.as_mapping())
    return result.verdict.value
