"""The few pieces of ASGI that a server without a framework needs."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 1024 * 1024  # three times what a request of 1000 rows of a dozen columns has
JSON: Headers = [(b"content-type", b"application/json")]


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete; nobody waits for us."""


class BodyTooLargeError(Exception):
    """The body has more than `MAX_BODY_BYTES`."""


async def read_body(receive: Receive) -> bytes:
    """Read the body of a request.

    Args:
        receive: The request's messages.

    Returns:
        The whole body.

    Raises:
        ClientGoneError: If the client closed the connection.
        BodyTooLargeError: If the body is too large; the rest of it is not read.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    return body


async def answer(send: Send, status: int, body: bytes, headers: Headers = JSON) -> None:
    """Send a whole answer.

    Args:
        send: Takes the answer's messages.
        status: HTTP status.
        body: The body.
        headers: All but the length.
    """
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def error(message: str) -> bytes:
    """Return the body of an error, in the form of the Open Inference Protocol.

    Args:
        message: What was wrong, the value seen, what is allowed.
    """
    return msgspec.json.encode({"error": message})
