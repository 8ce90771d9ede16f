"""What `make demo` costs without its installation: seconds, and memory of all its processes.

Claims: under 150 s on 2 cores and under 2 GiB. The memory is the largest sum, over samples taken
every 0.2 s, of the resident sets of the demo and of everything it started; pages that processes
share count more than once, so the truth is below it.

    python -m benchmarks.demo.cost --runs 3 --out build/bench/demo.json
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import machine, print_table, summary, write

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"
SAMPLE_SECONDS = 0.2
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


def tree_mib(root: int) -> float:
    """Sum the resident memory of a process and its descendants, in MiB (Linux)."""
    parents, resident = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            pages = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended just now
        parents[int(folder.name)], resident[int(folder.name)] = int(after_name[1]), pages
    inside = {root}
    for _ in range(len(parents)):
        grown = inside | {pid for pid, parent in parents.items() if parent in inside}
        if grown == inside:
            break
        inside = grown
    return sum(resident.get(pid, 0) for pid in inside) * PAGE_MIB


def run(folder: Path) -> tuple[float, float]:
    """Run the demo once; return its seconds and its largest memory in MiB."""
    start, largest = time.perf_counter(), 0.0
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(DEMO), "--out", str(folder / "out")], stdout=log, stderr=log
        )
        while process.poll() is None:
            largest = max(largest, tree_mib(process.pid))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode != 0:
        sys.exit(f"the demo ended with {process.returncode}:\n{(folder / 'demo.log').read_text()}")
    return time.perf_counter() - start, largest


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench/demo.json"))
    args = parser.parse_args()
    seconds, memory = [], []
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory() as folder:
            one = run(Path(folder))
        seconds.append(one[0])
        memory.append(one[1])
    rows: list[dict[str, object]] = [
        {"figure": "demo, s", **summary(seconds), "target": "< 150"},
        {"figure": "memory of all processes, MiB", **summary(memory), "target": "< 2048"},
        {"figure": "torch installed", "median": bool(importlib.util.find_spec("torch"))},
    ]
    print_table("make demo, without installation", rows)
    write(args.out, {"machine": machine(), "runs": args.runs, "rows": rows})


if __name__ == "__main__":
    main()
