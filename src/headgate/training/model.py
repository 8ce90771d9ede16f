"""Fitted models: what was fitted, and how it compared with the others."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headgate.training.inputs import model_inputs

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModel:
    """A fitted pipeline with what one must know to use it; it is a `Scorer`."""

    pipeline: "Pipeline"  # fitted on 0 (negative) and 1 (positive)
    family: str
    classes: tuple[str, str]  # negative, positive: as written in the data
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    def score(self, features: "pd.DataFrame") -> NDArray[np.float64]:
        """Predict.

        Args:
            features: The typed table, or its feature columns.

        Returns:
            Probability of the positive class of each row, shape (n,).

        Raises:
            DataError: If a feature is not a column of the table, or a numeric one holds text.
        """
        frame = input_frame(features, numeric=self.numeric, categorical=self.categorical)
        if frame.empty:
            return np.empty(0)
        return np.asarray(self.pipeline.predict_proba(frame)[:, 1], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """How a family did in cross-validation."""

    family: str
    fold_values: tuple[float, ...]  # the metric on each held-out fold
    mean: float
    standard_error: float  # of the mean, corrected for the overlap of the training folds
    seconds: float  # of all folds

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {
            "family": self.family,
            "mean": self.mean,
            "standard_error": self.standard_error,
            "fold_values": list(self.fold_values),
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel(FittedModel):
    """The best family, fitted on all rows, and the table it won."""

    leaderboard: tuple[Contender, ...]  # best first; the majority class is always in it
    metric: str
    folds: int
    seed: int
    rows: int

    def as_mapping(self) -> dict[str, object]:
        """Return the training report."""
        return {
            "best": self.family,
            "metric": self.metric,
            "folds": self.folds,
            "seed": self.seed,
            "rows": self.rows,
            "leaderboard": [contender.as_mapping() for contender in self.leaderboard],
        }


def input_frame(
    table: "pd.DataFrame", *, numeric: tuple[str, ...], categorical: tuple[str, ...]
) -> "pd.DataFrame":
    """Return the model's inputs as the pipelines take them.

    Args:
        table: A typed table; further columns are not looked at.
        numeric: Its numeric features.
        categorical: Its categorical features.

    Returns:
        float32 columns with NaN, then object columns with `""` for missing.

    Raises:
        DataError: If a feature is not a column of the table, or a numeric one holds text.
    """
    import pandas as pd

    inputs = model_inputs(table, numeric=numeric, categorical=categorical)
    # Series with a dtype of their own: pandas would guess one for a column of texts.
    return pd.DataFrame(
        {name: pd.Series(values, dtype=values.dtype) for name, values in inputs.items()}
    )
