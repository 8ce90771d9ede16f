"""A keyed digest of each row's content that does not depend on how the table happens to be held."""

import hashlib
import numbers

import numpy as np
import pandas as pd

DIGEST_BYTES = 16  # two different rows of 10^12 share a digest with chance 10^-15


def row_digests(table: pd.DataFrame, *, key: str) -> list[bytes]:
    """Digest each row's content.

    The digest is a function of the row alone: it does not depend on other rows, on the order of
    the columns, or on whether a number is held as an int or as a float. Missing values (None, NaN,
    NA, NaT) are one value of their own, and `2` the number is not "2" the text.

    Args:
        table: Any table with distinct column names.
        key: Key of the hash (BLAKE2b, RFC 7693); another key gives unrelated digests.

    Returns:
        One digest of 16 bytes a row.
    """
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    names = sorted(table.columns, key=str)
    if not names:
        return [hashlib.blake2b(digest_size=DIGEST_BYTES, key=secret).digest()] * len(table)
    columns = [_canonical_cells(table[name]) for name in names]
    return [
        hashlib.blake2b(b"".join(cells), digest_size=DIGEST_BYTES, key=secret).digest()
        for cells in zip(*columns, strict=True)
    ]


def _canonical_cells(column: "pd.Series[str]") -> list[bytes]:
    # Each distinct value is encoded once; a table has far fewer distinct values than cells.
    codes, values = pd.factorize(column, use_na_sentinel=True)
    encoded = [_canonical(value) for value in values]
    return [encoded[code] if code >= 0 else b"0:" for code in codes.tolist()]


def _canonical(value: object) -> bytes:
    # The length in front keeps neighbours apart: ("ab", "c") is not ("a", "bc").
    # Equal numbers have one form, also 2 and 2.0, 0.0 and -0.0.
    number = float(value) + 0.0 if isinstance(value, numbers.Real | np.bool_) else None
    text = f"t{value}" if number is None else f"n{number!r}"
    content = text.encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(content), content)
