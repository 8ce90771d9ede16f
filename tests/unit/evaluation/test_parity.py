import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from headgate.errors import DataError
from headgate.evaluation import judge_parity, measure_parity
from headgate.problem import Verdict

POSITIVE = [True, False, True, False]
FITTED = [0.9, 0.2, 0.499, 0.6]


def test_the_same_answers_are_at_parity():
    found = measure_parity(FITTED, FITTED, positive=POSITIVE)
    assert (found.rows, found.max_probability_difference, found.label_flips) == (4, 0.0, 0)
    assert found.auc_change == 0.0
    assert judge_parity(found).verdict is Verdict.PASS


def test_differences_match_a_hand_count():
    exported = [0.85, 0.2, 0.501, 0.55]
    found = measure_parity(FITTED, exported, positive=POSITIVE)
    assert found.max_probability_difference == pytest.approx(0.05)
    assert found.label_flips == 1
    assert found.auc_change == pytest.approx(
        roc_auc_score(POSITIVE, exported) - roc_auc_score(POSITIVE, FITTED)
    )


def test_a_difference_above_the_limit_fails_and_says_what_is_allowed():
    decided = judge_parity(measure_parity([0.1], [0.10002], positive=[True]))
    assert decided.verdict is Verdict.FAIL
    assert "difference 2e-05 over 1 rows, 0 label flips; allowed is 1e-05" in decided.reason
    assert decided.as_mapping() == {"verdict": "FAIL", "reason": decided.reason}


def test_a_flip_within_the_limit_passes_because_the_row_is_a_coin_toss():
    found = measure_parity([0.5 + 1e-8], [0.5 - 1e-8], positive=[True])
    assert found.label_flips == 1
    assert judge_parity(found).verdict is Verdict.PASS


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_an_answer_that_is_no_number_counts_as_the_largest_difference(broken):
    found = measure_parity(FITTED, [0.9, 0.2, 0.499, broken], positive=POSITIVE)
    assert found.max_probability_difference == 1.0
    assert found.auc_change is None
    assert judge_parity(found).verdict is Verdict.FAIL


def test_without_both_classes_there_is_no_auc():
    assert measure_parity(FITTED, FITTED, positive=[True] * 4).auc_change is None


def test_no_rows_are_insufficient():
    found = measure_parity([], [], positive=[])
    assert judge_parity(found).verdict is Verdict.INSUFFICIENT


def test_the_report_has_no_verdict_of_its_own():
    found = measure_parity(FITTED, FITTED, positive=POSITIVE).as_mapping()
    assert found == {
        "rows": 4,
        "max_probability_difference": 0.0,
        "label_flips": 0,
        "auc_change": 0.0,
    }


def test_answers_to_different_rows_are_refused():
    with pytest.raises(DataError, match=r"shapes \(4,\) fitted, \(1,\) exported"):
        measure_parity(FITTED, [0.5], positive=POSITIVE)
