"""The fakes keep the contracts of the ports."""

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
from headgate.errors import BackendError, NoDataError
from headgate.ports import Backend, ConflictError, DeploymentSpec, LabelCounters, Route

SPEC = DeploymentSpec(name="m-1", model="m", version="1", uri="/bundle", sha256="ab")


def route(revision="", *weights, state=None):
    backends = tuple(
        Backend(deployment=f"m-{index}", weight=weight) for index, weight in enumerate(weights)
    )
    return Route(revision=revision, backends=backends, state=state)


def test_a_route_is_created_read_and_replaced():
    router = MemoryRouter()
    assert router.read() is None
    first = router.write(route("", 10_000))
    second = router.write(route(first.revision, 9000, 1000, state={"epoch": 1}))
    assert second.revision != first.revision
    assert router.read() == second
    assert [r.weight("m-1") for r in router.history] == [0, 1000]


def test_a_stale_revision_is_a_conflict_that_may_be_retried():
    router = MemoryRouter()
    router.write(route("", 10_000))
    with pytest.raises(ConflictError, match="revision '' was replaced by '1'") as caught:
        router.write(route("", 10_000))
    assert caught.value.retryable


def test_a_state_that_is_too_large_is_refused():
    with pytest.raises(BackendError, match="allowed are 102400"):
        MemoryRouter().write(route("", 10_000, state={"x": "y" * 102_400}))


def test_a_state_goes_through_json():
    written = MemoryRouter().write(route("", 10_000, state={"pair": (1, 2)}))
    assert written.state == {"pair": [1, 2]}


def test_faults_are_raised_once_each_in_order():
    router = MemoryRouter(faults=[BackendError("down"), None, BackendError("down again")])
    with pytest.raises(BackendError, match="down"):
        router.read()
    assert router.read() is None
    with pytest.raises(BackendError, match="down again"):
        router.read()
    assert router.read() is None


def test_a_lost_answer_comes_after_the_write():
    router = MemoryRouter(lost_answers=[BackendError("time-out")])
    with pytest.raises(BackendError, match="time-out"):
        router.write(route("", 10_000))
    assert router.read() is not None


def test_the_clock_moves_only_when_somebody_sleeps():
    slept = []
    clock = ManualClock(start=100.0, on_sleep=slept.append)
    clock.sleep(2.5)
    clock.sleep(-1.0)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)
    assert slept == [2.5, -1.0]
    quiet = ManualClock()
    quiet.sleep(1.0)
    assert quiet.monotonic() == 1.0


def test_counters_cumulate_and_silence_is_no_data():
    metrics = MemoryMetrics()
    with pytest.raises(NoDataError, match="no pod of m-1"):
        metrics.counters("m-1")
    metrics.add("m-1", requests=3, errors=1)
    metrics.add("m-1", requests=2, slow=2)
    (pod,) = metrics.counters("m-1")
    assert (pod.requests, pod.errors, pod.slow) == (5, 1, 2)


def test_labels_cumulate_from_zero():
    labels = MemoryLabels()
    assert labels.labels("m-1") == LabelCounters(labelled=0, wrong=0)
    labels.add("m-1", labelled=3, wrong=1)
    labels.add("m-1", labelled=2)
    assert labels.labels("m-1") == LabelCounters(labelled=5, wrong=1)


def test_beats_and_the_guard_are_remembered():
    heartbeat, guard = MemoryHeartbeat(), MemoryGuard(is_ready=False)
    heartbeat.beat("abc", epoch=3)
    assert heartbeat.beats == [("abc", 3)]
    assert not guard.ready()


def test_a_deployment_with_weight_is_not_removed():
    router = MemoryRouter()
    deployments = MemoryDeployments(router=router)
    deployments.deploy(SPEC)
    written = router.write(route("", 0, 10_000))
    with pytest.raises(ConflictError, match="m-1 still has weight 10000"):
        deployments.remove("m-1")
    router.write(route(written.revision, 10_000, 0))
    deployments.remove("m-1")


def test_aliases_point_at_versions():
    registry = MemoryRegistry()
    made = registry.register("m", "1", uri="/bundle", sha256="ab", tags={"family": "lightgbm"})
    assert registry.version("m", "1") == made
    assert registry.by_alias("m", "champion") is None
    registry.set_alias("m", "champion", "1")
    assert registry.by_alias("m", "champion") == made
    registry.delete_alias("m", "champion")
    registry.delete_alias("m", "champion")
    assert registry.by_alias("m", "champion") is None
    with pytest.raises(BackendError, match=r"no version '2' of model 'm'; there are \['1'\]"):
        registry.set_alias("m", "champion", "2")
