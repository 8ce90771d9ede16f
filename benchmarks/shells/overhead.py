"""Seconds that `kfp.local` and a shell add to one step, beyond what the step imports and does.

Claim: at most 0.15 s a step. The same empty step runs (a) as a compiled component under
`kfp.local.SubprocessRunner`, as the demo runs every step, and (b) as a bare interpreter that does
nothing; the difference is what the orchestrator and the shell cost. Pairs alternate, so that a
drifting machine hits both sides.

    python -m benchmarks.shells.overhead --pairs 20 --out build/bench/shells.json
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import machine, print_table, summary, write

STEPS = 5  # in one pipeline, so that compiling it is shared as in real use

PIPELINE = f"""
import sys, time
from kfp import dsl, local
@dsl.component(base_image="localhost:5001/headgate-python:0", install_kfp_package=False)
def empty(*, number: int) -> int:
    return number
@dsl.pipeline(name="empty")
def empties():
    last = None
    for number in range({STEPS}):
        task = empty(number=number)
        if last is not None:
            task.after(last)
        last = task
runner = local.SubprocessRunner(use_venv=False)
local.init(runner, pipeline_root=sys.argv[1], workspace_root=sys.argv[1] + "/ws")
start = time.perf_counter()
empties()
print("SECONDS", time.perf_counter() - start)
"""


def step_seconds() -> float:
    """Run the pipeline once and return the seconds of one step."""
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empties.py"
        script.write_text(PIPELINE)
        done = subprocess.run(
            [sys.executable, str(script), folder],
            capture_output=True,
            text=True,
            check=True,
            env=env,
        )
    line = next(line for line in done.stdout.splitlines() if line.startswith("SECONDS"))
    return float(line.split()[1]) / STEPS


def bare_seconds() -> float:
    """Return the seconds of an interpreter that does nothing."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("build/bench/shells.json"))
    args = parser.parse_args()
    steps, bare = [], []
    for _ in range(args.pairs):
        steps.append(step_seconds())
        bare.append(bare_seconds())
    added = [a - b for a, b in zip(steps, bare, strict=True)]
    rows = [
        {"figure": "step under kfp.local, s", **summary(steps)},
        {"figure": "bare interpreter, s", **summary(bare)},
        {"figure": "added by kfp and the shell, s", **summary(added), "target": "<= 0.15"},
    ]
    print_table("KFP shells", rows)
    write(args.out, {"machine": machine(), "pairs": args.pairs, "rows": rows})


if __name__ == "__main__":
    main()
