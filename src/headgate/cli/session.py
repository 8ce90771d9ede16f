"""One sitting with a model: a world that serves, and runs that try to change what it serves."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from headgate.adapters.clock import SystemClock
from headgate.adapters.files import write_json, write_table
from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.adapters.local.world import World, start_world
from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
from headgate.adapters.problem_file import problem_text
from headgate.adapters.reporting import write_report
from headgate.adapters.signals import raise_on_terminate
from headgate.adapters.tables import load_table
from headgate.cli.follow import Follower
from headgate.cli.progress import Progress
from headgate.cli.records import DECISION, RunFacts, decision_of, load_runs
from headgate.cli.steps import PipelineProcess
from headgate.cli.workspace import Workspace
from headgate.errors import BackendError, HeadgateError
from headgate.problem import Problem
from headgate.sampling import assign_parts
from headgate.usecases.roll_back import roll_back
from headgate.usecases.serve import serve_champion
from headgate.usecases.target import recorded_state

if TYPE_CHECKING:
    import pandas as pd

TRAFFIC_ROWS = "traffic.parquet"  # under the world's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run ended."""

    folder: Path
    decision: Mapping[str, object]

    @property
    def promoted(self) -> bool:
        """Whether the candidate serves 100 % now."""
        return bool(self.decision["promoted"])


class Session:
    """A held workspace with its local world running.

    Leaving it stops everything that runs. An interrupt first takes the traffic back to the
    champion.
    """

    def __init__(
        self, workspace: Workspace, problem: Problem, *, progress: Progress, proxy_port: int = 0
    ) -> None:
        """Name the parts; nothing starts before the session is entered.

        Args:
            workspace: The `--out` folder.
            problem: Whose held-out rows are the traffic.
            progress: Where to say what happens.
            proxy_port: Port of the proxy; 0 takes a free one.
        """
        self.workspace = workspace
        self.progress = progress
        self._problem = problem
        self._proxy_port = proxy_port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Hold the folder, start the world, let the champion serve.

        Raises:
            ConfigError: If the folder is in use or belongs to another model.
            DataError: If the table breaks its contract.
            BackendError: If the world does not start.
        """
        try:
            self._stack.enter_context(raise_on_terminate(KeyboardInterrupt))
            rows = self._traffic_rows()  # first: a broken table must leave no folder behind
            self._stack.enter_context(self.workspace.held(self._problem))
            write_table(self.workspace.world / TRAFFIC_ROWS, rows)
            create_store(self.workspace.registry_uri)
            self._world: World = self._stack.enter_context(
                start_world(self.workspace.world, proxy_port=self._proxy_port)
            )
            self._cluster = self._stack.enter_context(
                LocalCluster(self._world.url, self._world.token)
            )
            self._registry = MlflowRegistry(self.workspace.registry_uri)
            self._restore_champion()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything that runs."""
        self._stack.close()

    def promote(self, problem: Problem, *, title: str) -> Outcome:
        """Run the `promotion` pipeline: train, judge, register, release.

        Args:
            problem: The problem; same model and columns as the session's.
            title: Heading of the run in the report.

        Returns:
            How it ended.
        """
        return self._run(problem, title=title, version=None, arguments={"as_of": _now()})

    def release(
        self, problem: Problem, *, version: str, title: str, command: Sequence[str] = ()
    ) -> Outcome:
        """Run the `canary` pipeline: release a registered version, or take it back out.

        Args:
            problem: The problem whose rollout plan holds.
            version: Version of the registered model.
            title: Heading of the run in the report.
            command: Command of the model server; empty means the predictor.

        Returns:
            How it ended.
        """
        arguments: dict[str, object] = {"version": version, "run_id": _now(), "command": [*command]}
        return self._run(problem, title=title, version=version, arguments=arguments)

    def _run(
        self, problem: Problem, *, title: str, version: str | None, arguments: dict[str, object]
    ) -> Outcome:
        folder = self.workspace.new_run()
        started = _now()
        self.progress.start_run(title)
        (folder / "problem.json").write_text(problem_text(problem), encoding="utf-8")
        process = PipelineProcess(
            "promotion" if version is None else "canary",
            {
                "problem": problem_text(problem),
                "registry_uri": self.workspace.registry_uri,
                "cluster_url": self._world.url,
                "cluster_token": self._world.token,
                **arguments,
            },
            folder=folder,
        )
        error = self._follow(process, problem)
        reason = _why(error)
        self._calm(problem, reason)
        facts = RunFacts(
            title=title,
            problem=problem,
            started_at=started,
            ended_at=_now(),
            version=version,
            error=reason,
        )
        decision = decision_of(folder, facts, registry=self._registry)
        write_json(folder / DECISION, decision)
        write_report(self.workspace.report, load_runs(self.workspace.runs()))
        if error is not None:
            raise error
        return Outcome(folder=folder, decision=decision)

    def _follow(self, process: PipelineProcess, problem: Problem) -> BaseException | None:
        """Follow the pipeline to its end; return what ended it early, an interrupt too."""
        follower = Follower(
            process=process,
            cluster=self._cluster,
            traffic=self._traffic(problem),
            stages_percent=problem.rollout.stages_percent,
            progress=self.progress,
            world_runs=lambda: self._world.running,
        )
        try:
            follower.follow()
            return process.error()
        except BaseException as error:  # noqa: BLE001 - raised again once everything is on record
            process.stop()
            return error

    def _calm(self, problem: Problem, reason: str | None) -> None:
        """Take an unfinished canary back after an early end, and stop the traffic."""
        with suppress(BackendError):  # where the world is gone, so is its canary
            state = recorded_state(self._cluster.read())
            if reason is not None and state is not None and not state.phase.is_final:
                roll_back(
                    problem.name,
                    state.canary,
                    router=self._cluster,
                    metrics=self._cluster,
                    deployments=self._cluster,
                    registry=self._registry,
                    clock=SystemClock(),
                    reason=reason,
                )
        with suppress(BackendError):
            self._cluster.set_traffic(replace(self._traffic(problem), rate=0.0))

    def _traffic(self, problem: Problem) -> TrafficPlan:
        return TrafficPlan(
            rate=problem.rollout.traffic_per_second,
            rows=str(self.workspace.world / TRAFFIC_ROWS),
            target=problem.target.column,
            features=problem.columns.features,
            seed=problem.training.seed,
            label_delay_seconds=problem.rollout.label_delay_seconds,
        )

    def _traffic_rows(self) -> "pd.DataFrame":
        # The keyed split gives the same parts everywhere, so no step needs to hand these rows over.
        table = load_table(self._problem)
        parts = assign_parts(table, self._problem.split, self._problem.columns.id)
        live: pd.DataFrame = table[parts == "live"]
        return live

    def _restore_champion(self) -> None:
        serve_champion(
            self._problem.name,
            slow_above_ms=self._problem.rollout.slow_above_ms,
            router=self._cluster,
            deployments=self._cluster,
            registry=self._registry,
            clock=SystemClock(),
        )


def _why(error: BaseException | None) -> str | None:
    match error:
        case None:
            return None
        case KeyboardInterrupt():
            return "interrupted by the user"
        case HeadgateError():
            return f"{type(error).__name__}: {error}"
        case _:
            return f"unexpected {type(error).__name__}: {error}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
