"""Silence the warnings that MLflow sets off by itself, and nothing else."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Deprecations inside MLflow 3.17 (its loader strategy under SQLAlchemy 2.1, its data frame check
# under pandas 3, its own type hints): nothing that a caller could change.
NOISE = (
    "The ``noload`` loader strategy is deprecated",
    "Operation with range is deprecated",
    ".*Any type hint is inferred as AnyType",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore those warnings for a while.

    Yields:
        Control to calls into MLflow.
    """
    with warnings.catch_warnings():
        for message in NOISE:
            warnings.filterwarnings("ignore", message=message)
        yield
