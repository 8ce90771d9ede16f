"""The main job in four acts, on real data, on this machine.

1. A baseline (logistic regression) is trained, registered and serves everything.
2. A better model (LightGBM) passes the gates and is promoted through a live canary.
3. The same model behind a server that fails 20 % of its requests is rolled back on errors.
4. The same model served with two features swapped answers 200 and is silently wrong: it is rolled
   back on labels.

    python examples/demo.py --out build/demo
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from headgate.adapters.problem_file import read_problem
from headgate.cli.main import run_command
from headgate.cli.progress import Progress
from headgate.cli.session import Session
from headgate.cli.workspace import MARKER, Workspace
from headgate.errors import ConfigError

HERE = Path(__file__).resolve().parent
FAULTY = (sys.executable, str(HERE / "faulty_predictor.py"))


def run_demo(out: Path) -> int:
    """Run the four acts; an earlier demo in the same folder is removed first.

    Args:
        out: Folder for the report and for each act's decision.

    Returns:
        Exit code: 0 if the four acts ended as told above, else 10.
    """
    _clear(out)
    started = time.monotonic()
    baseline = read_problem(HERE / "adult-baseline.yaml")
    better = read_problem(HERE / "adult.yaml")
    progress = Progress()
    workspace = Workspace(out, prefix="act")
    with progress, Session(workspace, baseline, progress=progress) as session:
        first = session.promote(baseline, title="Act 1: a first model, without a champion")
        second = session.promote(better, title="Act 2: a better model is promoted")
        version = second.decision["models"]["candidate"]["version"]
        failing = session.release(
            better,
            version=version,
            title="Act 3: a server that fails 20 % of its requests is rolled back",
            command=(*FAULTY, "--fail-share", "0.2"),
        )
        swapped = session.release(
            better,
            version=version,
            title="Act 4: a model fed two swapped features is rolled back on its labels",
            command=(*FAULTY, "--swap", "age,capital_gain"),
        )
    acts = [first, second, failing, swapped]
    progress.finish([act.decision for act in acts], report=workspace.report)
    progress.fact(f"the demo took {time.monotonic() - started:.0f} s")
    as_told = [act.promoted for act in acts] == [True, True, False, False]
    return 0 if as_told else 10


def _clear(out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / MARKER).exists() or Workspace(out).runs():
        raise ConfigError(f"--out {out} holds files that no demo wrote; name another folder")
    with Workspace(out).unused():
        shutil.rmtree(out)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    out = parser.parse_args().out
    sys.exit(run_command(lambda: run_demo(out)))


if __name__ == "__main__":
    main()
