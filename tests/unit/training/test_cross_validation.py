import dataclasses
import math

import numpy as np
import pytest

from headgate.errors import DataError
from headgate.training import MAJORITY_CLASS, corrected_standard_error, cross_validate, measure

POSITIVE = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.6, 0.4, 0.9])


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("roc_auc", 3 / 4),  # of the 4 pairs, (0.4, 0.6) is in the wrong order
        ("accuracy", 2 / 4),
        ("average_precision", 1 / 2 * 1 + 1 / 2 * 2 / 3),
        ("log_loss", -(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.9)) / 4),
    ],
)
def test_metrics_match_a_hand_count(metric, by_hand):
    assert measure(metric, POSITIVE, SCORES) == pytest.approx(by_hand, rel=1e-12)


def test_a_probability_of_one_half_is_called_positive():
    assert measure("accuracy", np.array([1, 0]), np.array([0.5, 0.499])) == 1.0


def test_the_standard_error_matches_a_hand_count():
    # k = 3, variance 0.01: sqrt((1/3 + 1/2) * 0.01)
    assert corrected_standard_error([0.8, 0.9, 1.0]) == pytest.approx(0.09128709291752768)


def compare(examples, ticks, **settings):
    defaults = {"metric": "roc_auc", "folds": 3, "seed": 5, "timer": ticks}
    return cross_validate(examples, ["logistic_regression", "lightgbm"], **{**defaults, **settings})


def test_the_best_family_stands_first_and_the_majority_class_is_in_the_table(examples, ticks):
    board = compare(examples, ticks)
    assert {entry.family for entry in board} == {"logistic_regression", "lightgbm", MAJORITY_CLASS}
    assert [entry.mean for entry in board] == sorted((e.mean for e in board), reverse=True)
    assert board[-1].fold_values == (0.5, 0.5, 0.5)


def test_a_lower_log_loss_is_better(examples, ticks):
    means = [entry.mean for entry in compare(examples, ticks, metric="log_loss")]
    assert means == sorted(means)


def test_the_majority_class_answers_with_the_share_of_its_training_folds(examples, ticks):
    board = compare(examples, ticks, metric="accuracy")
    majority = next(entry for entry in board if entry.family == MAJORITY_CLASS)
    share = examples.positive.mean()
    assert majority.mean == pytest.approx(max(share, 1 - share), abs=0.005)  # folds are stratified


def test_mean_and_seconds_are_over_the_folds(examples, ticks):
    first = compare(examples, ticks)[0]
    assert first.mean == pytest.approx(sum(first.fold_values) / 3)
    assert first.seconds == 1.0  # one step of the test's clock from start to end
    assert first.as_mapping()["fold_values"] == list(first.fold_values)


def test_the_same_seed_deals_the_same_folds(examples, ticks):
    first, second, other = (compare(examples, ticks, seed=seed) for seed in (5, 5, 6))
    assert [e.fold_values for e in first] == [e.fold_values for e in second]
    assert first[0].fold_values != other[0].fold_values


def test_weights_are_used_in_the_fits(examples, ticks):
    weights = np.where(examples.positive == 1, 50.0, 1.0)
    heavy = dataclasses.replace(examples, weights=weights)
    plain, weighted = (
        {entry.family: entry.mean for entry in compare(rows, ticks, metric="log_loss")}
        for rows in (examples, heavy)
    )
    assert weighted["logistic_regression"] > plain["logistic_regression"]
    assert weighted[MAJORITY_CLASS] == plain[MAJORITY_CLASS]


def test_what_a_fold_holds_out_is_not_seen_in_the_fit(examples, ticks):
    # Every row has a job of its own: in a held-out fold all jobs are unknown, so that an encoder
    # that was fitted inside the fold gives all of them one code, and nothing can be told apart.
    frame = examples.frame[["job"]].assign(job=[f"job {n}" for n in range(len(examples.frame))])
    unique = dataclasses.replace(examples, frame=frame, numeric=(), categorical=("job",))
    for entry in compare(unique, ticks):
        assert entry.fold_values == (0.5, 0.5, 0.5)


def test_a_class_with_fewer_rows_than_folds_is_refused(examples, ticks):
    positive, negative = (np.flatnonzero(examples.positive == label) for label in (1, 0))
    few = np.concatenate([positive[:2], negative])
    with pytest.raises(DataError, match="the positive class has 2 training rows, 3 folds need 3"):
        compare(examples.only(few), ticks)
