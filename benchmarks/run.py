"""Run every benchmark, one after the other: they share the machine with nothing else.

python -m benchmarks.run --out build/bench
"""

import argparse
import subprocess
import sys
from pathlib import Path

SCRIPTS = {
    "shells": ("benchmarks.shells.overhead",),
    "demo": ("benchmarks.demo.cost",),
    "live": ("benchmarks.rollout.live",),
    "simulation": ("benchmarks.rollout.simulate",),
}


def main() -> None:
    """Run the scripts; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--only", choices=sorted(SCRIPTS), nargs="*", default=list(SCRIPTS))
    args = parser.parse_args()
    for name in args.only:
        command = [sys.executable, "-m", *SCRIPTS[name], "--out", str(args.out / f"{name}.json")]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
