"""What the terminal says about a run, as plain text with named styles; nothing is printed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from headgate.adapters.reporting import summary, wording

Json = Mapping[str, Any]
Phase = Literal["PROGRESSING", "HOLDING", "CONTESTED", "PROMOTED", "ROLLED_BACK"]

GOOD, BAD, OPEN, QUIET, STRONG = "green", "red", "yellow", "bright_black", "bold"
STYLES = {"PASS": GOOD, "FAIL": BAD, "INSUFFICIENT": OPEN, "pass": GOOD, "fail": BAD}
MARKS = {"started": ("·", QUIET), "finished": ("✓", GOOD), "failed": ("✗", BAD)}
STEP_WIDTH = 34
SHORT_METRICS = {"errors": "errors", "slow_answers": "slow", "wrong_answers": "wrong"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvidence:
    """Evidence on one live metric: e-values, 1 at the start."""

    harm: float
    good: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRollout:
    """A rollout as it stands at one moment.

    Attributes:
        stages: Weights of the plan's stages in percent, without the final 100.
        weight: Present weight of the canary in percent.
        phase: Where the rollout stands.
        seconds: Since its start.
        canary_requests: Answered by the canary so far.
        canary_errors: Errors among them.
        threshold: E-value that decides a metric.
        evidence: By metric; empty before the first look.
        requests_per_second: Of the whole service; None if unknown.
        lost_requests: Requests that the traffic source got no answer to; None if unknown.
    """

    stages: Sequence[float]
    weight: float
    phase: Phase
    seconds: float
    canary_requests: int
    canary_errors: int
    threshold: float
    evidence: Mapping[str, LiveEvidence] = field(default_factory=dict)
    requests_per_second: float | None = None
    lost_requests: int | None = None


def run_heading(title: str) -> Text:
    """Return the heading of a run."""
    return Text.assemble(("━━ ", QUIET), (title, STRONG))


def step_line(
    name: str,
    status: Literal["started", "finished", "failed"],
    *,
    seconds: float | None = None,
    note: str = "",
) -> Text:
    """Return the line of a pipeline step.

    Args:
        name: Name of the step, e.g. `train-model`.
        status: What happened to it.
        seconds: How long it took; None while it runs.
        note: What it found, or why it failed.

    Returns:
        E.g. "  ✓ train model                       6.1 s   LightGBM 0.927 ± 0.001 ROC AUC".
    """
    mark, style = MARKS[status]
    words = name.replace("-", " ").replace("_", " ")
    took = "" if seconds is None else wording.duration(seconds)
    line = Text.assemble("  ", (mark, style), f" {words:<{STEP_WIDTH}}", (f"{took:>9}", QUIET))
    if note:
        line.append(f"   {note}", style=BAD if status == "failed" else "")
    return line


def fact_line(text: str) -> Text:
    """Return a line with something worth knowing."""
    return Text.assemble("    ", text)


def training_facts(training: Json) -> list[str]:
    """Say how the model families did, best first.

    Args:
        training: Report of `train_model`.

    Returns:
        One line a family, e.g. "LightGBM 0.927 ± 0.001 ROC AUC, chosen".
    """
    metric = wording.name_of(training["metric"])
    metric = metric if metric[1:2].isupper() else metric.lower()
    lines = []
    for row in training["leaderboard"]:
        digits = wording.decimals_for(row["mean"])
        shown = f"{wording.number(row['mean'], digits)} ± {wording.number(row['standard_error'])}"
        chosen = ", chosen" if row["family"] == training["best"] else ""
        lines.append(f"{wording.name_of(row['family'])} {shown} {metric}{chosen}")
    return lines


def gate_table(decision: Json) -> Table:
    """Return the judged gates as a table.

    Args:
        decision: Report of `decide_promotion`, or a whole `decision.json`.

    Returns:
        The table; a sentence for the others is `gate_footnote`.
    """
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for column in ("indent", "name", "measured", "limit", "verdict"):
        table.add_column(column, no_wrap=column != "name")
    table.add_column("reason", style=QUIET)
    for gate in summary.judged(decision["gates"]):
        unit = wording.unit(str(gate["name"])) if gate["value"] is not None else ""
        table.add_row(
            "  ",
            wording.name_of(str(gate["name"])),
            wording.interval(gate["value"], gate["low"], gate["high"]) + unit,
            wording.limit(gate),
            verdict(str(gate["verdict"])),
            "" if gate["verdict"] == "PASS" else str(gate["reason"]),
        )
    return table


def gate_lines(decision: Json) -> list[str]:
    """Return the judged gates as one plain line each, for logs.

    Args:
        decision: Report of `decide_promotion`, or a whole `decision.json`.

    Returns:
        E.g. "PASS          Accuracy 0.874 [0.868, 0.881] ≥ 0.85".
    """
    lines = []
    for gate in summary.judged(decision["gates"]):
        parts = [f"{gate['verdict']:<13}", wording.name_of(str(gate["name"]))]
        if gate["value"] is not None:
            measured = wording.interval(gate["value"], gate["low"], gate["high"])
            parts += [measured + wording.unit(str(gate["name"])), wording.limit(gate)]
        if gate["verdict"] != "PASS":
            parts.append(f"({gate['reason']})")
        lines.append(" ".join(part for part in parts if part))
    return lines


def gate_footnote(decision: Json) -> str:
    """Say how many numbers were only reported; empty if there are none."""
    others = [g for g in decision["gates"] if not g.get("judged", True)]
    if not others:
        return ""
    return f"{len(others)} further numbers are reported, not gated; the report says why"


def verdict(word: str) -> Text:
    """Return a verdict in its colour."""
    return Text(word, style=f"bold {STYLES.get(word, OPEN)}")


def stage_bar(rollout: LiveRollout) -> Text:
    """Return the ladder of weights with the present one marked.

    Args:
        rollout: The rollout.

    Returns:
        E.g. "1 5 [10] 25 50 100": what is behind is green, what is ahead is dim.
    """
    bar = Text()
    passed = rollout.phase != "ROLLED_BACK"
    if rollout.phase == "ROLLED_BACK":
        bar.append("[0]", style=f"bold {BAD}")
    for weight in (*rollout.stages, 100.0):
        if bar:
            bar.append(" ")
        if passed and weight == rollout.weight:
            style = GOOD if rollout.phase == "PROMOTED" else "cyan"
            bar.append(f"[{weight:g}]", style=f"bold {style}")
        else:
            bar.append(f"{weight:g}", style=GOOD if passed and weight < rollout.weight else QUIET)
    return bar


def evidence_text(name: str, evidence: LiveEvidence, threshold: float) -> Text:
    """Return the evidence on one metric.

    Args:
        name: E.g. `errors`.
        evidence: Its e-values.
        threshold: What they are compared with.

    Returns:
        E.g. "errors harm 0.21 good 4.1"; what reached the threshold is coloured.
    """
    harm = BAD if evidence.harm >= threshold else ""
    good = GOOD if evidence.good >= threshold else ""
    return Text.assemble(
        (f"{SHORT_METRICS.get(name, name)} ", QUIET),
        (f"harm {wording.evidence(evidence.harm)}", harm),
        " ",
        (f"good {wording.evidence(evidence.good)}", good),
    )


def rollout_line(rollout: LiveRollout) -> Text:
    """Return the rollout on one line, for logs.

    Args:
        rollout: The rollout.

    Returns:
        Time, ladder, counts and evidence.
    """
    line = Text.assemble(f"  {wording.duration(rollout.seconds):>8}  ", stage_bar(rollout), "  ")
    line.append_text(_counts(rollout))
    for name, evidence in rollout.evidence.items():
        line.append(" | ", style=QUIET)
        line.append_text(evidence_text(name, evidence, rollout.threshold))
    return line


def rollout_panel(rollout: LiveRollout) -> Table:
    """Return the rollout as a small block that is drawn again and again.

    Args:
        rollout: The rollout.

    Returns:
        A table: ladder and counts, then one row of evidence a metric.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    head = Text.assemble("  ", (f"{wording.duration(rollout.seconds):>8}", QUIET), "  ")
    head.append_text(stage_bar(rollout))
    counts = _counts(rollout)
    block = Table.grid()
    block.add_row(Text.assemble(head, "   ", counts))
    shown = f"{rollout.threshold:g}"
    for name, evidence in rollout.evidence.items():
        table.add_row(
            Text(f"            {wording.name_of(name).lower()}"),
            Text("harm", style=QUIET),
            evidence_meter(evidence.harm, rollout.threshold, BAD),
            Text(f"{wording.evidence(evidence.harm):>11}"),
            Text("good", style=QUIET),
            evidence_meter(evidence.good, rollout.threshold, GOOD),
            Text(f"{wording.evidence(evidence.good):>11}"),
            Text(f"of {shown}", style=QUIET),
        )
    block.add_row(table)
    return block


def evidence_meter(value: float, threshold: float, style: str, *, width: int = 12) -> Text:
    """Return a bar that is full when the evidence decides; its scale is logarithmic.

    Args:
        value: An e-value.
        threshold: Above 1.
        style: Style of the bar when it is full.
        width: Characters.

    Returns:
        The bar; empty at an e-value of 1 or less.
    """
    filled = round(width * wording.share_of_threshold(value, threshold))
    return Text.assemble(
        ("━" * filled, style if filled == width else ""), ("─" * (width - filled), QUIET)
    )


def rollout_end(rollout: Json) -> list[Text]:
    """Say how a rollout ended.

    Args:
        rollout: Report of `shift_traffic`.

    Returns:
        The verdict with its reason, then the counts.
    """
    took = wording.seconds_between(rollout["started_at"], rollout["ended_at"])
    ended = rollout["phase"].replace("_", " ").lower()
    lines = [
        Text.assemble("  ", verdict(rollout["verdict"]), f" {ended}: {rollout['reason']}"),
    ]
    if rollout["stable"] is not None:
        lines.append(
            fact_line(
                f"{wording.count(rollout['exposed_requests'])} of"
                f" {wording.count(summary.all_requests(rollout))} requests reached the canary"
                f" in {wording.duration(took)}"
            )
        )
    return lines


def summary_table(decisions: Sequence[Json]) -> Table:
    """Return one row a run: how it ended, what it exposed.

    Args:
        decisions: `decision.json` of every run.

    Returns:
        The table.
    """
    table = Table(box=None, pad_edge=False, header_style=QUIET, padding=(0, 2, 0, 0))
    for name in ("run", "outcome", "verdict", "candidate", "gates", "exposed", "rollout"):
        table.add_column(name, justify="right" if name in ("exposed", "rollout") else "left")
    for decision in decisions:
        end, live = summary.outcome(decision), decision["rollout"]
        seconds = wording.seconds_between(live["started_at"], live["ended_at"]) if live else None
        split = live is not None and live["stable"] is not None
        table.add_row(
            str(decision["title"]),
            Text(end.words, style=STYLES.get(end.tone, OPEN)),
            verdict(str(decision["verdict"])),
            summary.short_name(decision["models"]["candidate"]),
            summary.gate_score(decision["gates"]),
            wording.count(live["exposed_requests"]) if split else wording.NO_VALUE,
            wording.duration(seconds) if split else wording.NO_VALUE,
        )
    return table


def closing_lines(decisions: Sequence[Json], *, report: Path) -> list[Text]:
    """Say why each run ended as it did, and where the report is.

    Args:
        decisions: `decision.json` of every run.
        report: Path of the report.

    Returns:
        The lines.
    """
    lines = []
    for decision in decisions:
        short = str(decision["title"]).partition(":")[0]
        reason = wording.sentence(str(decision["reason"]))
        lines.append(Text.assemble((f"{short}: ", STRONG), reason))
    return [*lines, Text.assemble("Report: ", (str(report), "bold cyan"))]


def _counts(rollout: LiveRollout) -> Text:
    parts = []
    if rollout.requests_per_second is not None:
        parts.append(f"{rollout.requests_per_second:,.0f} requests/s")
    parts.append(f"canary {wording.count(rollout.canary_requests)}")
    text = Text(", ".join(parts))
    errors = f", {wording.count(rollout.canary_errors)} errors"
    text.append(errors, style=BAD if rollout.canary_errors else "")
    if rollout.lost_requests:
        text.append(f", {wording.count(rollout.lost_requests)} lost", style=BAD)
    return text
