"""What the first look at a table tells, column by column: the ground for a draft problem file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

# How exports commonly write "no value". Words such as "unknown" are left alone: they are answers.
MARKERS = ("?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "-")

ColumnKind = Literal["whole", "number", "text", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column; everything is counted without missing cells and markers."""

    name: str
    kind: ColumnKind
    rows: int  # with a value
    missing: int  # empty cells and markers
    distinct: int
    frequent: tuple[tuple[str, int], ...]  # the two most frequent ones with counts
    lowest: float | None = None  # of numbers
    highest: float | None = None

    @property
    def is_number(self) -> bool:
        """Whether every value is a number."""
        return self.kind in ("whole", "number")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """A table: its path as it is to be written down, its size, its columns."""

    path: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    markers: tuple[str, ...]  # those of MARKERS that stand in the table
    nested: tuple[tuple[str, str], ...] = ()  # name and type of columns of lists or structs


def table_facts(
    raw: pd.DataFrame, *, path: str, nested: tuple[tuple[str, str], ...] = ()
) -> TableFacts:
    """Look at every column of a table.

    Args:
        raw: Table as read: text from a CSV, typed from Parquet.
        path: Path to write into the draft.
        nested: Name and type of the table's columns that are not in `raw`, because their cells
            are lists or structs.
    """
    found = {name: _texts(raw[name]) for name in raw.columns}
    seen = {text for texts in found.values() for text in texts.unique()}
    markers = tuple(marker for marker in MARKERS if marker in seen)
    return TableFacts(
        path=path,
        rows=len(raw),
        columns=tuple(_column_facts(raw[name], found[name], markers) for name in raw.columns),
        markers=markers,
        nested=nested,
    )


def _texts(column: "pd.Series[str]") -> "pd.Series[str]":
    """Return the cells that hold something, as stripped text."""
    present = column.dropna()
    codes, values = pd.factorize(present.astype(object))
    texts = np.array([cell_text(value) for value in values], dtype=object)[codes]
    series = pd.Series(texts, dtype=object)
    return series[series != ""]


def cell_text(value: object) -> str:
    """Return a cell as the text that stands for it in problem files and text columns.

    Args:
        value: A cell that is not missing.

    Returns:
        Booleans as "true" and "false", whole numbers without a point (an int column with a missing
        cell is read as floats), everything else as Python writes it, stripped.
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _column_facts(
    raw: "pd.Series[str]", texts: "pd.Series[str]", markers: Sequence[str]
) -> ColumnFacts:
    present = texts[~texts.isin(markers)]
    counts = present.value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    numbers = pd.to_numeric(counts.index.to_series(), errors="coerce").astype("float64")
    is_number = len(numbers) > 0 and bool(np.isfinite(numbers).all())
    return ColumnFacts(
        name=str(raw.name),
        kind=_kind(raw, numbers, is_number=is_number),
        rows=len(present),
        missing=len(raw) - len(present),
        distinct=len(counts),
        frequent=tuple((str(value), int(count)) for value, count in ordered[:2]),
        lowest=float(numbers.min()) if is_number else None,
        highest=float(numbers.max()) if is_number else None,
    )


def _kind(raw: "pd.Series[str]", numbers: "pd.Series[float]", *, is_number: bool) -> ColumnKind:
    if pd.api.types.is_datetime64_any_dtype(raw.dtype):
        return "date"
    if not is_number:
        return "text"
    return "whole" if bool((numbers == numbers.round()).all()) else "number"
