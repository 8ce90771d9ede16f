import numpy as np
import pytest
from scipy.stats import binomtest, sem
from sklearn.metrics import average_precision_score

from headgate.stats import influence
from headgate.stats.intervals import transformed


def sample(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    labels = rng.random(n) < 0.3
    return labels, rng.normal(size=n) + 1.2 * labels


def test_the_mean_has_the_usual_standard_error() -> None:
    values = np.random.default_rng(0).random(40)
    assert influence.mean(values) == pytest.approx((values.mean(), sem(values)))


@pytest.mark.parametrize("digits", [12, 1, 0])
def test_average_precision_agrees_with_scikit_learn_also_with_ties(digits: int) -> None:
    labels, scores = sample(np.random.default_rng(1), 400)
    scores = scores.round(digits)
    found = influence.average_precision(labels, scores)
    assert found.value == pytest.approx(average_precision_score(labels, scores), rel=1e-12)


@pytest.mark.parametrize("digits", [12, 1])
def test_its_standard_error_agrees_with_the_jackknife(digits: int) -> None:
    labels, scores = sample(np.random.default_rng(2), 500)
    scores = scores.round(digits)
    left_out = np.array(
        [
            average_precision_score(np.delete(labels, i), np.delete(scores, i))
            for i in range(labels.size)
        ]
    )
    jackknife = np.sqrt((labels.size - 1) * left_out.var())
    found = influence.average_precision(labels, scores)
    assert found.standard_error == pytest.approx(jackknife, rel=0.04)


def test_the_interval_of_average_precision_covers_as_often_as_it_says() -> None:
    rng, runs, misses = np.random.default_rng(3), 800, 0
    truth = average_precision_score(*sample(np.random.default_rng(99), 400_000))
    for _ in range(runs):
        estimate = influence.average_precision(*sample(rng, 600))
        found = transformed(estimate, scale="logit", method="influence_logit")
        assert found.low is not None
        assert found.high is not None
        misses += not found.low <= truth <= found.high
    assert binomtest(misses, runs, 0.06, alternative="greater").pvalue > 0.001
