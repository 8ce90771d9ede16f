"""Run an application on a socket until somebody ends it, without losing a request."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from types import FrameType

import uvicorn

from headgate.adapters.bundle_fetch import authorization_header, fetch_bundle
from headgate.adapters.bundles import Bundle, read_bundle
from headgate.adapters.inference import Engine
from headgate.errors import HeadgateError
from headgate.serving.asgi import App, Message, Receive, Scope, Send, answer
from headgate.serving.instrument import instrument
from headgate.serving.predictor import predictor

LOG = logging.getLogger("headgate.serving")
# Who closes an idle connection first must not be the server, or a request that is on its way at
# that moment is lost. Proxies hold one for up to an hour: Traefik 90 s, Envoy 1 h, unless told
# otherwise. The end of a drain closes it all the same.
KEEP_ALIVE_SECONDS = 3700
FINISH_SECONDS = 10  # for requests that have begun when the drain is over


def argument_parser() -> argparse.ArgumentParser:
    """Return the command line of the predictor; a custom server adds its own arguments."""
    parser = argparse.ArgumentParser(
        prog="headgate.serving", description="Serve a bundle over HTTP."
    )
    bundle = parser.add_mutually_exclusive_group(required=True)
    bundle.add_argument("--bundle", help="folder of the bundle")
    bundle.add_argument(
        "--bundle-url", metavar="URL", help="the same on a registry's server, by http or https"
    )
    parser.add_argument("--version", required=True, help="version of the model")
    parser.add_argument("--deployment", required=True, help="name of the deployment")
    parser.add_argument(
        "--sha256", required=True, help="checksum of the bundle; another one is not served"
    )
    parser.add_argument(
        "--slow-above-ms", type=float, default=100.0, help="an answer slower than this is counted"
    )
    parser.add_argument("--fd", type=int, help="listening socket that this process inherited")
    parser.add_argument("--host", default="127.0.0.1", help="address, if there is no --fd")
    parser.add_argument("--port", type=int, default=8080, help="port, if there is no --fd; 0: any")
    parser.add_argument(
        "--drain-seconds",
        type=float,
        default=0.5,
        help="after SIGTERM: time to go on answering, as not ready, while clients turn away",
    )
    return parser


def open_engine(options: argparse.Namespace) -> Engine:
    """Fetch, verify and load the bundle.

    Credentials for the registry's server are taken from the environment, as MLflow's own client
    takes them: a command line is for all to see.

    Args:
        options: As `argument_parser` parsed them.

    Returns:
        The model.

    Raises:
        SystemExit: With one line and status 1, if the bundle is not the expected one or its server
            does not hand it out; with status 143 on SIGTERM.
    """
    # As process 1 of a container it would be deaf to the signal without a handler of its own.
    signal.signal(signal.SIGTERM, _leave)
    try:
        return Engine(_bundle(options))
    except HeadgateError as error:
        raise SystemExit(f"headgate.serving: {error}") from error


def instrumented(app: App, engine: Engine, options: argparse.Namespace) -> App:
    """Put metrics around an application, as the command line says.

    Args:
        app: What answers; faults and other behaviour belong inside.
        engine: Gives the model's name.
        options: As `argument_parser` parsed them.
    """
    return instrument(
        app,
        model=engine.record.name,
        version=options.version,
        deployment=options.deployment,
        slow_above_ms=options.slow_above_ms,
    )


def serve(app: App, options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT.

    On the first signal the server reports itself as not ready and closes each connection after
    its next answer, but goes on accepting and answering for `--drain-seconds`; then it finishes
    what has begun. A second signal ends it at once.

    Args:
        app: The application, ready to answer.
        options: As `argument_parser` parsed them.

    Raises:
        SystemExit: With one line and status 1, if the socket cannot be used.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        listener = _listener(options)
    except OSError as error:
        raise SystemExit(f"headgate.serving: cannot listen ({error})") from error
    draining = _Draining(app)
    config = uvicorn.Config(
        draining,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    LOG.info("%s version %s on %s:%s", options.deployment, options.version, host, port)
    _Server(config, draining, seconds=options.drain_seconds).run([listener])
    LOG.info("%s stopped", options.deployment)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a bundle.

    Args:
        arguments: Command line; None takes the process's own.
    """
    options = argument_parser().parse_args(arguments)
    engine = open_engine(options)
    app = predictor(engine, version=options.version, deployment=options.deployment)
    serve(instrumented(app, engine, options), options)


class _Draining:
    def __init__(self, app: App) -> None:
        self._app = app
        self.active = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.active:
            await self._app(scope, receive, send)
        elif scope["path"] == "/v2/health/ready":
            await answer(_closing(send), 503, b'{"ready":false}')
        else:
            await self._app(scope, receive, _closing(send))


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"].append((b"connection", b"close"))
        await send(message)

    return closing


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, draining: _Draining, *, seconds: float) -> None:
        super().__init__(config)
        self._draining, self._seconds = draining, seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own handler closes idle connections at once, and ends as if killed.
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self._draining.active:
            self.should_exit = self.force_exit = True
            return
        self._draining.active = True
        LOG.info("draining for %g s", self._seconds)
        asyncio.get_running_loop().call_later(self._seconds, self._finish)

    def _finish(self) -> None:
        self.should_exit = True


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _bundle(options: argparse.Namespace) -> Bundle:
    if options.bundle_url is None:
        return read_bundle(options.bundle, sha256=options.sha256)
    return fetch_bundle(
        options.bundle_url, sha256=options.sha256, authorization=authorization_header(os.environ)
    )


def _listener(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    return socket.create_server((options.host, options.port))
