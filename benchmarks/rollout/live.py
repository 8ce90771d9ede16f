"""Live rollouts behind the local proxy: how fast a bad canary is out, what a good one costs.

Claims, on the Adult census with real predictors, Envoy and replayed held-out rows:

* a canary that fails 20 % of its requests, at the 1 % stage and 1,500 requests/s: from its first
  request to weight 0 a median of at most 2 s and 25 exposed requests, 95th percentile at most 3.5 s
  and 55 (`--detections 50`);
* equal candidates (A/A) over the whole ladder: no harm roll-back beyond alpha, no request lost, and
  every stage's split agrees with its weight, exact binomial p-value above 1e-6 (`--equal 30`).
  Latency is autocorrelated and a canary is cold; this shows that the test holds all the same.

    python -m benchmarks.rollout.live --detections 50 --equal 30 --out build/bench/live.json
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.table import machine, print_table, summary, write
from headgate.adapters.clock import SystemClock
from headgate.adapters.files import write_table
from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.adapters.local.world import start_world
from headgate.adapters.memory import MemoryRegistry
from headgate.adapters.onnx_models import export_bundle
from headgate.adapters.problem_file import read_problem
from headgate.adapters.tables import load_table
from headgate.ports import ModelVersion
from headgate.problem import Problem, Rollout
from headgate.rollout import Arm, make_plan
from headgate.sampling import assign_parts
from headgate.stats.intervals import clopper_pearson
from headgate.training import train
from headgate.usecases.canary import run_canary
from headgate.usecases.deploy import deploy_and_wait, deployment_spec
from headgate.usecases.roll_back import roll_back
from headgate.usecases.serve import serve_champion
from headgate.usecases.target import find_target

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FAULTY = (sys.executable, str(EXAMPLES / "faulty_predictor.py"))
SETTLE_SECONDS = 0.5
EQUAL = (sys.executable, "-m", "headgate.serving")


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A champion that serves, and everything a rollout needs."""

    problem: Problem
    cluster: LocalCluster
    registry: MemoryRegistry
    version: ModelVersion
    traffic: TrafficPlan

    def rollout(self, plan: Rollout, command: tuple[str, ...]) -> dict[str, Any]:
        """Release the champion's model once more behind `command`, then take it out again."""
        spec = deployment_spec(self.version, command=command, slow_above_ms=plan.slow_above_ms)
        deploy_and_wait(spec, deployments=self.cluster, clock=SystemClock())
        canary = Arm(deployment=spec.name, version=self.version.version)
        target = find_target(
            self.problem.name, canary, router=self.cluster, deployments=self.cluster
        )
        record = run_canary(
            make_plan(plan),
            target,
            router=self.cluster,
            metrics=self.cluster,
            labels=self.cluster,
            heartbeat=self.cluster,
            guard=self.cluster,
            deployments=self.cluster,
            registry=self.registry,
            clock=SystemClock(),
        )
        time.sleep(SETTLE_SECONDS)  # the generator's counts arrive ten times a second
        seen: Any = self.cluster.traffic()["deployments"]
        gone = target.stable if record["phase"] == "PROMOTED" and target.stable else canary
        roll_back(
            self.problem.name,
            gone,
            router=self.cluster,
            metrics=self.cluster,
            deployments=self.cluster,
            registry=self.registry,
            clock=SystemClock(),
        )
        return {**record, "traffic": seen.get(spec.name, {})}


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """Train a small model, let it serve, replay held-out rows."""
    problem = read_problem(EXAMPLES / "adult-baseline.yaml")
    table = load_table(problem)
    parts = assign_parts(table, problem.split, problem.columns.id)
    sha256 = export_bundle(train(table[parts == "train"], problem), folder / "b", name=problem.name)
    write_table(folder / "rows.parquet", table[parts == "live"])
    registry = MemoryRegistry()
    version = registry.register(problem.name, "1", uri=str(folder / "b"), sha256=sha256)
    registry.set_alias(problem.name, "champion", "1")
    traffic = TrafficPlan(
        rate=0.0,
        rows=str(folder / "rows.parquet"),
        target=problem.target.column,
        features=problem.columns.features,
        label_delay_seconds=problem.rollout.label_delay_seconds,
    )
    with start_world(folder / "world") as world, world.cluster() as cluster:
        serve_champion(
            problem.name,
            slow_above_ms=problem.rollout.slow_above_ms,
            router=cluster,
            deployments=cluster,
            registry=registry,
            clock=SystemClock(),
        )
        yield Stand(
            problem=problem, cluster=cluster, registry=registry, version=version, traffic=traffic
        )


def detections(site: Stand, runs: int, *, rate: float) -> list[dict[str, object]]:
    """Release a canary that fails 20 % of its requests, again and again."""
    site.cluster.set_traffic(replace(site.traffic, rate=rate))
    plan = replace(site.problem.rollout, stages_percent=(1.0, 50.0), min_stage_seconds=600.0)
    seconds, exposed, verdicts = [], [], Counter[str]()
    for number in range(runs):
        # Other requests fail in each run; the command also names the run's own deployment.
        command = (*FAULTY, "--fail-share", "0.2", "--seed", f"{number}")
        record = site.rollout(plan, command)
        verdicts[str(record["verdict"])] += 1
        seconds.append(record["traffic"]["last_at"] - record["traffic"]["first_at"])
        exposed.append(float(record["traffic"]["requests"]))
    achieved = float(str(site.cluster.traffic()["rate_achieved"]))
    return [
        {"figure": "requests/s achieved", "median": round(achieved)},
        {"figure": "rolled back as FAIL", "median": f"{verdicts['FAIL']} of {runs}"},
        {
            "figure": "first request to last, s",
            **summary(seconds),
            "target": "median 2, p95 3.5",
        },
        {"figure": "exposed requests", **summary(exposed), "target": "median 25, p95 55"},
    ]


def equal(site: Stand, runs: int, *, rate: float) -> list[dict[str, object]]:
    """Release the same model again and again; it must be promoted, and nothing may be lost."""
    site.cluster.set_traffic(replace(site.traffic, rate=rate))
    before = site.cluster.traffic()
    endings, p_values, seconds = Counter[str](), [], []
    for number in range(runs):
        # A time that differs by a hair gives each run a deployment, and so counters, of its own.
        command = (*EQUAL, "--drain-seconds", f"{0.5 + number / 1000}")
        record = site.rollout(site.problem.rollout, command)
        held = record["verdict"] == "INSUFFICIENT"
        endings["promoted" if record["phase"] == "PROMOTED" else "held" if held else "harm"] += 1
        seconds.append(sum(_seconds(stage) for stage in record["stages"]))
        p_values += [
            stage["split_p_value"]
            for stage in record["stages"]
            if stage["split_p_value"] is not None
        ]
    after = site.cluster.traffic()
    sent = int(str(after["sent"])) - int(str(before["sent"]))
    lost = int(str(after["lost"])) - int(str(before["lost"]))
    bound = clopper_pearson(endings["harm"], runs)
    return [
        {"figure": "promoted", "value": f"{endings['promoted']} of {runs}"},
        {
            "figure": "harm roll-back of an equal canary",
            "value": f"{endings['harm']} of {runs}",
            "interval": f"[{bound.low:.3f}, {bound.high:.3f}]",
            "target": "<= alpha = 0.05",
        },
        {"figure": "hold expired", "value": f"{endings['held']} of {runs}"},
        {"figure": "requests lost", "value": f"{lost} of {sent}", "target": "0 of 20,000"},
        {
            "figure": "smallest split p-value",
            "value": f"{min(p_values):.2g} of {len(p_values)} stages",
            "target": "> 1e-6",
        },
        {"figure": "seconds to promotion, median", "value": round(statistics.median(seconds), 1)},
    ]


def _seconds(stage: dict[str, Any]) -> float:
    return time.mktime(time.strptime(stage["ended_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(
        time.strptime(stage["started_at"][:19], "%Y-%m-%dT%H:%M:%S")
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detections", type=int, default=50)
    parser.add_argument("--equal", type=int, default=30)
    parser.add_argument("--detection-rate", type=float, default=1500.0)
    parser.add_argument("--equal-rate", type=float, default=500.0)
    parser.add_argument("--out", type=Path, default=Path("build/bench/live.json"))
    args = parser.parse_args()
    record: dict[str, Any] = {"machine": machine(), "arguments": {**vars(args), "out": ""}}
    with tempfile.TemporaryDirectory() as name, stand(Path(name)) as site:
        if args.detections:
            rows = detections(site, args.detections, rate=args.detection_rate)
            record["detection"] = rows
            print_table("a canary that fails 20 % of its requests, 1 % stage", rows)
        if args.equal:
            rows = equal(site, args.equal, rate=args.equal_rate)
            record["equal"] = rows
            print_table("an equal canary, the whole ladder", rows)
    write(args.out, record)


if __name__ == "__main__":
    main()
