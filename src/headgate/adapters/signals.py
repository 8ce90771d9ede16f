"""Turn a request to end into an exception, so that `finally` blocks run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raise_on_terminate(error: type[BaseException]) -> Iterator[None]:
    """Raise `error` in the main thread when SIGTERM arrives; Kubernetes and `kill` send that.

    Args:
        error: What to raise; made without arguments.

    Yields:
        Nothing; the handler before is put back at the end.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise error

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
