"""Look at a CSV or Parquet file and draft a problem file for it."""

import os
from pathlib import Path

from headgate.adapters.tables import nested_columns, read_raw_table
from headgate.errors import NoDataError
from headgate.problem.choices import choose
from headgate.problem.draft import draft_problem
from headgate.problem.facts import table_facts


def draft_from_file(path: str | Path, *, relative_to: Path | None = None) -> str:
    """Return a commented problem file for a table.

    Args:
        path: Parquet or CSV file.
        relative_to: Folder in which the problem file will stand; None means the table's own.

    Returns:
        YAML text that parses and runs on this table.

    Raises:
        ConfigError: If the file's kind is unknown.
        DataError: If the file cannot be read, has no row, or no column can be the target.
    """
    file = Path(path).resolve()
    raw = read_raw_table(file)
    if raw.empty:
        raise NoDataError(f"{file}: the table has no row")
    folder = file.parent if relative_to is None else relative_to.resolve()
    nested = tuple(nested_columns(file).items())
    facts = table_facts(raw, path=os.path.relpath(file, folder), nested=nested)
    choices = choose(facts)
    used = [c.name for c in (*choices.numeric, *choices.categorical, choices.target)]
    return draft_problem(facts, duplicate_share=float(raw[used].duplicated().mean()))
