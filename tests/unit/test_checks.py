import numpy as np
import pytest

from headgate.checks import positive_labels, probabilities
from headgate.errors import DataError, NoDataError

CLASSES = ("no", "yes")


def test_positive_labels_are_true() -> None:
    assert positive_labels(["yes", "no"], classes=CLASSES).tolist() == [True, False]


@pytest.mark.parametrize("label", [None, float("nan"), "maybe", ""])
def test_a_label_that_is_neither_class_is_refused_with_its_row(label: object) -> None:
    with pytest.raises(DataError, match=r"in row 1 of the target, 'no' or 'yes' is allowed"):
        positive_labels(["yes", label], classes=CLASSES)


def test_no_rows_are_no_data() -> None:
    with pytest.raises(NoDataError, match="at least 1"):
        positive_labels([], classes=CLASSES)


def test_probabilities_become_floats() -> None:
    found = probabilities(np.array([0, 1], dtype=np.float32), rows=2)
    assert (found.dtype, found.tolist()) == (np.float64, [0.0, 1.0])


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_number_that_is_no_probability_is_refused_with_its_row(value: float) -> None:
    with pytest.raises(DataError, match="in row 1, 0 to 1 is allowed"):
        probabilities([0.5, value], rows=2)


@pytest.mark.parametrize("values", [[0.5], [[0.5, 0.5]]])
def test_another_number_of_rows_is_refused(values: object) -> None:
    with pytest.raises(DataError, match=r"\(2,\) is needed"):
        probabilities(values, rows=2)
