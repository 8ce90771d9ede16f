"""The lines of the decision about groups: gated differences, and everything else as reported."""

from collections.abc import Sequence

from headgate.errors import DataError
from headgate.problem import FairnessGate, Gates
from headgate.promotion.gates import Gate, judge_below, reported
from headgate.promotion.reports import Report

_PARITY, _ODDS = "demographic_parity", "equalized_odds"


def fairness_gates(gates: Gates, report: Report) -> list[Gate]:
    """Judge the gated differences and report the others.

    Args:
        gates: The problem's gates.
        report: The fairness report.

    Returns:
        One line per column and measure, named `measure:column`.

    Raises:
        DataError: If the report lacks a gated column, or measured it with less support.
    """
    entries = [report.inside(entry) for entry in report.at("columns")]
    wanted = {
        _PARITY: gates.demographic_parity_difference,
        _ODDS: gates.equalized_odds_difference,
    }
    names = [entry.at("column") for entry in entries]
    for gate in wanted.values():
        if gate is not None and gate.column not in names:
            raise DataError(
                f"the fairness report has no column {gate.column!r}, which a gate names; "
                f"it has {names}"
            )
    lines: list[Gate] = []
    for entry in entries:
        for measure, gate in wanted.items():
            lines.append(_difference(entry, measure, gate))
            ratio = f"{measure}_ratio"
            lines.append(reported(f"{ratio}:{entry.at('column')}", entry.interval(ratio)))
    return lines


def _difference(entry: Report, measure: str, gate: FairnessGate | None) -> Gate:
    column, key = entry.at("column"), f"{measure}_difference"
    needed = entry.count("min_rows")
    groups = [entry.inside(group) for group in entry.at("groups")]
    support = {group.at("group"): _support(group, measure) for group in groups}
    large = [group for group in groups if support[group.at("group")] >= needed]
    smallest = min((support[group.at("group")] for group in large), default=0)
    small = ", ".join(f"{name} has {rows}" for name, rows in support.items() if rows < needed)
    left_out = f"; not judged below a support of {needed}: {small}" if small else ""
    if gate is None or gate.column != column:
        why = _base_rates(large) if measure == _PARITY else ""
        measured = entry.interval(key)
        return reported(f"{key}:{column}", measured, why=why + left_out, support=smallest)
    if needed < gate.min_support:
        raise DataError(
            f"the fairness report measured {column!r} with groups of {needed} rows, "
            f"the gate needs {gate.min_support}"
        )
    line = judge_below(f"{key}:{column}", entry.interval(key), limit=gate.max, support=smallest)
    return line.explained(left_out)


def _support(group: Report, measure: str) -> int:
    if measure == _PARITY:
        return group.count("rows")
    return min(group.count("positives"), group.count("negatives"))


def _base_rates(groups: Sequence[Report]) -> str:
    """Say why demographic parity is a poor gate where the groups' labels differ."""
    rates = [group.count("positives") / group.count("rows") for group in groups]
    if len(rates) < 2:
        return ""
    return (
        f"; positive labels run from {min(rates):.2f} to {max(rates):.2f} over the groups, and "
        "where they differ, equal selection and equal error rates exclude each other"
    )
