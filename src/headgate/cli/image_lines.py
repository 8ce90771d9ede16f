"""What a build says on the terminal: one line an image, its present instruction beside it."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from headgate.adapters.reporting import wording
from headgate.cli.progress_lines import BAD, MARKS, QUIET, fact_line

NAME_WIDTH = 22
STEP_WIDTH = 90
QUIET_SECONDS = 15.0  # without a terminal: between two lines of the same image


class BuildLines:
    """Draw the running build in place on a terminal; elsewhere a plain line every few seconds."""

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        """Choose where to write.

        Args:
            console: A rich console.
            clock: Seconds on a clock that never goes back.
        """
        self._console = console
        self._clock = clock
        self._status: Status | None = None
        self._name, self._began, self._said = "", 0.0, 0.0

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
        self._stop()

    def there(self, name: str) -> None:
        """Say that the engine has an image already.

        Args:
            name: The image.
        """
        self._name, self._began = name, self._clock()
        self._line("finished", "is there already")

    def begin(self, name: str) -> None:
        """Say that a build began.

        Args:
            name: The image.
        """
        self._name, self._began = name, self._clock()
        self._said = self._began
        if self._console.is_interactive:
            self._status = self._console.status(name, spinner="dots")
            self._status.start()
        else:
            self._line("started", "build")

    def step(self, text: str) -> None:
        """Say which instruction runs.

        Args:
            text: E.g. `7/24 : RUN update-ca-certificates`.
        """
        short = " ".join(text.split())[:STEP_WIDTH]
        if self._status is not None:
            self._status.update(f"{self._name:<{NAME_WIDTH}}[{QUIET}]{escape(short)}[/]")
        elif self._clock() - self._said >= QUIET_SECONDS:
            self._said = self._clock()
            self._line("started", short)

    def end(self, note: str) -> None:
        """Say that a build is done.

        Args:
            note: What came out.
        """
        self._stop()
        self._line("finished", note)

    def fail(self, tail: Sequence[str]) -> None:
        """Say that a build failed.

        Args:
            tail: Last lines of its log.
        """
        self._stop()
        self._line("failed", "")
        for line in tail:
            self._console.print(fact_line(line), soft_wrap=True)

    def _line(self, status: str, note: str) -> None:
        mark, style = MARKS[status]
        took = wording.duration(self._clock() - self._began)
        line = Text.assemble(
            "  ", (mark, style), f" {self._name:<{NAME_WIDTH}}", (f"{took:>9}", QUIET)
        )
        line.append(f"   {note}" if note else "", style=BAD if status == "failed" else "")
        self._console.print(line, soft_wrap=True)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
