"""Check a bundle on disk against the model it was exported from: same answers, and how fast."""

from pathlib import Path
from typing import TYPE_CHECKING

from headgate.adapters.latency import measure_latency
from headgate.adapters.onnx_models import load_bundle
from headgate.errors import NoDataError
from headgate.evaluation.parity import judge_parity, measure_parity
from headgate.ports.scoring import Scorer
from headgate.problem import Target

if TYPE_CHECKING:
    import pandas as pd


def verify_bundle(
    folder: str | Path, fitted: Scorer, rows: "pd.DataFrame", *, target: Target
) -> dict[str, object]:
    """Measure a bundle and judge its parity.

    Args:
        folder: The bundle.
        fitted: The model it was exported from.
        rows: Typed table that the model was not fitted on.
        target: Column of the label, and the positive one.

    Returns:
        The export report: parity, latency, checksum.

    Raises:
        NoDataError: If there are no rows.
        DataError: If the bundle cannot be loaded, or a feature is not in the table.
    """
    if rows.empty:
        raise NoDataError("no rows to verify the export on, at least 1 is needed")
    exported = load_bundle(folder)
    parity = measure_parity(
        fitted.score(rows),
        exported.score(rows),
        positive=(rows[target.column] == target.positive).to_numpy(),
    )
    return {
        **parity.as_mapping(),
        "parity": judge_parity(parity).as_mapping(),
        "latency_ms": measure_latency(exported.bundle, rows).as_mapping(),
        "sha256": exported.bundle.sha256,
    }
