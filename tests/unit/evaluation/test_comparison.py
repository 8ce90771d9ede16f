import numpy as np
import pytest
from scipy.stats import binomtest

from headgate.evaluation import Reference, compare
from headgate.stats.paired import tango


def test_the_champion_is_compared_row_by_row(by_hand) -> None:
    sample = by_hand("yyynnn", [0.9, 0.8, 0.2, 0.1, 0.3, 0.6])
    champion = Reference(version="3", probabilities=np.array([0.2, 0.9, 0.7, 0.6, 0.4, 0.1]))
    found = compare(sample, champion)
    assert found["reference"] == "champion 3"
    assert found["reference_version"] == "3"
    assert (found["candidate_only_right"], found["reference_only_right"]) == (2, 2)
    assert found["rows"] == 6
    assert found["accuracy_gain"]["value"] == 0.0
    assert found["p_value"] == pytest.approx(1.0)
    assert found["roc_auc_gain"]["value"] == pytest.approx(7 / 9 - 7 / 9)


def test_without_a_champion_the_more_frequent_label_is_the_reference(by_hand) -> None:
    sample = by_hand("yyyyn", [0.9, 0.9, 0.9, 0.4, 0.1])
    found = compare(sample, None)
    assert (found["reference"], found["reference_version"]) == ("majority class", None)
    # always "y" is right in 4 rows; the candidate loses the fourth and wins the fifth
    assert (found["candidate_only_right"], found["reference_only_right"]) == (1, 1)
    assert "roc_auc_gain" not in found


def test_a_tie_of_labels_is_called_negative(by_hand) -> None:
    found = compare(by_hand("yn", [0.9, 0.1]), None)
    assert (found["candidate_only_right"], found["reference_only_right"]) == (1, 0)


def test_two_equal_models_rarely_seem_different() -> None:
    # The gate passes when the lower bound is above 0: at most 2.5 % of equal candidates.
    rng, runs, passed = np.random.default_rng(21), 3000, 0
    for won, lost, _ in rng.multinomial(4000, [0.02, 0.02, 0.96], runs):
        low = tango(int(won), int(lost), 4000).low
        passed += low is not None and low > 0
    assert binomtest(passed, runs, 0.025, alternative="greater").pvalue > 0.001
