"""Run one compiled-in pipeline with `kfp.local`; the command line starts this as a process.

The process leads a group of its own. It watches its standard input: when that closes, the parent
is gone and the whole group (this process and the step that runs) is killed, because `kfp.local`
lets a step outlive its driver.
"""

import os
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

from headgate.adapters.files import read_json


def main(arguments: list[str]) -> None:
    """Run the pipeline that the given file describes.

    Args:
        arguments: One path: JSON with `pipeline`, `arguments` and `root`.
    """
    threading.Thread(target=_die_with_parent, daemon=True).start()
    spec: dict[str, Any] = read_json(Path(arguments[0]))
    # A step is started as `python3`: it must be the interpreter that holds headgate.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    from kfp import local

    # What a step may use of a node is said to Kubernetes; here it takes what there is.
    warnings.filterwarnings("ignore", message=".*no effect in the current local runner")
    from headgate_pipelines.canary.pipeline import canary
    from headgate_pipelines.promotion.pipeline import promotion

    pipelines = {"promotion": promotion, "canary": canary}
    with tempfile.TemporaryDirectory() as workspace:  # kfp removes it at the end of a run
        local.init(
            local.SubprocessRunner(use_venv=False),
            pipeline_root=str(spec["root"]),
            workspace_root=str(Path(workspace) / "steps"),
            raise_on_error=True,
        )
        pipelines[str(spec["pipeline"])](**spec["arguments"])


def _die_with_parent() -> None:
    # os.read, not sys.stdin: a thread that holds the buffered reader's lock breaks the exit.
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
