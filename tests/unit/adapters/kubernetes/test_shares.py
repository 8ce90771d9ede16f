import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.adapters.kubernetes.shares import parts, split


@pytest.mark.parametrize(
    ("weights", "total", "expected"),
    [
        ([1, 1, 1], 10_000, [3334, 3333, 3333]),
        ([90, 10], 10_000, [9000, 1000]),
        ([9000, 1000], 10_000, [9000, 1000]),
        ([2, 1], 10_000, [6667, 3333]),
        ([0, 1], 10_000, [0, 10_000]),
        ([0, 0], 10_000, [0, 0]),
        ([], 10_000, []),
        ([9000, 1000], 10, [9, 1]),
        ([9950, 50], 10, [10, 0]),
    ],
)
def test_parts_are_those_of_the_largest_remainders(weights, total, expected) -> None:
    assert parts(weights, total) == expected


@given(st.lists(st.integers(0, 1_000_000), min_size=1), st.integers(0, 1_000_000))
def test_parts_sum_up_and_are_within_one_of_exact(weights, total) -> None:
    found, whole = parts(weights, total), sum(weights)
    if whole == 0:
        assert set(found) == {0}
        return
    assert sum(found) == total
    for weight, part in zip(weights, found, strict=True):
        assert abs(part * whole - weight * total) < whole
        assert weight > 0 or part == 0


def test_names_keep_their_order() -> None:
    assert list(split({"b": 1, "a": 3}, 100).items()) == [("b", 25), ("a", 75)]
