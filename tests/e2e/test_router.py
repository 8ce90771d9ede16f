"""The ports on HTTPRoutes and Leases keep their contracts against a real API server and gateway."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager, suppress

import httpx
import pytest
from tests.e2e.support import until

from headgate.adapters.kubernetes.api import HTTP_ROUTE, LEASE, NAMESPACE
from headgate.adapters.kubernetes.heartbeat import GuardDeployment, LeaseHeartbeat
from headgate.adapters.kubernetes.http_route import OWNED
from headgate.adapters.kubernetes.route_ownership import ADOPT
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.adapters.kubernetes.uninstall import SERVERS, uninstall
from headgate.errors import BackendError
from headgate.ports import Backend, ConflictError, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, Phase, make_plan, start_state, state_from_json
from headgate.usecases.weights import route_for

STABLE, CANARY = Arm(deployment="toy-v1", version="1"), Arm(deployment="toy-v2", version="2")
PLAN = make_plan(
    Rollout(
        stages_percent=(10.0, 50.0),
        slow_answers=None,
        wrong_answers=None,
        heartbeat_timeout_seconds=4.0,
    )
)


@pytest.fixture(scope="module")
def serving(api):
    """A namespace of these tests' own: they take everything in it away."""
    name = f"router-{uuid.uuid4().hex[:6]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    api.delete(NAMESPACE, name)


@pytest.fixture(scope="module")
def settings(api, namespace) -> Settings:
    """Those of the cluster: the routes of these tests hang on its gateway."""
    return read_settings(api, namespace)


@pytest.fixture
def router(api, serving, settings):
    model = f"toy-{uuid.uuid4().hex[:6]}"
    yield HttpRouteRouter(api, namespace=serving, model=model, settings=settings)
    forget(api, serving, model)


def forget(api, serving, name) -> None:
    api.delete(HTTP_ROUTE, name, namespace=serving)
    api.delete(LEASE, f"headgate-{name}", namespace=serving)


def route(weights, *, revision="", state=None) -> Route:
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    return Route(revision=revision, backends=backends, state=state)


def rollout(rollout_id="abc"):
    return start_state(
        PLAN,
        rollout_id=rollout_id,
        run_id="e2e",
        model="toy",
        canary=CANARY,
        stable=STABLE,
        now=time.time(),
        epoch=1,
    )


def stored(api, router, serving):
    return api.get(HTTP_ROUTE, router.name, namespace=serving)


def theirs(api, serving, name, *refs, **notes):
    """A route that a user wrote."""
    return api.create(
        {
            "apiVersion": HTTP_ROUTE.api_version,
            "kind": "HTTPRoute",
            "metadata": {
                "name": name,
                "namespace": serving,
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": notes,
            },
            "spec": {
                "hostnames": [f"{name}.example.org"],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": "/score"}}],
                        "backendRefs": [{"name": ref, "port": 80} for ref in refs],
                    }
                ],
            },
        }
    )


# The router.


def test_a_route_is_created_read_and_replaced(router) -> None:
    assert router.read() is None
    first = router.write(route({"toy-v1": 10_000}))
    wanted = {"toy-v1": 9000, "toy-v2": 1000}
    second = router.write(route(wanted, revision=first.revision, state={"epoch": 1, "p": (1, 2)}))
    assert second.revision != first.revision
    found = router.read()
    assert found.backends == route(wanted).backends
    assert found.state == {"epoch": 1, "p": [1, 2]}


def test_a_place_is_held_until_the_first_write(api, router, serving) -> None:
    router.ensure()
    router.ensure()
    assert router.read() is None
    assert not stored(api, router, serving)["spec"]["rules"][0].get("backendRefs")
    assert router.write(route({"toy-v1": 10_000})).weight("toy-v1") == 10_000


@pytest.mark.parametrize("revision", ["", "1"])
def test_a_stale_revision_is_a_conflict(router, revision) -> None:
    router.write(route({"toy-v1": 10_000}))
    with pytest.raises(ConflictError, match="was replaced by"):
        router.write(route({"toy-v1": 0, "toy-v2": 10_000}, revision=revision))


@pytest.mark.parametrize("weights", [{"toy-v1": 0}, {"toy-v1": 9999}, {}])
def test_weights_must_sum_to_ten_thousand(router, weights) -> None:
    with pytest.raises(BackendError, match="sum to 10000"):
        router.write(route(weights))
    assert router.read() is None


def test_a_state_of_100_kib_is_stored_and_a_larger_one_is_not(router) -> None:
    room = 100 * 1024 - len('{"x":""}')
    written = router.write(route({"toy-v1": 10_000}, state={"x": "y" * room}))
    assert router.read().state == {"x": "y" * room}
    with pytest.raises(BackendError, match="allowed are 102400"):
        router.write(
            route({"toy-v1": 10_000}, revision=written.revision, state={"x": "y" * (room + 1)})
        )


def test_a_status_that_a_controller_writes_is_no_conflict(api, router, serving, kubectl) -> None:
    written = router.write(route({"toy-v1": 10_000}))
    accepted = {
        "type": "Accepted",
        "status": "True",
        "reason": "Accepted",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    parent = {
        "parentRef": {"name": "other"},
        "controllerName": "example.org/controller",
        "conditions": [accepted],
    }
    kubectl(
        *("patch", "httproute", router.name, "-n", serving, "--subresource=status"),
        *("--type=merge", "-p", json.dumps({"status": {"parents": [parent]}})),
    )
    assert stored(api, router, serving)["metadata"]["resourceVersion"] != written.revision
    changed = router.write(route({"toy-v1": 10_000}, revision=written.revision, state={"e": 1}))
    assert changed.state == {"e": 1}


def test_weights_that_somebody_else_set_are_a_conflict_and_are_read(router, serving, kubectl):
    written = router.write(route({"toy-v1": 9000, "toy-v2": 1000}))
    patch = [{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 9000}]
    kubectl(
        *("patch", "httproute", router.name, "-n", serving, "--type=json", "-p", json.dumps(patch))
    )
    with pytest.raises(ConflictError, match="was changed; read it again"):
        router.write(route({"toy-v1": 10_000}, revision=written.revision))
    assert router.read().weight("toy-v2") == 5000


def test_several_writers_never_lose_a_write(api, router, serving, settings) -> None:
    router.write(route({"toy-v1": 10_000}, state={"n": 0}))
    model = router.name

    def count_up(times: int) -> None:
        mine = HttpRouteRouter(api, namespace=serving, model=model, settings=settings)
        while times:
            found = mine.read()
            n = found.state["n"]
            with suppress(ConflictError):
                mine.write(
                    Route(revision=found.revision, backends=found.backends, state={"n": n + 1})
                )
                times -= 1

    threads = [threading.Thread(target=count_up, args=(10,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert router.read().state == {"n": 40}


# Routes of others.


def test_a_route_of_somebody_else_is_left_alone(api, router, serving) -> None:
    before = theirs(api, serving, router.name, "page")
    for call in (router.ensure, router.read, lambda: router.write(route({"toy-v1": 10_000}))):
        with pytest.raises(BackendError, match=r"belongs to somebody else \(Helm\); add the annot"):
            call()
    after = stored(api, router, serving)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


def test_an_offered_route_is_adopted_and_given_back(api, router, serving) -> None:
    name = router.name
    labels = {**SERVERS, "headgate.dev/model": name, "headgate.dev/deployment": f"{name}-v1"}
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"{name}-v1", "namespace": serving, "labels": labels},
            "spec": {"ports": [{"port": 80}]},
        }
    )
    before = theirs(api, serving, name, f"{name}-v1", **{ADOPT: "true"})
    router.ensure()
    found = router.read()
    assert found.weight(f"{name}-v1") == 10_000
    router.write(route({f"{name}-v1": 0, f"{name}-v2": 10_000}, revision=found.revision))
    refs = stored(api, router, serving)["spec"]["rules"][0]["backendRefs"]
    assert {ref["name"]: ref["weight"] for ref in refs} == {f"{name}-v1": 0, f"{name}-v2": 10_000}
    kept = f"Service {serving}/{name}-v1: kept, HTTPRoute {serving}/{name} refers to it"
    assert kept in uninstall(api, serving)
    assert uninstall(api, serving) == [kept]
    after = stored(api, router, serving)
    assert after["spec"] == before["spec"]
    for part in ("labels", "annotations"):
        assert after["metadata"][part] == before["metadata"][part]
    forget(api, serving, name)
    assert uninstall(api, serving) == [f"Service {serving}/{name}-v1: deleted"]


def test_backends_of_others_keep_place_and_share(api, router, serving) -> None:
    theirs(api, serving, router.name, "page", "other", **{ADOPT: "true"})
    router.ensure()
    found = router.read()
    assert {b.deployment: b.weight for b in found.backends} == {
        "service/page": 5000,
        "service/other": 5000,
    }
    with pytest.raises(BackendError, match="not ours to change"):
        router.write(route({"toy-v1": 10_000}, revision=found.revision))
    kept = {b.deployment: b.weight for b in found.backends}
    written = router.write(route({**kept, "toy-v1": 0}, revision=found.revision, state={"e": 1}))
    assert written.state == {"e": 1}
    refs = stored(api, router, serving)["spec"]["rules"][0]["backendRefs"]
    assert [(ref["name"], ref["weight"]) for ref in refs] == [
        ("page", 1),
        ("other", 1),
        ("toy-v1", 0),
    ]


# Heartbeat and guard.


def test_a_beat_is_one_renewal_of_a_lease(api, router, serving) -> None:
    heartbeat = LeaseHeartbeat(api, namespace=serving, route=router.name)
    seen = set()
    for epoch in (1, 2, 2):
        heartbeat.beat("abc", epoch=epoch)
        lease = api.get(LEASE, f"headgate-{router.name}", namespace=serving)
        assert lease["spec"]["holderIdentity"] == "abc"
        assert lease["metadata"]["annotations"]["headgate.dev/epoch"] == str(epoch)
        seen.add(lease["spec"]["renewTime"])
    assert len(seen) == 3


def test_the_guard_of_the_manifests_is_ready(api, namespace, serving) -> None:
    assert GuardDeployment(api, namespace).ready()
    assert not GuardDeployment(api, serving).ready()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def two_guards(context, serving):
    """The guard's own program twice, as the manifests start it, on this machine."""
    ports = free_port(), free_port()
    guards = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "headgate.adapters.kubernetes.guard"),
                *("--context", context, "--namespace", serving),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for port in ports
    ]
    try:
        until(lambda: all(map(is_ready, ports)), what="two guards", seconds=60)
        yield guards
    finally:
        for guard in guards:
            guard.kill()
            guard.communicate()


@contextmanager
def beating(api, serving, name):
    """A driver of which only the heart is there."""
    heartbeat = LeaseHeartbeat(api, namespace=serving, route=name)
    stopping = threading.Event()

    def beat() -> None:
        while not stopping.wait(0.25):
            heartbeat.beat(name, epoch=1)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.fixture
def other(api, router, serving, settings):
    model = f"{router.name}-b"
    yield HttpRouteRouter(api, namespace=serving, model=model, settings=settings)
    forget(api, serving, model)


def test_a_canary_whose_driver_falls_silent_is_taken_out_and_one_that_beats_is_not(
    api, router, other, serving, context
) -> None:
    with two_guards(context, serving) as guards, beating(api, serving, other.name):
        with beating(api, serving, router.name):
            for found in (router, other):
                found.write(route_for(rollout(found.name), onto=None))
            time.sleep(5.0)  # more than the time-out
            assert router.read().weight(CANARY.deployment) == 1000
        silent_at = time.monotonic()
        until(lambda: not router.read().weight(CANARY.deployment), what="the guard", seconds=15)
        assert time.monotonic() - silent_at > 3.0  # the time-out, less a beat
        state = state_from_json(router.read().state)
        assert (state.phase, state.epoch) == (Phase.ROLLED_BACK, 2)
        assert "no heartbeat of the driver" in state.reason
        assert other.read().weight(CANARY.deployment) == 1000
        guards[0].send_signal(signal.SIGTERM)
        _, log = guards[0].communicate(timeout=5)
        assert guards[0].returncode == 0, log


# Uninstalling.


def test_a_rollout_under_way_is_not_uninstalled_unless_forced(api, router, serving) -> None:
    router.write(route_for(rollout(), onto=None))
    LeaseHeartbeat(api, namespace=serving, route=router.name).beat("abc", epoch=1)
    before = stored(api, router, serving)
    with pytest.raises(BackendError, match="rollout abc of toy-v2 is PROGRESSING"):
        uninstall(api, serving)
    assert stored(api, router, serving)["spec"] == before["spec"]
    assert json.loads(before["metadata"]["annotations"][OWNED]) == ["toy-v1", "toy-v2"]
    done = uninstall(api, serving, force=True)
    assert f"HTTPRoute {serving}/{router.name}: deleted" in done
    assert f"Lease {serving}/headgate-{router.name}: deleted" in done
    assert stored(api, router, serving) is None
    assert uninstall(api, serving) == []
