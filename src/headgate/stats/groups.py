"""Put the rows of a column into groups; a missing value is a group of its own."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"
MAX_GROUPS = 50  # more is a continuous or an identity column by mistake, and 1,225 comparisons


class Groups(NamedTuple):
    """Names in alphabetical order, the missing group last, and each row's index into them."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]


def group_rows(values: "pd.Series[Any]", *, column: str) -> Groups:
    """Group rows by the text of their value.

    Args:
        values: One value a row; None and NaN are missing. The name of 3.0 is "3".
        column: Name of the column, for the message.

    Raises:
        DataError: If there are more than 50 groups.
    """
    found, uniques = values.factorize(use_na_sentinel=True)
    texts = [*(_text(value) for value in uniques), MISSING]
    present = sorted({texts[code] for code in np.unique(found)}, key=lambda t: (t == MISSING, t))
    if len(present) > MAX_GROUPS:
        raise DataError(
            f"column {column!r} makes {len(present)} groups, at most {MAX_GROUPS} are allowed: "
            "cut it into classes first"
        )
    index = {name: position for position, name in enumerate(present)}
    # factorize marks a missing value with -1, which is the last text.
    lookup = np.array([index.get(text, -1) for text in texts], dtype=np.int64)
    return Groups(tuple(present), lookup[found])


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
