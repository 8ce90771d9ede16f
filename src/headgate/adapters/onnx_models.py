"""Export a fitted model to one ONNX graph, from raw columns to probabilities, and score with it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headgate.adapters.bundles import (
    Bundle,
    BundleInput,
    BundleRecord,
    bundle_sha256,
    read_bundle,
    write_bundle,
)
from headgate.adapters.inference import Engine
from headgate.training import FittedModel, model_inputs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OnnxScorer", "bundle_sha256", "export_bundle", "load_bundle"]


class OnnxScorer:
    """A bundle that scores tables; a `Scorer`."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the graph.

        Args:
            bundle: The bundle.

        Raises:
            DataError: If the graph cannot be loaded.
        """
        self.bundle = bundle
        self.engine = Engine(bundle)
        inputs = bundle.record.inputs
        self._numeric = tuple(entry.name for entry in inputs if entry.kind == "numeric")
        self._categorical = tuple(entry.name for entry in inputs if entry.kind == "categorical")

    @property
    def classes(self) -> tuple[str, str]:
        """The negative and the positive label."""
        return self.bundle.record.classes

    def score(self, features: "pd.DataFrame") -> NDArray[np.float64]:
        """Predict.

        Args:
            features: The typed table, or its feature columns.

        Returns:
            Probability of the positive class of each row, shape (n,).

        Raises:
            DataError: If a feature is not a column of the table, or a numeric one holds text.
        """
        inputs = model_inputs(features, numeric=self._numeric, categorical=self._categorical)
        if features.empty:
            return np.empty(0)
        columns = {name: values.reshape(-1, 1) for name, values in inputs.items()}
        return self.engine.probabilities(columns).astype(np.float64)


def export_bundle(model: FittedModel, folder: str | Path, *, name: str) -> str:
    """Write a model as a bundle: one graph with one [rows, 1] input per column.

    Args:
        model: A fitted model, trained just now or loaded.
        folder: Folder, made if needed.
        name: Name of the registered model.

    Returns:
        The bundle's checksum, as `bundle_sha256`.

    Raises:
        DataError: If a part of the pipeline has no ONNX form.
    """
    from headgate.adapters import onnx_export  # noqa: PLC0415 - the converters cost seconds

    inputs = (
        *(BundleInput(name, "numeric") for name in model.numeric),
        *(BundleInput(name, "categorical") for name in model.categorical),
    )
    record = BundleRecord(name=name, classes=model.classes, inputs=inputs)
    write_bundle(folder, record=record, graph=onnx_export.to_graph(model))
    return bundle_sha256(folder)


def load_bundle(folder: str | Path, *, sha256: str | None = None) -> OnnxScorer:
    """Read a bundle.

    Args:
        folder: The folder.
        sha256: What its checksum must be; None checks nothing.

    Returns:
        The model, a `Scorer`.

    Raises:
        DataError: If a file is missing or broken, or the checksum is another one.
    """
    return OnnxScorer(read_bundle(folder, sha256=sha256))
