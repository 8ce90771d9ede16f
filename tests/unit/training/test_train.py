import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headgate.errors import DataError, NoDataError
from headgate.training import MAJORITY_CLASS, Examples, fit, input_frame, train

ADULT = Path(__file__).parents[3] / "examples" / "adult.parquet"
ADULT_NUMBERS = ("age", "educational_num", "capital_gain", "capital_loss", "hours_per_week")
ADULT_CATEGORIES = (
    "workclass",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "gender",
    "native_country",
)


def test_the_best_family_is_fitted_on_all_rows(table, problem):
    trained = train(table, problem)
    assert trained.family == trained.leaderboard[0].family
    assert trained.classes == ("no", "yes")
    assert trained.rows == len(table)
    accuracy = ((trained.score(table) >= 0.5) == (table["rich"] == "yes")).mean()
    assert accuracy > 0.75


def test_the_report_is_the_leaderboard_in_json(table, problem):
    report = train(table, problem, timer=lambda: 0.0).as_mapping()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["best"] in ("logistic_regression", "lightgbm")
    assert (report["metric"], report["folds"], report["rows"]) == ("roc_auc", 3, 300)
    assert MAJORITY_CLASS in [entry["family"] for entry in report["leaderboard"]]


def test_training_twice_gives_the_same_model(table, problem):
    first, second = (train(table, problem, timer=lambda: 0.0) for _ in range(2))
    assert first.leaderboard == second.leaderboard
    np.testing.assert_array_equal(first.score(table), second.score(table))


def test_the_majority_class_is_never_the_model(table, with_training):
    noise = table.assign(rich=np.random.default_rng(0).permutation(table["rich"]))
    trained = train(noise, with_training(families=("lightgbm",), metric="log_loss"))
    assert trained.leaderboard[0].family == MAJORITY_CLASS
    assert trained.family == "lightgbm"


def test_weights_come_from_the_weight_column(table, problem):
    weight = np.where(table["rich"] == "yes", 20.0, 1.0)
    weighed = dataclasses.replace(
        problem, columns=dataclasses.replace(problem.columns, weight="weight")
    )
    heavy = train(table.assign(weight=weight), weighed)
    assert heavy.score(table).mean() > train(table, problem).score(table).mean() + 0.05


@pytest.mark.parametrize("value", [np.nan, -1.0, np.inf])
def test_a_weight_must_be_a_number_of_0_or_more(table, problem, value):
    weighed = dataclasses.replace(
        problem, columns=dataclasses.replace(problem.columns, weight="weight")
    )
    weights = np.r_[value, np.ones(len(table) - 1)]
    with pytest.raises(DataError, match="weight weight is no number >= 0 in 1 of 300 rows"):
        train(table.assign(weight=weights), weighed)


def test_weights_that_are_all_0_are_refused(table, problem):
    weighed = dataclasses.replace(
        problem, columns=dataclasses.replace(problem.columns, weight="weight")
    )
    with pytest.raises(DataError, match="0 in all 300 rows"):
        train(table.assign(weight=0.0), weighed)


def test_a_weight_column_that_is_not_there_is_named(table, problem):
    weighed = dataclasses.replace(
        problem, columns=dataclasses.replace(problem.columns, weight="weight")
    )
    with pytest.raises(DataError, match="weight weight is not in the table"):
        train(table, weighed)


def test_no_rows_are_no_data(table, problem):
    with pytest.raises(NoDataError, match="no rows"):
        train(table.head(0), problem)


def test_a_target_column_that_is_not_there_is_named(table, problem):
    with pytest.raises(DataError, match="target rich is not in the table"):
        train(table.drop(columns="rich"), problem)


def test_a_missing_target_is_refused(table, problem):
    table.loc[3, "rich"] = None
    with pytest.raises(DataError, match="target rich is missing in 1 of 300 training rows"):
        train(table, problem)


@pytest.mark.parametrize("classes", [["no"], ["yes"], ["no", "maybe"], ["no", "yes", "maybe"]])
def test_the_target_needs_two_classes_one_of_them_the_positive_one(table, problem, classes):
    labels = pd.Series([classes[n % len(classes)] for n in range(len(table))], dtype=object)
    with pytest.raises(DataError, match="needed are two, one of them 'yes'"):
        train(table.assign(rich=labels), problem)


def test_a_class_with_too_few_rows_for_the_folds_is_refused(table, problem):
    labels = pd.Series(["no"] * 298 + ["yes"] * 2, dtype=object)
    with pytest.raises(DataError, match="the positive class has 2 training rows"):
        train(table.assign(rich=labels), problem)


def test_on_the_adult_census_both_families_are_as_good_as_the_literature_says():
    # About 0.85 and 0.87 on held-out rows; tuned gradient boosting reaches 0.872 to 0.873 in
    # Gorishniy et al. 2021, arXiv:2106.11959.
    adult = pd.read_parquet(ADULT).replace("?", None)
    train_rows = np.random.default_rng(1).random(len(adult)) < 0.6
    rows = input_frame(adult, numeric=ADULT_NUMBERS, categorical=ADULT_CATEGORIES)
    positive = (adult["income"] == ">50K").to_numpy().astype(np.int64)
    examples = Examples(
        frame=rows[train_rows],
        positive=positive[train_rows],
        weights=None,
        numeric=ADULT_NUMBERS,
        categorical=ADULT_CATEGORIES,
    )
    accuracy = {}
    for family in ("logistic_regression", "lightgbm"):
        answers = fit(family, examples, seed=1).predict_proba(rows[~train_rows])[:, 1]
        accuracy[family] = ((answers >= 0.5) == positive[~train_rows]).mean()
    assert accuracy["logistic_regression"] == pytest.approx(0.851, abs=0.006)
    assert accuracy["lightgbm"] == pytest.approx(0.873, abs=0.006)
