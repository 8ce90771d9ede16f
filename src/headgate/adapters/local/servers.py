"""The model servers: one child process a deployment, polled until ready, restarted a few times."""

import asyncio
import re
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from headgate.adapters.local import processes
from headgate.adapters.scraping import pod_counters
from headgate.errors import BackendError, ConfigError, NoDataError
from headgate.ports import ConflictError, DeploymentSpec, DeploymentStatus, PodCounters

PREDICTOR = (sys.executable, "-m", "headgate.serving")
MAX_RESTARTS = 3  # a server that keeps crashing is broken; more restarts would only hide it
RESTART_SECONDS = 0.2  # doubled at each restart
POLL_SECONDS = 0.05
SCRAPE_SECONDS = 1.0  # the page of a living server takes milliseconds
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # what Kubernetes allows, too


@dataclass(kw_only=True)
class Server:
    """One deployment: what shall run, and what does."""

    spec: DeploymentSpec
    log: Path
    port: int = 0
    process: Process | None = None
    started: str = ""
    ready: bool = False
    restarts: int = 0
    reason: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def status(self) -> DeploymentStatus:
        """Return what the port calls a status; `reason` is set only when it is down for good."""
        return DeploymentStatus(
            name=self.spec.name,
            version=self.spec.version,
            ready=self.ready,
            restarts=self.restarts,
            reason=self.reason,
        )


class ModelServers:
    """Starts, watches, scrapes and stops model servers."""

    def __init__(
        self,
        logs: Path,
        *,
        ready_seconds: float,
        on_endpoints: Callable[[dict[str, int]], Awaitable[None]],
        on_event: Callable[[str, str], None],
    ) -> None:
        """Keep the settings; nothing runs yet.

        Args:
            logs: Folder of the log files, one a deployment.
            ready_seconds: How long a server may take until it answers that it is ready.
            on_endpoints: Awaited with the port of each deployment when one of them changed; a
                server counts as ready only afterwards.
            on_event: Called with kind and message at each change of state.
        """
        self._logs, self._ready_seconds = logs, ready_seconds
        self._on_endpoints, self._on_event = on_endpoints, on_event
        self._servers: dict[str, Server] = {}
        self._changing = asyncio.Lock()
        self._http = httpx.AsyncClient(timeout=SCRAPE_SECONDS, trust_env=False)

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Start a server, or attach to the one that runs under that name.

        Args:
            spec: What shall run.

        Returns:
            Its status right now.

        Raises:
            ConfigError: If the name could not be a deployment's.
            ConflictError: If the name is taken by another specification.
        """
        if NAME.fullmatch(spec.name) is None:
            raise ConfigError(
                f"deployment {spec.name!r}: a name has 1 to 63 of a-z, 0-9 and inner dashes"
            )
        server = self._servers.get(spec.name)
        if server is not None and server.spec != spec:
            raise ConflictError(
                f"deployment {spec.name} exists with another specification; remove it first"
            )
        if server is None or (server.task is not None and server.task.done()):
            server = Server(spec=spec, log=self._logs / f"{spec.name}.log")
            self._servers[spec.name] = server
            server.task = asyncio.create_task(self._keep(server))
            self._on_event("deployment", f"{spec.name} starts")
        return server.status()

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None if there is no such deployment.
        """
        server = self._servers.get(name)
        return None if server is None else server.status()

    def statuses(self) -> list[DeploymentStatus]:
        """Return the status of every deployment, oldest first."""
        return [server.status() for server in self._servers.values()]

    def pids(self) -> dict[str, int]:
        """Return the process id of every server that runs."""
        return {
            name: server.process.pid
            for name, server in self._servers.items()
            if server.process is not None and server.process.returncode is None
        }

    def detach(self, name: str) -> Server | None:
        """Forget a deployment at once; its weight, and then `end`, are the caller's matter.

        Args:
            name: Its name.

        Returns:
            Its server, still running; None if there is no such deployment.
        """
        return self._servers.pop(name, None)

    async def end(self, server: Server) -> None:
        """Stop a server that was detached; it may finish the requests it has begun.

        Args:
            server: The server.
        """
        await self._stop(server)
        await self._publish()
        self._on_event("deployment", f"{server.spec.name} removed")

    async def close(self) -> None:
        """Kill every server."""
        await asyncio.gather(*(self._stop(server, seconds=0) for server in self._servers.values()))
        await self._http.aclose()

    async def counters(self, name: str) -> tuple[PodCounters, ...]:
        """Scrape a deployment's server.

        Args:
            name: Its name.

        Returns:
            One entry.

        Raises:
            NoDataError: If there is no such deployment, or its server is not ready or silent.
        """
        server = self._servers.get(name)
        if server is None:
            raise NoDataError(f"there is no deployment {name}; there are {list(self._servers)}")
        # Read before the wait: a restart during it changes both.
        pod, started = f"{name}-{server.restarts}", server.started
        if not server.ready:
            raise NoDataError(f"{pod} cannot be scraped: it is not ready")
        try:
            page = await self._http.get(f"http://127.0.0.1:{server.port}/metrics")
            page.raise_for_status()
        except httpx.HTTPError as error:
            raise NoDataError(f"{pod} cannot be scraped ({type(error).__name__})") from error
        return (
            pod_counters(
                page.text, pod=pod, started=started, slow_above_ms=server.spec.slow_above_ms
            ),
        )

    async def _keep(self, server: Server) -> None:
        """Run a server until it is down for good."""
        name = server.spec.name
        while True:
            start = server.log.stat().st_size if server.log.exists() else 0
            try:
                process = await self._spawn(server)
            except OSError as error:
                self._give_up(
                    server, f"cannot be started ({error.strerror}): {server.spec.command}"
                )
                return
            if not await self._until_ready(server, process):
                code = process.returncode
                await processes.stop(process, seconds=0)
                late = f"was not ready within {self._ready_seconds:g} s"
                what = late if code is None else f"{processes.exit_text(code)} before it was ready"
                self._give_up(server, f"{what}: {processes.tail(server.log, start=start)}")
                return
            code = await process.wait()
            processes.kill_group(process)
            server.ready = False
            what = f"{processes.exit_text(code)}: {processes.tail(server.log, start=start)}"
            if server.restarts >= MAX_RESTARTS:
                self._give_up(server, f"{what} (after {server.restarts} restarts)")
                return
            self._on_event("deployment", f"{name} {what}; restarting it")
            await asyncio.sleep(RESTART_SECONDS * 2**server.restarts)
            server.restarts += 1

    def _give_up(self, server: Server, reason: str) -> None:
        server.ready, server.reason = False, reason
        self._on_event("deployment", f"{server.spec.name} {reason}")

    async def _spawn(self, server: Server) -> Process:
        spec = server.spec
        arguments = ["--bundle", spec.uri, "--version", spec.version, "--deployment", spec.name]
        arguments += ["--slow-above-ms", str(spec.slow_above_ms), "--sha256", spec.sha256]
        # A fresh port each time; only the server holds it, so a dead one refuses connections.
        with processes.listening_socket() as opened, server.log.open("ab") as log:
            command = [*(spec.command or PREDICTOR), *arguments, "--fd", str(opened.fileno())]
            server.process = await processes.spawn(command, log=log, fds=[opened.fileno()])
            server.port = opened.getsockname()[1]
        server.started = datetime.now(tz=UTC).isoformat()
        return server.process

    async def _until_ready(self, server: Server, process: Process) -> bool:
        deadline = time.monotonic() + self._ready_seconds
        while time.monotonic() < deadline and process.returncode is None:
            if await self._answers_ready(server.port) and await self._published(server):
                server.ready = True
                self._on_event("deployment", f"{server.spec.name} is ready")
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _published(self, server: Server) -> bool:
        try:
            await self._publish(server)
        except BackendError as error:
            self._on_event("proxy", str(error))
            return False
        return True

    async def _answers_ready(self, port: int) -> bool:
        try:
            answer = await self._http.get(f"http://127.0.0.1:{port}/v2/health/ready")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def _publish(self, fresh: Server | None = None) -> None:
        # One at a time: the last one to call must also be the last one to be written.
        async with self._changing:
            known = {name: s.port for name, s in self._servers.items() if s.ready or s is fresh}
            await self._on_endpoints(known)

    async def _stop(self, server: Server, *, seconds: float = processes.STOP_SECONDS) -> None:
        if server.task is not None:
            server.task.cancel()
            await asyncio.gather(server.task, return_exceptions=True)
        if server.process is not None:
            await processes.stop(server.process, seconds=seconds)
