"""Deal the rows of a table to train, test and live."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from headgate.errors import DataError
from headgate.problem import Split
from headgate.sampling.digests import row_digests

PartName = Literal["train", "test", "live"]
PARTS: tuple[PartName, ...] = get_args(PartName)


def assign_parts(table: pd.DataFrame, split: Split, id_column: str | None) -> npt.NDArray[np.str_]:
    """Deal each row to a part by a keyed hash of the row.

    A row's part is a function of the row, the key and the shares alone: it stays when rows are
    added, removed or reordered, so a later run never tests a champion on rows it was trained on.
    Rows with the same id, or without an id the same content, share a part, so no row is in two
    parts. The parts' sizes and class shares come out by chance; `part_report` checks them.

    Args:
        table: Typed table.
        split: Key and shares; the shares sum to 1.
        id_column: Column that identifies a row, or None to use the content of all columns.

    Returns:
        "train", "test" or "live" for each row, shape (rows,).

    Raises:
        DataError: If a row has no id.
    """
    if id_column is not None:
        without = int(table[id_column].isna().sum())
        if without:
            raise DataError(f"column {id_column}: {without} rows have no id; every row needs one")
    identity = table if id_column is None else table[[id_column]]
    digests = row_digests(identity, key=split.key)
    # The first 8 bytes as a number in [0, 1); its steps of 2^-53 are exact in a double.
    leading = np.frombuffer(b"".join(d[:8] for d in digests), dtype=">u8")
    uniform = (leading >> np.uint64(11)).astype(np.float64) / 2.0**53
    borders = np.array([split.train, split.train + split.test])
    return np.asarray(PARTS)[np.searchsorted(borders, uniform, side="right")]
