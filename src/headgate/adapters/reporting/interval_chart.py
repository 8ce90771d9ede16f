"""A value with its interval on a line, against a limit: the figure inside table cells."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from headgate.adapters.reporting import svg, wording
from headgate.adapters.reporting.records import Json

WIDTH, HEIGHT, MIDDLE, MARGIN = 190.0, 30.0, 15.0, 8.0
BASELINE = "majority_class"
PADDING = 0.12  # share of the range that stays free on both sides


def domain_of(
    values: Sequence[float | None], *, within: tuple[float, float]
) -> tuple[float, float]:
    """Choose a range that shows all values with some room.

    Args:
        values: What must be visible; None is ignored.
        within: Range that the values cannot leave, e.g. (0, 1) for shares.

    Returns:
        Lower and upper end, never equal.
    """
    known = [v for v in values if v is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = PADDING * (high - low) or PADDING * abs(high) or 1.0
    return max(within[0], low - room), min(within[1], high + room)


def gate_bar(gate: Json) -> Markup:
    """Draw the measured interval of a gate against its limit.

    Args:
        gate: A gate of a decision.

    Returns:
        An SVG; empty if there is neither an interval nor a limit to show.
    """
    value, low, limit = gate.get("value"), gate.get("low"), gate.get("limit")
    if value is None or (low is None and limit is None):
        return Markup("")  # a point alone on a line tells nothing
    kind = str(gate.get("limit_kind"))
    from_zero = kind == "max" and value >= 0
    shown = [value, low, gate.get("high"), limit, 0.0 if from_zero else None]
    ends = domain_of(shown, within=(0.0 if from_zero else -math.inf, math.inf))
    tone = str(gate["verdict"]).lower() if gate.get("judged", True) else "neutral"
    name, allowed = wording.name_of(str(gate["name"])), wording.limit(gate) or "none"
    label = f"{name}: {wording.interval_of(gate)}; limit {allowed}"
    return _bar(gate, ends=ends, kind=kind, css=f"interval {tone}", label=label)


def leaderboard_ends(training: Json) -> tuple[float, float]:
    """Return the common axis of `fold_strip`; the baseline would squeeze all others together."""
    rows = [r for r in training["leaderboard"] if r["family"] != BASELINE]
    return domain_of(
        [v for r in rows for v in (r["mean"], *r["fold_values"])], within=(-math.inf, math.inf)
    )


def slice_ends(evaluation: Json) -> tuple[float, float]:
    """Return the common axis of the accuracy of all groups."""
    return _ends([s["accuracy"] for s in evaluation["slices"]])


def rate_ends(column: Json, rate: str) -> tuple[float, float]:
    """Return the common axis of one rate of all groups of a protected column."""
    return _ends([g[rate] for g in column["groups"]])


def share_bar(measured: Json, *, ends: tuple[float, float], label: str) -> Markup:
    """Draw an interval object on a common axis, without a limit.

    Args:
        measured: Interval object of a report.
        ends: Ends of the axis.
        label: What is measured, for readers who cannot see it.

    Returns:
        An SVG; empty if the value is undefined.
    """
    if measured.get("value") is None:
        return Markup("")
    return _bar(measured, ends=ends, label=f"{label}: {wording.interval_of(measured)}")


def fold_strip(row: Json, *, ends: tuple[float, float]) -> Markup:
    """Draw the folds of a model family as dots, its mean and standard error as an interval.

    Args:
        row: A row of the leaderboard.
        ends: Ends of the axis, common to all rows.

    Returns:
        An SVG.
    """
    x = svg.Scale(*ends, MARGIN, WIDTH - MARGIN)
    mean, error = row["mean"], row["standard_error"]
    parts = [svg.line(MARGIN, MIDDLE, WIDTH - MARGIN, MIDDLE, "track")]
    parts += [svg.dot(x(v), MIDDLE, 3, "fold") for v in row["fold_values"]]
    parts += [
        svg.line(x(mean - error), MIDDLE, x(mean + error), MIDDLE, "span"),
        svg.dot(x(mean), MIDDLE, 4.5, "value"),
    ]
    label = f"{wording.name_of(row['family'])}: {mean:.4f}, standard error {error:.4f}"
    return svg.picture(WIDTH, HEIGHT, parts, label=label, css="interval")


def _ends(intervals: Sequence[Json]) -> tuple[float, float]:
    values = [i.get(k) for i in intervals for k in ("value", "low", "high")]
    low, high = domain_of(values, within=(0.0, 1.0))
    return math.floor(20 * low) / 20, math.ceil(20 * high) / 20  # round numbers at the axis


def _bar(
    measured: Json,
    *,
    ends: tuple[float, float],
    label: str,
    kind: str = "none",
    css: str = "interval",
) -> Markup:
    x = svg.Scale(*ends, MARGIN, WIDTH - MARGIN)
    low, high, limit = measured.get("low"), measured.get("high"), measured.get("limit")
    parts = []
    if limit is not None:
        edge = WIDTH - MARGIN if kind == "min" else MARGIN
        parts.append(svg.box(x(limit), MIDDLE - 7, edge - x(limit), 14, "allowed"))
    parts.append(svg.line(MARGIN, MIDDLE, WIDTH - MARGIN, MIDDLE, "track"))
    if limit is not None:
        parts.append(svg.line(x(limit), 3, x(limit), HEIGHT - 3, "limit"))
    if low is not None and high is not None:
        parts.append(svg.line(x(low), MIDDLE, x(high), MIDDLE, "span"))
    parts.append(svg.dot(x(measured["value"]), MIDDLE, 4.5, "value"))
    return svg.picture(WIDTH, HEIGHT, parts, label=label, css=css)
