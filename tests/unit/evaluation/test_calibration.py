import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from headgate.evaluation import calibration, read_answers


def plain_error(found) -> float:
    rows = sum(each.count for each in found.bins)
    return sum(e.count * abs(e.observed.value - e.mean_predicted) for e in found.bins) / rows


def test_bins_agree_with_scikit_learn(answers) -> None:
    sample = answers(1000)
    share, mean = calibration_curve(
        sample.labels, sample.probabilities, n_bins=10, strategy="quantile"
    )
    found = calibration(sample).bins
    assert [each.count for each in found] == [100] * 10
    assert [each.mean_predicted for each in found] == pytest.approx(mean)
    assert [each.observed.value for each in found] == pytest.approx(share)


def test_equal_probabilities_share_a_bin(by_hand) -> None:
    found = calibration(by_hand("ynyn", [0.2, 0.2, 0.2, 0.8]), bins=4).bins
    assert [(each.mean_predicted, each.count) for each in found] == [
        (pytest.approx(0.2), 3),
        (0.8, 1),
    ]


def test_fewer_rows_than_bins_make_fewer_bins(by_hand) -> None:
    found = calibration(by_hand("yn", [0.9, 0.4]))
    assert [each.count for each in found.bins] == [1, 1]
    # bins without noise are not corrected: (0.1 + 0.4) / 2
    assert found.expected_calibration_error == pytest.approx(0.25)


def test_the_correction_is_the_excess_that_resampling_finds(answers) -> None:
    found = calibration(answers(500, seed=3))
    rng, plain = np.random.default_rng(0), plain_error(found)
    share = np.array([each.observed.value for each in found.bins])
    count = np.array([each.count for each in found.bins])
    mean = np.array([each.mean_predicted for each in found.bins])
    noisy = rng.normal(share, np.sqrt(share * (1 - share) / count), size=(200_000, share.size))
    resampled = float(np.mean(np.abs(noisy - mean) @ (count / count.sum())))
    assert found.expected_calibration_error == pytest.approx(2 * plain - resampled, abs=2e-4)


def test_the_error_of_a_calibrated_model_loses_nearly_half_of_its_excess(answers) -> None:
    found = [calibration(answers(500, seed=seed)) for seed in range(200)]
    plain = np.mean([plain_error(each) for each in found])
    corrected = np.mean([each.expected_calibration_error for each in found])
    assert 0.035 < plain < 0.045
    assert corrected < 0.65 * plain


def test_a_miscalibrated_model_keeps_its_error() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.1, 0.7, 20_000)
    labels = np.where(rng.random(truth.size) < truth, "y", "n")
    sample = read_answers(labels, truth + 0.2, classes=("n", "y"))
    assert calibration(sample).expected_calibration_error == pytest.approx(0.2, abs=0.015)
