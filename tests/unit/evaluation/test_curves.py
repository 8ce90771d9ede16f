import numpy as np
import pytest
from sklearn import metrics

from headgate.evaluation import pr_curve, roc_curve


@pytest.mark.parametrize("digits", [12, 1])
def test_a_short_roc_curve_is_scikit_learns(answers, digits) -> None:
    sample = answers(150, digits=digits)
    fpr, tpr, threshold = metrics.roc_curve(
        sample.labels, sample.probabilities, drop_intermediate=False
    )
    found = roc_curve(sample)
    assert found.false_positive_rate == pytest.approx(fpr)
    assert found.true_positive_rate == pytest.approx(tpr)
    assert found.threshold == pytest.approx([1.0, *threshold[1:]])


@pytest.mark.parametrize("digits", [12, 1])
def test_a_short_pr_curve_is_scikit_learns_up_to_full_recall(answers, digits) -> None:
    sample = answers(150, digits=digits)
    precision, recall, _ = metrics.precision_recall_curve(sample.labels, sample.probabilities)
    found = pr_curve(sample)
    full = int(np.sum(recall == 1.0))  # scikit-learn goes on to the lowest threshold
    assert found.recall == pytest.approx(recall[::-1][: recall.size - full + 1])
    assert found.precision == pytest.approx(precision[::-1][: recall.size - full + 1])


def test_long_curves_keep_their_ends_and_their_area_in_200_points(answers) -> None:
    sample = answers(10_000)
    roc, pr = roc_curve(sample), pr_curve(sample)
    for curve in (roc, pr):
        assert 150 <= len(curve[0]) <= 200
        assert {len(values) for values in curve} == {len(curve[0])}
    assert (roc.false_positive_rate[0], roc.true_positive_rate[0]) == (0.0, 0.0)
    assert (roc.false_positive_rate[-1], roc.true_positive_rate[-1]) == (1.0, 1.0)
    assert (pr.recall[0], pr.precision[0], pr.recall[-1]) == (0.0, 1.0, 1.0)
    area = metrics.auc(roc.false_positive_rate, roc.true_positive_rate)
    assert area == pytest.approx(
        metrics.roc_auc_score(sample.labels, sample.probabilities), abs=1e-3
    )


@pytest.mark.parametrize("label", ["n", "y"])
def test_one_class_has_no_roc_curve(by_hand, label: str) -> None:
    assert roc_curve(by_hand(label * 2, [0.1, 0.9])) == ([], [], [])


def test_without_a_positive_row_there_is_no_pr_curve(by_hand) -> None:
    assert pr_curve(by_hand("nn", [0.1, 0.9])) == ([], [])
