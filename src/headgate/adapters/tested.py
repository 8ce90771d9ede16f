"""Answer the held-out rows with a trained model: the input of every measurement of its quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from headgate.adapters.files import read_table
from headgate.adapters.model_files import load_model
from headgate.adapters.problem_file import parse_problem
from headgate.evaluation import Answers, read_answers
from headgate.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A model's answers on the test part, with the rows and the protected columns."""

    problem: Problem
    answers: Answers
    rows: pd.DataFrame
    groups: Mapping[str, "pd.Series[Any]"]  # protected columns by name


def read_tested(problem: str, *, model: str | Path, test: str | Path) -> Tested:
    """Read a model and held-out rows, and let the one answer the other.

    Args:
        problem: Problem file as text.
        model: Folder of a trained model.
        test: Typed table of the test part.

    Returns:
        The answers.

    Raises:
        ConfigError: If the problem is not valid.
        DataError: If a file is not readable, a column is absent, or a label is neither class.
        NoDataError: If the table has no rows.
    """
    settings, rows, scorer = parse_problem(problem), read_table(test), load_model(Path(model))
    scores = scorer.score(rows[list(settings.columns.features)])
    return Tested(
        problem=settings,
        answers=read_answers(rows[settings.target.column], scores, classes=scorer.classes),
        rows=rows,
        groups={name: rows[name] for name in settings.columns.protected},
    )
