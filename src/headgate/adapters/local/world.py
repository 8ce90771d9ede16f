"""Start the local world and be sure that it ends."""

import json
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Self

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.errors import BackendError

START_SECONDS = 60.0  # imports on a busy machine; usually 2 s
STOP_SECONDS = 5.0  # it kills its children, which takes a fraction of a second


class World:
    """A running supervisor; a context manager. Without this process it ends by itself."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", *, url: str, token: str, proxy_url: str
    ) -> None:
        """Keep the handle of a supervisor that runs; `start_world` makes it.

        Args:
            process: The supervisor; its stdin is the pipe that keeps it alive.
            url: Address of its API.
            token: Bearer token of its API.
            proxy_url: Where users send their requests.
        """
        self._process = process
        self.url, self.token, self.proxy_url = url, token, proxy_url

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the supervisor process has not ended; its log says why if it has."""
        return self._process.poll() is None

    def cluster(self) -> LocalCluster:
        """Return a new client of this world."""
        return LocalCluster(self.url, self.token)

    def stop(self) -> None:
        """Stop everything; doing it twice is fine."""
        _end(self._process)

    def __enter__(self) -> Self:
        """Return the world itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()


def start_world(
    folder: Path,
    *,
    traffic: TrafficPlan | None = None,
    proxy_port: int = 0,
    ready_seconds: float = 60.0,
) -> World:
    """Start a supervisor with its proxy and guard, and wait until it can be used.

    It ends when `stop` is called, when this process ends in whatever way, or on SIGTERM.

    Args:
        folder: Everything is kept under it: `route.json`, `logs/`. A route that is there already
            continues; an unfinished rollout is taken back first.
        traffic: Rows to replay from the start; None sends nothing.
        proxy_port: Port of the proxy on 127.0.0.1; 0 takes a free one.
        ready_seconds: How long a model server may take until it is ready.

    Returns:
        The world.

    Raises:
        BackendError: If the folder or the port is in use, or the proxy cannot start.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "headgate.adapters.local.supervisor"]
    command += ["--folder", str(folder), "--proxy-port", str(proxy_port)]
    command += ["--ready-seconds", str(ready_seconds)]
    with (logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # a Ctrl-C at the terminal reaches the parent alone
        )
    try:
        told = _told(process, logs / "supervisor.log")
        world = World(process, url=told["url"], token=told["token"], proxy_url=told["proxy_url"])
        if traffic is not None:
            with world.cluster() as cluster:
                cluster.set_traffic(traffic)
    except BaseException:
        _end(process)
        raise
    return world


def _told(process: "subprocess.Popen[bytes]", log: Path) -> dict[str, str]:
    """Read what the supervisor hands over."""
    assert process.stdout is not None  # noqa: S101 - opened with PIPE
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(START_SECONDS):
            raise BackendError(
                f"the supervisor was not ready within {START_SECONDS:g} s; see {log}"
            )
    line = process.stdout.readline()
    if not line:
        raise BackendError(f"the supervisor ended with code {process.wait()}; see {log}")
    told: dict[str, str] = json.loads(line)
    if "error" in told:
        raise BackendError(told["message"])
    return told


def _end(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
