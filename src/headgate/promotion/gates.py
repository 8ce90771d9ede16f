"""One gate: a measured interval against a limit. Three verdicts, and insufficient is no pass."""

from dataclasses import asdict, dataclass, replace
from typing import Literal, NamedTuple

from headgate.problem import Verdict

LimitKind = Literal["min", "max", "none"]


class Measured(NamedTuple):
    """A number with its bounds, as the reports hold them; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None  # why something is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One line of a decision: judged against a limit, or only reported."""

    name: str
    verdict: Verdict | None  # None if not judged
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    limit_kind: LimitKind = "none"
    support: int | None = None  # rows, requests, or rows of the smallest group
    judged: bool = True

    def explained(self, more: str) -> "Gate":
        """Return the gate with a longer reason.

        Args:
            more: What to append.
        """
        return replace(self, reason=self.reason + more)

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        verdict = None if self.verdict is None else self.verdict.value
        return {**asdict(self), "verdict": verdict}


def judge_above(name: str, measured: Measured, *, limit: float, support: int) -> Gate:
    """Judge whether a quantity is above a limit.

    Args:
        name: Name of the gate.
        measured: The quantity with its interval.
        limit: What it must exceed.
        support: How many rows stand behind it.

    Returns:
        PASS if the lower bound is above the limit, FAIL if the upper bound is below it, otherwise
        INSUFFICIENT.
    """
    if measured.low is not None and measured.low > limit:
        verdict, reason = Verdict.PASS, f"lower bound {measured.low:.4g} is above {limit:g}"
    elif measured.high is not None and measured.high < limit:
        verdict, reason = Verdict.FAIL, f"upper bound {measured.high:.4g} is below {limit:g}"
    else:
        verdict, reason = Verdict.INSUFFICIENT, _undecided(measured, limit)
    return _gate(name, verdict, reason, measured, (limit, "min", support))


def judge_below(name: str, measured: Measured, *, limit: float, support: int) -> Gate:
    """Judge whether a quantity is below a limit.

    Args:
        name: Name of the gate.
        measured: The quantity with its interval.
        limit: What it must stay below.
        support: How many rows or requests stand behind it.

    Returns:
        PASS if the upper bound is below the limit, FAIL if the lower bound is above it, otherwise
        INSUFFICIENT.
    """
    if measured.high is not None and measured.high < limit:
        verdict, reason = Verdict.PASS, f"upper bound {measured.high:.4g} is below {limit:g}"
    elif measured.low is not None and measured.low > limit:
        verdict, reason = Verdict.FAIL, f"lower bound {measured.low:.4g} is above {limit:g}"
    else:
        verdict, reason = Verdict.INSUFFICIENT, _undecided(measured, limit)
    return _gate(name, verdict, reason, measured, (limit, "max", support))


def reported(name: str, measured: Measured, *, why: str = "", support: int | None = None) -> Gate:
    """Make the line of a number that no gate judges.

    Args:
        name: Name of the quantity.
        measured: The quantity.
        why: What follows "reported, not gated".
        support: How many rows stand behind it.
    """
    undefined = f"; undefined: {measured.reason}" if measured.value is None else ""
    return Gate(
        name=name,
        verdict=None,
        reason=f"reported, not gated{undefined}{why}",
        value=measured.value,
        low=measured.low,
        high=measured.high,
        support=support,
        judged=False,
    )


def _gate(
    name: str,
    verdict: Verdict,
    reason: str,
    measured: Measured,
    limits: tuple[float, LimitKind, int],
) -> Gate:
    limit, kind, support = limits
    return Gate(
        name=name,
        verdict=verdict,
        reason=reason,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        limit=limit,
        limit_kind=kind,
        support=support,
    )


def _undecided(measured: Measured, limit: float) -> str:
    if measured.low is None or measured.high is None:
        return f"cannot be judged: {measured.reason}"
    return f"the interval {measured.low:.4g} to {measured.high:.4g} does not exclude {limit:g}"
