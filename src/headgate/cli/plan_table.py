"""`headgate rollout plan`: what each stage takes and what it can see, before anything starts."""

from rich.console import Console
from rich.table import Table

from headgate.adapters.reporting import wording
from headgate.cli.progress import standard_console
from headgate.problem import Problem
from headgate.rollout import Forecast, MetricForecast, PassForecast, Plan, forecast, make_plan


def print_plan(problem: Problem, *, rate: float, console: Console | None = None) -> None:
    """Print the plan of a problem at a request rate.

    Args:
        problem: The problem; its `rollout` section is the plan.
        rate: Requests per second of the whole service, above 0.
        console: Where to; None is standard output.
    """
    out = standard_console() if console is None else console
    plan = make_plan(problem.rollout)
    seen = forecast(
        plan,
        requests_per_second=rate,
        label_delay_seconds=problem.rollout.label_delay_seconds,
    )
    out.print(
        f"{problem.name}: {rate:g} requests/s, alpha {plan.alpha:g} over"
        f" {len(plan.metrics)} metrics (a metric is decided at an e-value of {plan.threshold:g})"
    )
    out.print(_stages(plan, seen))
    for text in _end(plan, seen):
        out.print(text, soft_wrap=True)


def _stages(plan: Plan, seen: Forecast) -> Table:
    table = Table(title="stages", title_justify="left", pad_edge=False)
    table.add_column("canary", justify="right")
    table.add_column("takes", justify="right")
    table.add_column("waits for")
    for metric in plan.metrics:
        table.add_column(f"{wording.name_of(metric.name)}: smallest regression seen")
    for stage in seen.stages:
        table.add_row(
            f"{stage.weight_percent:g} %",
            wording.duration(stage.seconds),
            stage.limited_by.replace("_", " "),
            *(_smallest(metric) for metric in stage.metrics),
        )
    return table


def _smallest(metric: MetricForecast) -> str:
    after = f"after {metric.exposures:,}"
    if metric.smallest_rate is None or metric.smallest_ratio is None:
        return f"none {after}"
    return f"{metric.smallest_rate:.2%} ({metric.smallest_ratio:.1f}x) {after}"


def _end(plan: Plan, seen: Forecast) -> list[str]:
    assumed = ", ".join(
        f"{wording.name_of(metric.name).lower()} {metric.base_rate:.2%}" for metric in plan.metrics
    )
    return [
        f"The rates of the champion are assumed: {assumed}. The decision never uses them.",
        "A regression counts as seen if FAIL finds it with probability 0.8 by the stage's end.",
        *(_pass(entry) for entry in seen.passes),
        f"From the first request to 100 %: about {wording.duration(seen.seconds)}.",
        *(f"Note: {note}" for note in seen.notes),
    ]


def _pass(entry: PassForecast) -> str:
    return (
        f"PASS on {wording.name_of(entry.name).lower()}: about"
        f" {wording.duration(entry.seconds)} of the last stage"
        f" ({entry.exposures:,} canary exposures there) for an equally good canary."
    )
