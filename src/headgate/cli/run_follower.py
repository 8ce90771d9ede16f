"""Follow a run on Kubeflow Pipelines: one line a step, and what came of it."""

import math
import shlex
from pathlib import Path

from headgate.adapters.clock import SystemClock
from headgate.adapters.kfp_client import PipelineServer, Run, Task
from headgate.cli.progress import Progress
from headgate.errors import BackendError
from headgate.ports import Clock

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 300.0  # a server that is rolled out anew is away for less
SETTLE_SECONDS = 60.0  # the tasks of a run that has ended can be behind by seconds
BROKEN = frozenset({"FAILED", "CANCELED"})
CONDITION = "condition-"  # how the compiler names what an `If` holds
DRIVER = "-driver"  # the task that prepares a step; its pod fails where a setting is wrong


def verdict(run: Run) -> bool | None:
    """Tell from the tasks of a run whether its model was promoted.

    The server knows no outputs of a run, but which branches it took: after `shift_traffic` the
    rollback runs or is skipped; without the gates' consent there is no canary at all.

    Args:
        run: A run that has succeeded.

    Returns:
        True if the canary got all traffic, False if a gate stopped it or it was rolled back, None
        if the tasks do not say so (yet).
    """
    states = {task.name: task.state for task in run.tasks}
    if states.get("roll-back") == "SUCCEEDED":
        return False
    skipped = any(task.name.startswith(CONDITION) and task.state == "SKIPPED" for task in run.tasks)
    if not skipped or "roll-back" in states:
        return None
    if "deploy-model" not in states:
        return False
    return True if states.get("shift-traffic") == "SUCCEEDED" else None


def curl_options(*, token_file: Path | None, ca_cert: Path | None) -> str:
    """Return what `curl` needs to be let in where we were, for the user to paste.

    Args:
        token_file: File with a bearer token; named, so that no token is shown.
        ca_cert: Certificate of the authority that signed the server's.

    Returns:
        Options; empty if it needs none.
    """
    options = []
    if token_file is not None:
        file = shlex.quote(str(token_file))
        options.append(f'-H "Authorization: Bearer $(cat {file})"')
    if ca_cert is not None:
        options.append(f"--cacert {shlex.quote(str(ca_cert))}")
    return " ".join(options)


class RunFollower:
    """Turns what a server says of a run into progress and a verdict."""

    def __init__(
        self,
        server: PipelineServer,
        run_id: str,
        *,
        steps: frozenset[str],
        progress: Progress,
        namespace: str,
        curl_options: str = "",
        clock: Clock | None = None,
    ) -> None:
        """Name the parts; nothing is asked yet.

        Args:
            server: Where the run is.
            run_id: Its id.
            steps: Names of the tasks that are steps.
            progress: Where to say what happens.
            namespace: Where its pods are, for the messages.
            curl_options: What `curl` needs to be let in by the server; see `curl_options`.
            clock: Time; None takes the machine's.
        """
        self._server = server
        self._run_id = run_id
        self._steps = steps
        self._progress = progress
        self._namespace = namespace
        self._curl = f"curl {curl_options}".rstrip()
        self._clock = clock or SystemClock()
        self._shown: dict[str, str] = {}
        self._silent_since: float | None = None

    def follow(self, seconds: float) -> bool:
        """Name the run and follow it to its end; an interrupt ends the following, never the run.

        Args:
            seconds: How long at most.

        Returns:
            Whether the candidate was promoted.

        Raises:
            BackendError: If the run failed, goes on after that time, or cannot be seen any more.
        """
        try:
            self._progress.fact(f"run {self._run_id}: {self._server.run_address(self._run_id)}")
            run = self._to_the_end(seconds)
        except KeyboardInterrupt:
            self._progress.close()
            self._progress.fact(f"no longer followed; {self._goes_on()}")
            raise
        self._progress.close()
        if run.state != "SUCCEEDED":
            raise BackendError(self._failure(run))
        promoted = verdict(run)
        if promoted is None:
            raise BackendError(
                f"run {self._run_id} succeeded, but its tasks do not tell whether the model was"
                f" promoted; see {self._server.run_address(self._run_id)}"
            )
        self._progress.fact(_ending(run, promoted=promoted))
        return promoted

    def _to_the_end(self, seconds: float) -> Run:
        deadline, settle = self._clock.monotonic() + seconds, math.inf
        while True:
            run = self._look()
            now = self._clock.monotonic()
            if run is not None:
                self._show(run)
                if run.ended:
                    settle = min(settle, now + SETTLE_SECONDS)
                    if self._settled(run) or now >= settle:
                        return run
            if now >= deadline:
                raise BackendError(f"not at its end after {seconds:g} s; {self._goes_on()}")
            self._clock.sleep(POLL_SECONDS)

    def _look(self) -> Run | None:
        now = self._clock.monotonic()
        try:
            run = self._server.run(self._run_id)
        except BackendError as error:
            if self._silent_since is None:
                self._silent_since = now
                if error.retryable:
                    self._progress.fact(f"{error}; asking again")
            if error.retryable and now - self._silent_since < PATIENCE_SECONDS:
                return None
            raise BackendError(f"{error}; {self._goes_on()}") from error
        self._silent_since = None
        return run

    def _show(self, run: Run) -> None:
        news = [
            task
            for task in run.tasks
            if task.name in self._steps and self._shown.get(task.name) != task.state
        ]
        for task in sorted(news, key=_when):
            self._shown[task.name] = task.state
            match task.state:
                case "RUNNING":
                    self._progress.step_started(task.name)
                case "SUCCEEDED":
                    self._progress.step_finished(task.name, seconds=task.seconds)
                case state if state in BROKEN:
                    self._progress.step_failed(task.name, seconds=task.seconds)
                case _:
                    continue

    def _settled(self, run: Run) -> bool:
        if run.state == "SUCCEEDED":
            return verdict(run) is not None
        return bool(self._broken(run))

    def _broken(self, run: Run) -> list[str]:
        names = {task.name.removesuffix(DRIVER) for task in run.tasks if task.state in BROKEN}
        return sorted(names & self._steps)

    def _failure(self, run: Run) -> str:
        broken = self._broken(run)
        where = f" at {' and '.join(broken)}" if broken else ""
        why = f" ({run.error})" if run.error else ""
        return (
            f"run {self._run_id} ended as {run.state}{where}{why}; its logs are at"
            f" {self._server.run_address(self._run_id)}, its pods under: kubectl get pods"
            f" -n {self._namespace} -l pipeline/runid={self._run_id}"
        )

    def _goes_on(self) -> str:
        return (
            f"run {self._run_id} goes on: {self._server.run_address(self._run_id)}; stop it there,"
            f" or with: {self._curl} -X POST {self._server.stop_address(self._run_id)}"
        )


def _when(task: Task) -> tuple[float, str]:
    return (math.inf if task.ended is None else task.ended.timestamp(), task.name)


def _ending(run: Run, *, promoted: bool) -> str:
    if promoted:
        return "promoted: the new version has all traffic"
    if any(task.name == "roll-back" for task in run.tasks):
        return "not promoted: the canary was taken back"
    return "not promoted: a gate did not pass; the report of decide_promotion says which"
