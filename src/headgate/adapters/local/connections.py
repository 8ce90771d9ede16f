"""Keep-alive HTTP/1.1 connections for the traffic generator, one request at a time on each.

A load generator shares two cores with what it measures. Against the same server at 1,500 requests/s
aiohttp took 0.40 to 0.51 of a core, this file 0.12 to 0.14; hence not a client library.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, cast

_LENGTH = b"\r\ncontent-length:"
_DEPLOYMENT = b"\r\nx-headgate-deployment:"
_CHUNKED = b"\r\ntransfer-encoding: chunked"
_CLOSE = b"\r\nconnection: close"


class Answer(NamedTuple):
    """What came back."""

    status: int
    deployment: str  # who answered; "" for the proxy itself
    body: bytes
    last: bool  # the server closes the connection after it


Done = Callable[[Answer | None], None]  # None: no answer, the request is lost


def parse_answer(received: bytes) -> Answer | None:
    """Parse one HTTP/1.1 response.

    Args:
        received: All bytes since the request.

    Returns:
        The answer, or None if it is not complete yet.

    Raises:
        ValueError: If it is not HTTP/1.1.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()  # header names have no case
    if not head.startswith(b"http/1.1 "):
        raise ValueError(f"not an HTTP/1.1 answer: {head[:40]!r}")
    if _CHUNKED in head:
        body = _chunks(received, end + 4)
    else:
        body = received[end + 4 : end + 4 + int(_value(head, _LENGTH) or 0)]
        if len(body) < int(_value(head, _LENGTH) or 0):
            body = None
    if body is None:
        return None
    return Answer(int(head[9:12]), _value(head, _DEPLOYMENT).decode(), body, _CLOSE in head)


def _value(head: bytes, name: bytes) -> bytes:
    start = head.find(name)
    if start < 0:
        return b""
    start += len(name)
    end = head.find(b"\r\n", start)
    return head[start : len(head) if end < 0 else end].strip()


def _chunks(received: bytes, start: int) -> bytes | None:
    parts: list[bytes] = []
    while True:
        line = received.find(b"\r\n", start)
        if line < 0:
            return None
        size = int(received[start:line].partition(b";")[0], 16)
        start = line + 2 + size + 2
        if len(received) < start:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(received[line + 2 : line + 2 + size])


class Connections:
    """A pool that grows as needed; what is idle is reused, the latest first."""

    def __init__(self, host: str, port: int, *, timeout_seconds: float) -> None:
        """Keep the address; nothing is opened yet.

        Args:
            host: Whom to ask.
            port: Where.
            timeout_seconds: A request without an answer for this long is lost.
        """
        self._host, self._port, self._timeout = host, port, timeout_seconds
        self._idle: list[_Connection] = []
        self._busy: dict[_Connection, float] = {}
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""
        return len(self._busy) + len(self._opening)

    def ask(self, request: bytes, done: Done) -> None:
        """Send a request.

        Args:
            request: All its bytes.
            done: Called once, with the answer or None.
        """
        if self._idle:
            self._start(self._idle.pop(), request, done)
            return
        task = asyncio.create_task(self._open(request, done))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def drop_late(self) -> None:
        """Give up requests that have waited too long."""
        limit = time.monotonic() - self._timeout
        # Requests start in the order in which they stand here.
        for connection, start in list(self._busy.items()):
            if start > limit:
                break
            connection.abort()

    def close(self) -> None:
        """Close every connection; a request without an answer is lost."""
        for connection in (*self._idle, *self._busy):
            connection.abort()

    def release(self, connection: "_Connection", *, reuse: bool) -> None:
        """Take a connection back after its answer.

        Args:
            connection: The connection.
            reuse: Whether it may carry another request.
        """
        self._busy.pop(connection, None)
        if reuse:
            self._idle.append(connection)

    def forget(self, connection: "_Connection") -> None:
        """Strike a connection that is closed.

        Args:
            connection: The connection.
        """
        self._busy.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)

    def _start(self, connection: "_Connection", request: bytes, done: Done) -> None:
        self._busy[connection] = time.monotonic()
        connection.ask(request, done)

    async def _open(self, request: bytes, done: Done) -> None:
        opening = asyncio.get_running_loop().create_connection(
            lambda: _Connection(self), self._host, self._port
        )
        try:
            _, connection = await asyncio.wait_for(opening, self._timeout)
        except OSError:  # refused, unreachable or timed out
            self._opened()
            done(None)
            return
        self._opened()
        self._start(connection, request, done)

    def _opened(self) -> None:
        # At once, not when the task ends: nothing may be in flight and counted.
        task = asyncio.current_task()
        if task is not None:
            self._opening.discard(task)


class _Connection(asyncio.Protocol):
    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._received = b""
        self._done: Done | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, done: Done) -> None:
        self._done, self._received = done, b""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(request)
        else:
            self.connection_lost(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            answer = parse_answer(self._received)
        except ValueError:
            self.abort()
            return
        if answer is not None:
            done, self._done = self._done, None
            self._pool.release(self, reuse=not answer.last)
            if done is not None:
                done(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._pool.forget(self)
        done, self._done = self._done, None
        if done is not None:
            done(None)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
