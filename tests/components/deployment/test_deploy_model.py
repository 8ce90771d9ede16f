import sys

import httpx
import pytest

from headgate.errors import BackendError, ConfigError
from headgate.ports import Backend, Route
from headgate_components.deployment.deploy_model.component import deploy_model

pytestmark = pytest.mark.live


def test_the_registered_version_answers_behind_the_proxy(
    registered, arguments, place, cluster
) -> None:
    made = registered(0.1)
    name = deploy_model.python_func(version=made.version, **arguments)
    assert name == "adult-v1"
    assert cluster.status(name).ready
    cluster.write(Route(revision="", backends=(Backend(deployment=name, weight=10_000),)))
    answer = httpx.post(f"{place.proxy_url}/predict", json={"age": 40.0, "gender": "Male"})
    # sigmoid(0.1 * 40), by hand: 1 / (1 + exp(-4)) = 0.98201
    assert answer.json()["label"] == ">50K"
    assert answer.json()["probability"] == pytest.approx(0.98201, abs=1e-5)
    assert answer.headers["x-headgate-deployment"] == name
    (pod,) = cluster.counters(name)
    assert (pod.requests, pod.errors) == (1, 0)


def test_a_repeated_step_attaches_to_what_runs(registered, arguments, cluster) -> None:
    version = registered(0.1).version
    command = [sys.executable, "-m", "headgate.serving"]
    first = deploy_model.python_func(version=version, command=command, **arguments)
    started = cluster.counters(first)[0].started
    assert deploy_model.python_func(version=version, command=command, **arguments) == first
    assert cluster.counters(first)[0].started == started
    cluster.remove(first)


def test_a_server_that_does_not_start_fails_the_step_with_its_last_words(
    registered, arguments
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with pytest.raises(BackendError, match="exited with code 1 before it was ready: no such model"):
        deploy_model.python_func(version=registered(0.1).version, command=command, **arguments)


def test_a_version_that_is_not_registered_is_named(registered, arguments) -> None:
    registered(0.1)
    with pytest.raises(BackendError, match="7"):
        deploy_model.python_func(version="7", **arguments)


def test_a_place_that_does_not_answer_fails_the_step_as_retryable(registered, arguments) -> None:
    gone = {**arguments, "cluster_url": "http://127.0.0.1:9"}
    with pytest.raises(BackendError, match="does not answer") as caught:
        deploy_model.python_func(version=registered(0.1).version, **gone)
    assert caught.value.retryable
    with pytest.raises(ConfigError, match="cluster_url is empty"):
        deploy_model.python_func(version="1", **{**arguments, "cluster_url": ""})
