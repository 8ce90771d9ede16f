"""Where the step that trains runs, and as whom: the compiled settings on a real scheduler.

The cluster's node is given two pieces of a resource that does not exist. The pod is what the
backend would make of the step, with a command that says what it sees.
"""

import json
import uuid

import pytest
from tests.e2e.executor_pod import executor_pod
from tests.e2e.support import until

from headgate.adapters.kubernetes.api import EVENT, NODE, POD
from headgate.cli.compiling import Fit, promotion_documents

RESOURCE = "headgate.test/gpu"
POINTER = "headgate.test~1gpu"  # the same in a JSON pointer
SMALL = {"train_cpu": "50m", "train_memory": "512Mi", "accelerator_type": RESOURCE}
SEES = (
    "import os, shutil, time;"
    "print(os.getuid(), os.getgid(), shutil.disk_usage('/dev/shm').total, flush=True);"
    "time.sleep(300)"
)


@pytest.fixture(scope="module")
def node(api, kubectl):
    """The cluster's node, with two of the resource; as it was afterwards."""
    name = api.list(NODE)[0]["metadata"]["name"]
    has = {"capacity": {RESOURCE: "2"}, "allocatable": {RESOURCE: "2"}}
    patch = ("patch", "node", name, "--subresource=status")
    kubectl(*patch, "--type=merge", "-p", json.dumps({"status": has}))
    yield name
    gone = [{"op": "remove", "path": f"/status/{part}/{POINTER}"} for part in has]
    kubectl(*patch, "--type=json", "-p", json.dumps(gone))


@pytest.fixture(scope="module")
def steps(kubectl):
    """A namespace where pipelines run: the backend's pods do not meet the restricted standard."""
    name = f"steps-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    kubectl("wait", "-n", name, "--for=create", "serviceaccount/default", "--timeout=60s")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def documents():
    return promotion_documents(Fit(shared_memory="64Mi"))


@pytest.fixture
def train(api, documents, steps):
    """Start the pod of the step that trains, with parameters of a run."""
    made: list[str] = []

    def start(**parameters: object) -> str:
        name = f"placement-{uuid.uuid4().hex[:6]}"
        spec = executor_pod(documents, "exec-train-model", {**SMALL, **parameters})
        spec["containers"][0]["command"] = ["python3", "-c", SEES]
        spec |= {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
        metadata = {"name": name, "namespace": steps}
        api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        made.append(name)
        return name

    yield start
    for name in made:
        api.delete(POD, name, namespace=steps)


@pytest.fixture
def pod(api, steps):
    return lambda name: api.get(POD, name, namespace=steps)


@pytest.fixture
def runs(pod):
    """Wait until a pod runs; return it."""

    def wait(name: str):
        return until(
            lambda: (found := pod(name))["status"]["phase"] == "Running" and found,
            what=f"{name} runs",
        )

    return wait


@pytest.fixture
def refusal(api, pod, steps):
    """Wait until the scheduler says why a pod stays where it is; return what it says."""

    def wait(name: str) -> str:
        def said() -> str:
            for event in api.list(EVENT, namespace=steps):
                if event["involvedObject"].get("name") != name:
                    continue
                if event["reason"] == "FailedScheduling":
                    return event["message"]
            return ""

        message = until(said, what=f"the scheduler speaks of {name}")
        assert pod(name)["status"]["phase"] == "Pending"
        return message

    return wait


@pytest.mark.usefixtures("node")
def test_a_step_that_asks_for_an_accelerator_runs_where_there_is_one(train, runs) -> None:
    running = runs(train(accelerator_count="1"))
    assert running["spec"]["containers"][0]["resources"]["limits"][RESOURCE] == "1"


@pytest.mark.usefixtures("node")
def test_a_step_that_asks_for_more_than_there_is_waits_and_the_event_says_why(
    train, refusal
) -> None:
    assert f"Insufficient {RESOURCE}" in refusal(train(accelerator_count="3"))


def test_a_step_that_asks_for_no_accelerator_runs_on_a_node_without(train, runs) -> None:
    running = runs(train(accelerator_type="nvidia.com/gpu"))  # the count's default is "0"
    assert running["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "0"


def test_a_step_runs_as_the_unprivileged_user_with_the_shared_memory_asked_for(
    train, runs, kubectl, steps
) -> None:
    name = train()
    runs(name)
    log = until(lambda: kubectl("logs", "-n", steps, name).stdout, what="the pod's log")
    assert log.split() == ["65532", "65532", str(64 * 1024**2)]


def test_a_step_waits_for_a_node_with_the_labels_asked_for(
    train, runs, refusal, node, kubectl
) -> None:
    name = train(node_selector={"headgate.test/pool": "training"})
    assert "didn't match Pod's node affinity/selector" in refusal(name)
    kubectl("label", "node", node, "headgate.test/pool=training")
    try:
        runs(name)
    finally:
        kubectl("label", "node", node, "headgate.test/pool-")


def test_a_step_runs_on_a_node_that_it_tolerates_and_on_no_other(
    train, runs, refusal, node, kubectl
) -> None:
    kubectl("taint", "node", node, "headgate.test/reserved=yes:NoSchedule")
    try:
        assert "untolerated taint" in refusal(train())
        toleration = {"key": "headgate.test/reserved", "operator": "Exists", "effect": "NoSchedule"}
        runs(train(tolerations=[toleration]))
    finally:
        kubectl("taint", "node", node, "headgate.test/reserved-")
