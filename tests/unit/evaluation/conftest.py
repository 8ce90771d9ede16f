from collections.abc import Callable

import numpy as np
import pytest

from headgate.evaluation import Answers, read_answers

Maker = Callable[..., Answers]


@pytest.fixture
def answers() -> Maker:
    """Make answers of a calibrated classifier on random rows."""

    def make(rows: int = 800, *, seed: int = 0, digits: int = 12) -> Answers:
        rng = np.random.default_rng(seed)
        probabilities = (1 / (1 + np.exp(-2 * rng.normal(size=rows) + 1))).round(digits)
        labels = np.where(rng.random(rows) < probabilities, "yes", "no")
        return read_answers(labels, probabilities, classes=("no", "yes"))

    return make


@pytest.fixture
def by_hand() -> Maker:
    """Make answers from a list of labels (y or n) and probabilities."""

    def make(labels: str, probabilities: list[float]) -> Answers:
        return read_answers(list(labels), probabilities, classes=("n", "y"))

    return make
