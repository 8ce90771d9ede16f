"""KFP shell of `headgate.fairness.measure_fairness`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def measure_fairness(
    *,
    problem: str,
    model: dsl.Input[dsl.Model],
    test: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.Artifact],
) -> float:
    """Measure how far apart the groups of each protected column are, with simultaneous bounds.

    Args:
        problem: Problem file as text (YAML or JSON).
        model: Trained model: folder of `train_model`.
        test: Typed table of the test part.

    Returns:
        report: Rates per group with intervals; demographic-parity and equalized-odds difference and
            ratio per column; groups that are too small, with the reason.
        Output: Largest gated difference in [0, 1] (without a gate: demographic parity of the first
            protected column); -1 if there is none to measure.
    """
    from headgate import fairness
    from headgate.adapters.files import write_json
    from headgate.adapters.tested import read_tested

    tested = read_tested(problem, model=model.path, test=test.path)
    gates, answers = tested.problem.gates, tested.answers
    result = fairness.measure_fairness(
        answers.labels,
        answers.predictions,
        tested.groups,
        min_rows=fairness.least_support(gates),
    )
    write_json(report.path, result)
    headline = fairness.headline_difference(result, gates)
    return -1.0 if headline is None else headline
