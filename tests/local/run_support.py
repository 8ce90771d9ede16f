"""Start the command line as a user does, and find what it left running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60.0

PROBLEM = """
name: adult-small
data: {path: rows.csv, missing_values: ["?"]}
target: {column: income, positive: ">50K"}
columns:
  numeric: [age, educational_num, capital_gain, hours_per_week]
  categorical: [workclass, occupation, gender]
  protected: [gender]
training: {families: [logistic_regression], folds: 3}
gates:
  accuracy: {min: 0.75}
rollout:
  stages_percent: [10, 50]
  min_stage_seconds: 1
  traffic_per_second: 200
  label_delay_seconds: 0.3
  max_hold_seconds: 60
"""

RELEASE = """
import sys
from pathlib import Path
from headgate.adapters.problem_file import read_problem
from headgate.cli.main import run_command
from headgate.cli.progress import Progress
from headgate.cli.session import Session
from headgate.cli.workspace import Workspace

def release():
    problem, progress = read_problem(Path(sys.argv[1])), Progress()
    with progress, Session(Workspace(Path(sys.argv[2])), problem, progress=progress) as session:
        outcome = session.release(problem, version="1", title="a release", command=sys.argv[3:])
    return 0 if outcome.promoted else 10

sys.exit(run_command(release))
"""


def write_problem(folder: Path, *, rows: int = 6000, **changes: object) -> Path:
    """Write a small table of real rows and its problem file."""
    table = pd.read_parquet(ROOT / "examples" / "adult.parquet").head(rows).assign(**changes)
    table.to_csv(folder / "rows.csv", index=False)
    problem = folder / "problem.yaml"
    problem.write_text(PROBLEM)
    return problem


def headgate(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of the command line to its end."""
    command = [sys.executable, "-m", "headgate.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def start_release(problem: Path, out: Path, *command: object) -> "subprocess.Popen[str]":
    """Start to release version 1 once more, behind another command."""
    return subprocess.Popen(
        [sys.executable, "-c", RELEASE, str(problem), str(out), *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def route(out: Path) -> dict[str, object]:
    """Read the route that the local world keeps."""
    return json.loads((out / "world" / "route.json").read_text())


def weights(out: Path) -> dict[str, int]:
    return {b["deployment"]: b["weight"] for b in route(out)["backends"] if b["weight"]}


def canary_is_live(out: Path) -> bool:
    state = route(out)["state"] or {}
    return state.get("phase") == "PROGRESSING" and len(weights(out)) == 2


def until(happens: Callable[[], bool], *, what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not happens():
        assert time.monotonic() < end, f"{what} did not happen within {WAIT_SECONDS:g} s"
        time.sleep(0.05)


def processes(*parts: str) -> list[int]:
    """Find processes whose command line holds every part."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if int(folder.name) != os.getpid() and all(part in line for part in parts):
            found.append(int(folder.name))
    return found


def kill(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    assert pids, "nothing to kill"
    for pid in pids:
        os.kill(pid, number)


def last_decision(out: Path) -> dict[str, object]:
    runs = sorted(out.glob("run-*"), key=lambda path: int(path.name.split("-")[1]))
    return json.loads((runs[-1] / "decision.json").read_text())
