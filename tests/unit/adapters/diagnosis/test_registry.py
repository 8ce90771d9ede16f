"""What is seen of the model registry, in the cluster and from here."""

import pytest
from tests.unit.adapters.diagnosis.healthy import (
    NAMESPACE,
    deployment,
    service,
    settings,
    site_of,
)

from headgate.adapters.diagnosis.finding import State
from headgate.adapters.diagnosis.registry import look_at_registry
from headgate.adapters.kubernetes.api import DEPLOYMENT, SERVICE


def test_a_registry_in_the_cluster_is_asked_through_its_pod(site):
    (found,) = look_at_registry(site)
    assert found.state is State.OK
    assert found.seen == "serving/mlflow answers in the cluster, version 3.17.2"


def test_a_bare_name_is_a_service_of_the_namespace_that_serves(server, site):
    server.put(settings("registry_uri: http://mlflow:5000"))
    (found,) = look_at_registry(site)
    assert found.state is State.OK
    assert found.seen == "serving/mlflow answers in the cluster, version 3.17.2"


def test_localhost_is_no_service(server, site):
    server.put(settings("registry_uri: http://localhost:1"))
    assert "predictors ask it from the cluster" in look_at_registry(site)[0].seen


def test_a_port_is_looked_up_in_the_service(server, site):
    server.put({**service("mlflow"), "spec": {"ports": [{"port": 5000, "targetPort": 8123}]}})
    server.pages["mlflow-0:8123/health"] = "OK"
    server.pages["mlflow-0:8123/version"] = "3.9.0"
    assert look_at_registry(site)[0].seen.endswith("version 3.9.0")


def test_a_registry_that_is_scaled_to_nothing_says_how_to_scale_it_back(server, site):
    server.put(deployment("mlflow", ready=0, replicas=0))
    (found,) = look_at_registry(site)
    assert found.state is State.PROBLEM
    assert found.remedy.endswith("-n serving scale deployment mlflow --replicas=1")


def test_a_registry_that_is_not_ready_shows_where_to_look(server, site):
    server.put(deployment("mlflow", ready=0))
    (found,) = look_at_registry(site)
    assert found.state is State.PROBLEM
    assert found.seen == "Deployment serving/mlflow: 0 of 1 ready"
    assert "describe pods -l app.kubernetes.io/name=mlflow" in found.remedy


def test_a_registry_that_is_ready_and_answers_nothing_shows_its_log(server, site):
    del server.pages["mlflow-0:5000/health"]
    (found,) = look_at_registry(site)
    assert found.state is State.PROBLEM
    assert "logs deployment/mlflow" in found.remedy


def test_a_registry_that_the_settings_misname_is_a_problem(server, site):
    server.put(settings("registry_uri: http://mlfow.serving.svc.cluster.local:5000"))
    (found,) = look_at_registry(site)
    assert found.state is State.PROBLEM
    assert found.seen == "there is no Service serving/mlfow, which registry_uri names"
    assert "edit configmap headgate" in found.remedy


def test_a_service_without_a_deployment_cannot_be_looked_into(server, site):
    del server.objects[DEPLOYMENT.path(namespace=NAMESPACE, name="mlflow")]
    assert look_at_registry(site)[0].state is State.UNKNOWN
    del server.objects[SERVICE.path(namespace=NAMESPACE, name="mlflow")]
    assert look_at_registry(site)[0].state is State.PROBLEM


def test_another_major_version_is_worth_a_note(server, site):
    server.pages["mlflow-0:5000/version"] = "2.22.0"
    (found,) = look_at_registry(site)
    assert found.state is State.NOTE
    assert "2.22.0" in found.seen


def test_a_named_registry_is_asked_from_here(server):
    server.pages["/registry/health"], server.pages["/registry/version"] = "OK", "3.17.2"
    (found,) = look_at_registry(site_of(server, registry_uri=f"{server.url}/registry/"))
    assert found.state is State.OK
    (found,) = look_at_registry(site_of(server, registry_uri=f"{server.url}/elsewhere"))
    assert found.state is State.PROBLEM
    assert "does not answer: HTTP 404" in found.seen


def test_a_named_registry_that_is_down_is_a_problem(server):
    (found,) = look_at_registry(site_of(server, registry_uri="http://user:pw@127.0.0.1:1"))
    assert found.state is State.PROBLEM
    assert "refused" in found.seen
    assert "pw" not in found.seen


@pytest.mark.parametrize("uri", ["sqlite:////tmp/mlflow.db", "mlruns"])
def test_a_registry_in_a_file_is_no_registry_for_a_cluster(server, uri):
    (found,) = look_at_registry(site_of(server, registry_uri=uri))
    assert found.state is State.PROBLEM
    assert "a cluster needs a server" in found.seen


def test_a_registry_outside_of_the_cluster_that_is_silent_here_may_answer_there(server, site):
    server.put(settings("registry_uri: http://127.0.0.1:1"))
    (found,) = look_at_registry(site)
    assert found.state is State.UNKNOWN
    assert "predictors ask it from the cluster" in found.seen


def test_a_registry_outside_of_the_cluster_that_answers_here_is_fine(server, site):
    server.pages["/health"] = "OK"
    server.pages["/version"] = "3.17.2"
    server.put(settings(f"registry_uri: {server.url}"))
    assert look_at_registry(site)[0].state is State.OK


def test_without_settings_nobody_knows_which_registry(server, site):
    server.put(settings("no_such_key: 1"))
    assert look_at_registry(site)[0].state is State.UNKNOWN
