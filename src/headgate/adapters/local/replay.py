"""The supervisor's side of the traffic: starts the generator, collects its counts."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from headgate.adapters.files import write_json
from headgate.adapters.local import processes
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.errors import BackendError, ConfigError
from headgate.ports import LabelCounters

START_SECONDS = 30.0  # imports and the encoding of the rows
RATE_WINDOW = 10  # snapshots of 0.1 s over which the achieved rate is taken


class Replay:
    """At most one generator process; counts add up over all that ran."""

    def __init__(
        self, folder: Path, *, log: Path, port: int, on_event: Callable[[str, str], None]
    ) -> None:
        """Keep the settings; nothing runs yet.

        Args:
            folder: For the settings file.
            log: Receives what the generator says on stderr.
            port: The proxy's port on 127.0.0.1.
            on_event: Called with kind and message when the traffic starts, changes or dies.
        """
        self._folder, self._log, self._port, self._on_event = folder, log, port, on_event
        self.plan: TrafficPlan | None = None
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._first = asyncio.Event()
        self._earlier: list[Mapping[str, object]] = []  # last snapshots of generators that ended
        self._latest: Mapping[str, object] = {}
        self._sent: list[tuple[float, int]] = []
        self._changing = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether a generator process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Process id of the generator, or None."""
        return self._process.pid if self._process is not None and self.running else None

    async def follow(self, plan: TrafficPlan) -> None:
        """Replay a plan; a running generator only changes its rate if nothing else changed.

        Args:
            plan: What shall be replayed.

        Raises:
            ConfigError: If the rate or the delay is negative or the file does not exist.
            BackendError: If the generator does not start.
        """
        if plan.rate < 0 or plan.label_delay_seconds < 0:
            raise ConfigError(f"traffic: rate and label delay must be 0 or more, got {plan}")
        if not Path(plan.rows).is_file():
            raise ConfigError(f"traffic: there is no file {plan.rows}")
        async with self._changing:
            if self.running and self.plan is not None and _same_but_rate(self.plan, plan):
                await self._send_rate(plan.rate)
            elif self.running or plan.rate > 0:  # a pause of nothing starts nothing
                await self._end()
                await self._start(plan)
            self.plan = plan
        self._on_event("traffic", f"{plan.rate:g} requests/s of {Path(plan.rows).name}")

    async def close(self) -> None:
        """Kill the generator."""
        async with self._changing:
            await self._end()

    def labels(self, deployment: str) -> LabelCounters:
        """Count the labels that have arrived for a deployment.

        Args:
            deployment: Its name.

        Returns:
            Its counts over all generators; zeros if there are none.
        """
        total = self._totals().get(deployment, {})
        return LabelCounters(labelled=_whole(total, "labelled"), wrong=_whole(total, "wrong"))

    def record(self) -> dict[str, object]:
        """Return plan, totals and the rate achieved as a JSON object."""
        snapshots = [*self._earlier, self._latest]
        return {
            "running": self.running,
            "rate": 0.0 if self.plan is None else self.plan.rate,
            "rate_achieved": self._rate_achieved(),
            **{key: sum(_whole(s, key) for s in snapshots) for key in ("sent", "ok", "lost")},
            "in_flight": _whole(self._latest, "in_flight"),
            "deployments": self._totals(),
        }

    async def _start(self, plan: TrafficPlan) -> None:
        settings = self._folder / "traffic.json"
        write_json(
            settings,
            {
                "host": "127.0.0.1",
                "port": self._port,
                "rows": plan.rows,
                "target": plan.target,
                "features": list(plan.features),
                "rate": plan.rate,
                "seed": plan.seed,
                "label_delay_seconds": plan.label_delay_seconds,
            },
        )
        command = [sys.executable, "-m", "headgate.adapters.local.traffic", str(settings)]
        start = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await processes.spawn(command, log=log, piped=True)
        self._first.clear()
        self._sent.clear()
        self._reading = asyncio.create_task(self._read(self._process))
        first = asyncio.create_task(self._first.wait())
        await asyncio.wait(
            [first, self._reading], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        first.cancel()
        if not self._first.is_set():
            await self._end()
            raise BackendError(f"traffic did not start: {processes.tail(self._log, start=start)}")

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None  # noqa: S101 - spawned with pipes
        while line := await process.stdout.readline():
            self._latest = json.loads(line)
            self._sent = [*self._sent, (time.monotonic(), _whole(self._latest, "sent"))][
                -RATE_WINDOW - 1 :
            ]
            self._first.set()
        if self._first.is_set():
            self._on_event("traffic", f"generator {processes.exit_text(await process.wait())}")

    async def _send_rate(self, rate: float) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with suppress(ConnectionError):  # it died this moment; the reader reports that
            self._process.stdin.write(json.dumps({"rate": rate}).encode() + b"\n")
            await self._process.stdin.drain()

    async def _end(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self._process is not None:
            await processes.stop(self._process, seconds=0)
            # Nobody waits any more for what was in flight: neither lost nor answered.
            sent = _whole(self._latest, "sent") - _whole(self._latest, "in_flight")
            self._earlier.append({**self._latest, "sent": sent})
            self._latest, self._process, self._reading = {}, None, None

    def _rate_achieved(self) -> float:
        if len(self._sent) < 2 or not self.running:
            return 0.0
        (start, before), (end, after) = self._sent[0], self._sent[-1]
        return round((after - before) / (end - start), 1)

    def _totals(self) -> dict[str, dict[str, object]]:
        """Add up each deployment's counts; latencies are those of the newest generator."""
        totals: dict[str, dict[str, object]] = {}
        for snapshot in [*self._earlier, self._latest]:
            deployments = snapshot.get("deployments", {})
            for name, counts in deployments.items() if isinstance(deployments, Mapping) else ():
                totals[name] = _added(totals.get(name, {}), counts)
        return totals


def _added(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    counted = ("requests", "client_errors", "server_errors", "labelled", "wrong")
    sums = {key: _whole(old, key) + _whole(new, key) for key in counted}
    return {**new, **sums, "first_at": old.get("first_at") or new["first_at"]}


def _whole(record: Mapping[str, object], key: str) -> int:
    value = record.get(key, 0)
    return value if isinstance(value, int) else 0


def _same_but_rate(old: TrafficPlan, new: TrafficPlan) -> bool:
    return replace(old, rate=new.rate) == new
