"""Give every column of a table that was just read the type that its role asks for."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from headgate.errors import DataError
from headgate.problem import Problem
from headgate.problem.facts import cell_text


def typed_table(raw: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Return the typed table: the form in which every later step sees the data.

    Only the columns that the problem names are kept. Numeric columns and the weight become float64
    with NaN for missing; all others become text (dtype object) with None for missing, where a
    whole number is written without a point and booleans are "true" and "false". Text is stripped;
    empty text and the missing markers are missing; a marker that is a number also counts in
    numeric columns.

    Args:
        raw: Table as read; has all columns of the problem.
        problem: Names the columns' roles and the markers.

    Returns:
        The typed table, with the rows in their order.

    Raises:
        DataError: If a numeric column holds something that is not a number.
    """
    markers, numbers = problem.data.missing_values, problem.number_columns
    typed: dict[str, pd.Series[float] | pd.Series[str]] = {
        name: _numbers(raw[name], markers) if name in numbers else _texts(raw[name], markers)
        for name in problem.named_columns
    }
    return pd.DataFrame(typed).reset_index(drop=True)


def _numbers(column: "pd.Series[str]", markers: Sequence[str]) -> "pd.Series[float]":
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = pd.to_numeric(column).astype("float64")
    else:
        numbers = _parsed(column, markers)
    return numbers.mask(numbers.isin(_numeric_markers(markers)))


def _parsed(column: "pd.Series[str]", markers: Sequence[str]) -> "pd.Series[float]":
    texts = _texts(column, markers)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    wrong = np.flatnonzero(numbers.isna() & texts.notna())
    if len(wrong):
        raise DataError(
            f"column {column.name}: {texts.iloc[wrong[0]]!r} in data row {wrong[0] + 1} is not a"
            f" number ({len(wrong)} such cells); if it means missing, name it in"
            " data.missing_values, otherwise the column is categorical"
        )
    return numbers


def _numeric_markers(markers: Sequence[str]) -> list[float]:
    numbers = pd.to_numeric(pd.Series(markers, dtype=object), errors="coerce")
    return [float(number) for number in numbers.dropna()]


def _texts(column: "pd.Series[str]", markers: Sequence[str]) -> "pd.Series[str]":
    # Each distinct value is turned into text once.
    codes, values = pd.factorize(column.astype(object), use_na_sentinel=True)
    missing = {"", *markers}
    texts = [None if (text := cell_text(value)) in missing else text for value in values]
    found = np.array([*texts, None], dtype=object)[codes]  # code -1, missing, takes the last
    return pd.Series(found, index=column.index, name=column.name, dtype=object)
