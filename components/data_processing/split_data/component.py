"""KFP shell of `headgate.sampling.assign_parts`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def split_data(
    *,
    problem: str,
    table: dsl.Input[dsl.Dataset],
    train: dsl.Output[dsl.Dataset],
    test: dsl.Output[dsl.Dataset],
    live: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.Artifact],
) -> str:
    """Deal the rows to train, test and live by a keyed hash, so that a row keeps its part.

    Args:
        problem: Problem file as text (YAML or JSON).
        table: Typed table of `ingest_table`.
        train: Rows that models are fitted on.
        test: Rows that the gates judge.
        live: Rows that local runs replay as traffic; no gate sees them.
        report: JSON with `parts`, `verdict` and `reason`.

    Returns:
        train: Rows that models are fitted on.
        test: Rows that the gates judge.
        live: Rows that local runs replay as traffic; no gate sees them.
        report: JSON with `parts` (rows and positive share each), `verdict` and `reason`.
        Output: PASS, or FAIL if chance does not explain the parts, or INSUFFICIENT.
    """
    from headgate.adapters.files import read_table, write_json, write_table
    from headgate.adapters.problem_file import parse_problem
    from headgate.sampling import assign_parts, part_report

    settings, frame = parse_problem(problem), read_table(table.path)
    parts = assign_parts(frame, settings.split, settings.columns.id)
    result = part_report(frame, parts, problem=settings)
    write_table(train.path, frame[parts == "train"])
    write_table(test.path, frame[parts == "test"])
    write_table(live.path, frame[parts == "live"])
    write_json(report.path, result.record())
    return result.verdict.value
