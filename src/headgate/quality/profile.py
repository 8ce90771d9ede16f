"""What is in each column, in numbers that fit on a page."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP_VALUES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TopValue:
    """A frequent value of a text column."""

    value: str
    count: int
    share: float  # of all rows, missing ones included


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column; the numbers are None for text, `top` is empty for numbers."""

    kind: Literal["numeric", "text"]
    count: int  # rows with a value
    missing: int
    missing_share: float  # in [0, 1]
    distinct: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None  # of the sample (n - 1); None below two values
    quantiles: dict[str, float | None] | None = None  # keys "0.05" to "0.95"
    top: tuple[TopValue, ...] = ()


def profile_table(table: pd.DataFrame) -> dict[str, ColumnProfile]:
    """Describe every column.

    Args:
        table: Typed table with at least one row; numeric columns are finite or NaN.

    Returns:
        The profiles by column, in the table's order. Missing values are counted and left out of
        everything else. Quantiles interpolate linearly (Hyndman & Fan 1996 type 7,
        doi:10.1080/00031305.1996.10473566).
    """
    return {str(name): _profile(table[name]) for name in table.columns}


def _profile(column: "pd.Series[float]") -> ColumnProfile:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _number_profile(column)
    counts = column.value_counts()
    present = int(counts.sum())
    top = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:TOP_VALUES]
    return ColumnProfile(
        kind="text",
        count=present,
        missing=len(column) - present,
        missing_share=1.0 - present / len(column),
        distinct=len(counts),
        top=tuple(
            TopValue(value=str(value), count=int(n), share=int(n) / len(column)) for value, n in top
        ),
    )


def _number_profile(column: "pd.Series[float]") -> ColumnProfile:
    present = column.dropna()
    with np.errstate(over="ignore"):  # an overflow becomes None below
        mean, std = present.mean(), present.std()
    quantiles = (
        {str(q): _finite(float(present.quantile(q))) for q in QUANTILES} if len(present) else {}
    )
    return ColumnProfile(
        kind="numeric",
        count=len(present),
        missing=len(column) - len(present),
        missing_share=1.0 - len(present) / len(column),
        distinct=int(present.nunique()),
        min=_finite(present.min()),
        max=_finite(present.max()),
        mean=_finite(mean),
        std=_finite(std),
        quantiles=quantiles,
    )


def _finite(value: float) -> float | None:
    # Nothing to measure gives NaN, numbers near the largest double overflow; JSON has neither.
    return float(value) if math.isfinite(value) else None
