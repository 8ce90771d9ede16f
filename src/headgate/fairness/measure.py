"""The fairness report: every protected column, its groups, and how far apart they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headgate.errors import ConfigError
from headgate.fairness.counts import GroupCounts, Rate, count_groups
from headgate.fairness.gaps import largest_difference, smallest_ratio
from headgate.problem import FairnessGate, Gates
from headgate.stats.intervals import CONFIDENCE, Interval, undefined, wilson

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 100  # below this the interval of a rate near 0.5 reaches +-0.1 and decides nothing


def measure_fairness(
    labels: NDArray[np.bool_],
    decisions: NDArray[np.bool_],
    columns: Mapping[str, "pd.Series[Any]"],
    *,
    min_rows: Mapping[str, int] | None = None,
    confidence: float = CONFIDENCE,
) -> dict[str, object]:
    """Measure group fairness on each protected column.

    A group needs `min_rows` rows to count in demographic parity, and `min_rows` rows of either
    label to count in equalized odds; the others are reported and excluded, with the reason.

    Args:
        labels: Whether the label is positive, shape (n,).
        decisions: Whether the row is called positive, shape (n,).
        columns: Protected columns of n values; missing is a group of its own, "(missing)".
        min_rows: Least support by column; 100 where a column is not named.
        confidence: Coverage, in (0, 1): of each interval of a rate, and of all pairwise bounds of a
            difference or ratio together.

    Returns:
        The fairness report: JSON-ready, without NaN; an undefined number is None with a reason.

    Raises:
        ConfigError: If the least support of a column is below 1.
        DataError: If a column makes more than 50 groups, or the lengths differ.
    """
    support = min_rows or {}
    for column, least in support.items():
        if least < 1:
            raise ConfigError(f"min_rows of column {column!r} is {least}, at least 1 is needed")
    return {
        "confidence": confidence,
        "columns": [
            {
                "column": column,
                **_column_report(
                    count_groups(labels, decisions, values, column=column),
                    min_rows=support.get(column, MIN_ROWS),
                    confidence=confidence,
                ),
            }
            for column, values in columns.items()
        ],
    }


def least_support(gates: Gates) -> dict[str, int]:
    """Return the support that each gated column needs.

    Args:
        gates: The problem's gates.

    Returns:
        By column; where both differences of a column are gated, the larger support.
    """
    needed: dict[str, int] = {}
    for _, gate in _gated(gates):
        needed[gate.column] = max(gate.min_support, needed.get(gate.column, 0))
    return needed


def headline_difference(report: Mapping[str, Any], gates: Gates) -> float | None:
    """Choose the one number that stands for a fairness report.

    Args:
        report: From `measure_fairness`.
        gates: The problem's gates.

    Returns:
        The largest gated difference; without a gate the demographic-parity difference of the first
        column; None if that cannot be measured.
    """
    entries = {entry["column"]: entry for entry in report["columns"]}
    gated = [entries[gate.column][name] for name, gate in _gated(gates)]
    first = [entry["demographic_parity_difference"] for entry in report["columns"][:1]]
    values = [interval["value"] for interval in gated or first]
    return max((value for value in values if value is not None), default=None)


def _gated(gates: Gates) -> list[tuple[str, FairnessGate]]:
    named = {
        "demographic_parity_difference": gates.demographic_parity_difference,
        "equalized_odds_difference": gates.equalized_odds_difference,
    }
    return [(name, gate) for name, gate in named.items() if gate is not None]


def _column_report(
    groups: tuple[GroupCounts, ...], *, min_rows: int, confidence: float
) -> dict[str, object]:
    large = [group for group in groups if group.rows >= min_rows]
    deep = [group for group in large if min(group.positives, group.negatives) >= min_rows]
    parity = [[group.selection for group in large]]
    odds = [[group.true_positive for group in deep], [group.false_positive for group in deep]]
    measured = {
        "demographic_parity_difference": largest_difference(parity, confidence=confidence),
        "demographic_parity_ratio": smallest_ratio(parity, confidence=confidence),
        "equalized_odds_difference": largest_difference(odds, confidence=confidence),
        "equalized_odds_ratio": smallest_ratio(odds, confidence=confidence),
    }
    return {
        "groups": [_group_report(group, confidence) for group in groups],
        **{name: interval.as_mapping() for name, interval in measured.items()},
        "min_rows": min_rows,
        "excluded": [
            {"group": group.name, "reason": reason}
            for group in groups
            if (reason := _exclusion(group, min_rows)) is not None
        ],
    }


def _exclusion(group: GroupCounts, min_rows: int) -> str | None:
    if group.rows < min_rows:
        return f"{group.rows} {'row' if group.rows == 1 else 'rows'}, {min_rows} needed"
    rarer, name = min((group.positives, "positive"), (group.negatives, "negative"))
    if rarer < min_rows:
        return f"{rarer} {name} rows, {min_rows} needed for equalized odds"
    return None


def _group_report(group: GroupCounts, confidence: float) -> dict[str, object]:
    return {
        "group": group.name,
        "rows": group.rows,
        "positives": group.positives,
        "negatives": group.negatives,
        "selection_rate": _interval(group.selection, "row", confidence),
        "true_positive_rate": _interval(group.true_positive, "positive row", confidence),
        "false_positive_rate": _interval(group.false_positive, "negative row", confidence),
    }


def _interval(rate: Rate, what: str, confidence: float) -> dict[str, object]:
    interval: Interval = (
        wilson(*rate, confidence=confidence)
        if rate.trials
        else undefined("wilson", f"the group has no {what}")
    )
    return interval.as_mapping()
