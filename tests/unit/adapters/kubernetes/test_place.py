"""A namespace of a cluster as the place that serves one model."""

from dataclasses import replace

import pytest
from tests.unit.adapters.kubernetes.predictors import SPEC, pod, settings, slices, template

from headgate.adapters.kubernetes.api import DEPLOYMENT, HTTP_ROUTE, LEASE
from headgate.adapters.kubernetes.place import KubernetesPlace
from headgate.adapters.memory import ManualClock, MemoryRegistry
from headgate.errors import BackendError, ConfigError
from headgate.ports import Backend, Route
from headgate.problem.sections import Rollout
from headgate.rollout import Arm, make_plan
from headgate.usecases import Target, run_canary

CHAMPION = replace(SPEC, name="adult-v2", version="2")
ALL_TO_CHAMPION = Route(revision="", backends=(Backend(deployment="adult-v2", weight=10_000),))


@pytest.fixture
def place(server, api):
    server.put(settings())
    server.put(template())
    return KubernetesPlace(api, namespace="serving", model="adult")


@pytest.fixture
def serve(server, place):
    """Deploy something and let the cluster do its part."""

    def serve(spec):
        place.deploy(spec)
        labels = {"headgate.dev/deployment": spec.name}
        running = pod(f"{spec.name}-0")
        server.put({**running, "metadata": {**running["metadata"], "labels": labels}})
        server.put({**server.object(DEPLOYMENT, spec.name), "status": {"availableReplicas": 1}})
        endpoints = slices(True)[0]
        of_service = {"kubernetes.io/service-name": spec.name}
        server.put({**endpoints, "metadata": {"name": spec.name, "labels": of_service}})

    return serve


def test_a_server_that_is_not_ready_takes_no_weight(place, server, serve) -> None:
    serve(CHAMPION)
    place.deploy(SPEC)
    champion = place.write(ALL_TO_CHAMPION)
    before = server.object(HTTP_ROUTE, "adult")
    backends = (
        Backend(deployment="adult-v2", weight=9_000),
        Backend(deployment="adult-v3", weight=1_000),
    )
    with pytest.raises(
        BackendError, match="adult-v3 is not ready and cannot take weight"
    ) as caught:
        place.write(replace(champion, backends=backends))
    assert caught.value.retryable
    gone = (Backend(deployment="adult-v9", weight=10_000),)
    with pytest.raises(BackendError, match="adult-v9 is not ready"):
        place.write(replace(champion, backends=gone))
    assert server.object(HTTP_ROUTE, "adult") == before


def test_who_has_weight_may_get_more_ready_or_not(place, server, serve) -> None:
    serve(CHAMPION)
    serve(SPEC)
    backends = (
        Backend(deployment="adult-v2", weight=9_000),
        Backend(deployment="adult-v3", weight=1_000),
    )
    split = place.write(Route(revision="", backends=backends))
    server.put({**server.object(DEPLOYMENT, "adult-v2"), "status": {}})
    back = place.write(replace(split, backends=ALL_TO_CHAMPION.backends))
    assert place.read() == back


def test_a_plan_that_needs_labels_is_refused_before_anything_is_written(
    place, server, serve
) -> None:
    for spec in (CHAMPION, SPEC):
        serve(spec)
        pages = (
            "# TYPE headgate_requests counter\n# TYPE headgate_request_duration_seconds histogram"
        )
        server.pages[f"{spec.name}-0:8080/metrics"] = f"{pages}\n"
    server.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "headgate-guard"},
            "status": {"readyReplicas": 2},
        }
    )
    place.write(ALL_TO_CHAMPION)
    server.requests.clear()
    with pytest.raises(ConfigError, match=r"rollout\.wrong_answers.*set wrong_answers to null"):
        run_canary(
            make_plan(Rollout()),
            Target(
                model="adult",
                canary=Arm(deployment="adult-v3", version="3"),
                stable=Arm(deployment="adult-v2", version="2"),
            ),
            **dict.fromkeys(
                ("router", "metrics", "labels", "heartbeat", "guard", "deployments"), place
            ),
            registry=MemoryRegistry(),
            clock=ManualClock(),
        )
    assert {method for method, _ in server.requests} == {"GET"}


def test_the_heartbeat_is_the_lease_of_the_route_that_was_named(place, server) -> None:
    server.put(settings("routes: {adult: shop}"))
    place.beat("r1", epoch=4)
    assert server.object(LEASE, "headgate-shop")["spec"]["holderIdentity"] == "r1"


def test_a_guard_that_is_not_installed_does_not_watch(place) -> None:
    assert place.ready() is False


def test_a_place_is_left_with_its_connections_closed(place) -> None:
    with place as opened:
        assert opened is place
        assert opened.read() is None
    assert place.ready_timeout_seconds == 300


def test_the_settings_say_how_long_the_gateway_takes_to_settle(place, server) -> None:
    server.put(settings("gateway: {settle_seconds: 8}"))
    assert place.settle_seconds == 8.0


def test_a_gateway_settles_more_slowly_than_a_local_proxy_if_nobody_says_else(place) -> None:
    assert place.settle_seconds == 3.0
