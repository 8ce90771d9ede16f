"""Write the model card: what a person must know before using a registered version."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from headgate import __version__
from headgate.adapters.bundles import THRESHOLD
from headgate.problem import Problem
from headgate.stats.intervals import CONFIDENCE

DESCRIPTION_LIMIT = 5000  # characters that MLflow stores as a version's description


def model_card(
    problem: Problem, reports: Mapping[str, Mapping[str, Any]], *, revision: str | None
) -> str:
    """Write the card from the problem and the reports of the steps.

    Args:
        problem: What was to be predicted, and the gates.
        reports: The reports `ingest`, `training`, `evaluation`, `fairness` and `export`.
        revision: Git commit of the code, or None.

    Returns:
        Markdown.
    """
    protected = set(problem.columns.protected)
    card = _environment().get_template("model_card.md.j2")
    return card.render(
        **reports,
        problem=problem,
        threshold=THRESHOLD,
        level=f"{CONFIDENCE:.0%}",
        model_sees=[name for name in problem.columns.features if name in protected],
        gates=_gates(problem),
        version=__version__,
        revision=revision,
    )


def description_of(card: str) -> str:
    """Shorten a card to what a registry keeps as description.

    Args:
        card: The whole card, which is logged as an artifact as well.

    Returns:
        The card, cut at a paragraph if it is longer than 5,000 characters.
    """
    if len(card) <= DESCRIPTION_LIMIT:
        return card
    ending = "\n\n(cut; the whole card is the artifact model_card.md)\n"
    return card[: DESCRIPTION_LIMIT - len(ending)].rsplit("\n\n", 1)[0] + ending


def _gates(problem: Problem) -> list[tuple[str, str]]:
    set_gates = {name: gate for name, gate in asdict(problem.gates).items() if gate is not None}
    return [
        (name, ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in gate.items()))
        for name, gate in set_gates.items()
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("headgate.adapters", "."),
        undefined=StrictUndefined,
        autoescape=select_autoescape(()),  # Markdown, not HTML
        keep_trailing_newline=True,
        finalize=_one_cell,
    )
    environment.filters |= {
        "number": _number,
        "count_of": lambda value: f"{int(value):,}",
        "interval": _interval,
        "code_list": lambda names: ", ".join(f"`{name}`" for name in names),
    }
    return environment


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _interval(found: Mapping[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return "undefined"
    return f"{_number(found['low'])} to {_number(found['high'])}"


def _one_cell(value: object) -> object:
    # A name from the data must not open a table cell, a line or a tag of its own.
    if not isinstance(value, str):
        return value
    return " ".join(value.replace("|", "\\|").replace("<", "&lt;").split())


def metric_values(
    metrics: Mapping[str, object], *, prefix: str = ""
) -> Iterable[tuple[str, float]]:
    """Flatten intervals into scalars: `accuracy`, `accuracy_low`, `accuracy_high`.

    Args:
        metrics: Intervals and numbers by name; an undefined value is left out.
        prefix: Written before each name.

    Yields:
        Name and value.
    """
    for name, found in metrics.items():
        parts = (
            {"": found.get("value"), "_low": found.get("low"), "_high": found.get("high")}
            if isinstance(found, Mapping)
            else {"": found}
        )
        for suffix, value in parts.items():
            if isinstance(value, int | float):
                yield f"{prefix}{name}{suffix}", float(value)
