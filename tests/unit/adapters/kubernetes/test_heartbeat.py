import pytest
from tests.unit.adapters.kubernetes.routes import rollout

from headgate.adapters.kubernetes.api import LEASE
from headgate.adapters.kubernetes.heartbeat import GuardDeployment, LeaseHeartbeat
from headgate.adapters.kubernetes.watching import beat_of, first_sight
from headgate.errors import BackendError


@pytest.fixture
def heartbeat(api) -> LeaseHeartbeat:
    return LeaseHeartbeat(api, namespace="serving", route="income")


def test_a_beat_makes_the_lease_and_the_next_one_renews_it(server, heartbeat) -> None:
    heartbeat.beat("abc", epoch=1)
    first = server.object(LEASE, "headgate-income")
    assert first["metadata"]["annotations"] == {"headgate.dev/epoch": "1"}
    assert first["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "headgate"}
    assert first["spec"]["holderIdentity"] == "abc"
    heartbeat.beat("abc", epoch=1)
    second = server.object(LEASE, "headgate-income")
    assert beat_of(second) != beat_of(first)
    assert [method for method, _ in server.requests] == ["PATCH", "PATCH"]  # one request each


def test_a_beat_that_was_not_recorded_is_told(server, heartbeat) -> None:
    server.refuse("PATCH", "/leases/", 403)
    with pytest.raises(BackendError, match=r"may not patch leases.coordination.k8s.io"):
        heartbeat.beat("abc", epoch=1)


@pytest.mark.parametrize(
    ("status", "ready"), [({}, False), ({"readyReplicas": 0}, False), ({"readyReplicas": 1}, True)]
)
def test_the_guard_is_ready_if_one_of_its_pods_is(server, api, status, ready) -> None:
    server.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "headgate-guard"},
            "status": status,
        }
    )
    assert GuardDeployment(api, "serving").ready() is ready


def test_without_its_deployment_no_guard_is_ready(api) -> None:
    assert not GuardDeployment(api, "serving").ready()


# What a guard makes of the beats.


def lease(holder="abc", renewed="t1", epoch="4"):
    return {
        "metadata": {"annotations": {"headgate.dev/epoch": epoch}},
        "spec": {"holderIdentity": holder, "renewTime": renewed},
    }


def test_a_beat_counts_when_it_differs_from_the_last() -> None:
    state = rollout(epoch=4)
    watched = first_sight(lease(), state, now=100.0)
    watched.look(lease(), state, now=101.0)
    assert watched.beat_at == 100.0  # the first may be old
    watched.look(lease(renewed="t2"), state, now=102.0)
    watched.look(lease(renewed="t2"), state, now=103.0)
    assert watched.beat_at == 102.0


@pytest.mark.parametrize(
    "found",
    [
        lease(holder="another", renewed="t2"),
        lease(epoch="3", renewed="t2"),
        lease(epoch="x"),
        {"metadata": {}, "spec": {}},
        None,
    ],
)
def test_a_beat_of_another_rollout_or_of_an_overtaken_driver_does_not_count(found) -> None:
    state = rollout(epoch=4)
    watched = first_sight(lease(), state, now=100.0)
    watched.look(found, state, now=101.0)
    assert watched.beat_at == 100.0


def test_a_driver_may_be_ahead_of_the_state_that_was_read() -> None:
    state = rollout(epoch=4)
    watched = first_sight(None, state, now=100.0)
    watched.look(lease(epoch="5"), state, now=101.0)
    assert watched.beat_at == 101.0


@pytest.mark.parametrize(
    ("missed", "now", "beat_at"),
    [
        ([101.0, 102.0], 103.1, 102.1),  # blind for 2.1 s
        ([101.0, 102.0], 102.9, 100.0),  # two answers got lost
        ([], 109.0, 100.0),  # one was slow
    ],
)
def test_an_outage_is_no_silence_but_what_was_silent_before_it_stays(missed, now, beat_at) -> None:
    state = rollout(epoch=4)
    watched = first_sight(lease(), state, now=100.0)
    for moment in missed:
        watched.miss(now=moment)
    watched.look(lease(), state, now=now)
    assert watched.beat_at == pytest.approx(beat_at)
    watched.look(lease(), state, now=now + 9.0)
    assert watched.beat_at == pytest.approx(beat_at)  # the outage is taken off once


def test_a_beat_after_an_outage_counts_from_when_it_is_seen() -> None:
    state = rollout(epoch=4)
    watched = first_sight(lease(), state, now=100.0)
    watched.miss(now=101.0)
    watched.look(lease(renewed="t2"), state, now=110.0)
    assert watched.beat_at == 110.0
