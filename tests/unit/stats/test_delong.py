import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from headgate.stats.delong import roc_auc, roc_auc_gain, roc_auc_interval


def sample(
    seed: int, n: int, *, rounded: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.3
    first = rng.normal(size=n) + 1.2 * labels
    second = 0.6 * first + rng.normal(size=n) + 0.4 * labels
    return labels, (np.round(first) if rounded else first), second


def placements(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's structural components by comparing all pairs."""
    positive, negative = scores[labels][:, None], scores[~labels][None, :]
    wins = (positive > negative) + 0.5 * (positive == negative)
    return wins.mean(axis=1), wins.mean(axis=0)


@pytest.mark.parametrize("rounded", [False, True])
def test_the_area_agrees_with_scikit_learn_and_its_error_with_all_pairs(rounded: bool) -> None:
    labels, scores, _ = sample(1, 300, rounded=rounded)
    by_positive, by_negative = placements(labels, scores)
    variance = by_positive.var(ddof=1) / by_positive.size + by_negative.var(ddof=1) / (
        by_negative.size
    )
    assert roc_auc(labels, scores) == pytest.approx(
        (roc_auc_score(labels, scores), np.sqrt(variance)), rel=1e-12
    )


def test_the_gain_agrees_with_all_pairs() -> None:
    labels, first, second = sample(2, 250)
    parts = [placements(labels, s) for s in (first, second)]
    gaps = [parts[0][i] - parts[1][i] for i in (0, 1)]
    error = np.sqrt(sum(gap.var(ddof=1) / gap.size for gap in gaps))
    gain = roc_auc_score(labels, first) - roc_auc_score(labels, second)
    found, half = roc_auc_gain(labels, (first, second)), norm.ppf(0.975) * error
    assert (found.value, found.low, found.high) == pytest.approx((gain, gain - half, gain + half))


def test_a_model_gains_nothing_over_itself() -> None:
    labels, scores, _ = sample(3, 100)
    found = roc_auc_gain(labels, (scores, scores))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_perfect_separation_still_has_a_lower_bound() -> None:
    labels = np.array([True] * 12 + [False] * 30)
    found = roc_auc_interval(labels, labels.astype(float))
    assert found.method == "bamber_wilson"
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(proportion_confint(12, 12, method="wilson")[0])


def test_a_class_of_one_row_has_a_wide_interval() -> None:
    labels = np.array([True, False, False, False])
    found = roc_auc_interval(labels, np.array([0.6, 0.1, 0.7, 0.2]))
    assert found.value == pytest.approx(2 / 3)
    assert found.method == "bamber_wilson"
    assert (found.low or 0) < 0.2


@pytest.mark.parametrize("label", [True, False])
def test_one_class_has_no_area(label: bool) -> None:
    labels, scores = np.full(4, label), np.arange(4.0)
    assert roc_auc_interval(labels, scores).reason == "only one class is in the labels"
    assert roc_auc_gain(labels, (scores, scores)).value is None


def test_the_interval_of_the_area_covers_as_often_as_it_says() -> None:
    rng, runs, misses = np.random.default_rng(4), 1500, 0
    truth = float(norm.cdf(1.5 / np.sqrt(2)))
    labels = np.arange(200) < 50
    for scores in rng.normal(size=(runs, 200)):
        found = roc_auc_interval(labels, scores + 1.5 * labels)
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= truth <= found.high
    assert binomtest(misses, runs, 0.055, alternative="greater").pvalue > 0.001
