"""Train a model: compare the families, fit the best one on all rows."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headgate import checks
from headgate.errors import DataError, NoDataError
from headgate.training.cross_validation import MAJORITY_CLASS, Examples, cross_validate, fit
from headgate.training.families import FAMILIES
from headgate.training.model import TrainedModel, input_frame

if TYPE_CHECKING:
    import pandas as pd

    from headgate.problem import Problem


def train(
    table: "pd.DataFrame", problem: "Problem", *, timer: Callable[[], float] = time.perf_counter
) -> TrainedModel:
    """Compare the problem's families by cross-validation and fit the best one on all rows.

    The same table, problem and library versions give the same model.

    Args:
        table: Typed table of the training part, n rows.
        problem: Names target, features, weight, families, metric, folds and seed.
        timer: Seconds of a clock that never goes back; times the leaderboard only.

    Returns:
        The model of the family with the best mean, and the leaderboard. The majority class stands
        in the leaderboard, it is never the model.

    Raises:
        NoDataError: If there are no rows.
        DataError: If a column is missing, a target is missing, there is one class only or more
            than two, a class has fewer rows than there are folds, or a weight is not a number >= 0
            (all 0 within the table included).
    """
    columns, settings = problem.columns, problem.training
    if table.empty:
        raise NoDataError("the training table has no rows")
    classes, positive = _labels(table, problem)
    frame = input_frame(table, numeric=columns.numeric, categorical=columns.categorical)
    examples = Examples(
        frame=frame,
        positive=positive,
        weights=_weights(table, columns.weight),
        numeric=columns.numeric,
        categorical=columns.categorical,
    )
    leaderboard = cross_validate(
        examples,
        settings.families,
        metric=settings.metric,
        folds=settings.folds,
        seed=settings.seed,
        timer=timer,
    )
    best = next(entry.family for entry in leaderboard if entry.family != MAJORITY_CLASS)
    family = next(name for name in FAMILIES if name == best)
    return TrainedModel(
        pipeline=fit(family, examples, seed=settings.seed),
        family=family,
        classes=classes,
        numeric=columns.numeric,
        categorical=columns.categorical,
        leaderboard=leaderboard,
        metric=settings.metric,
        folds=settings.folds,
        seed=settings.seed,
        rows=len(table),
    )


def _labels(table: "pd.DataFrame", problem: "Problem") -> tuple[tuple[str, str], NDArray[np.int64]]:
    column, positive = problem.target.column, problem.target.positive
    if column not in table.columns:
        raise DataError(f"target {column} is not in the table; it has {list(table.columns)}")
    labels = table[column].to_numpy(dtype=object)
    missing = int(table[column].isna().sum())
    if missing:
        raise DataError(f"target {column} is missing in {missing} of {labels.size} training rows")
    found = sorted(set(labels.tolist()))
    if positive not in found or len(found) != 2:
        raise DataError(
            f"target {column} has the classes {found[:10]} in the training rows; needed are two, "
            f"one of them {positive!r}"
        )
    negative = next(label for label in found if label != positive)
    classes = (negative, positive)
    return classes, checks.positive_labels(labels, classes=classes).astype(np.int64)


def _weights(table: "pd.DataFrame", column: str | None) -> NDArray[np.float64] | None:
    if column is None:
        return None
    if column not in table.columns:
        raise DataError(f"weight {column} is not in the table; it has {list(table.columns)}")
    weights = table[column].to_numpy(dtype=np.float64)
    wrong = int(np.sum(~(np.isfinite(weights) & (weights >= 0))))
    if wrong:
        raise DataError(f"weight {column} is no number >= 0 in {wrong} of {weights.size} rows")
    if not weights.any():
        raise DataError(f"weight {column} is 0 in all {weights.size} rows, one must be above 0")
    return weights
