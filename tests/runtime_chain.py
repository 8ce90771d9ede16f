"""Run the compiled command of every component, chained as the pipeline chains them.

On 2,000 rows of the census table written as CSV: a port's name says where its value comes from.
Those that need a place to serve get an address where nothing listens, and must say so with an error
of ours.
"""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pandas as pd

from headgate.adapters.mlflow_registry import create_store
from headgate.adapters.problem_file import problem_text, read_problem

EXAMPLES = Path(__file__).parents[1] / "examples"
# Which output feeds an input of that name.
SOURCES = {
    "table": ("ingest_table", "table"),
    "train": ("split_data", "train"),
    "test": ("split_data", "test"),
    "live": ("split_data", "live"),
    "model": ("train_model", "model"),
    "bundle": ("export_model", "bundle"),
    "ingest": ("ingest_table", "report"),
    "split": ("split_data", "report"),
    "validation": ("validate_data", "report"),
    "training": ("train_model", "report"),
    "evaluation": ("evaluate_model", "report"),
    "fairness": ("measure_fairness", "report"),
    "export": ("export_model", "report"),
    "version": ("register_model", "version"),
}
PYTHON_TYPES = {"str": str, "int": int | float, "float": float, "list": list, "dict": dict}
UNREACHABLE = r"^headgate\.errors\.BackendError: .*127\.0\.0\.1:9"
IN_METADATA = {"Metrics", "ClassificationMetrics"}  # these artifacts need no file


class Runtime(Protocol):
    """Where commands run: an environment like the image's, or the image."""

    def run(self, command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]: ...


class Step:
    """One executed component."""

    def __init__(self, done, folder: Path, artifacts: dict[str, dict]) -> None:
        self.done = done
        self.folder = folder
        written = folder / "executor_output.json"
        output = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
        self.parameters = output.get("parameterValues", {})
        updated = {
            name: found["artifacts"][0] for name, found in output.get("artifacts", {}).items()
        }
        self.artifacts = {name: {**artifacts[name], **updated.get(name, {})} for name in artifacts}


class Chain:
    """Runs each component once, after those that it needs."""

    def __init__(self, shells, runtime: Runtime, folder: Path) -> None:
        self.shells, self.runtime, self.folder = shells, runtime, folder
        self.steps: dict[str, Step] = {}
        self.values = {
            "problem": write_problem(folder),
            "registry_uri": f"sqlite:///{folder / 'registry' / 'mlflow.db'}",
            "as_of": "2026-01-01T00:00:00Z",
            "run_id": "run-1",
            "cluster_url": "http://127.0.0.1:9",  # discard: nothing listens there
            "cluster_token": "token",
            "deployment": "adult-income-1",
        }
        create_store(self.values["registry_uri"])

    def step(self, name: str) -> Step:
        if name not in self.steps:
            self.steps[name] = self._execute(self.shells[name])
        return self.steps[name]

    def _execute(self, shell) -> Step:
        folder = self.folder / shell.name
        folder.mkdir()
        inputs = {"parameterValues": {}, "artifacts": {}}
        for port in shell.inputs:
            if port.is_artifact:
                source, output = SOURCES[port.name]
                found = self.step(source).artifacts[output]
                inputs["artifacts"][port.name] = {"artifacts": [found]}
            else:
                inputs["parameterValues"][port.name] = self._parameter(port)
        artifacts = {
            port.name: {
                "name": port.name,
                "type": {"schemaTitle": f"system.{port.kind}", "schemaVersion": "0.0.1"},
                "uri": str(folder / port.name),
                "metadata": {},
            }
            for port in shell.outputs
            if port.is_artifact
        }
        outputs = {
            "parameters": {
                port.name: {"outputFile": str(folder / f"{port.name}.parameter")}
                for port in shell.outputs
                if not port.is_artifact
            },
            "artifacts": {name: {"artifacts": [found]} for name, found in artifacts.items()},
            "outputFile": str(folder / "executor_output.json"),
        }
        executor_input = json.dumps({"inputs": inputs, "outputs": outputs})
        container = shell.component.component_spec.implementation.container
        command = [
            executor_input if part == "{{$}}" else part
            for part in (*container.command, *container.args)
        ]
        return Step(self.runtime.run(command, folder=folder), folder, artifacts)

    def _parameter(self, port):
        if port.name in self.values:
            return self.values[port.name]
        if not port.required:
            return port.default
        source, output = SOURCES[port.name]
        return self.step(source).parameters[output]


def write_problem(folder: Path) -> str:
    problem = read_problem(EXAMPLES / "adult.yaml")
    rows = pd.read_parquet(problem.data.path).head(2000)
    rows.to_csv(folder / "adult.csv", index=False)
    return problem_text(
        replace(
            problem,
            data=replace(problem.data, path=str(folder / "adult.csv")),
            training=replace(problem.training, folds=2),
        )
    )


def it_ran(shell, step: Step) -> None:
    """Check what a component has to leave behind."""
    if "cluster_url" in {port.name for port in shell.inputs}:
        # Loaded, typed and connected up to the address that does not answer.
        assert step.done.returncode != 0
        assert re.search(UNREACHABLE, step.done.stderr, re.MULTILINE), step.done.stderr[-3000:]
        return
    assert step.done.returncode == 0, step.done.stderr[-3000:]
    for port in shell.outputs:
        if not port.is_artifact:
            assert isinstance(step.parameters[port.name], PYTHON_TYPES[port.kind.partition("[")[0]])
        elif port.kind in IN_METADATA:
            assert step.artifacts[port.name]["metadata"]
        else:
            assert Path(step.artifacts[port.name]["uri"]).exists()
