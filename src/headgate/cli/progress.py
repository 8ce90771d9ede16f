"""Terminal progress: drawn in place on a terminal, one plain line a change everywhere else."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.status import Status
from rich.text import Text

from headgate.cli import progress_lines as lines
from headgate.cli.progress_lines import LiveRollout

Json = Mapping[str, Any]
LOG_WIDTH = 120  # of tables where there is no terminal to ask
QUIET_SECONDS = 5.0  # without a terminal: between two lines of the same stage


def standard_console() -> Console:
    """Return a console on standard output that draws in place only on a real terminal.

    FORCE_COLOR may ask for colours in a pipe; it must not bring cursor movements with it.
    """
    terminal = sys.stdout.isatty()
    return Console(
        highlight=False, force_interactive=terminal, width=None if terminal else LOG_WIDTH
    )


class Progress:
    """Say what a run does while it runs.

    On a terminal the running step and the rollout are drawn in place. Elsewhere (a pipe, a log)
    every change is one plain line without control characters, and a rollout that only gathers
    evidence says so at most every few seconds. NO_COLOR is obeyed.

    One object serves all runs of a command. Leaving it as a context manager, or calling `close`,
    gives the terminal back; both are safe at any time.
    """

    def __init__(
        self, console: Console | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        """Choose where to write.

        Args:
            console: A rich console; None writes to standard output.
            clock: Seconds on a clock that never goes back; for throttling only.
        """
        self._console = console or standard_console()
        self._clock = clock
        self._live: Live | None = None
        self._status: Status | None = None
        self._running: dict[str, float] = {}
        self._last_line: tuple[object, ...] | None = None
        self._last_at = 0.0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back."""
        self.close()

    def start_run(self, title: str) -> None:
        """Begin a run, or an act of a demo.

        Args:
            title: Its heading.
        """
        self.close()
        self._console.print()
        self._print(lines.run_heading(title))

    def step_started(self, name: str) -> None:
        """Say that a step of the pipeline runs.

        Args:
            name: E.g. `train-model`.
        """
        self._running[name] = self._clock()
        if self._console.is_interactive:
            self._show_running()

    def step_finished(self, name: str, *, seconds: float, note: str = "") -> None:
        """Say that a step is done.

        Args:
            name: The step.
            seconds: How long it took.
            note: What it found, in a few words.
        """
        self._end_step(name)
        self._print(lines.step_line(name, "finished", seconds=seconds, note=note))

    def step_failed(self, name: str, *, seconds: float, note: str = "") -> None:
        """Say that a step failed.

        Args:
            name: The step.
            seconds: How long it ran.
            note: Why, on one line.
        """
        self._end_step(name)
        self._print(lines.step_line(name, "failed", seconds=seconds, note=note))

    def fact(self, text: str) -> None:
        """Say something worth knowing, on a line of its own.

        Args:
            text: The line.
        """
        self._print(lines.fact_line(text))

    def training(self, training: Json) -> None:
        """Say how the model families did.

        Args:
            training: Report of `train_model`.
        """
        for text in lines.training_facts(training):
            self.fact(text)

    def gates(self, decision: Json) -> None:
        """Show every judged gate with its interval, limit and verdict.

        Args:
            decision: Report of `decide_promotion`.
        """
        if self._console.is_interactive:
            self._print(lines.gate_table(decision))
        else:
            for text in lines.gate_lines(decision):
                self.fact(text)
        footnote = lines.gate_footnote(decision)
        if footnote:
            self._print(Text(f"    {footnote}", style=lines.QUIET))

    def rollout(self, rollout: LiveRollout) -> None:
        """Show the rollout as it stands; call it as often as there is news.

        Args:
            rollout: The rollout at this moment.
        """
        if self._console.is_interactive:
            self._draw(lines.rollout_panel(rollout))
        else:
            self._log(rollout)

    def rollout_finished(self, rollout: Json) -> None:
        """Say how the rollout ended.

        Args:
            rollout: Report of `shift_traffic`.
        """
        self._stop_live()
        for text in lines.rollout_end(rollout):
            self._print(text)

    def finish(self, decisions: Sequence[Json], *, report: Path) -> None:
        """Close with a table of all runs, the reasons, and the path of the report.

        Args:
            decisions: `decision.json` of every run.
            report: Path of the report.
        """
        self.close()
        self._console.print()
        self._console.print(lines.summary_table(decisions))
        self._console.print()
        for text in lines.closing_lines(decisions, report=report):
            self._print(text)

    def close(self) -> None:
        """Stop drawing in place."""
        self._running.clear()
        self._last_line = None
        self._stop_status()
        self._stop_live()

    def _print(self, content: RenderableType) -> None:
        # On a log a long line stays one line; on a terminal it wraps.
        self._console.print(content, soft_wrap=not self._console.is_interactive)

    def _show_running(self) -> None:
        names = ", ".join(name.replace("-", " ") for name in self._running)
        if self._status is None:
            self._stop_live()  # rich draws one thing in place at a time
            self._status = self._console.status(names, spinner="dots")
            self._status.start()
        else:
            self._status.update(names)

    def _end_step(self, name: str) -> None:
        self._running.pop(name, None)
        self._stop_live()
        if self._status is None:
            return
        if self._running:
            self._show_running()
        else:
            self._stop_status()

    def _stop_status(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, content: RenderableType) -> None:
        if self._live is None:
            self._stop_status()
            self._live = Live(content, console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(content, refresh=True)

    def _log(self, rollout: LiveRollout) -> None:
        key = (rollout.weight, rollout.phase)
        now = self._clock()
        if key == self._last_line and now - self._last_at < QUIET_SECONDS:
            return
        self._last_line, self._last_at = key, now
        self._print(lines.rollout_line(rollout))
