"""Run a pipeline in a process of its own and say which step is where."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from headgate import errors
from headgate.adapters.rollout_log import rollout_event

STARTED = re.compile(r"Executing task '([^']+)'")
FINISHED = re.compile(r"Task '([^']+)' finished with status (\w+)")
NAMED_ERROR = re.compile(r"^\s*headgate\.[\w.]*?(\w+Error): (.*)$")
OTHER_ERROR = re.compile(r"^    (\w[\w.]*(?:Error|Exception): .*)$")  # kfp indents a step's output
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WORKER = (sys.executable, "-m", "headgate.cli.worker")
TERMINATE_SECONDS = 6.0  # a step writes weight 0 on SIGTERM; that takes one request


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """A step of the pipeline changed."""

    step: str
    status: Literal["started", "succeeded", "failed"]
    seconds: float  # since the step's start; 0 when it starts


Event = StepEvent | dict[str, Any]  # a step changed, or the driver of a rollout said something


class PipelineProcess:
    """A pipeline under `kfp.local`, in a process group of its own.

    The output of every step goes to `log.txt` of the run's folder; it is private to the user
    because kfp prints each step's parameters there.
    """

    def __init__(self, pipeline: str, arguments: dict[str, object], *, folder: Path) -> None:
        """Start the pipeline.

        Args:
            pipeline: `promotion` or `canary`.
            arguments: Its parameters.
            folder: Folder of the run; `pipeline/` under it receives every step's outputs.
        """
        self.root = folder / "pipeline"
        self.log = folder / "log.txt"
        self.failed_step: str | None = None
        self._named_error: tuple[str, str] | None = None
        self._other_error = "ended without an error of its own, it may have been killed"
        self._started: dict[str, float] = {}
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        spec = folder / "pipeline.json"
        descriptor = os.open(spec, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"pipeline": pipeline, "arguments": arguments, "root": str(self.root)}, file)
        os.close(os.open(self.log, os.O_WRONLY | os.O_CREAT, 0o600))
        self._process = subprocess.Popen(
            [*WORKER, str(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},  # lines as they come, not in blocks
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for with PIPE above
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True
        )
        self._reader.start()

    def next_event(self, *, timeout: float) -> Event | None:
        """Wait for the next change.

        Args:
            timeout: Seconds to wait.

        Returns:
            The change, or None if there was none in time or the pipeline is at its end.
        """
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    @property
    def running(self) -> bool:
        """Whether there may be further events."""
        if self._process.poll() is not None:
            # A step outlives a driver that was killed, and would hold the log open.
            self._signal(signal.SIGKILL)
        return self._reader.is_alive() or not self._events.empty()

    def error(self) -> errors.HeadgateError | None:
        """Return the error of the step that failed, or None if the pipeline succeeded."""
        code = self._process.wait()
        self._close()
        if code == 0:
            return None
        step = self.failed_step or "the pipeline"
        if self._named_error is None:
            return errors.BackendError(f"{step}: {self._other_error}; see {self.log}")
        name, message = self._named_error
        kind = getattr(errors, name, errors.BackendError)
        return kind(f"{step}: {message}")

    def stop(self) -> None:
        """End the step that runs: SIGTERM first, so that it can take its traffic back."""
        self._signal(signal.SIGTERM)
        try:
            # The driver dies at once; its step may still be writing, so wait for its output to end.
            self._reader.join(timeout=TERMINATE_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._close()

    def _close(self) -> None:
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def _read(self, stream: IO[str]) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                log.flush()
                self._parse(COLOUR.sub("", line))
        self._events.put(None)

    def _parse(self, line: str) -> None:
        if match := STARTED.search(line):
            self._started[match[1]] = time.monotonic()
            self._named_error = None
            self._events.put(StepEvent(step=match[1], status="started", seconds=0.0))
        elif match := FINISHED.search(line):
            seconds = time.monotonic() - self._started.get(match[1], time.monotonic())
            done = match[2] == "SUCCESS"
            if not done:
                self.failed_step = match[1]
            self._events.put(
                StepEvent(step=match[1], status="succeeded" if done else "failed", seconds=seconds)
            )
        elif match := NAMED_ERROR.match(line):
            self._named_error = (match[1], match[2])
        elif match := OTHER_ERROR.match(line):
            self._other_error = match[1]
        elif event := rollout_event(line):
            self._events.put(event)
