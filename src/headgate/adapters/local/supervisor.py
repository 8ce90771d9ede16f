"""The supervisor process: `python -m headgate.adapters.local.supervisor --folder DIR`.

It owns everything that runs locally. Its parent holds the other end of its stdin; when that closes,
however the parent ended, the supervisor stops everything and exits. On stdout it hands over, as one
line of JSON that no other process can read, its address and its token.
"""

import argparse
import asyncio
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from headgate.adapters.local.control import control_api
from headgate.adapters.local.core import Core
from headgate.adapters.local.processes import listening_socket
from headgate.errors import BackendError, HeadgateError

LOG = logging.getLogger("headgate.supervisor")
FAILED = 4


class _Server(uvicorn.Server):
    """A server that leaves the signals alone: the supervisor has children to stop first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def supervise(folder: Path, *, proxy_port: int, ready_seconds: float) -> None:
    """Run the local world until the parent is gone or a signal arrives.

    Args:
        folder: Everything is kept under it.
        proxy_port: Port of the proxy; 0 takes a free one.
        ready_seconds: How long a model server may take until it is ready.

    Raises:
        BackendError: If the proxy cannot start, or the guard failed; everything is stopped then.
    """
    core = Core(folder, proxy_port=proxy_port, ready_seconds=ready_seconds)
    token = secrets.token_urlsafe(32)
    ended = await _end_of_parent_or_signal()
    try:
        await core.start(on_failure=ended.set)
        with listening_socket() as opened:
            config = uvicorn.Config(
                control_api(core, token=token),
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                log_level="warning",
            )
            server = _Server(config)
            serving = asyncio.create_task(server.serve(sockets=[opened]))
            url = f"http://127.0.0.1:{opened.getsockname()[1]}"
            _hand_over({"url": url, "token": token, "proxy_url": core.proxy_url})
            await ended.wait()
            LOG.info("stopping")
            serving.cancel()
        if core.guard.failure is not None:
            LOG.critical("the guard failed", exc_info=core.guard.failure)
            raise BackendError(
                f"the guard failed ({core.guard.failure!r}); everything is stopped, because there"
                " must be no traffic without a guard"
            )
    finally:
        await core.stop()


async def _end_of_parent_or_signal() -> asyncio.Event:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    # Nothing is ever written to the pipe: readable means closed.
    loop.add_reader(sys.stdin.fileno(), ended.set)
    return ended


def _hand_over(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    # Nobody reads on; a stray print must not fail on a closed pipe.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the folder: two supervisors would fight over its route."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BackendError(
                f"{folder} is in use by the supervisor with process id {lock.read().strip()}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def main(arguments: Sequence[str]) -> int:
    """Run the supervisor.

    Args:
        arguments: Command line without the program's name.

    Returns:
        Exit code: 0 after a stop, 4 if it could not start or its guard failed.
    """
    parser = argparse.ArgumentParser(prog="headgate.adapters.local.supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--proxy-port", type=int, default=0)
    parser.add_argument("--ready-seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    logging.getLogger("headgate").setLevel(logging.INFO)
    folder = options.folder.resolve()
    try:
        with _held(folder):
            asyncio.run(
                supervise(
                    folder,
                    proxy_port=options.proxy_port,
                    ready_seconds=options.ready_seconds,
                )
            )
    except HeadgateError as error:
        _hand_over({"error": type(error).__name__, "message": str(error)})
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
