import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn import metrics
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from headgate.evaluation import classification_metrics, per_class, read_answers

SKLEARN = {
    "accuracy": lambda y, p: metrics.accuracy_score(y, p >= 0.5),
    "balanced_accuracy": lambda y, p: metrics.balanced_accuracy_score(y, p >= 0.5),
    "precision": lambda y, p: metrics.precision_score(y, p >= 0.5),
    "recall": lambda y, p: metrics.recall_score(y, p >= 0.5),
    "f1": lambda y, p: metrics.f1_score(y, p >= 0.5),
    "roc_auc": metrics.roc_auc_score,
    "pr_auc": metrics.average_precision_score,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier_score_loss,
}


@pytest.mark.parametrize("digits", [12, 1])
def test_every_metric_agrees_with_scikit_learn_and_lies_in_its_interval(answers, digits) -> None:
    sample = answers(digits=digits)
    found = classification_metrics(sample)
    assert list(found) == list(SKLEARN)
    for name, expected in SKLEARN.items():
        interval = found[name]
        assert interval.value == pytest.approx(expected(sample.labels, sample.probabilities))
        assert interval.low is not None
        assert interval.high is not None
        assert interval.low < interval.value < interval.high


def test_the_intervals_of_shares_agree_with_statsmodels(answers) -> None:
    sample = answers()
    (tn, fp, fn, tp), found = sample.confusion(), classification_metrics(sample)
    for name, x, n, method in (
        ("accuracy", tp + tn, 800, "beta"),
        ("precision", tp, tp + fp, "wilson"),
        ("recall", tp, tp + fn, "wilson"),
    ):
        assert (found[name].low, found[name].high) == pytest.approx(
            proportion_confint(x, n, method=method)
        )
    low, high = confint_proportions_2indep(tp, tp + fn, fp, fp + tn, method="newcomb")
    balanced = found["balanced_accuracy"]
    assert (balanced.low, balanced.high) == pytest.approx(((1 + low) / 2, (1 + high) / 2))


def test_the_intervals_of_the_losses_follow_the_delta_method(answers) -> None:
    sample = answers()
    found, z = classification_metrics(sample), norm.ppf(0.975)
    right = np.where(sample.labels, sample.probabilities, 1 - sample.probabilities)
    losses = -np.log(right)
    error = losses.std(ddof=1) / math.sqrt(losses.size)
    assert found["log_loss"].high == pytest.approx(
        losses.mean() * math.exp(z * error / losses.mean())
    )
    squares = (1 - right) ** 2
    mean, error = squares.mean(), squares.std(ddof=1) / math.sqrt(squares.size)
    odds = mean / (1 - mean) * math.exp(-z * error / (mean * (1 - mean)))
    assert found["brier"].low == pytest.approx(odds / (1 + odds))


def test_each_class_is_measured_as_the_one_looked_for(answers) -> None:
    sample = answers()
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        sample.labels, sample.predictions
    )
    found = per_class(sample)
    assert [record["label"] for record in found] == ["no", "yes"]
    for i, record in enumerate(found):
        assert record["support"] == support[i]
        for name, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
            assert record[name]["value"] == pytest.approx(expected[i])


@pytest.mark.parametrize("label", ["n", "y"])
def test_with_one_class_what_needs_two_is_undefined_and_says_why(by_hand, label: str) -> None:
    found = classification_metrics(by_hand(label * 3, [0.2, 0.7, 0.9]))
    for name in ("balanced_accuracy", "roc_auc", "pr_auc"):
        assert found[name].value is None
        assert found[name].reason == "only one class is in the labels"
    assert found["accuracy"].value is not None
    assert found["log_loss"].value is not None


def test_without_a_positive_call_precision_is_undefined_and_not_zero(by_hand) -> None:
    sample = by_hand("yn", [0.1, 0.2])
    found = classification_metrics(sample)
    assert found["precision"].value is None
    assert found["precision"].reason == "no row is called positive"
    assert (found["recall"].value, found["f1"].value) == (0.0, 0.0)
    assert per_class(sample)[1]["precision"]["reason"] == "no row is called 'y'"


def test_without_a_positive_row_recall_is_undefined(by_hand) -> None:
    sample = by_hand("nn", [0.1, 0.2])
    found = classification_metrics(sample)
    assert found["recall"].reason == "no row is positive"
    assert found["f1"].reason == "the class is neither in the labels nor predicted"
    assert per_class(sample)[1]["recall"]["reason"] == "no row is 'y'"


def test_a_perfect_classifier_has_honest_bounds(by_hand) -> None:
    found = classification_metrics(by_hand("yyynnn", [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    assert (found["accuracy"].value, found["accuracy"].high) == (1.0, 1.0)
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 6))  # exact bound of 6 in 6
    assert found["roc_auc"].method == "bamber_wilson"
    assert found["pr_auc"].as_mapping()["low"] is None
    assert "every positive row ranks first" in (found["pr_auc"].reason or "")
    assert found["brier"].value == 0.0
    assert found["brier"].high == pytest.approx(proportion_confint(0, 6, method="wilson")[1])
    assert found["log_loss"].value == pytest.approx(0.0, abs=1e-12)
    assert (found["log_loss"].low, found["log_loss"].high) == (None, None)


def test_a_certain_error_has_a_finite_log_loss(by_hand) -> None:
    found = classification_metrics(by_hand("yn", [0.0, 0.4]))
    expected = metrics.log_loss([1, 0], [0.0, 0.4])
    assert found["log_loss"].value == pytest.approx(expected)


def test_one_row_can_be_measured(by_hand) -> None:
    found = classification_metrics(by_hand("y", [0.8]))
    assert found["accuracy"].value == 1.0
    assert found["log_loss"].value == pytest.approx(-math.log(0.8))
    assert found["brier"].value == pytest.approx(0.04)
    assert "no variance" in (found["log_loss"].reason or "")


@pytest.mark.parametrize(("name", "truth"), [("brier", 1 / 6), ("log_loss", 0.5)])
def test_the_intervals_of_the_losses_cover_as_often_as_they_say(name: str, truth: float) -> None:
    # Probabilities uniform in [0, 1] that come true: E[p(1-p)] = 1/6 and E[-p ln p]*2 = 1/2.
    rng, runs, misses = np.random.default_rng(8), 600, 0
    for _ in range(runs):
        probabilities = rng.random(400)
        labels = np.where(rng.random(400) < probabilities, "y", "n")
        sample = read_answers(labels, probabilities, classes=("n", "y"))
        found = classification_metrics(sample)[name]
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= truth <= found.high
    assert binomtest(misses, runs, 0.055, alternative="greater").pvalue > 0.001
