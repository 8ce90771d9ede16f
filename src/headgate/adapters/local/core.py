"""What the supervisor holds together: route, proxy, model servers, traffic and guard."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from headgate.adapters.local.envoy import Envoy
from headgate.adapters.local.events import Events
from headgate.adapters.local.guarding import STOPPED, Guard, taken_back
from headgate.adapters.local.replay import Replay
from headgate.adapters.local.route_store import RouteStore
from headgate.adapters.local.servers import ModelServers
from headgate.errors import BackendError
from headgate.ports import ConflictError, PodCounters, Route


class Core:
    """The local world inside the supervisor. All methods run on its event loop."""

    def __init__(self, folder: Path, *, proxy_port: int, ready_seconds: float) -> None:
        """Read the stored route and hold the proxy's port; nothing runs yet.

        Args:
            folder: Everything is kept under it; must exist.
            proxy_port: Port of the proxy; 0 takes a free one.
            ready_seconds: How long a model server may take until it is ready.

        Raises:
            BackendError: If the port is in use or the proxy is not installed.
            DataError: If the stored route cannot be read.
        """
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.events = Events()
        self._store = RouteStore(folder / "route.json")
        self._envoy = Envoy(
            folder / "envoy", log=logs / "envoy.log", port=proxy_port, on_event=self.events.add
        )
        self.proxy_url = f"http://127.0.0.1:{self._envoy.port}"
        self.servers = ModelServers(
            logs,
            ready_seconds=ready_seconds,
            on_endpoints=self._envoy.apply_clusters,
            on_event=self.events.add,
        )
        self.replay = Replay(
            folder, log=logs / "traffic.log", port=self._envoy.port, on_event=self.events.add
        )
        self.guard = Guard(
            read=lambda: self._store.route, write=self.write_route, on_event=self.events.add
        )
        self._writing = asyncio.Lock()

    async def start(self, *, on_failure: Callable[[], None]) -> None:
        """Take an unfinished rollout back, start the proxy and the guard.

        Args:
            on_failure: Called if the guard ends by an error that it does not know; `guard.failure`
                then holds it. There must be no traffic without a guard.

        Raises:
            BackendError: If the proxy does not start.
        """
        route = self._store.route
        back = None if route is None else taken_back(route, now=time.time())
        if back is not None:
            route = self._store.commit(back)
            self.events.add("route", f"{STOPPED}: the champion has 100 % again")
        await self._envoy.start(route)
        self.guard.start(on_failure=on_failure)

    async def stop(self) -> None:
        """End everything that runs; the route stays on disk."""
        self.guard.stop()
        await asyncio.gather(self.replay.close(), self.servers.close(), self._envoy.stop())

    @property
    def route(self) -> Route | None:
        """The stored route."""
        return self._store.route

    async def write_route(self, proposed: Route) -> Route:
        """Make weights effective and record them with their state, or do neither.

        Args:
            proposed: What shall be.

        Returns:
            The route with its new revision.

        Raises:
            ConflictError: If the revision is stale.
            BackendError: If weights or state are not allowed, a deployment cannot take weight yet,
                or the proxy refused.
        """
        async with self._writing:
            before = self._store.route
            self._store.check(proposed)
            self._check_ready(proposed, before)
            changed = before is None or before.backends != proposed.backends
            if changed:
                await self._envoy.apply_route(proposed)
            try:
                written = self._store.commit(proposed)
            except OSError as error:
                if changed and before is not None:
                    await self._envoy.apply_route(before)
                raise BackendError(f"route cannot be stored ({error.strerror})") from error
        if changed:
            shares = (f"{b.deployment} {b.weight / 100:g} %" for b in written.backends)
            self.events.add("route", ", ".join(shares))
        return written

    async def remove(self, name: str) -> None:
        """Stop a deployment that has no weight.

        Args:
            name: Its name; one that does not exist is fine.

        Raises:
            ConflictError: If it has weight.
        """
        async with self._writing:
            weight = 0 if self.route is None else self.route.weight(name)
            if weight > 0:
                raise ConflictError(f"deployment {name} still has weight {weight}")
            server = self.servers.detach(name)
        # Not under the lock: stopping takes seconds, and the guard may have to write meanwhile.
        if server is not None:
            await self.servers.end(server)

    async def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Scrape a deployment's server, and ask the proxy what that server did not answer.

        Args:
            deployment: Its name.

        Returns:
            The server's entry first; one of the proxy if it ever had to answer instead.

        Raises:
            NoDataError: If the server itself cannot be scraped.
        """
        counted = await self.servers.counters(deployment)
        unanswered = await self._envoy.unanswered(deployment)
        return counted if unanswered is None else (*counted, unanswered)

    def processes(self) -> dict[str, object]:
        """Return the process ids of everything that runs, and how often the proxy restarted."""
        return {
            "supervisor": os.getpid(),
            "proxy": self._envoy.pid,
            "proxy_restarts": self._envoy.restarts,
            "traffic": self.replay.pid,
            "deployments": self.servers.pids(),
        }

    def _check_ready(self, proposed: Route, before: Route | None) -> None:
        # Whoever has weight already may get more, ready or not: a roll-back is never refused.
        for backend in proposed.backends:
            fresh = before is None or before.weight(backend.deployment) == 0
            if backend.weight > 0 and fresh and not self._ready(backend.deployment):
                raise BackendError(
                    f"route: {backend.deployment} is not ready and cannot take weight;"
                    f" ready are {[s.name for s in self.servers.statuses() if s.ready]}",
                    retryable=True,
                )

    def _ready(self, deployment: str) -> bool:
        status = self.servers.status(deployment)
        return status is not None and status.ready
