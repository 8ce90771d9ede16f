"""Rules between the keys of a problem, each one refused with the key that breaks it."""

import math
from collections.abc import Sequence
from itertools import pairwise

from headgate.errors import ConfigError
from headgate.problem.kinds import refuse
from headgate.problem.sections import (
    Checks,
    Columns,
    FairnessGate,
    Gates,
    LiveMetric,
    Problem,
    Rollout,
)

LIVE_METRICS = ("errors", "slow_answers", "wrong_answers")


def validate_problem(problem: Problem) -> None:
    """Check what no single key can tell.

    Args:
        problem: Sections whose values are each in their own range.

    Raises:
        ConfigError: If a column has two roles, a gate or a check names a column that it cannot
            use, the parts do not sum to 1, or the rollout's numbers contradict each other.
    """
    _check_roles(problem)
    _check_checks(problem.checks, problem)
    _check_split(problem)
    _check_gates(problem.gates, problem.columns)
    _check_rollout(problem.rollout)


def check_columns(problem: Problem, available: Sequence[str]) -> None:
    """Check that the table has every column that the problem names.

    Args:
        problem: A valid problem.
        available: The table's columns.

    Raises:
        ConfigError: Naming the key, the column and the columns that there are.
    """
    columns = problem.columns
    for key, names in (
        ("target.column", [problem.target.column]),
        ("columns.numeric", columns.numeric),
        ("columns.categorical", columns.categorical),
        ("columns.protected", columns.protected),
        ("columns.weight", [columns.weight]),
        ("columns.id", [columns.id]),
    ):
        for name in names:
            if name is not None and name not in available:
                refuse(key, name, f"one of the table's columns {', '.join(available)}")


def _check_roles(problem: Problem) -> None:
    columns, target = problem.columns, problem.target.column
    if not columns.features:
        refuse("columns", "no feature", "a column under numeric or categorical")
    for name in columns.categorical:
        if name in columns.numeric:
            refuse("columns.categorical", name, "a column that is not numeric as well")
    for key in ("numeric", "categorical", "protected"):
        if target in getattr(columns, key):
            refuse(f"columns.{key}", target, "a column other than the target")
    for key in ("weight", "id"):
        _check_single_role(key, getattr(columns, key), columns, target)
    if columns.weight is not None and columns.weight == columns.id:
        refuse("columns.weight", columns.weight, "a column other than columns.id")


def _check_single_role(key: str, name: str | None, columns: Columns, target: str) -> None:
    if name is None:
        return
    if name in columns.features:
        refuse(f"columns.{key}", name, "a column that is not a feature")
    if name == target:
        refuse(f"columns.{key}", name, "a column other than the target")
    if name in columns.protected:
        refuse(f"columns.{key}", name, "a column that is not protected")


def _check_checks(checks: Checks, problem: Problem) -> None:
    numeric, known = problem.number_columns, problem.named_columns
    texts = tuple(name for name in known if name not in numeric)
    for key, names, allowed in (
        ("max_missing_share_by_column", checks.max_missing_share_by_column, known),
        ("ranges", checks.ranges, numeric),
        ("categories", checks.categories, texts),
    ):
        for name in names:
            if name not in allowed:
                refuse(f"checks.{key}.{name}", name, f"one of {', '.join(allowed) or 'no column'}")
    for name, (low, high) in checks.ranges.items():
        if low > high:
            refuse(f"checks.ranges.{name}", [low, high], "[smallest, largest]")


def _check_split(problem: Problem) -> None:
    total = math.fsum((problem.split.train, problem.split.test, problem.split.live))
    if not math.isclose(total, 1.0, abs_tol=1e-9):  # 0.7 + 0.2 + 0.1 is not exactly 1 in binary
        refuse("split", round(total, 9), "shares of train, test and live that sum to 1")


def _check_gates(gates: Gates, columns: Columns) -> None:
    for key in ("equalized_odds_difference", "demographic_parity_difference"):
        gate: FairnessGate | None = getattr(gates, key)
        if gate is not None and gate.column not in columns.protected:
            allowed = ", ".join(columns.protected) or "columns.protected, which is empty"
            refuse(f"gates.{key}.column", gate.column, f"one of {allowed}")


def _check_rollout(rollout: Rollout) -> None:
    metrics = [name for name in LIVE_METRICS if getattr(rollout, name) is not None]
    if not metrics:
        raise ConfigError(f"rollout: no metric is left; needed: one of {', '.join(LIVE_METRICS)}")
    for name in metrics:
        _check_metric(f"rollout.{name}", getattr(rollout, name))
    _check_stages(rollout.stages_percent)
    if rollout.heartbeat_timeout_seconds <= rollout.look_seconds:
        # one look is one heartbeat: a shorter time-out would end every rollout
        refuse(
            "rollout.heartbeat_timeout_seconds",
            rollout.heartbeat_timeout_seconds,
            f"a number above rollout.look_seconds = {rollout.look_seconds:g}",
        )
    shortest = rollout.min_stage_seconds * len(rollout.stages_percent)
    if rollout.deadline_seconds <= shortest:
        refuse(
            "rollout.deadline_seconds",
            rollout.deadline_seconds,
            f"a number above the {shortest:g} s that the stages take at least",
        )


def _check_metric(key: str, metric: LiveMetric) -> None:
    for name in ("max_ratio", "harmful_ratio"):
        if getattr(metric, name) <= metric.tolerated_ratio:
            refuse(
                f"{key}.{name}",
                getattr(metric, name),
                f"a number above {key}.tolerated_ratio = {metric.tolerated_ratio:g}",
            )


def _check_stages(stages: tuple[float, ...]) -> None:
    key = "rollout.stages_percent"
    if any(later <= earlier for earlier, later in pairwise(stages)):
        refuse(key, list(stages), "stages that rise strictly")
    for stage in stages:
        # a route's weights are whole parts of 10,000
        if not math.isclose(stage * 100, round(stage * 100), abs_tol=1e-6):
            refuse(key, stage, "steps of 0.01")
