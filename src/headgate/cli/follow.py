"""Follow a pipeline: say which step runs, what it found, and how the live traffic goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.cli.progress import Progress
from headgate.cli.progress_lines import LiveEvidence, LiveRollout
from headgate.cli.records import report_of
from headgate.cli.steps import PipelineProcess, StepEvent
from headgate.errors import BackendError

POLL_SECONDS = 0.5
LIVE_STEPS = ("deploy-model", "shift-traffic")


@dataclass(kw_only=True)
class Follower:
    """Turn the events of a pipeline into progress; traffic flows while a rollout may run."""

    process: PipelineProcess
    cluster: LocalCluster
    traffic: TrafficPlan
    stages_percent: tuple[float, ...]
    progress: Progress
    world_runs: Callable[[], bool]

    def follow(self) -> None:
        """Follow the pipeline to its end.

        Raises:
            BackendError: If the local world has ended.
        """
        while self.process.running:
            if not self.world_runs():
                raise BackendError(
                    "the local supervisor ended, and with it the proxy and every model server;"
                    " see world/logs/supervisor.log in the --out folder"
                )
            event = self.process.next_event(timeout=POLL_SECONDS)
            if isinstance(event, StepEvent):
                self._step(event)
            elif event is not None:
                self._rollout(event)

    def _step(self, event: StepEvent) -> None:
        match event.status:
            case "started":
                self.progress.step_started(event.step)
                if event.step == LIVE_STEPS[0] and self.cluster.read() is not None:
                    self.cluster.set_traffic(self.traffic)
            case "failed":
                self.progress.step_failed(event.step, seconds=event.seconds)
            case "succeeded":
                self._show_rollout_end(event.step)
                self.progress.step_finished(
                    event.step, seconds=event.seconds, note=self._note(event.step)
                )
                self._show_reports(event.step)

    def _note(self, step: str) -> str:
        name = NOTES.get(step)
        report = None if name is None else report_of(self.process.root, name[0])
        return "" if name is None or report is None else name[1](report)

    def _show_reports(self, step: str) -> None:
        match step:
            case "train-model":
                if training := report_of(self.process.root, "training"):
                    self.progress.training(training)
            case "decide-promotion":
                if gates := report_of(self.process.root, "gates"):
                    self.progress.gates(gates)
            case _:
                return

    def _show_rollout_end(self, step: str) -> None:
        if step != LIVE_STEPS[1] or not (rollout := report_of(self.process.root, "rollout")):
            return
        self.progress.rollout_finished(rollout)
        if rollout["stable"] is not None:
            self.progress.fact(traffic_fact(rollout, self._totals()))

    def _totals(self) -> dict[str, Any]:
        try:
            return self.cluster.traffic()
        except BackendError:
            return {}  # the rollout goes on without its picture

    def _rollout(self, event: dict[str, Any]) -> None:
        traffic = self._totals()
        metrics = event["metrics"]
        errors = metrics.get("errors", {"canary": (0, 0)})
        self.progress.rollout(
            LiveRollout(
                stages=self.stages_percent,
                weight=event["weight_percent"],
                phase=event["phase"],
                seconds=event["t"],
                canary_requests=event["exposed_requests"],
                canary_errors=errors["canary"][1],
                threshold=event["threshold"],
                evidence={
                    name: LiveEvidence(harm=metric["e_harm"], good=metric["e_good"])
                    for name, metric in metrics.items()
                },
                requests_per_second=traffic.get("rate_achieved"),
                lost_requests=traffic.get("lost"),
            )
        )


def traffic_fact(rollout: dict[str, Any], totals: dict[str, Any]) -> str:
    """Say at what rate requests were replayed, how many got lost, how long a canary was exposed.

    Args:
        rollout: Record of the rollout.
        totals: Totals of the traffic, since the world started.
    """
    if not totals:
        return "the traffic cannot be counted now"
    said = (
        f"traffic so far: {totals['sent']:,} requests, {totals['rate_achieved']:.0f} a second now,"
        f" {totals['lost']:,} lost"
    )
    seen = totals["deployments"].get(rollout["canary"]["deployment"])
    if rollout["phase"] != "ROLLED_BACK" or not seen or seen["first_at"] is None:
        return said
    exposed = seen["last_at"] - seen["first_at"]
    return f"{said}; the canary's first answer to its last: {exposed:.1f} s"


def _ingest_note(report: dict[str, Any]) -> str:
    return f"{report['rows']:,} rows, fingerprint {report['fingerprint'][:12]}"


def _validation_note(report: dict[str, Any]) -> str:
    return f"{report['verdict']}, {len(report['checks'])} checks"


def _split_note(report: dict[str, Any]) -> str:
    return ", ".join(f"{name} {part['rows']:,}" for name, part in report["parts"].items())


def _evaluation_note(report: dict[str, Any]) -> str:
    accuracy, comparison = report["metrics"]["accuracy"], report["comparison"]
    return (
        f"accuracy {accuracy['value']:.4f}, {comparison['accuracy_gain']['value']:+.4f}"
        f" against {comparison['reference']}"
    )


def _fairness_note(report: dict[str, Any]) -> str:
    gaps = [
        f"{column['column']} {column['equalized_odds_difference']['value']:.3f}"
        for column in report["columns"]
        if column["equalized_odds_difference"]["value"] is not None
    ]
    return f"equalized-odds difference: {', '.join(gaps)}" if gaps else ""


def _export_note(report: dict[str, Any]) -> str:
    return (
        f"ONNX, {report['label_flips']} label flips in {report['rows']:,} rows,"
        f" p95 {report['latency_ms']['p95']['value']:.2f} ms"
    )


NOTES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "ingest-table": ("ingest", _ingest_note),
    "validate-data": ("validation", _validation_note),
    "split-data": ("split", _split_note),
    "evaluate-model": ("evaluation", _evaluation_note),
    "measure-fairness": ("fairness", _fairness_note),
    "export-model": ("export", _export_note),
}
