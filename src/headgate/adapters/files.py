"""Read and write the files that KFP artifacts point at; every write is atomic."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.errors import DataError

if TYPE_CHECKING:  # the readers of tables import it: steps that move JSON alone start without it
    import pandas as pd


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read a Parquet table that `write_table` wrote.

    Args:
        path: The file.
        columns: Columns to read, in this order; None reads all.

    Returns:
        The table. Text columns have dtype object with None where a value is missing, numeric
        columns are as written.

    Raises:
        DataError: If there is no such file, it is not Parquet, or a column is not in it.
    """
    import pandas as pd  # noqa: PLC0415 - see above
    import pyarrow as pa  # noqa: PLC0415 - see above

    wanted = None if columns is None else list(columns)
    try:
        frame = pd.read_parquet(path, columns=wanted)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({_one_line(error)})") from error
    return plain_text_columns(frame)


def plain_text_columns(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Turn text columns into dtype object with None for missing, whatever the reader made.

    Readers differ by version (object, `str`, `string[pyarrow]`) and mark a missing text with None,
    NaN or `pd.NA`; downstream code sees one form only.

    Args:
        frame: Any table; not changed.

    Returns:
        The table with every text column as object; all other columns are left alone.
    """
    import pandas as pd  # noqa: PLC0415 - see above

    texts = {
        str(name): _plain(column)
        for name, column in frame.items()
        if isinstance(column.dtype, pd.StringDtype) or column.dtype == object
    }
    return frame.assign(**texts)


def _plain(column: "pd.Series[str]") -> "pd.Series[str]":
    values = column.astype(object)
    return values.where(values.notna(), None)


def write_table(path: str | Path, frame: "pd.DataFrame") -> None:
    """Write a table as Parquet, without its index.

    Args:
        path: The file; parent folders are made.
        frame: The table.
    """
    _write_atomically(path, lambda temporary: frame.to_parquet(temporary, index=False))


def read_json(path: str | Path) -> dict[str, object]:
    """Read a JSON object.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        DataError: If there is no such file, it is not JSON, or it is not an object.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as JSON ({_one_line(error)})") from error
    if not isinstance(record, dict):
        raise DataError(f"{path}: holds a JSON {type(record).__name__}, an object is needed")
    return record


def write_json(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a JSON object with sorted keys.

    Args:
        path: The file; parent folders are made.
        record: What to write; tuples become lists.

    Raises:
        DataError: If a number is NaN or infinite (JSON cannot say it), or a value has no JSON form.
    """
    try:
        text = json.dumps(record, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be written as JSON ({_one_line(error)})") from error
    _write_atomically(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def _write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    # A reader sees the old file or the new one, never half of it; the rename needs the same folder.
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)  # mkstemp makes 0600; the next step may run as another user
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
