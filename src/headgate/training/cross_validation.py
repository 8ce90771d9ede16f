"""Compare families on held-out folds; everything that is fitted is fitted inside the fold."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from headgate.errors import DataError
from headgate.training.families import FAMILIES, FINISH
from headgate.training.model import Contender

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from headgate.problem import Family, SelectionMetric

MAJORITY_CLASS = "majority_class"
THRESHOLD = 0.5  # a row is called positive from this probability on, everywhere
LOWER_IS_BETTER = frozenset({"log_loss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What a model is fitted on."""

    frame: "pd.DataFrame"  # of `input_frame`
    positive: NDArray[np.int64]  # 1 is positive, shape (n,)
    weights: NDArray[np.float64] | None  # shape (n,)
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    def only(self, rows: NDArray[np.intp]) -> "Examples":
        """Return some of the rows.

        Args:
            rows: Their positions.
        """
        return Examples(
            frame=self.frame.iloc[rows],
            positive=self.positive[rows],
            weights=None if self.weights is None else self.weights[rows],
            numeric=self.numeric,
            categorical=self.categorical,
        )


def fit(family: "Family", examples: Examples, *, seed: int) -> "Pipeline":
    """Fit a family.

    Args:
        family: A row of `FAMILIES`.
        examples: What to fit on.
        seed: Seed of the family.

    Returns:
        The fitted pipeline.
    """
    pipeline = FAMILIES[family](examples.numeric, examples.categorical, seed)
    pipeline.fit(examples.frame, examples.positive, model__sample_weight=examples.weights)
    if family in FINISH:
        FINISH[family](pipeline)
    return pipeline


def cross_validate(
    examples: Examples,
    families: Sequence["Family"],
    *,
    metric: "SelectionMetric",
    folds: int,
    seed: int,
    timer: Callable[[], float],
) -> tuple[Contender, ...]:
    """Compare families, and the majority class, on the same stratified folds.

    Rows are dealt to the folds at random within each class. The majority class answers with the
    share of positive rows of its training folds, whatever the features. Weights are used in the
    fits only: the metric counts every held-out row once.

    The standard error of the mean is the corrected one of Nadeau and Bengio (2003, Machine
    Learning 52:239-281, doi:10.1023/A:1024068626366): sqrt((1/k + 1/(k-1)) * variance of the fold
    values). The plain one, sqrt(variance/k), is 1.5 times too small at 5 folds, because any two
    training sets share most of their rows.

    Args:
        examples: All training rows.
        families: Who competes.
        metric: What is measured on each fold.
        folds: Number of folds k, 2 or more.
        seed: Seed of the dealing and of the families.
        timer: Seconds of a clock that never goes back.

    Returns:
        The contenders, best mean first; of equal ones, the family that is named first.

    Raises:
        DataError: If a class has fewer rows than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    _check_support(examples.positive, folds)
    dealer = StratifiedKFold(folds, shuffle=True, random_state=seed)
    parts = list(dealer.split(examples.positive, examples.positive))

    def contend(
        name: str, answer: Callable[[Examples, Examples], NDArray[np.float64]]
    ) -> Contender:
        start = timer()
        values = [
            measure(metric, held.positive, answer(examples.only(train), held))
            for train, test in parts
            for held in [examples.only(test)]
        ]
        return _contender(name, values, seconds=timer() - start)

    def fitted(family: "Family") -> Callable[[Examples, Examples], NDArray[np.float64]]:
        return lambda train, held: np.asarray(
            fit(family, train, seed=seed).predict_proba(held.frame)[:, 1]
        )

    table = [contend(family, fitted(family)) for family in families]
    table.append(contend(MAJORITY_CLASS, _prior))
    sign = 1 if metric in LOWER_IS_BETTER else -1
    return tuple(sorted(table, key=lambda contender: sign * contender.mean))


def measure(
    metric: "SelectionMetric", positive: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> float:
    """Measure probabilities against labels of both classes.

    Args:
        metric: Which measure.
        positive: 1 where the label is positive, shape (n,).
        probabilities: Of the positive class, shape (n,).

    Returns:
        The measure; higher is better except for the log loss (natural logarithm, per row).
    """
    from sklearn import metrics

    match metric:
        case "roc_auc":
            return float(metrics.roc_auc_score(positive, probabilities))
        case "average_precision":
            return float(metrics.average_precision_score(positive, probabilities))
        case "accuracy":
            return float(np.mean((probabilities >= THRESHOLD) == positive))
        case "log_loss":
            return float(metrics.log_loss(positive, probabilities))
        case _:
            assert_never(metric)


def corrected_standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a k-fold mean, after Nadeau and Bengio (2003).

    Args:
        values: The measure on each of the k folds, 2 or more.

    Returns:
        sqrt((1/k + n_test/n_train) * sample variance), where n_test/n_train is 1/(k-1).
    """
    folds = len(values)
    return math.sqrt((1 / folds + 1 / (folds - 1)) * float(np.var(values, ddof=1)))


def _prior(train: Examples, held: Examples) -> NDArray[np.float64]:
    return np.full(held.positive.size, train.positive.mean())


def _contender(name: str, values: Sequence[float], *, seconds: float) -> Contender:
    return Contender(
        family=name,
        fold_values=tuple(values),
        mean=float(np.mean(values)),
        standard_error=corrected_standard_error(values),
        seconds=seconds,
    )


def _check_support(positive: NDArray[np.int64], folds: int) -> None:
    counts: Mapping[str, int] = {
        "negative": int((positive == 0).sum()),
        "positive": int((positive == 1).sum()),
    }
    for name, rows in counts.items():
        if rows < folds:
            raise DataError(
                f"the {name} class has {rows} training rows, {folds} folds need {folds} or more"
            )
