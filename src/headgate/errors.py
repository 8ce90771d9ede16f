"""Errors that headgate raises on purpose.

* HeadgateError
  x ConfigError      a parameter or a problem file is wrong; do not retry (exit code 2)
  x DataError        the data break a documented contract; do not retry (exit code 3)
    + NoDataError    there is nothing to measure; never read as a good or a bad measurement
  x BackendError     a cluster, a server or a service failed; `retryable` says whether to try again
                     (exit code 4)

A message says what was wrong, the value seen and what is allowed, on one line. A failed gate is a
result, not an error.
"""


class HeadgateError(Exception):
    """Base class of every error raised on purpose."""

    retryable = False


class ConfigError(HeadgateError):
    """A parameter or a problem file is wrong."""


class DataError(HeadgateError):
    """The data break a documented contract."""


class NoDataError(DataError):
    """There is nothing to measure: no rows, no requests, no answer of any source."""


class BackendError(HeadgateError):
    """A cluster, a server or a service failed."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        """Keep whether the same call may succeed later.

        Args:
            message: What failed, where, and what to do about it.
            retryable: Whether the same call may succeed later.
        """
        super().__init__(message)
        self.retryable = retryable
