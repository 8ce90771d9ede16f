import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.sampling import row_digests

cells = st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(), st.text(max_size=5))
rows = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8)

few = settings(max_examples=30, deadline=None)


def frame(values) -> pd.DataFrame:
    return pd.DataFrame(values, columns=["a", "b", "c"], dtype=object)


def test_a_digest_is_the_keyed_blake2b_of_the_length_prefixed_cells() -> None:
    table = pd.DataFrame({"b": ["xé"], "a": [2], "c": [None]})
    secret = hashlib.blake2b(b"k", digest_size=32).digest()
    # by column name: the number 2, the text of 3 bytes with its tag, a missing value
    content = b"4:n2.0" + b"4:tx\xc3\xa9" + b"0:"
    assert row_digests(table, key="k") == [
        hashlib.blake2b(content, digest_size=16, key=secret).digest()
    ]


@few
@given(rows)
def test_a_digest_depends_on_the_row_alone(values) -> None:
    together = row_digests(frame(values), key="k")
    alone = [row_digests(frame([value]), key="k")[0] for value in values]
    assert together == alone


@few
@given(rows)
def test_the_order_of_columns_and_rows_does_not_matter(values) -> None:
    table = frame(values)
    expected = row_digests(table, key="k")
    assert row_digests(table[["c", "a", "b"]], key="k") == expected
    assert row_digests(table.iloc[::-1], key="k") == expected[::-1]


@pytest.mark.parametrize(
    "column",
    [
        [1, 0, 3],
        [1.0, -0.0, 3.0],
        np.array([1, 0, 3], dtype="int8"),
        np.array([1, 0, 3], dtype="float32"),
        pd.array([1, 0, 3], dtype="Int64"),
        pd.Series([1, 0.0, 3], dtype=object),
    ],
)
def test_equal_numbers_have_one_digest_however_they_are_held(column) -> None:
    expected = row_digests(pd.DataFrame({"x": [1, 0, 3]}), key="k")
    assert row_digests(pd.DataFrame({"x": column}), key="k") == expected


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", None], dtype=object),
        pd.Series(["a", np.nan], dtype=object),
        pd.Series(["a", pd.NA], dtype="string"),
        pd.Series(["a", None], dtype="str"),
        pd.Categorical(["a", None]),
    ],
)
def test_text_has_one_digest_however_it_is_held(column) -> None:
    expected = row_digests(pd.DataFrame({"x": pd.Series(["a", None], dtype=object)}), key="k")
    assert row_digests(pd.DataFrame({"x": column}), key="k") == expected


def test_missing_numbers_and_missing_text_are_the_same() -> None:
    numbers = pd.DataFrame({"x": [np.nan]})
    texts = pd.DataFrame({"x": pd.Series([None], dtype=object)})
    assert row_digests(numbers, key="k") == row_digests(texts, key="k")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c", ""), ("a", "bc", "")),
        (("1", None, None), (1, None, None)),
        ((None, "x", None), ("x", None, None)),
        (("", None, None), (None, None, None)),
        ((0.1, None, None), (0.2, None, None)),
        (("4:n2.0", None, None), (2, None, None)),
    ],
)
def test_different_rows_have_different_digests(one, other) -> None:
    first, second = row_digests(frame([one, other]), key="k")
    assert first != second


def test_another_key_gives_other_digests() -> None:
    table = frame([("a", 1, None)])
    assert row_digests(table, key="k") != row_digests(table, key="l")


def test_a_key_may_be_longer_than_the_hash_takes() -> None:
    assert len(row_digests(frame([("a", 1, None)]), key="k" * 1000)[0]) == 16


def test_a_table_without_rows_or_columns_has_as_many_digests_as_rows() -> None:
    assert row_digests(frame([("a", 1, None)]).iloc[:0], key="k") == []
    assert len(set(row_digests(pd.DataFrame(index=range(3)), key="k"))) == 1
