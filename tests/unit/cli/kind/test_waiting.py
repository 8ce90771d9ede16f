import pytest
from tests.unit.cli.kind.machine import deployment, with_condition

from headgate.cli.kind.waiting import Awaited, awaited, identity, standing


def changed(manifest, **status):
    return {**manifest, "status": {**manifest["status"], **status}}


def test_what_becomes_ready_is_awaited_in_the_order_in_which_one_needs_the_other():
    manifests = [
        {"kind": "Deployment", "metadata": {"name": "mlflow", "namespace": "headgate"}},
        {"kind": "Service", "metadata": {"name": "mlflow", "namespace": "headgate"}},
        {"kind": "Gateway", "metadata": {"name": "headgate", "namespace": "headgate"}},
        {"kind": "GatewayClass", "metadata": {"name": "traefik"}},
    ]
    assert [one.words for one in awaited(manifests)] == [
        "gatewayclass traefik",
        "gateway headgate",
        "deployment mlflow",
    ]


def test_a_namespace_that_a_kustomization_put_on_a_gateway_class_does_not_count():
    rendered = {"kind": "GatewayClass", "metadata": {"name": "t", "namespace": "gateway-system"}}
    assert identity(rendered) == Awaited(kind="GatewayClass", name="t")


def test_what_is_not_there_is_not_ready():
    assert standing(None).ready is False


def test_a_deployment_with_all_its_pods_is_ready():
    assert standing(deployment("mlflow")).ready is True


@pytest.mark.parametrize(
    "status",
    [
        {"availableReplicas": 0},
        {"updatedReplicas": 0},  # the old pods still serve
        {"replicas": 2},  # an old pod is still there
        {"observedGeneration": 0},  # the change was not looked at yet
    ],
)
def test_a_deployment_that_is_not_done_is_not_ready(status):
    assert standing(changed(deployment("mlflow"), **status)).ready is False


def test_a_deployment_without_a_status_is_not_ready():
    fresh = {**deployment("mlflow"), "status": None}
    assert standing(fresh).note == "0 of 1 pods ready"


def test_a_gateway_is_ready_by_its_condition():
    assert standing(with_condition("Gateway", "g", "Programmed")).ready is True
    refused = with_condition("Gateway", "g", "Programmed", "False")
    refused["status"]["conditions"][0] |= {"reason": "Invalid", "message": "no listener"}
    assert standing(refused).note == "not programmed: Invalid no listener"


@pytest.mark.parametrize("conditions", [[], [{"type": "Accepted", "status": "True"}]])
def test_a_gateway_that_no_controller_looked_at_is_not_ready(conditions):
    gateway = changed(with_condition("Gateway", "g", "Programmed"), conditions=conditions)
    assert "no controller has looked at it" in standing(gateway).note


def test_a_condition_of_an_older_generation_says_nothing():
    gateway = with_condition("Gateway", "g", "Programmed")
    gateway["metadata"]["generation"] = 2
    assert standing(gateway).ready is False
