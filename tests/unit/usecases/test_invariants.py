"""What holds whatever fails: random faults, random canaries, a guard, drivers that die."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.errors import BackendError, HeadgateError, NoDataError
from headgate.rollout import Phase, state_from_json

from .conftest import World, quick_plan  # noqa: TID252 - tests have no package name

PLAN = quick_plan(deadline_seconds=20.0, max_hold_seconds=4.0)
FAULT = st.sampled_from(
    [None, None, None, BackendError("down", retryable=True), NoDataError("silent")]
)
BACKEND_FAULT = st.sampled_from([None, None, None, BackendError("down", retryable=True)])


class Killed(BaseException):
    """kill -9: nothing of the driver runs any more."""


def kill(_world):
    raise Killed


def interrupt(_world):
    raise KeyboardInterrupt


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**16),
    errors=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
    router=st.lists(BACKEND_FAULT, max_size=40),
    lost=st.lists(BACKEND_FAULT, max_size=6),
    metrics=st.lists(FAULT, max_size=40),
    heartbeat=st.lists(BACKEND_FAULT, max_size=40),
    ends=st.lists(st.tuples(st.floats(0.1, 6.0), st.sampled_from([kill, interrupt])), max_size=2),
)
def test_epochs_grow_and_the_end_is_all_or_nothing(
    *, seed, errors, router, lost, metrics, heartbeat, ends
):
    world = World(seed=seed)
    world.clock.on_sleep = lambda seconds: (world.flow(seconds), world.guard_looks())
    world.behaviour["m-2"].errors = errors
    world.behaviour["m-1"].errors = 0.05
    world.script = sorted(ends, key=lambda end: end[0])
    first = len(world.router.history)
    world.router.faults, world.router.lost_answers = [None, *router], lost
    world.metrics.faults, world.heartbeat.faults = [None, None, *metrics], heartbeat
    for _ in range(4):  # a step that is retried three times
        try:
            world.run(PLAN)
        except (HeadgateError, KeyboardInterrupt, Killed):
            continue
    world.router.faults, world.router.lost_answers, world.script = [], [], []
    for _ in range(80):  # then only the guard is left
        world.clock.elapsed += 1.0
        world.guard_looks()
    written = [state_from_json(route.state) for route in world.router.history[first:]]
    epochs = [state.epoch for state in written]
    assert epochs == sorted(set(epochs))
    for route, state in zip(world.router.history[first:], written, strict=True):
        assert route.weight("m-2") == state.weight
        assert route.weight("m-1") + route.weight("m-2") == 10_000
    if written:
        assert written[-1].phase in {Phase.PROMOTED, Phase.ROLLED_BACK}
        assert world.weight() in {0, 10_000}
        assert (world.weight() == 10_000) == (written[-1].phase is Phase.PROMOTED)
    if world.weight() == 10_000:
        assert errors < 0.9
