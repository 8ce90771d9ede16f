import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headgate.errors import DataError
from headgate.problem import Split
from headgate.sampling import assign_parts, row_digests

values = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None])), max_size=30)

few = settings(max_examples=30, deadline=None)


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": np.array([row[0] for row in rows], dtype=float),
            "y": pd.Series([row[1] for row in rows], dtype=object),
        }
    )


@few
@given(values, values)
def test_a_row_keeps_its_part_when_rows_are_added(old, new) -> None:
    before = assign_parts(frame(old), Split(), None)
    after = assign_parts(frame([*new, *old]), Split(), None)
    assert list(after[len(new) :]) == list(before)


@few
@given(values)
def test_exact_duplicates_share_a_part(rows) -> None:
    table = frame(rows)
    parts = assign_parts(table, Split(), None)
    dealt = table.assign(part=parts).groupby(["x", "y"], dropna=False)["part"]
    assert dealt.nunique().isin([1]).all()


@few
@given(values)
def test_every_row_is_in_one_part(rows) -> None:
    parts = assign_parts(frame(rows), Split(), None)
    assert len(parts) == len(rows)
    assert set(parts) <= {"train", "test", "live"}


def test_rows_of_one_id_share_a_part_whatever_else_changes() -> None:
    table = pd.DataFrame({"person": ["p", "q", "r"] * 40, "x": range(120)})
    parts = assign_parts(table, Split(), "person")
    assert table.assign(part=parts).groupby("person")["part"].nunique().max() == 1
    changed = assign_parts(table.assign(x=0, new="y"), Split(), "person")
    assert list(changed) == list(parts)


def test_a_row_without_an_id_is_refused() -> None:
    table = pd.DataFrame({"person": ["p", None, None]})
    with pytest.raises(DataError, match="column person: 2 rows have no id; every row needs one"):
        assign_parts(table, Split(), "person")


def test_the_part_is_the_digest_against_the_shares() -> None:
    table = pd.DataFrame({"x": range(500)})
    split = Split(train=0.5, test=0.3, live=0.2)
    parts = assign_parts(table, split, None)
    for digest, part in zip(row_digests(table, key=split.key), parts, strict=True):
        uniform = int.from_bytes(digest[:8], "big") / 2**64
        expected = "train" if uniform < 0.5 else "test" if uniform < 0.8 else "live"
        assert part == expected


def test_a_larger_first_share_moves_no_row_out_of_the_first_part() -> None:
    table = pd.DataFrame({"x": range(1000)})
    small = assign_parts(table, Split(train=0.5, test=0.3, live=0.2), None)
    large = assign_parts(table, Split(train=0.6, test=0.2, live=0.2), None)
    assert (large[small == "train"] == "train").all()


def test_another_key_deals_the_rows_anew() -> None:
    table = pd.DataFrame({"x": range(3000)})
    one = assign_parts(table, Split(key="one"), None)
    two = assign_parts(table, Split(key="two"), None)
    # independent deals agree on 0.36 + 0.04 + 0.04 of the rows
    agreeing = int(np.sum(one == two))
    assert stats.binomtest(agreeing, 3000, 0.44).pvalue > 1e-4


def test_shares_come_out_as_chance_allows_for_every_key() -> None:
    """The sizes' chi-square p-values over 100 keys look uniform: the null is calibrated."""
    table = pd.DataFrame({"x": range(400)})
    shares = np.array([0.6, 0.2, 0.2])
    p_values = []
    for key in range(100):
        parts = assign_parts(table, Split(key=str(key)), None)
        sizes = [int(np.sum(parts == name)) for name in ("train", "test", "live")]
        p_values.append(stats.chisquare(sizes, shares * 400).pvalue)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4
