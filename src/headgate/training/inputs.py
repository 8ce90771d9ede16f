"""What a model is fed: float32 numbers with NaN, and texts with "" where the value is missing.

The same two rules hold in the fit, in the exported graph and in the predictor. float32 because the
ONNX runtime computes in it: a model that was fitted on the same numbers splits them the same way.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headgate.errors import DataError

if TYPE_CHECKING:  # the predictor uses this file and has no pandas
    import pandas as pd

MISSING_CATEGORY = ""  # ONNX strings have no null; a category "" in the data means missing as well
_LARGEST = float(np.finfo(np.float32).max)


def numeric_input(values: ArrayLike) -> NDArray[np.float32]:
    """Turn numbers into the form that a model takes.

    Args:
        values: Numbers, any shape; None and NaN mean missing.

    Returns:
        float32 of the same shape. Missing is NaN, and so is a number that float32 cannot hold
        (infinite, or beyond 3.4e38): it is no measurement.
    """
    wide = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(wide) <= _LARGEST, wide, np.nan).astype(np.float32)


def numeric_cell(value: float | None) -> float:
    """Apply the rule of `numeric_input` to one number.

    Args:
        value: A number; None and NaN mean missing.

    Returns:
        The number, or NaN.
    """
    return value if value is not None and -_LARGEST <= value <= _LARGEST else math.nan


def categorical_input(values: ArrayLike) -> NDArray[np.object_]:
    """Turn categories into the form that a model takes.

    Args:
        values: Texts, any shape; None and NaN mean missing.

    Returns:
        Texts (dtype object) of the same shape, `""` where missing.
    """
    texts = np.array(values, dtype=object)
    texts[texts != texts] = MISSING_CATEGORY  # noqa: PLR0124 - NaN alone differs from itself
    texts[texts == None] = MISSING_CATEGORY  # noqa: E711 - elementwise
    return texts


def categorical_cell(value: str | None) -> str:
    """Apply the rule of `categorical_input` to one category.

    Args:
        value: A text; None means missing.

    Returns:
        The text, or `""`.
    """
    return MISSING_CATEGORY if value is None else value


def model_inputs(
    table: "pd.DataFrame", *, numeric: tuple[str, ...], categorical: tuple[str, ...]
) -> dict[str, NDArray[np.float32] | NDArray[np.object_]]:
    """Take the model's inputs out of a typed table.

    Args:
        table: A typed table; further columns are not looked at.
        numeric: Its numeric features.
        categorical: Its categorical features.

    Returns:
        One array of shape (n,) per feature, numeric ones first.

    Raises:
        DataError: If a feature is not a column of the table, or a numeric one holds text.
    """
    missing = [name for name in (*numeric, *categorical) if name not in table.columns]
    if missing:
        raise DataError(f"features {missing} are not in the table; it has {list(table.columns)}")
    inputs: dict[str, NDArray[np.float32] | NDArray[np.object_]] = {}
    for name in numeric:
        try:
            inputs[name] = numeric_input(table[name].to_numpy())
        except (TypeError, ValueError) as error:
            raise DataError(f"column {name} must be numeric ({error})") from error
    for name in categorical:
        inputs[name] = categorical_input(table[name].to_numpy(dtype=object))
    return inputs
