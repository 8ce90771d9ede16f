"""Answers to the kubelet's questions, from a thread beside the work."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

POLL_SECONDS = 0.05  # how long it takes to stop


class Probes:
    """Serves `/ready` and `/live`: 200 for yes, 503 for no."""

    def __init__(
        self, address: tuple[str, int], *, ready: Callable[[], bool], live: Callable[[], bool]
    ) -> None:
        """Open the port; nothing is answered yet.

        Args:
            address: Host and port; port 0 takes a free one.
            ready: Whether the work is being done.
            live: Whether it may go on; if not, the container is restarted.

        Raises:
            OSError: If the port is taken.
        """
        asked = {"/ready": ready, "/live": live}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = asked.get(self.path)
                status = 404 if found is None else 200 if found() else 503
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
                """Say nothing: the kubelet asks every few seconds."""

        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; what is being answered is cut off."""
        self._server.shutdown()
        self._server.server_close()
