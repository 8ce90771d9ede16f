"""The traffic generator: `python -m headgate.adapters.local.traffic SETTINGS.json`.

Replays held-out rows through the proxy at a steady rate, whatever the answers (open loop), and
joins each prediction with the row's known label some time later. Reads JSON lines `{"rate": r}`
from stdin and ends when stdin closes; writes its counts to stdout every 100 ms.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import uvloop

from headgate.adapters.files import read_json, read_table
from headgate.adapters.local.connections import Answer, Connections
from headgate.adapters.local.labels import Ledger
from headgate.errors import ConfigError, DataError

SNAPSHOT_SECONDS = 0.1
TIMEOUT_SECONDS = 10.0  # longer than the proxy's own, so that its 504 is seen as an answer
MAX_IN_FLIGHT = 1000  # beyond this the machine is overloaded; new requests wait
MAX_BEHIND_SECONDS = 0.25  # a longer stall is not made up for by a burst
BATCH = 4096  # random row numbers drawn at a time
TICK_SECONDS = 0.001
PAUSED_TICK_SECONDS = 0.02  # labels still arrive


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to replay, and where to."""

    host: str
    port: int
    rows: str  # Parquet: features and target
    target: str
    features: list[str]
    rate: float  # requests per second
    seed: int
    label_delay_seconds: float


class _Prediction(msgspec.Struct):
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One held-out row, ready to be sent."""

    head: bytes  # up to the value of the last header, the request's number
    body: bytes
    label: str | None  # None: its label never arrives


def encode_rows(settings: Settings) -> list[Row]:
    """Read the rows and encode each as the body of a request.

    Args:
        settings: Names the file, the features and the target.

    Returns:
        The rows in the file's order; a missing value becomes null.

    Raises:
        DataError: If the file cannot be read or has no rows.
    """
    table = read_table(settings.rows, columns=[*settings.features, settings.target])
    if table.empty:
        raise DataError(f"{settings.rows}: has no rows to replay")
    features = table[settings.features]
    plain = features.astype(object).where(features.notna(), None)
    labels = [None if pd.isna(value) else str(value) for value in table[settings.target]]
    encode = msgspec.json.Encoder().encode
    bodies = (encode(record) for record in plain.to_dict(orient="records"))
    address = f"{settings.host}:{settings.port}"
    return [
        Row(_head(address, len(body)), body, label)
        for body, label in zip(bodies, labels, strict=True)
    ]


def _head(address: str, length: int) -> bytes:
    lines = ["POST /predict HTTP/1.1", f"host: {address}", "content-type: application/json"]
    return "\r\n".join([*lines, f"content-length: {length}", "x-request-id: "]).encode()


class Generator:
    """Sends rows at a rate and keeps the ledger."""

    def __init__(self, settings: Settings, rows: list[Row], connections: Connections) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Rate, seed, label delay.
            rows: What to send, drawn with replacement.
            connections: Where to.
        """
        self.ledger = Ledger(label_delay_seconds=settings.label_delay_seconds)
        self.rate = settings.rate
        self._rows = rows
        self._connections = connections
        self._draws = _draws(np.random.default_rng(settings.seed), len(rows))
        self._decode = msgspec.json.Decoder(_Prediction).decode

    async def run(self) -> None:
        """Send for ever."""
        due = time.monotonic()
        while True:
            now = time.monotonic()
            self.ledger.mature(now)
            if self.rate <= 0 or now - due > MAX_BEHIND_SECONDS:
                due = now
            while self.rate > 0 and due <= now and self._connections.in_flight < MAX_IN_FLIGHT:
                due += 1 / self.rate
                self._send(self._rows[self._draws()])
            await asyncio.sleep(TICK_SECONDS if self.rate > 0 else PAUSED_TICK_SECONDS)

    def snapshot(self) -> dict[str, object]:
        """Return all counts as a JSON object."""
        ledger = self.ledger
        return {
            "sent": ledger.sent,
            "ok": ledger.ok,
            "lost": ledger.lost,
            "in_flight": self._connections.in_flight,
            "deployments": {name: tally.record() for name, tally in ledger.tallies.items()},
        }

    def _send(self, row: Row) -> None:
        self.ledger.sent += 1
        request = b"%b%d\r\n\r\n%b" % (row.head, self.ledger.sent, row.body)
        self._connections.ask(request, partial(self._answered, row, time.monotonic()))

    def _answered(self, row: Row, start: float, answer: Answer | None) -> None:
        if answer is None:
            self.ledger.lost += 1
            return
        now = time.monotonic()
        self.ledger.answer(
            answer.deployment, status=answer.status, seconds=now - start, at=time.time()
        )
        if answer.status == 200 and row.label is not None:
            wrong = self._label(answer.body) != row.label
            self.ledger.expect_label(answer.deployment, wrong=wrong, now=now)

    def _label(self, body: bytes) -> str | None:
        try:
            return self._decode(body).label
        except msgspec.MsgspecError:
            return None  # an answer 200 without a label is no right answer


def _draws(random: np.random.Generator, count: int) -> Callable[[], int]:
    batch: list[int] = []

    def draw() -> int:
        if not batch:
            batch.extend(random.integers(count, size=BATCH).tolist())
        return batch.pop()

    return draw


async def replay(settings: Settings, rows: list[Row]) -> None:
    """Send until stdin closes.

    Args:
        settings: What to replay, and where to.
        rows: The encoded rows.
    """
    connections = Connections(settings.host, settings.port, timeout_seconds=TIMEOUT_SECONDS)
    generator = Generator(settings, rows, connections)
    tasks = [
        asyncio.create_task(generator.run()),
        asyncio.create_task(_report(generator, connections)),
        asyncio.create_task(_obey(generator)),
    ]
    # Ends when stdin closes; also if one of the others fails, which then is raised here.
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


async def _report(generator: Generator, connections: Connections) -> None:
    while True:
        sys.stdout.write(json.dumps(generator.snapshot()) + "\n")
        sys.stdout.flush()
        connections.drop_late()
        await asyncio.sleep(SNAPSHOT_SECONDS)


async def _obey(generator: Generator) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        generator.rate = float(json.loads(line)["rate"])


def main(arguments: list[str]) -> None:
    """Read the settings and the rows, then send.

    Args:
        arguments: One path: the settings as JSON.

    Raises:
        ConfigError: If the settings are not what `Settings` says.
    """
    try:
        settings = msgspec.convert(read_json(Path(arguments[0])), Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{arguments[0]}: {error}") from error
    rows = encode_rows(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(replay(settings, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
