"""What the champion answers on the candidate's rows."""

import pandas as pd

from headgate.adapters.onnx_models import load_bundle
from headgate.adapters.registration import SPLIT
from headgate.errors import DataError
from headgate.evaluation import Reference
from headgate.ports.registry import ModelRegistry
from headgate.problem import Problem
from headgate.sampling import split_digest


def champion_reference(
    registry: ModelRegistry, problem: Problem, *, rows: pd.DataFrame, classes: tuple[str, str]
) -> Reference | None:
    """Score rows by the registered champion.

    Args:
        registry: Where the alias `champion` is looked up.
        problem: The candidate's problem.
        rows: Rows to score; the columns that the champion does not know are ignored.
        classes: The negative and the positive label of the candidate.

    Returns:
        The champion's version and probabilities, or None if there is no champion.

    Raises:
        DataError: If the champion predicts other classes, needs a column that `rows` lacks, was
            trained on another split of the rows, or its bundle is not the registered one.
        BackendError: If the registry does not answer.
    """
    name = problem.name
    champion = registry.by_alias(name, "champion")
    if champion is None:
        return None
    split = champion.tags.get(SPLIT, "")
    if split != split_digest(problem):
        raise DataError(
            f"champion {champion.version} of {name} was trained on another split of the rows: its "
            "split key or shares, id, named columns or missing markers differ, so it may have seen "
            "the test rows; keep these as they were, or use another name"
        )
    scorer = load_bundle(champion.uri, sha256=champion.sha256)
    if scorer.classes != classes:
        raise DataError(
            f"champion {champion.version} of {name} predicts {scorer.classes}, "
            f"the candidate predicts {classes}: they cannot be compared"
        )
    return Reference(version=champion.version, probabilities=scorer.score(rows))
