"""A model, as something that turns features into probabilities."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # pandas takes half a second to import, and only the annotation needs it
    import pandas as pd


class Scorer(Protocol):
    """A fitted model of a binary target, whatever file it came from."""

    @property
    def classes(self) -> tuple[str, str]:
        """The negative and the positive label, as written in the data."""
        ...

    def score(self, features: "pd.DataFrame") -> NDArray[np.float64]:
        """Predict.

        Args:
            features: The typed table, or its feature columns; further columns are not looked at.
                Numeric NaN and categorical None mean missing.

        Returns:
            Probability of the positive class of each row, shape (n,).

        Raises:
            DataError: If a feature column is not there.
        """
        ...
