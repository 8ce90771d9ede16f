"""KFP shell of `headgate.quality.check_table`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def validate_data(
    *, problem: str, table: dsl.Input[dsl.Dataset], report: dsl.Output[dsl.Artifact]
) -> str:
    """Check the typed table against the problem's limits and profile its columns.

    Args:
        problem: Problem file as text (YAML or JSON).
        table: Typed table of `ingest_table`.
        report: JSON with `verdict`, `reason`, `checks` and `profile`.

    Returns:
        report: JSON with `verdict`, `reason`, `checks` (each with verdict, reason, value and limit)
            and `profile` (numbers by column).
        Output: PASS, FAIL or INSUFFICIENT; FAIL is a result, not an error.
    """
    from headgate.adapters.files import read_table, write_json
    from headgate.adapters.problem_file import parse_problem
    from headgate.quality import check_table, require_contract

    settings = parse_problem(problem)
    frame = read_table(table.path)
    require_contract(frame, settings)
    result = check_table(frame, settings)
    write_json(report.path, result.record())
    return result.verdict.value
