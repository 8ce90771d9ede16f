"""Do something, but not for ever."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from headgate.errors import BackendError, HeadgateError

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do some work in another thread, and stop waiting for it when time is up.

    The thread is left behind then; it ends with its request, or with the process.

    Args:
        seconds: Patience.
        work: What to do; it must only look, never write.

    Returns:
        Its result.

    Raises:
        BackendError: Retryable if time is up; not retryable if the work broke in a way that nobody
            foresaw.
        HeadgateError: Whatever the work raises on purpose.
    """
    future: Future[Result] = Future()
    threading.Thread(target=_settle, args=(future, work), daemon=True).start()
    try:
        return future.result(timeout=seconds)
    except HeadgateError:
        raise
    except TimeoutError as error:
        raise BackendError(f"no answer within {seconds:g} s", retryable=True) from error
    except Exception as error:
        reason = " ".join(repr(error).split())
        raise BackendError(f"this check itself failed ({reason})") from error


def _settle(future: "Future[Result]", work: Callable[[], Result]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - handed over to the thread that waits
        future.set_exception(error)
