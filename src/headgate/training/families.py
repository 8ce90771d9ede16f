"""The model families that may compete. To add one: a file with its pipeline, and a row here."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from headgate.training.boosted_trees import boosted_trees, round_thresholds
from headgate.training.linear import logistic_regression

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from headgate.problem import Family

# (numeric columns, categorical columns, seed) -> a pipeline whose last step is called "model"
Build = Callable[[tuple[str, ...], tuple[str, ...], int], "Pipeline"]

FAMILIES: Mapping["Family", Build] = {
    "logistic_regression": logistic_regression,
    "lightgbm": boosted_trees,
}

# What is done to a fitted pipeline, if anything; it must not change a prediction.
FINISH: Mapping[str, Callable[["Pipeline"], None]] = {"lightgbm": round_thresholds}
