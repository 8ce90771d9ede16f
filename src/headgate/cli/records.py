"""Collect what the steps of a run left, and compose `decision.json` and the report from it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import headgate
from headgate.adapters.files import read_json
from headgate.adapters.problem_file import problem_digest
from headgate.adapters.provenance import code_revision, package_versions
from headgate.adapters.reporting import RunRecord, build_decision
from headgate.errors import HeadgateError
from headgate.ports import ModelRegistry, ModelVersion
from headgate.problem import Problem

Json = dict[str, Any]
REPORTS = {  # report of a run: (step, output)
    "ingest": ("ingest-table", "report"),
    "validation": ("validate-data", "report"),
    "split": ("split-data", "report"),
    "training": ("train-model", "report"),
    "evaluation": ("evaluate-model", "report"),
    "fairness": ("measure-fairness", "report"),
    "export": ("export-model", "report"),
    "gates": ("decide-promotion", "decision"),
    "rollout": ("shift-traffic", "rollout"),
}
DECISION = "decision.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the command line knows of a run beside the reports of its steps."""

    title: str
    problem: Problem
    started_at: str  # ISO 8601, UTC
    ended_at: str
    version: str | None  # of the candidate, where it was given and not trained in this run
    error: str | None  # why the run ended early


def report_of(root: Path, name: str) -> Json | None:
    """Read one report of a run.

    Args:
        root: `pipeline/` of the run's folder, where `kfp.local` keeps each step's outputs.
        name: A key of `REPORTS`.

    Returns:
        The report, or None if its step did not get that far.
    """
    step, output = REPORTS[name]
    paths = sorted(root.glob(f"*/{step}/{output}"))
    return read_json(paths[-1]) if paths else None


def reports_of(root: Path) -> dict[str, Json | None]:
    """Read all reports of a run; a step that did not get that far has None."""
    return {name: report_of(root, name) for name in REPORTS}


def step_outputs(root: Path, step: str) -> Json:
    """Read a finished step's output parameters; empty if it did not finish."""
    paths = sorted(root.glob(f"*/{step}/executor_output.json"))
    found = read_json(paths[-1]).get("parameterValues", {}) if paths else {}
    return found if isinstance(found, dict) else {}


def decision_of(folder: Path, facts: RunFacts, *, registry: ModelRegistry) -> Json:
    """Compose `decision.json` from what is there.

    Args:
        folder: Folder of the run.
        facts: What the command line knows.
        registry: Knows the versions that are named.

    Returns:
        The decision; it meets `schemas/decision.schema.json` also for a run that ended early.
    """
    root = folder / "pipeline"
    reports = reports_of(root)
    version = facts.version or step_outputs(root, "register-model").get("version")
    candidate = _version(registry, facts.problem.name, version)
    champion = _version(registry, facts.problem.name, _champion(reports))
    return build_decision(
        title=facts.title,
        problem=facts.problem.name,
        problem_digest=problem_digest(facts.problem),
        gates=reports["gates"],
        rollout=reports["rollout"],
        candidate=_described(candidate),
        champion=_described(champion),
        data=_data(facts.problem, reports["ingest"], candidate),
        split=asdict(facts.problem.split),
        revision=code_revision(Path(headgate.__file__).parent),
        packages=package_versions(),
        seed=facts.problem.training.seed,
        started_at=facts.started_at,
        ended_at=facts.ended_at,
        error=facts.error,
    )


def load_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Read the runs that have ended.

    Args:
        folders: Folders of runs, oldest first.

    Returns:
        One record per folder that holds a decision; a run that was killed before has none.
    """
    return [_run(folder) for folder in folders if (folder / DECISION).exists()]


def _run(folder: Path) -> RunRecord:
    decision = read_json(folder / DECISION)
    reports = reports_of(folder / "pipeline")
    return RunRecord(
        title=str(decision["title"]),
        decision=decision,
        evaluation=reports["evaluation"],
        fairness=reports["fairness"],
        training=reports["training"],
        validation=reports["validation"],
        split=reports["split"],
        export=reports["export"],
        rollout=reports["rollout"],
    )


def _champion(reports: Mapping[str, Json | None]) -> str | None:
    rollout, evaluation = reports["rollout"], reports["evaluation"]
    if rollout is not None and rollout["stable"] is not None:
        return str(rollout["stable"]["version"])
    if evaluation is None:
        return None
    reference = evaluation["comparison"]["reference_version"]
    return None if reference is None else str(reference)


def _version(registry: ModelRegistry, name: str, version: str | None) -> ModelVersion | None:
    if version is None:
        return None
    try:
        return registry.version(name, version)
    except HeadgateError:
        return None  # a registry that is down must not cost the record of everything else


def _described(version: ModelVersion | None) -> Json | None:
    if version is None:
        return None
    return {
        "name": version.name,
        "version": version.version,
        "sha256": version.sha256,
        "family": version.tags.get("headgate.family"),
    }


def _data(problem: Problem, ingest: Json | None, candidate: ModelVersion | None) -> Json:
    if ingest is not None:
        return {
            "path": problem.data.path,
            "rows": ingest["rows"],
            "fingerprint": ingest["fingerprint"],
        }
    known = {} if candidate is None else candidate.tags
    return {"path": problem.data.path, "fingerprint": known.get("headgate.data_fingerprint")}
