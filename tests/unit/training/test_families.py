import numpy as np
import pandas as pd
import pytest

from headgate.training import FAMILIES, Examples, FittedModel, fit, input_frame
from headgate.training.boosted_trees import rounded_model

FAMILY_NAMES = pytest.mark.parametrize("family", FAMILIES)


def predict(pipeline, frame):
    return pipeline.predict_proba(frame)[:, 1]


@FAMILY_NAMES
def test_a_family_learns_that_age_matters(family, examples):
    pipeline = fit(family, examples, seed=1)
    frame = examples.frame.head(2).assign(age=np.float32([22.0, 58.0]), job="clerk")
    young, old = predict(pipeline, frame)
    assert young < 0.3
    assert old > 0.7


@FAMILY_NAMES
def test_the_same_seed_gives_the_same_answers(family, examples):
    first, second = (predict(fit(family, examples, seed=3), examples.frame) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@FAMILY_NAMES
def test_categories_that_the_fit_never_saw_and_rows_without_values_are_answered(family, examples):
    pipeline = fit(family, examples, seed=1)
    strange = pd.DataFrame({"age": [np.nan], "hours": [np.nan], "job": [""], "town": ["Atlantis"]})
    frame = input_frame(strange, numeric=examples.numeric, categorical=examples.categorical)
    assert 0 < predict(pipeline, frame)[0] < 1


@FAMILY_NAMES
@pytest.mark.parametrize(("numeric", "categorical"), [(("age",), ()), ((), ("job",))])
def test_a_table_may_have_one_kind_of_column_only(family, table, numeric, categorical):
    positive = (table["rich"] == "yes").to_numpy().astype(np.int64)
    examples = Examples(
        frame=input_frame(table, numeric=numeric, categorical=categorical),
        positive=positive,
        weights=None,
        numeric=numeric,
        categorical=categorical,
    )
    answers = predict(fit(family, examples, seed=1), examples.frame)
    assert np.corrcoef(answers, positive)[0, 1] > 0.1


@FAMILY_NAMES
def test_a_number_that_is_always_missing_does_no_harm(family, examples):
    frame = examples.frame.assign(hours=np.float32(np.nan))
    emptied = Examples(
        frame=frame,
        positive=examples.positive,
        weights=None,
        numeric=examples.numeric,
        categorical=examples.categorical,
    )
    answers = predict(fit(family, emptied, seed=1), frame)
    assert np.corrcoef(answers, examples.positive)[0, 1] > 0.5


@FAMILY_NAMES
def test_heavier_rows_count_for_more(family, examples):
    weights = np.where(examples.positive == 1, 10.0, 1.0)
    heavy = Examples(
        frame=examples.frame,
        positive=examples.positive,
        weights=weights,
        numeric=examples.numeric,
        categorical=examples.categorical,
    )
    plain = predict(fit(family, examples, seed=1), examples.frame).mean()
    assert predict(fit(family, heavy, seed=1), examples.frame).mean() > plain + 0.05


def test_rounding_the_thresholds_changes_no_prediction(examples):
    raw = FAMILIES["lightgbm"](examples.numeric, examples.categorical, 1)
    raw.fit(examples.frame, examples.positive)
    rounded = fit("lightgbm", examples, seed=1)
    np.testing.assert_array_equal(predict(raw, examples.frame), predict(rounded, examples.frame))
    text = rounded.named_steps["model"].booster_.model_to_string()
    lines = [line for line in text.split("\n") if line.startswith("threshold=")]
    thresholds = [float(value) for line in lines for value in line[len("threshold=") :].split()]
    assert thresholds
    assert all(float(np.float32(value)) == value for value in thresholds)


@pytest.mark.parametrize(
    ("written", "rounded"),
    [
        ("0.5", 0.5),
        ("0.1", 0.09999999403953552),  # float32 neighbours: 0.09999999403953552, 0.10000000149...
        ("-0.1", -0.10000000149011612),
        ("1e300", 3.4028234663852886e38),  # LightGBM's "every number"; float32's largest
    ],
)
def test_a_threshold_is_rounded_down(written, rounded):
    assert rounded_model(f"threshold={written}") == f"threshold={rounded!r}"


def test_only_thresholds_change_and_the_byte_counts_go():
    text = "tree\ntree_sizes=1 2\nthreshold=\nleaf_value=0.1"
    assert rounded_model(text) == "tree\nthreshold=\nleaf_value=0.1"


def test_a_fitted_model_scores_a_typed_table(table, examples):
    model = FittedModel(
        pipeline=fit("logistic_regression", examples, seed=1),
        family="logistic_regression",
        classes=("no", "yes"),
        numeric=examples.numeric,
        categorical=examples.categorical,
    )
    scores = model.score(table[::-1])
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores[::-1], predict(model.pipeline, examples.frame))
    assert model.score(table.head(0)).shape == (0,)
