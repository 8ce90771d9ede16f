"""The folder that `--out` names: one model, one registry, one run at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.adapters.files import read_json, write_json
from headgate.errors import ConfigError
from headgate.problem import Problem
from headgate.sampling import split_identity

MARKER = "headgate.json"


class Workspace:
    """The files of one `--out` folder; held by a lock while a run uses it.

    * `headgate.json`  which model the folder belongs to
    * `world/`         registry, route, logs of the local world
    * `<prefix>-N/`    one folder a run: problem, log, step outputs, `decision.json`
    * `report.html`    every finished run of this folder
    """

    def __init__(self, folder: Path, *, prefix: str = "run") -> None:
        """Name the folder; nothing is created yet.

        Args:
            folder: The `--out` folder.
            prefix: Name of a run's folder, before its number.
        """
        self.folder = folder.resolve()
        self.prefix = prefix

    @property
    def world(self) -> Path:
        """The folder of the local world."""
        return self.folder / "world"

    @property
    def registry_uri(self) -> str:
        """MLflow tracking URI of the folder's own registry."""
        return f"sqlite:///{self.world / 'registry' / 'mlflow.db'}"

    @property
    def report(self) -> Path:
        """The HTML report over all runs."""
        return self.folder / "report.html"

    @contextmanager
    def held(self, problem: Problem) -> Iterator[None]:
        """Hold the folder for one process; create or check its marker.

        Args:
            problem: The problem to run; must be about the folder's model.

        Raises:
            ConfigError: If the folder is in use, holds other files or belongs to another model.
        """
        self._refuse_foreign_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.unused():
            self._check_marker(problem)
            yield

    @contextmanager
    def unused(self) -> Iterator[None]:
        """Hold the folder's lock.

        Raises:
            ConfigError: If another process holds it.
        """
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise ConfigError(
                    f"--out {self.folder} is in use by process {lock.read().strip() or '?'};"
                    " wait for it, or choose another folder"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def new_run(self) -> Path:
        """Create the folder of the next run; an unfinished one is kept, never continued."""
        taken = [int(path.name.rsplit("-", 1)[1]) for path in self.runs()]
        folder = self.folder / f"{self.prefix}-{max(taken, default=0) + 1}"
        folder.mkdir()
        return folder

    def runs(self) -> list[Path]:
        """Return the folders of all runs, oldest first."""
        found = [
            path
            for path in self.folder.glob(f"{self.prefix}-*")
            if path.name.rsplit("-", 1)[1].isdigit() and path.is_dir()
        ]
        return sorted(found, key=lambda path: int(path.name.rsplit("-", 1)[1]))

    def _refuse_foreign_folder(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigError(f"--out {self.folder} is a file; name a folder")
        others = (
            {p.name for p in self.folder.iterdir()} - {"lock"} if self.folder.exists() else set()
        )
        if others and MARKER not in others:
            raise ConfigError(
                f"--out {self.folder} holds files that headgate did not write"
                f" ({', '.join(sorted(others)[:3])}); name a new or empty folder"
            )

    def _check_marker(self, problem: Problem) -> None:
        wanted = _contract(problem)
        path = self.folder / MARKER
        if not path.exists():
            write_json(path, {"headgate": __version__, "contract": wanted})
            return
        marker: dict[str, Any] = read_json(path)
        found = marker["contract"]
        for key, value in wanted.items():
            if found.get(key) != value:
                raise ConfigError(
                    f"--out {self.folder} belongs to a model with {key} = {found.get(key)!r},"
                    f" the problem has {key} = {value!r}; choose another folder"
                )


def _contract(problem: Problem) -> dict[str, object]:
    # A champion is compared on the candidate's rows: both must read the same columns and classes,
    # and deal the same rows to the same parts.
    return {
        "name": problem.name,
        "target": problem.target.column,
        "positive": problem.target.positive,
        "features": sorted(problem.columns.features),
        **split_identity(problem),
    }
