"""Says what is being done, with the seconds each part took; safe to use from several threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from headgate.cli.progress import Progress


@dataclass(slots=True)
class Step:
    """A part of the work; what it found goes into `note`."""

    note: str = ""


class Steps:
    """Progress of the kind tool: one line a part, drawn in place on a terminal."""

    def __init__(
        self, progress: Progress | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        """Choose where to write.

        Args:
            progress: Where the lines go; None is standard output.
            clock: Seconds on a clock that never goes back.
        """
        self._progress = progress or Progress()
        self._clock = clock
        self._lock = Lock()

    @contextmanager
    def part(self, name: str) -> Iterator[Step]:
        """Do a part of the work.

        Args:
            name: What it does, in a few words.

        Yields:
            Takes a note of what was found.
        """
        started = self._clock()
        step = Step()
        self.begin(name)
        try:
            yield step
        except BaseException:
            self.fail(name, self._clock() - started, step.note)
            raise
        self.end(name, self._clock() - started, step.note)

    def heading(self, title: str) -> None:
        """Begin a piece of work.

        Args:
            title: Its heading.
        """
        with self._lock:
            self._progress.start_run(title)

    def begin(self, name: str) -> None:
        """Say that a part began."""
        with self._lock:
            self._progress.step_started(name)

    def end(self, name: str, seconds: float, note: str = "") -> None:
        """Say that a part is done, how long it took and what it found."""
        with self._lock:
            self._progress.step_finished(name, seconds=seconds, note=note)

    def fail(self, name: str, seconds: float, note: str = "") -> None:
        """Say that a part failed, after how long and why."""
        with self._lock:
            self._progress.step_failed(name, seconds=seconds, note=note)

    def say(self, *lines: str) -> None:
        """Say something worth knowing, a line each."""
        with self._lock:
            for line in lines:
                self._progress.fact(line)

    def close(self) -> None:
        """Give the terminal back."""
        with self._lock:
            self._progress.close()
