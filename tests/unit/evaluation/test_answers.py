import pytest

from headgate.errors import DataError
from headgate.evaluation import read_answers


def test_a_row_is_called_positive_from_one_half_on(by_hand) -> None:
    answers = by_hand("ynyn", [0.5, 0.5, 0.499, 0.0])
    assert answers.predictions.tolist() == [True, True, False, False]
    assert answers.right.tolist() == [True, False, False, True]
    assert answers.confusion() == (1, 1, 1, 1)


def test_some_rows_can_be_picked(by_hand) -> None:
    answers = by_hand("yyn", [0.9, 0.1, 0.2])
    part = answers.only(answers.labels)
    assert part.probabilities.tolist() == [0.9, 0.1]
    assert part.confusion() == (0, 0, 1, 1)


def test_labels_and_probabilities_are_checked() -> None:
    with pytest.raises(DataError, match="'z' in row 0"):
        read_answers(["z"], [0.5], classes=("n", "y"))
    with pytest.raises(DataError, match="0 to 1"):
        read_answers(["y"], [float("nan")], classes=("n", "y"))
