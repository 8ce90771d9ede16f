"""What a table must be before anything can be measured on it."""

import numpy as np
import pandas as pd

from headgate.errors import DataError, NoDataError
from headgate.problem import Problem


def require_contract(table: pd.DataFrame, problem: Problem) -> None:
    """Refuse a table that no model can be trained and judged on.

    Args:
        table: Typed table.
        problem: Names the columns' roles.

    Raises:
        NoDataError: If there is no row.
        DataError: If a column is absent, one that must hold numbers does not, a number is infinite,
            a weight is missing or negative, or the target has missing values, not exactly two
            classes, or not the positive one. The message names the column.
    """
    columns = problem.columns
    for name in problem.named_columns:
        if name not in table.columns:
            seen = _listed(list(table.columns))
            raise DataError(f"column {name}: is not in the table; it has {seen}")
    if table.empty:
        raise NoDataError("the table has no row")
    for name in problem.number_columns:
        _require_finite(table[name])
    if columns.weight is not None:
        _require_weight(table[columns.weight])
    _require_two_classes(table[problem.target.column], problem.target.positive)


def _require_finite(column: "pd.Series[float]") -> None:
    if not pd.api.types.is_float_dtype(column.dtype):
        raise DataError(f"column {column.name}: holds {column.dtype}, float64 is needed; ingest it")
    infinite = np.flatnonzero(np.isinf(column))
    if len(infinite):
        raise DataError(
            f"column {column.name}: {len(infinite)} infinite values, the first in data row"
            f" {infinite[0] + 1}; finite numbers are needed"
        )


def _require_weight(weight: "pd.Series[float]") -> None:
    wrong = int((weight.isna() | (weight < 0)).sum())
    if wrong:
        raise DataError(
            f"column {weight.name}: {wrong} weights are missing or negative; every row needs one"
        )
    if not weight.gt(0).any():
        raise DataError(f"column {weight.name}: every weight is 0; some must be above")


def _require_two_classes(target: "pd.Series[str]", positive: str) -> None:
    missing = int(target.isna().sum())
    if missing:
        raise DataError(
            f"column {target.name}: {missing} of {len(target)} rows have no target;"
            " remove them or complete them"
        )
    classes = sorted(target.unique())
    if len(classes) == 1:
        raise DataError(f"column {target.name}: one class only ({classes[0]!r}); two are needed")
    if len(classes) > 2:
        raise DataError(
            f"column {target.name}: {len(classes)} classes ({_listed(classes)}); two are needed"
        )
    if positive not in classes:
        raise DataError(
            f"column {target.name}: the positive class {positive!r} is not in the data; the values"
            f" are {_listed(classes)}"
        )


def _listed(values: list[str], *, limit: int = 10) -> str:
    shown = ", ".join(repr(value) for value in values[:limit])
    return shown if len(values) <= limit else f"{shown}, ... ({len(values)} in all)"
