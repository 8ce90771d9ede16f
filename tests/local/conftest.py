import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.adapters.local.world import World, start_world
from headgate.ports import Backend, DeploymentSpec, Route

STUB = (sys.executable, str(Path(__file__).with_name("stub_predictor.py")))
WAIT_SECONDS = 20.0


class Playground:
    """A world, a client of it, and a few ways to say what a test is about."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.cluster: LocalCluster = world.cluster()

    @staticmethod
    def spec(name: str, *options: str, version: str = "1") -> DeploymentSpec:
        return DeploymentSpec(
            name=name,
            model="toy",
            version=version,
            uri="/bundle",
            sha256="abc",
            command=(*STUB, *options),
        )

    def serve(self, name: str, *options: str, version: str = "1") -> None:
        self.cluster.deploy(self.spec(name, *options, version=version))
        self.until(lambda: self.cluster.status(name).ready)

    def split(self, state: dict[str, object] | None = None, /, **weights: int) -> Route:
        found = self.cluster.read()
        return self.cluster.write(
            Route(
                revision="" if found is None else found.revision,
                backends=tuple(Backend(deployment=n, weight=w) for n, w in weights.items()),
                state=state,
            )
        )

    def traffic(self, rate: float, *, label_delay_seconds: float = 0.2) -> None:
        rows = self.folder / "rows.parquet"
        if not rows.exists():
            labels = ["yes", "no", "yes", None] * 25
            table = pd.DataFrame({"x": [1.5, None] * 50, "y": ["a", "b"] * 50, "label": labels})
            table.to_parquet(rows)
        self.cluster.set_traffic(
            TrafficPlan(
                rate=rate,
                rows=str(rows),
                target="label",
                features=("x", "y"),
                label_delay_seconds=label_delay_seconds,
            )
        )

    def quiet(self) -> dict[str, object]:
        """Pause the traffic and return its totals when nothing is in flight."""
        self.traffic(0)
        time.sleep(0.25)  # one snapshot after the pause
        self.until(lambda: self.cluster.traffic()["in_flight"] == 0)
        return self.cluster.traffic()

    def messages(self, kind: str) -> list[str]:
        return [str(e["message"]) for e in self.cluster.events() if e["kind"] == kind]

    def pids(self) -> dict[str, int]:
        found = self.cluster.processes()
        servers = found.pop("deployments")
        del found["proxy_restarts"]
        return {name: pid for name, pid in {**found, **servers}.items() if pid is not None}

    @staticmethod
    def until(holds: Callable[[], object], *, seconds: float = WAIT_SECONDS) -> float:
        """Wait for something; return how long it took."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds, "waited in vain"
            time.sleep(0.02)
        return time.monotonic() - start


@pytest.fixture(scope="module")
def playground(tmp_path_factory) -> Iterator[Playground]:
    folder = tmp_path_factory.mktemp("world")
    with start_world(folder, ready_seconds=5.0) as world:
        opened = Playground(world, folder)
        yield opened
        opened.cluster.close()


@pytest.fixture
def open_world(tmp_path) -> Iterator[Callable[..., Playground]]:
    """Start worlds by hand; whatever the test does, nothing of them is left."""
    opened: list[Playground] = []

    def start(folder: Path = tmp_path, **options: object) -> Playground:
        opened.append(Playground(start_world(folder, **options), folder))
        return opened[-1]

    yield start
    for one in opened:
        one.cluster.close()
        one.world.stop()


@pytest.fixture
def alive() -> Callable[[int], bool]:
    return _alive


def _alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z" if status.exists() else True
    except (FileNotFoundError, ProcessLookupError):
        return False
