"""What each command of the command line does."""

import os
import tempfile
from pathlib import Path

from headgate.adapters.problem_file import read_problem
from headgate.adapters.table_sniffer import draft_from_file
from headgate.errors import ConfigError


def init_problem(table: Path, *, out: Path, force: bool) -> str:
    """Write a commented problem file for a table.

    Args:
        table: CSV or Parquet file.
        out: Where to write.
        force: Whether an existing file may be overwritten.

    Returns:
        What to do next, for the user.

    Raises:
        ConfigError: If `out` exists.
        DataError: If the table cannot be read.
    """
    if out.exists() and not force:
        raise ConfigError(f"--out {out} exists; use --force to overwrite it, or name another file")
    text = draft_from_file(table, relative_to=out.resolve().parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    _write_text(out, text)
    return (
        f"wrote {out}: check the target, the protected columns and the gates, then\n"
        f"  headgate run {out} --out build/{read_problem(out).name}"
    )


def run_problem(path: Path, *, out: Path, port: int) -> bool:
    """Run the promotion pipeline for a problem on this machine.

    Args:
        path: Problem file.
        out: Folder of the model.
        port: Port of the proxy; 0 takes a free one.

    Returns:
        Whether the candidate was promoted.
    """
    from headgate.cli.progress import Progress
    from headgate.cli.session import Session
    from headgate.cli.workspace import Workspace

    problem = read_problem(path)
    progress = Progress()
    with Session(Workspace(out), problem, progress=progress, proxy_port=port) as session:
        outcome = session.promote(problem, title=problem.name)
    progress.finish([outcome.decision], report=session.workspace.report)
    return outcome.promoted


def show_plan(path: Path, *, rate: float) -> None:
    """Print what the rollout of a problem can see at a request rate.

    Args:
        path: Problem file.
        rate: Requests per second of the whole service; above 0.
    """
    from headgate.cli.plan_table import print_plan

    if not rate > 0:
        raise ConfigError(f"--rate is {rate}; it must be above 0 requests per second")
    print_plan(read_problem(path), rate=rate)


def _write_text(path: Path, text: str) -> None:
    # Beside the target, so that the rename is atomic: nobody ever reads half a file.
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, delete=False, encoding="utf-8", suffix=".tmp"
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)  # noqa: PTH101 - the temporary file is private, the result is not
    Path(file.name).replace(path)
