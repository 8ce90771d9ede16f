"""A small world in memory: traffic flows while the driver sleeps."""

from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from headgate.adapters.memory import (
    ManualClock,
    MemoryDeployments,
    MemoryGuard,
    MemoryHeartbeat,
    MemoryLabels,
    MemoryMetrics,
    MemoryRegistry,
    MemoryRouter,
)
from headgate.errors import BackendError
from headgate.ports import Backend, DeploymentSpec, Route
from headgate.problem.sections import LiveMetric, Rollout
from headgate.rollout import Arm, Plan, make_plan
from headgate.usecases import Target, guard_step, roll_back, run_canary

CANARY, STABLE = Arm(deployment="m-2", version="2"), Arm(deployment="m-1", version="1")
ERRORS = LiveMetric(
    tolerated_ratio=1.0, max_ratio=2.0, absolute_floor=0.05, harmful_ratio=3.0, base_rate=0.05
)
LABELS = LiveMetric(
    tolerated_ratio=1.0, max_ratio=1.5, absolute_floor=0.05, harmful_ratio=2.0, base_rate=0.15
)


@dataclass
class Behaviour:
    """How a deployment answers."""

    errors: float = 0.0
    slow: float = 0.0
    wrong: float = 0.0


@dataclass
class World:
    """All ports, a clock whose sleep lets requests flow, and a guard that steps now and then."""

    router: MemoryRouter = field(default_factory=MemoryRouter)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)
    labels: MemoryLabels = field(default_factory=MemoryLabels)
    heartbeat: MemoryHeartbeat = field(default_factory=MemoryHeartbeat)
    guard: MemoryGuard = field(default_factory=MemoryGuard)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    rate: float = 400.0
    seed: int = 7
    events: list = field(default_factory=list)
    script: list = field(default_factory=list)  # (seconds, action) that happen while sleeping

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        self.clock = ManualClock(on_sleep=self.flow)
        self.deployments = MemoryDeployments(router=self.router)
        for arm in (STABLE, CANARY):
            spec = DeploymentSpec(
                name=arm.deployment, model="m", version=arm.version, uri="", sha256=""
            )
            self.deployments.deploy(spec)
            self.registry.register("m", arm.version)
            self.behaviour[arm.deployment] = Behaviour()
            self.metrics.add(arm.deployment, requests=1000, errors=500, slow=500)  # old history
            self.labels.add(arm.deployment, labelled=1000, wrong=500)
        self.registry.set_alias("m", "champion", "1")
        self.registry.set_alias("m", "candidate", "2")
        self.router.write(
            Route(revision="", backends=(Backend(deployment="m-1", weight=10_000),), state=None)
        )
        self.seen_beats = 0
        self.beat_at = 0.0

    def flow(self, seconds):
        """Send the requests of a wait along the weights; let scripted things happen."""
        while self.script and self.script[0][0] <= self.clock.elapsed:
            self.script.pop(0)[1](self)
        route = self.router.route
        if route is None:
            return
        requests = self.random.poisson(self.rate * seconds)
        shares = [backend.weight / 10_000 for backend in route.backends]
        split = self.random.multinomial(requests, shares)
        for backend, count in zip(route.backends, split.tolist(), strict=True):
            b = self.behaviour[backend.deployment]
            draw = self.random.binomial
            self.metrics.add(
                backend.deployment,
                requests=count,
                errors=int(draw(count, b.errors)),
                slow=int(draw(count, b.slow)),
            )
            self.labels.add(backend.deployment, labelled=count, wrong=int(draw(count, b.wrong)))

    def guard_looks(self):
        """Do what a guard process does in one of its steps."""
        if len(self.heartbeat.beats) != self.seen_beats:
            self.seen_beats, self.beat_at = len(self.heartbeat.beats), self.clock.elapsed
        wanted = guard_step(
            self.router.route,
            last_heartbeat_monotonic=self.beat_at,
            now_monotonic=self.clock.elapsed,
            now=self.clock.now(),
        )
        if wanted is not None:
            with suppress(BackendError):  # the next step tries again
                self.router.write(wanted)

    def run(self, plan, target=None, **named):
        """Run the use case on this world."""
        return run_canary(
            plan,
            target or Target(model="m", canary=CANARY, stable=STABLE, run_id="r1"),
            router=self.router,
            metrics=self.metrics,
            labels=self.labels,
            heartbeat=self.heartbeat,
            guard=self.guard,
            deployments=self.deployments,
            registry=self.registry,
            clock=self.clock,
            **{"on_event": None if self.events is None else self.events.append, **named},
        )

    def roll_back(self, **named):
        """Run the roll-back on this world."""
        return roll_back(
            "m",
            CANARY,
            router=self.router,
            metrics=self.metrics,
            deployments=self.deployments,
            registry=self.registry,
            clock=self.clock,
            **named,
        )

    def weight(self):
        """Weight of the canary now."""
        return self.router.route.weight("m-2")

    def set_canary(self, **changes):
        """Change the status of the canary's deployment."""
        self.deployments.running["m-2"] = replace(self.deployments.running["m-2"], **changes)


def quick_plan(**changes) -> Plan:
    """Two stages and one or two metrics: small floors, so that tests are fast."""
    section = Rollout(
        stages_percent=(10.0, 50.0),
        errors=ERRORS,
        slow_answers=None,
        wrong_answers=None,
        min_stage_seconds=1.0,
        max_hold_seconds=20.0,
        deadline_seconds=60.0,
        warm_up_seconds=0.0,
    )
    return make_plan(replace(section, **changes))


@pytest.fixture
def world():
    return World()


@pytest.fixture
def plan():
    return quick_plan()


OUTAGE = BackendError("connection refused", retryable=True)


def epochs(world):
    """Epochs of all writes that carried a state."""
    return [route.state["epoch"] for route in world.router.history if route.state is not None]


def at(seconds, action):
    """Let something happen while the driver sleeps."""
    return [(seconds, action)]


def crash(_world):
    """The driver dies without any last act."""
    raise RuntimeError("killed")


def rewrite(**weights):
    """A foreign write of the weights."""

    def act(w):
        backends = tuple(
            Backend(deployment=name.replace("_", "-"), weight=weight)
            for name, weight in weights.items()
        )
        w.router.write(replace(w.router.route, backends=backends))

    return act
