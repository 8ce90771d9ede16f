"""The local world begins clean and ends completely, however its owner ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.adapters.local.client import LocalCluster
from headgate.adapters.local.world import start_world
from headgate.errors import BackendError, ConfigError
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout.plan import make_plan
from headgate.rollout.state import Arm, start_state
from headgate.usecases.weights import route_for

pytestmark = pytest.mark.live

OWNER = """
import sys, time
from pathlib import Path
from headgate.adapters.local.world import start_world
world = start_world(Path(sys.argv[1]))
print(world.url, world.token, world.pid, flush=True)
time.sleep(600)
"""

UNGUARDED = """
import sys
from pathlib import Path
from headgate.adapters.local import guarding, supervisor
look = guarding.guard_step
def step(*arguments, **options):
    if (Path(sys.argv[2]) / "broken").exists():
        raise ZeroDivisionError("the guard is broken")
    return look(*arguments, **options)
guarding.guard_step = step
sys.exit(supervisor.main(sys.argv[1:]))
"""


@pytest.fixture
def busy(open_world):
    """A world in which everything runs: proxy, two servers, traffic."""
    world = open_world()
    world.serve("stable")
    world.serve("canary")
    world.split(stable=9_000, canary=1_000)
    world.traffic(50)
    assert set(world.pids()) == {"supervisor", "proxy", "traffic", "stable", "canary"}
    return world


def test_stopping_ends_every_process_and_stopping_again_is_fine(busy, alive) -> None:
    pids = busy.pids()
    busy.world.stop()
    assert [name for name, pid in pids.items() if alive(pid)] == []
    busy.world.stop()
    with pytest.raises(BackendError, match="does not answer") as caught:
        busy.cluster.read()
    assert caught.value.retryable


def test_a_killed_supervisor_takes_everything_along(busy, alive) -> None:
    pids = busy.pids()
    os.kill(busy.world.pid, signal.SIGKILL)
    # macOS knows no signal for the death of a parent; there only the traffic sees its pipe close.
    mortal = pids if sys.platform == "linux" else {"traffic": pids["traffic"]}
    busy.until(lambda: not any(alive(pid) for pid in mortal.values()), seconds=2)


def test_a_killed_owner_leaves_no_process(tmp_path, alive) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        url, token, supervisor = owner.stdout.readline().split()
        with LocalCluster(url, token) as cluster:
            pids = [int(supervisor), cluster.processes()["proxy"]]
        assert all(alive(pid) for pid in pids)
        owner.kill()
    start = time.monotonic()
    while any(alive(pid) for pid in pids):
        assert time.monotonic() - start < 2
        time.sleep(0.02)


def test_a_terminated_supervisor_stops_its_children(open_world, alive) -> None:
    world = open_world()
    world.serve("stable")
    pids = world.pids()
    assert set(pids) == {"supervisor", "proxy", "stable"}
    os.kill(world.world.pid, signal.SIGTERM)
    world.until(lambda: not any(alive(pid) for pid in pids.values()), seconds=2)


def test_without_its_guard_the_world_stops_itself(tmp_path, alive) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", UNGUARDED, "--folder", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as supervisor:
        assert supervisor.stdout is not None
        told = json.loads(supervisor.stdout.readline())
        with LocalCluster(told["url"], told["token"]) as cluster:
            assert cluster.ready()
            proxy = cluster.processes()["proxy"]
        (tmp_path / "broken").touch()
        assert supervisor.wait(10) == 4  # its stdin is open: nobody asked it to stop
        assert supervisor.stderr is not None
        said = supervisor.stderr.read()
    assert b"ZeroDivisionError" in said
    assert b"there must be no traffic without a guard" in said
    assert not alive(proxy)


def test_a_world_knows_whether_it_runs(open_world) -> None:
    world = open_world().world
    assert world.running
    os.kill(world.pid, signal.SIGKILL)
    start = time.monotonic()
    while world.running:
        assert time.monotonic() - start < 2
        time.sleep(0.02)


def test_a_port_in_use_is_named(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BackendError, match=f"port {port} of 127.0.0.1 cannot be opened"):
            start_world(tmp_path, proxy_port=port)


def test_a_folder_in_use_is_refused_and_names_its_owner(open_world, tmp_path) -> None:
    first = open_world()
    with pytest.raises(BackendError, match=f"in use by .* process id {first.world.pid}"):
        start_world(tmp_path)
    assert first.cluster.read() is None


def test_an_unfinished_rollout_is_taken_back_at_the_next_start(open_world) -> None:
    first = open_world()
    first.serve("stable")
    first.serve("canary")
    before = first.split(stable=10_000)
    state = start_state(
        make_plan(Rollout()),
        rollout_id="r",
        run_id="1",
        model="toy",
        canary=Arm(deployment="canary", version="2"),
        stable=Arm(deployment="stable", version="1"),
        now=time.time(),
        epoch=1,
    )
    begun = first.cluster.write(route_for(state, onto=before))
    os.kill(first.world.pid, signal.SIGKILL)
    first.world.stop()
    second = open_world()
    route = second.cluster.read()
    assert (route.weight("stable"), route.weight("canary")) == (10_000, 0)
    assert int(route.revision) == int(begun.revision) + 1
    assert route.state["phase"] == "ROLLED_BACK"
    assert route.state["reason"] == "the supervisor stopped during the rollout"
    # The champion is deployed again by whoever runs the world, and gets its traffic at once.
    second.serve("stable")
    second.traffic(50)
    second.until(lambda: second.cluster.traffic()["deployments"].get("stable", {}).get("requests"))


def test_a_finished_route_continues_as_it_was(open_world, tmp_path) -> None:
    (tmp_path / "route.json").write_text(
        json.dumps(
            {
                "revision": "41",
                "backends": [{"deployment": "stable", "weight": 10_000}],
                "state": {"phase": "PROMOTED"},
            }
        )
    )
    assert open_world().cluster.read() == Route(
        revision="41",
        backends=(Backend(deployment="stable", weight=10_000),),
        state={"phase": "PROMOTED"},
    )


def test_a_route_file_that_holds_something_else_is_refused(tmp_path) -> None:
    (tmp_path / "route.json").write_text('{"weights": 3}')
    with pytest.raises(BackendError, match=r"route\.json: not a route"):
        start_world(tmp_path)


def test_secrets_are_neither_on_disk_nor_on_a_command_line(open_world, tmp_path) -> None:
    world = open_world().world
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(world.token.encode() in content for content in files)
    commands = Path("/proc").glob("[0-9]*/cmdline")
    assert not any(world.token.encode() in _content(path) for path in commands)


def test_a_client_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="cluster_url is empty"):
        LocalCluster("", "token")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
