"""One verdict from all measurements of a candidate, before it sees any traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.errors import DataError
from headgate.problem import Gates, Verdict
from headgate.promotion.fairness import fairness_gates
from headgate.promotion.gates import Gate, Measured, judge_above, judge_below, reported
from headgate.promotion.reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDecision:
    """Whether a candidate may meet traffic, and why."""

    verdict: Verdict
    reason: str  # one sentence that names the gates
    gates: tuple[Gate, ...]  # judged ones first

    def as_mapping(self) -> dict[str, object]:
        """Return the form that reports use."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "gates": [gate.as_mapping() for gate in self.gates],
        }


def decide(
    gates: Gates,
    *,
    validation: Mapping[str, Any],
    split: Mapping[str, Any],
    training: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    fairness: Mapping[str, Any],
    export: Mapping[str, Any],
) -> PromotionDecision:
    """Judge a candidate by the gates of its problem.

    The data validation, the split and the export's parity with the trained model are always
    judged, and so is a first model's improvement over the majority class; what the problem gates is
    judged by its interval; every other number is reported.

    Args:
        gates: The problem's gates.
        validation: Report of the data validation.
        split: Report of the split.
        training: Report of the training.
        evaluation: Report of the evaluation.
        fairness: Report of the fairness measurement.
        export: Report of the export.

    Returns:
        FAIL if any judged gate fails, otherwise INSUFFICIENT if any is undecided, otherwise PASS.

    Raises:
        DataError: If a report lacks a number that a gate needs.
    """
    measured, exported = Report("evaluation", evaluation), Report("export", export)
    lines = [
        _brought("data_validation", Report("validation", validation)),
        _brought("split", Report("split", split)),
        _export_parity(exported),
        _accuracy(gates, measured),
        _improvement(gates, measured),
        _latency(gates, exported),
        *fairness_gates(gates, Report("fairness", fairness)),
        *_other_metrics(measured),
        _cross_validation(Report("training", training)),
    ]
    lines.sort(key=lambda gate: not gate.judged)  # stable: judged first, else in this order
    verdict, reason = _overall(lines)
    return PromotionDecision(verdict=verdict, reason=reason, gates=tuple(lines))


def _overall(lines: Sequence[Gate]) -> tuple[Verdict, str]:
    failed = [gate.name for gate in lines if gate.verdict is Verdict.FAIL]
    undecided = [gate.name for gate in lines if gate.verdict is Verdict.INSUFFICIENT]
    passed = [gate.name for gate in lines if gate.verdict is Verdict.PASS]
    open_ones = f"; the evidence does not decide {_listed(undecided)}" if undecided else ""
    if failed:
        return Verdict.FAIL, f"the candidate fails {_listed(failed)}{open_ones}"
    if undecided:
        return Verdict.INSUFFICIENT, f"the evidence does not decide {_listed(undecided)}"
    return Verdict.PASS, f"the candidate passes {_listed(passed)}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _brought(name: str, report: Report) -> Gate:
    return Gate(name=name, verdict=report.verdict("verdict"), reason=str(report.at("reason")))


def _export_parity(report: Report) -> Gate:
    return Gate(
        name="export_parity",
        verdict=report.verdict("parity", "verdict"),
        reason=str(report.at("parity", "reason")),
        value=report.number("max_probability_difference"),
        support=report.count("rows"),
    )


def _accuracy(gates: Gates, report: Report) -> Gate:
    measured, rows = report.interval("metrics", "accuracy"), report.count("rows")
    if gates.accuracy is None:
        return reported("accuracy", measured, support=rows)
    return judge_above("accuracy", measured, limit=gates.accuracy.min, support=rows)


def _improvement(gates: Gates, report: Report) -> Gate:
    comparison = report.inside(report.at("comparison"))
    measured, rows = comparison.interval("accuracy_gain"), comparison.count("rows")
    against = f"; accuracy gain over {comparison.at('reference')} on the same rows"
    wanted = None if gates.improvement is None else gates.improvement.min
    if comparison.at("reference_version") is None:
        # Without a champion there is no canary either: this comparison is all that stands between
        # a model that is worse than a constant and 100 % of the traffic.
        wanted = max(0.0, wanted or 0.0)
    if wanted is None:
        return reported("improvement", measured, why=against, support=rows)
    return judge_above("improvement", measured, limit=wanted, support=rows).explained(against)


def _latency(gates: Gates, report: Report) -> Gate:
    measured = report.interval("latency_ms", "p95")
    requests = report.count("latency_ms", "requests")
    if gates.latency_p95_ms is None:
        return reported("latency_p95_ms", measured, support=requests)
    limit = gates.latency_p95_ms.max
    return judge_below("latency_p95_ms", measured, limit=limit, support=requests)


def _other_metrics(report: Report) -> list[Gate]:
    rows = report.count("rows")
    lines = [
        reported(name, report.interval("metrics", name), support=rows)
        for name in report.at("metrics")
        if name != "accuracy"
    ]
    error = Measured(report.number("calibration", "expected_calibration_error"))
    return [*lines, reported("expected_calibration_error", error, support=rows)]


def _cross_validation(report: Report) -> Gate:
    best = report.at("best")
    for entry in (report.inside(entry) for entry in report.at("leaderboard")):
        if entry.at("family") == best:
            return reported(
                f"cross_validated_{report.at('metric')}",
                Measured(entry.number("mean"), reason="no fold could be measured"),
                why=f"; {report.count('folds')} folds of {best}",
                support=report.count("rows"),
            )
    raise DataError(f"the training report has no leaderboard entry of its best family {best!r}")
