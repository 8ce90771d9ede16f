"""KFP shell of `headgate.adapters.tables.load_table`."""

from typing import NamedTuple

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def ingest_table(
    *,
    problem: str,
    as_of: str,
    table: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.Artifact],
) -> NamedTuple("Outputs", [("rows", int), ("fingerprint", str)]):  # type: ignore[valid-type] # KFP
    """Read the problem's table, give every column its type and apply the missing markers.

    Args:
        problem: Problem file as text (YAML or JSON); `data.path` must be readable from the step.
        as_of: Time the data are read for, ISO 8601; a new value reads the source anew, the same
            value lets the cache answer.
        table: Parquet: numbers as float64 (NaN is missing), all else as text (null is missing).
        report: JSON with `rows`, `columns`, `fingerprint`, `source` and `as_of`.

    Returns:
        table: Typed table, only the columns that the problem names.
        report: JSON with `rows`, `columns`, `fingerprint`, `source` and `as_of`.
        rows: Number of rows.
        fingerprint: SHA-256 of the typed content, whatever the order of rows and columns.
    """
    from collections import namedtuple

    from headgate.adapters.files import write_json, write_table
    from headgate.adapters.problem_file import parse_problem
    from headgate.adapters.tables import describe_table, load_table

    settings = parse_problem(problem)
    frame = load_table(settings)
    record = describe_table(frame, source=settings.data.path, as_of=as_of)
    write_table(table.path, frame)
    write_json(report.path, record)
    Outputs = namedtuple("Outputs", ["rows", "fingerprint"])  # noqa: PYI024 - KFP
    return Outputs(record["rows"], record["fingerprint"])
