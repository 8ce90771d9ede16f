"""What the champion answers on the candidate's rows."""

import pandas as pd

from headgate.adapters.onnx_models import load_bundle
from headgate.errors import DataError
from headgate.evaluation import Reference
from headgate.ports.registry import ModelRegistry


def champion_reference(
    registry: ModelRegistry, *, name: str, rows: pd.DataFrame, classes: tuple[str, str]
) -> Reference | None:
    """Score rows by the registered champion.

    Args:
        registry: Where the alias `champion` is looked up.
        name: Registered model.
        rows: Rows to score; the columns that the champion does not know are ignored.
        classes: The negative and the positive label of the candidate.

    Returns:
        The champion's version and probabilities, or None if there is no champion.

    Raises:
        DataError: If the champion predicts other classes, needs a column that `rows` lacks, or its
            bundle is not the registered one.
        BackendError: If the registry does not answer.
    """
    champion = registry.by_alias(name, "champion")
    if champion is None:
        return None
    scorer = load_bundle(champion.uri, sha256=champion.sha256)
    if scorer.classes != classes:
        raise DataError(
            f"champion {champion.version} of {name} predicts {scorer.classes}, "
            f"the candidate predicts {classes}: they cannot be compared"
        )
    return Reference(version=champion.version, probabilities=scorer.score(rows))
