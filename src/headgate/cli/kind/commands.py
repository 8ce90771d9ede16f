"""The one place that starts docker, kind and kubectl."""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from headgate.errors import BackendError

LAST_LINES = 5
LONGEST_TAIL = 900  # characters; a failure stays readable in a terminal
GRACE = 10.0  # seconds between asking a command to end and killing it
HOW_TO_GET = {
    "docker": "install Docker Engine or Docker Desktop (https://docs.docker.com/engine/install/)",
    "kind": "install kind (https://kind.sigs.k8s.io/docs/user/quick-start/#installation)",
    "kubectl": "install kubectl (https://kubernetes.io/docs/tasks/tools/)",
    "git": "install git; kubectl fetches Kubeflow's manifests with it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left behind.

    Attributes:
        shown: The command as one would type it.
        code: Its exit code.
        out: Its standard output.
        err: Its standard error.
    """

    shown: str
    code: int
    out: str
    err: str

    @property
    def tail(self) -> str:
        """The last lines that say something, on one line; of standard error if it has any."""
        lines = [line.strip() for line in (self.err or self.out).splitlines()]
        last = [line for line in lines if line][-LAST_LINES:]
        return " / ".join(last)[-LONGEST_TAIL:] or "it said nothing"


class Commands:
    """Starts commands, bounds their time, and turns their failures into one kind of error.

    Safe to use from several threads. A command runs in a process group of its own, so that what
    it started ends with it.
    """

    def __init__(self) -> None:
        """Start with nothing running."""
        self._running: set[subprocess.Popen[str]] = set()
        self._over = False

    def run(self, *arguments: str, seconds: float, text: str | None = None) -> str:
        """Run a command that must succeed.

        Args:
            arguments: Program and arguments.
            seconds: How long it may take.
            text: Its standard input.

        Returns:
            Its standard output.

        Raises:
            BackendError: It is not installed, failed or took too long; with its last lines.
        """
        done = self.attempt(*arguments, seconds=seconds, text=text)
        if done.code != 0:
            raise BackendError(f"`{done.shown}` failed with exit code {done.code}: {done.tail}")
        return done.out

    def attempt(self, *arguments: str, seconds: float, text: str | None = None) -> Done:
        """Run a command that may fail.

        Args:
            arguments: Program and arguments.
            seconds: How long it may take.
            text: Its standard input.

        Returns:
            What it left behind.

        Raises:
            BackendError: It is not installed, took too long, or `abort` was called.
        """
        if self._over:
            raise BackendError(f"`{_shown(arguments)}` was not started: it was given up before")
        with self._start(arguments, text) as process:
            self._running.add(process)
            try:
                out, err = process.communicate(text, timeout=seconds)
            except subprocess.TimeoutExpired as error:
                shown = _shown(arguments)
                raise BackendError(f"`{shown}` did not end within {seconds:g} s") from error
            finally:
                _end(process)
                self._running.discard(process)
        return Done(shown=_shown(arguments), code=process.returncode, out=out, err=err)

    def abort(self) -> None:
        """End whatever still runs, in other threads, too, and start nothing more."""
        self._over = True
        for process in tuple(self._running):
            _signal(process, signal.SIGTERM)

    def _start(self, arguments: Sequence[str], text: str | None) -> "subprocess.Popen[str]":
        try:
            return subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )
        except (FileNotFoundError, PermissionError) as error:
            remedy = HOW_TO_GET.get(arguments[0], "install it")
            raise BackendError(f"{arguments[0]} is not on PATH: {remedy}") from error


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(arguments)


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(timeout=GRACE)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
