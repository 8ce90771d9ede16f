"""A real driver on a real world: what happens when it is killed."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.live

HEARTBEAT_TIMEOUT = 1.5
DRIVER = f"""
import sys
from headgate.adapters.clock import SystemClock
from headgate.adapters.local.client import LocalCluster
from headgate.adapters.memory import MemoryRegistry
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, make_plan
from headgate.usecases.canary import run_canary
from headgate.usecases.target import find_target

registry = MemoryRegistry()
registry.register("toy", "2")
place = LocalCluster(sys.argv[1], sys.stdin.readline().strip())
canary = Arm(deployment="canary", version="2")
plan = Rollout(
    stages_percent=(20.0,), heartbeat_timeout_seconds={HEARTBEAT_TIMEOUT}, min_stage_seconds=60.0
)
run_canary(
    make_plan(plan),
    find_target("toy", canary, router=place, deployments=place),
    router=place, metrics=place, labels=place, heartbeat=place, guard=place, deployments=place,
    registry=registry, clock=SystemClock(),
)
"""


def test_a_driver_killed_with_9_loses_its_canary_to_the_guard(playground):
    playground.serve("stable")
    playground.serve("canary", version="2")
    playground.split(stable=10_000)
    playground.traffic(100)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, playground.world.url], stdin=subprocess.PIPE, text=True
    )
    driver.stdin.write(f"{playground.world.token}\n")
    driver.stdin.close()
    playground.until(lambda: playground.cluster.read().weight("canary") == 2_000)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    waited = playground.until(lambda: playground.cluster.read().weight("canary") == 0)
    state = playground.cluster.read().state
    assert state["phase"] == "ROLLED_BACK"
    assert state["reason"].startswith("guard: no heartbeat of the driver")
    assert waited < HEARTBEAT_TIMEOUT + 2.0
