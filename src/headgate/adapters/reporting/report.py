"""Render reports as HTML that needs no network: one file, figures inside, no script."""

import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from headgate.adapters.reporting import (
    curve_charts,
    interval_chart,
    rollout_charts,
    summary,
    wording,
)
from headgate.adapters.reporting.records import Json, RunRecord

PACKAGE = "headgate.adapters.reporting"


def write_report(path: str | Path, runs: Sequence[RunRecord]) -> None:
    """Write the report of one or several runs as one HTML file.

    Args:
        path: The file; parent folders are made, an existing file is replaced in one step.
        runs: The runs, oldest first; with more than one the report starts with a table of them.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=target.parent, delete=False, encoding="utf-8", suffix=".tmp"
    ) as file:
        file.write(render_report(runs))
    Path(file.name).chmod(0o644)  # a temporary file is private, a report is to be passed on
    Path(file.name).replace(target)


def render_report(runs: Sequence[RunRecord]) -> str:
    """Return the report as HTML; see `write_report`."""
    names = [str(r.decision["problem"]) for r in runs if r.decision is not None]
    title = names[-1] if names else "Headgate"
    return _environment().get_template("report.html.j2").render(runs=runs, title=title)


def gates_section(decision: Json) -> str:
    """Return the gates of a decision as a small HTML page, e.g. for a pipeline's HTML artifact.

    Args:
        decision: Report of `decide_promotion`, or a whole `decision.json`.

    Returns:
        A self-contained page.
    """
    return _fragment("gates", "Gates", decision=decision)


def rollout_section(rollout: Json) -> str:
    """Return a rollout as a small HTML page: weights, evidence, stages.

    Args:
        rollout: Report of `shift_traffic`.

    Returns:
        A self-contained page.
    """
    return _fragment("rollout", "Rollout", rollout=rollout)


def training_section(training: Json) -> str:
    """Return the leaderboard of `train_model` as a small HTML page."""
    return _fragment("training", "Training", training=training)


def evaluation_section(evaluation: Json) -> str:
    """Return the report of `evaluate_model` as a small HTML page."""
    return _fragment("evaluation", "Evaluation", evaluation=evaluation)


def fairness_section(fairness: Json) -> str:
    """Return the report of `measure_fairness` as a small HTML page."""
    return _fragment("fairness", "Fairness", fairness=fairness)


def validation_section(validation: Json) -> str:
    """Return the report of `validate_data` as a small HTML page."""
    return _fragment("data", "Data", validation=validation, split=None)


def _fragment(section: str, title: str, **reports: Json | None) -> str:
    template = _environment().get_template("fragment.html.j2")
    return template.render(section=section, title=title, **reports)


@cache  # compiling the templates costs more than filling them
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE, package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files(PACKAGE).joinpath("report.css").read_text(encoding="utf-8")
    words = (wording.name_of, wording.sentence, wording.count, wording.number, wording.percent)
    more = (wording.weight, wording.interval_of, wording.limit, wording.evidence, wording.p_value)
    rest = (wording.duration, wording.moment, wording.scalar, wording.interval, wording.unit)
    environment.filters.update({f.__name__: f for f in (*words, *more, *rest)})
    environment.globals.update(
        css=Markup(style),  # noqa: S704 - our own file, not input
        bars=interval_chart,
        curves=curve_charts,
        timeline=rollout_charts,
        summary=summary,
        seconds_between=wording.seconds_between,
    )
    return environment
