"""The checks of a problem, applied to a typed table: a verdict and a reason each."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pandas as pd

from headgate.problem import Problem, Verdict
from headgate.quality.profile import ColumnProfile, profile_table


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of the table or of one column."""

    name: str
    column: str | None  # None: the check is about the whole table
    verdict: Verdict
    reason: str
    value: float  # what was measured
    limit: float  # what it was compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """All checks and what is in the columns."""

    verdict: Verdict  # FAIL if a check fails, else INSUFFICIENT if one cannot tell, else PASS
    reason: str
    checks: tuple[CheckResult, ...]
    profile: dict[str, ColumnProfile]

    def record(self) -> dict[str, object]:
        """Return the report as a JSON object."""
        return asdict(self)


def check_table(table: pd.DataFrame, problem: Problem) -> QualityReport:
    """Check a typed table against `problem.checks` and profile it.

    Args:
        table: Typed table that `require_contract` accepts.
        problem: Names the columns and the limits.

    Returns:
        Every check that was made, passed or not, and the profile.
    """
    profile = profile_table(table)
    checks = (
        _schema_check(table, problem),
        *_row_checks(table, problem),
        *_missing_checks(profile, problem),
        *_range_checks(table, problem),
        *_category_checks(table, problem),
        *_constant_checks(profile, problem),
    )
    verdict, reason = _overall(checks)
    return QualityReport(verdict=verdict, reason=reason, checks=checks, profile=profile)


def _overall(checks: tuple[CheckResult, ...]) -> tuple[Verdict, str]:
    for verdict in (Verdict.FAIL, Verdict.INSUFFICIENT):
        found = [check.reason for check in checks if check.verdict is verdict]
        if found:
            return verdict, f"{len(found)} of {len(checks)} checks: {'; '.join(found)}"
    return Verdict.PASS, f"all {len(checks)} checks passed"


def _schema_check(table: pd.DataFrame, problem: Problem) -> CheckResult:
    wrong = [
        name
        for name in problem.named_columns
        if pd.api.types.is_numeric_dtype(table[name].dtype) is not (name in problem.number_columns)
    ]
    named = len(problem.named_columns)
    return CheckResult(
        name="schema",
        column=None,
        verdict=Verdict.FAIL if wrong else Verdict.PASS,
        reason=f"{named - len(wrong)} of {named} columns have their type {wrong or ''}".strip(),
        value=len(wrong),
        limit=0,
    )


def _row_checks(table: pd.DataFrame, problem: Problem) -> Iterator[CheckResult]:
    limits = problem.checks
    rows = len(table)
    enough = rows >= limits.min_rows
    yield CheckResult(
        name="min_rows",
        column=None,
        verdict=Verdict.PASS if enough else Verdict.INSUFFICIENT,
        reason=f"{rows} rows, at least {limits.min_rows} are needed",
        value=rows,
        limit=limits.min_rows,
    )
    share = float(table.duplicated().mean())
    yield _at_most(
        "duplicates", None, share, limits.max_duplicate_share, "of the rows repeat an earlier row"
    )
    yield _class_check(table, problem)


def _class_check(table: pd.DataFrame, problem: Problem) -> CheckResult:
    # Every fold of the cross-validation needs a row of each class to be scored at all, and the test
    # part five for its chi-square approximations.
    counts = table[problem.target.column].value_counts()
    rarer, rows = str(counts.index[-1]), int(counts.iloc[-1])
    needed = math.ceil(max(problem.training.folds / problem.split.train, 5 / problem.split.test))
    return CheckResult(
        name="class_balance",
        column=problem.target.column,
        verdict=Verdict.PASS if rows >= needed else Verdict.INSUFFICIENT,
        reason=(
            f"column {problem.target.column}: {rows} rows ({rows / len(table):.1%}) of the rarer"
            f" class {rarer!r}, at least {needed} are needed"
        ),
        value=rows,
        limit=needed,
    )


def _missing_checks(profile: dict[str, ColumnProfile], problem: Problem) -> Iterator[CheckResult]:
    limits = problem.checks
    cells = sum(column.count + column.missing for column in profile.values())
    overall = sum(column.missing for column in profile.values()) / cells
    yield _at_most(
        "missing_share", None, overall, limits.max_missing_share, "of all cells are missing"
    )
    for name, limit in limits.max_missing_share_by_column.items():
        share = profile[name].missing_share
        yield _at_most("missing_share", name, share, limit, "of the cells are missing")


def _range_checks(table: pd.DataFrame, problem: Problem) -> Iterator[CheckResult]:
    for name, (low, high) in problem.checks.ranges.items():
        present = table[name].dropna()
        outside = present[(present < low) | (present > high)]
        seen = f", {outside.iloc[0]:g} is the first" if len(outside) else ""
        yield _none("range", name, len(outside), f"values are outside of {low:g} to {high:g}{seen}")


def _category_checks(table: pd.DataFrame, problem: Problem) -> Iterator[CheckResult]:
    for name, allowed in problem.checks.categories.items():
        present = table[name].dropna()
        unexpected = present[~present.isin(allowed)]
        seen = f", {unexpected.iloc[0]!r} is the first" if len(unexpected) else ""
        yield _none(
            "categories", name, len(unexpected), f"values are not among those allowed{seen}"
        )


def _constant_checks(profile: dict[str, ColumnProfile], problem: Problem) -> Iterator[CheckResult]:
    for name in problem.columns.features:
        distinct = profile[name].distinct
        yield CheckResult(
            name="constant",
            column=name,
            verdict=Verdict.PASS if distinct > 1 else Verdict.FAIL,
            reason=f"column {name}: {distinct} distinct values, at least 2 are needed",
            value=distinct,
            limit=2,
        )


def _at_most(name: str, column: str | None, share: float, limit: float, what: str) -> CheckResult:
    prefix = "" if column is None else f"column {column}: "
    return CheckResult(
        name=name,
        column=column,
        verdict=Verdict.PASS if share <= limit else Verdict.FAIL,
        reason=f"{prefix}{share:.2%} {what}, at most {limit:.2%} may",
        value=share,
        limit=limit,
    )


def _none(name: str, column: str, count: int, what: str) -> CheckResult:
    return CheckResult(
        name=name,
        column=column,
        verdict=Verdict.PASS if count == 0 else Verdict.FAIL,
        reason=f"column {column}: {count} {what}",
        value=count,
        limit=0,
    )
