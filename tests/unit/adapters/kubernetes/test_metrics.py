"""Counters scraped from each pod."""

import pytest
from tests.unit.adapters.kubernetes.predictors import pod, running

from headgate.adapters.kubernetes.metrics import PodMetrics
from headgate.errors import BackendError, ConfigError, NoDataError
from headgate.ports import PodCounters


def page(*, requests, errors=0, slow=0, started="1.7e+09"):
    gauge = f'headgate_process_start_time_seconds{{model="adult"}} {started}\n' if started else ""
    duration = "headgate_request_duration_seconds"
    return (
        "# TYPE headgate_requests_total counter\n"
        f'headgate_requests_total{{code="200"}} {requests - errors}\n'
        f'headgate_requests_total{{code="500"}} {errors}\n'
        f"# TYPE {duration} histogram\n"
        f'{duration}_bucket{{le="0.1"}} {requests - slow}\n'
        f'{duration}_bucket{{le="+Inf"}} {requests}\n'
        f"# TYPE headgate_process_start_time_seconds gauge\n{gauge}"
    )


@pytest.fixture
def metrics(api):
    return PodMetrics(api, namespace="serving")


@pytest.fixture
def deployed(server):
    """A Deployment that was made for answers slower than 100 ms."""
    server.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "adult-v3",
                "annotations": {"headgate.dev/slow-above-ms": "100"},
            },
        }
    )
    server.put(pod("a"))
    server.put(pod("b"))
    return server


def test_every_pod_is_counted_by_itself(deployed, metrics) -> None:
    deployed.pages["a:8080/metrics"] = page(requests=10, errors=2, slow=3)
    deployed.pages["b:8080/metrics"] = page(requests=5, started="1.8e+09")
    assert metrics.counters("adult-v3") == (
        PodCounters(pod="a", started="1.7e+09", requests=10, errors=2, slow=3),
        PodCounters(pod="b", started="1.8e+09", requests=5, errors=0, slow=0),
    )


def test_a_pod_that_is_going_away_counts_while_it_answers(deployed, metrics) -> None:
    going = pod("a")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    deployed.put(going)
    for name in "ab":
        deployed.pages[f"{name}:8080/metrics"] = page(requests=10)
    assert [found.pod for found in metrics.counters("adult-v3")] == ["a", "b"]
    del deployed.pages["a:8080/metrics"]
    assert [found.pod for found in metrics.counters("adult-v3")] == ["b"]


def test_a_pod_that_is_not_ready_may_be_missing(deployed, metrics) -> None:
    deployed.put(pod("b", ready=False))
    deployed.pages["a:8080/metrics"] = page(requests=10)
    assert [found.pod for found in metrics.counters("adult-v3")] == ["a"]


def test_a_ready_pod_that_does_not_answer_is_no_data_and_named(deployed, metrics) -> None:
    deployed.pages["a:8080/metrics"] = page(requests=10)
    with pytest.raises(NoDataError, match=r"not all pods of .*-v3 .*scraped: pod b does not ans"):
        metrics.counters("adult-v3")
    deployed.pages["b:8080/metrics"] = page(requests=5)
    assert sum(found.requests for found in metrics.counters("adult-v3")) == 15


def test_pods_of_other_deployments_do_not_count(deployed, metrics) -> None:
    other = pod("c")
    other["metadata"]["labels"] = {"headgate.dev/deployment": "adult-v4"}
    deployed.put(other)
    for name in "abc":
        deployed.pages[f"{name}:8080/metrics"] = page(requests=1)
    assert [found.pod for found in metrics.counters("adult-v3")] == ["a", "b"]


def test_in_a_pod_the_pods_are_asked_directly(server) -> None:
    found = pod("a")
    found["spec"]["containers"][1]["ports"] = [{"name": "http", "containerPort": server.port}]
    server.put(found)
    server.pages["/metrics"] = page(requests=7)
    with server.api(in_cluster=True) as api:
        metrics = PodMetrics(api, namespace="serving", slow_above_ms=100.0)
        assert metrics.counters("adult-v3")[0].requests == 7
    assert ("GET", "/metrics") in server.requests


def test_a_server_that_does_not_say_when_it_began_is_known_by_its_container(
    deployed, metrics
) -> None:
    deployed.put(pod("a", containerStatuses=[running(restartCount=4)]))
    for name in "ab":
        deployed.pages[f"{name}:8080/metrics"] = page(requests=1, started="")
    assert metrics.counters("adult-v3")[0].started == "2026-01-01T00:00:00Z#4"


def test_no_pod_that_answers_is_no_data(deployed, metrics) -> None:
    with pytest.raises(NoDataError, match=r"of adult-v3 can be scraped: pod a does not ans"):
        metrics.counters("adult-v3")
    for name in "ab":
        deployed.put(pod(name, ready=False))
    with pytest.raises(NoDataError, match=r"can be scraped: pod a does .*; pod b does not answer"):
        metrics.counters("adult-v3")
    for name in "ab":
        deployed.put(pod(name, containerStatuses=[{"name": "predictor", "state": {}}]))
    with pytest.raises(NoDataError, match="no pod of adult-v3 runs; it has 2"):
        metrics.counters("adult-v3")


def test_what_is_not_deployed_by_us_counts_nothing(metrics, server) -> None:
    for name in ("service/theirs", "nobody"):
        with pytest.raises(NoDataError, match=f"{name}"):
            metrics.counters(name)
    server.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs"}})
    with pytest.raises(NoDataError, match="there is no deployment theirs of ours"):
        metrics.counters("theirs")


def test_an_api_server_that_does_not_answer_is_another_matter(deployed, metrics) -> None:
    deployed.hang_up(part="/pods")
    with pytest.raises(BackendError, match="does not answer"):
        metrics.counters("adult-v3")


def test_arms_that_are_compared_are_judged_by_one_bound(deployed, api) -> None:
    for name in "ab":
        deployed.pages[f"{name}:8080/metrics"] = page(requests=10)
    metrics = PodMetrics(api, namespace="serving", slow_above_ms=50.0)
    with pytest.raises(
        ConfigError, match=r"no latency bucket of 0.05 s; .*rollout.slow_above_ms"
    ) as it:
        metrics.counters("adult-v3")
    assert "anew" not in str(it.value)  # what has all traffic cannot be deployed anew
