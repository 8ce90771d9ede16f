"""Read the user's table: Parquet or CSV in, the typed table of the problem out."""

import csv
import gzip
import hashlib
import json
import re
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from headgate.errors import ConfigError, DataError, NoDataError
from headgate.problem import Problem, check_columns
from headgate.quality import require_contract, typed_table
from headgate.sampling import row_digests

TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES = (".parquet", *TEXT_SUFFIXES)
DELIMITERS = ",;\t|"
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, pa.ArrowException)
# How pandas names an index that has no name of its own: it numbers rows and says nothing of them.
NAMELESS_INDEX = re.compile(r"__index_level_\d+__")


def load_table(problem: Problem) -> pd.DataFrame:
    """Read the problem's table and give every column its type.

    Args:
        problem: Names file, columns and missing markers.

    Returns:
        The typed table (see `headgate.quality.typed_table`), fit to be trained on.

    Raises:
        ConfigError: If a named column is not in the table, or the file's kind is unknown.
        DataError: If the file is absent or unreadable, or the table breaks the contract of
            `headgate.quality.require_contract`.
    """
    path = problem.data.path
    check_columns(problem, table_columns(path))
    raw = read_raw_table(path, problem.named_columns)
    try:
        table = typed_table(raw, problem)
        require_contract(table, problem)
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    return table


def read_raw_table(path: str | Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table as it is: every cell of a CSV as text, Parquet in its own types.

    Args:
        path: Parquet or CSV file (`.csv`, `.tsv`, also `.gz`); CSV is UTF-8 with a header line.
        columns: Columns to keep; None keeps all but `nested_columns`. A named index that pandas
            wrote is a column like any other.

    Raises:
        ConfigError: If the file's kind is unknown.
        DataError: If the file is absent or unreadable, or one of the columns is nested.
        NoDataError: If it is empty.
    """
    file = _existing(path)
    nested = nested_columns(file)
    if columns is None:
        columns = [name for name in table_columns(file) if name not in nested]
    wanted = list(columns)
    for name in wanted:
        if name in nested:
            raise DataError(
                f"{file}: a cell of column {name} is a {nested[name]}; needed: one number or text"
            )
    try:
        return _read_csv(file, wanted) if _is_text(file) else _read_parquet(file, wanted)
    except (*UNREADABLE, pd.errors.ParserWarning) as error:
        raise DataError(f"{file}: cannot be read ({_one_line(error)})") from error


def nested_columns(path: str | Path) -> dict[str, str]:
    """Return the columns of a Parquet file whose cells are lists, structs or maps.

    Args:
        path: As for `read_raw_table`.

    Returns:
        Their Arrow types by name; none for a CSV.

    Raises:
        ConfigError: If the file's kind is unknown.
        DataError: If the file is absent or unreadable.
        NoDataError: If it is empty.
    """
    file = _existing(path)
    if _is_text(file):
        return {}
    try:
        schema = pq.read_schema(file)
    except UNREADABLE as error:
        raise DataError(f"{file}: cannot be read ({_one_line(error)})") from error
    return {field.name: str(field.type) for field in schema if pa.types.is_nested(field.type)}


def table_columns(path: str | Path) -> tuple[str, ...]:
    """Return the names of the table's columns without reading its rows.

    An index without a name that pandas wrote is left out.

    Args:
        path: As for `read_raw_table`.

    Raises:
        ConfigError: If the file's kind is unknown.
        DataError: If the file is absent or unreadable, or two columns have one name.
        NoDataError: If it is empty.
    """
    file = _existing(path)
    try:
        names = _header(file)[0] if _is_text(file) else pq.read_schema(file).names
    except (*UNREADABLE, csv.Error) as error:
        raise DataError(f"{file}: cannot be read ({_one_line(error)})") from error
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise DataError(f"{file}: two columns are named {repeated[0]!r}; names must differ")
    return tuple(name for name in names if not NAMELESS_INDEX.fullmatch(name))


def table_fingerprint(frame: pd.DataFrame) -> str:
    """Return a SHA-256 of the table's content.

    Args:
        frame: Any table.

    Returns:
        64 hexadecimal digits; the same for the same rows and columns in whatever order, whether
        numbers are held as int or float.
    """
    digest = hashlib.sha256(json.dumps(sorted(map(str, frame.columns))).encode())
    for row in sorted(row_digests(frame, key="fingerprint")):
        digest.update(row)
    return digest.hexdigest()


def describe_table(frame: pd.DataFrame, *, source: str, as_of: str) -> dict[str, object]:
    """Return the record of what was read.

    Args:
        frame: Typed table.
        source: Where it was read from.
        as_of: Time it was read for, ISO 8601.
    """
    return {
        "rows": len(frame),
        "columns": list(frame.columns),
        "fingerprint": table_fingerprint(frame),
        "source": source,
        "as_of": as_of,
    }


def _existing(path: str | Path) -> Path:
    file = Path(path)
    if not file.name.lower().endswith(SUFFIXES):
        raise ConfigError(f"data.path: got {str(path)!r}; needed: a file named {_kinds()}")
    if not file.is_file():
        raise DataError(f"{file}: there is no such file")
    if file.stat().st_size == 0:
        raise NoDataError(f"{file}: the file is empty")
    return file


def _kinds() -> str:
    return " or ".join(f"*{suffix}" for suffix in SUFFIXES)


def _is_text(file: Path) -> bool:
    return file.name.lower().endswith(TEXT_SUFFIXES)


def _header(file: Path) -> tuple[list[str], str]:
    # utf-8-sig: spreadsheets put a byte order mark before the first name
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as lines:
        start = lines.readline()
    # The delimiter is the one that cuts the header into most names; quoted ones do not count.
    rows = {mark: next(csv.reader([start], delimiter=mark), []) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: len(rows[mark]))
    names = [name.strip() for name in rows[delimiter]]
    if not any(names):
        raise NoDataError(f"{file}: the first line holds no column names")
    return names, delimiter


def _read_parquet(file: Path, wanted: list[str]) -> pd.DataFrame:
    # Without the metadata of pandas, which would make an index of a column. Whole numbers with
    # gaps stay whole: as floats, long codes would run into each other.
    table: pd.DataFrame = (
        pq.ParquetFile(file)
        .read(columns=wanted)
        .to_pandas(ignore_metadata=True, integer_object_nulls=True)
    )
    return table[wanted]


def _read_csv(file: Path, wanted: list[str]) -> pd.DataFrame:
    names, delimiter = _header(file)
    with warnings.catch_warnings():
        # pandas only warns where lines are longer than the header, and drops their ends
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            file,
            sep=delimiter,
            header=0,
            names=names,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    return frame[wanted]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
