"""Waiting against a kubectl that is a script; time passes when the waiter pauses."""

import io

import pytest
from rich.console import Console
from tests.unit.cli.kind.machine import NBSP, deployment, everything, items, with_condition

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.explaining import short
from headgate.cli.kind.kubectl import Kubectl
from headgate.cli.kind.steps import Steps
from headgate.cli.kind.waiter import Waiter
from headgate.cli.kind.waiting import Awaited
from headgate.cli.progress import Progress
from headgate.errors import BackendError

KUBECTL = "kubectl --context kind-headgate"
GUARD = Awaited(kind="Deployment", namespace="headgate", name="headgate-guard")
GATEWAY = Awaited(kind="Gateway", namespace="headgate", name="headgate")


class Waiting:
    def __init__(self, machine):
        self.machine = machine
        self.now = 0.0
        self.file = io.StringIO()

    def until_ready(self, *objects, seconds=30.0):
        self.machine.install()
        steps = Steps(Progress(Console(file=self.file, width=200, highlight=False)))
        kubectl = Kubectl(Commands(), "kind-headgate")
        waiter = Waiter(kubectl, steps, clock=lambda: self.now, pause=self.pause)
        waiter.until_ready(objects, seconds=seconds)

    def pause(self, seconds):
        self.now += 5 * seconds

    @property
    def said(self):
        return self.file.getvalue().replace(NBSP, " ")


def pod(name="headgate-guard-7-x", **container):
    state = {"name": "guard", "ready": False, "restartCount": 0, "state": {"running": {}}}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "guard", "image": "guard:1"}]},
        "status": {"phase": "Running", "containerStatuses": [{**state, **container}]},
    }


def waiting_for(reason, message=""):
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def event(name, kind="Pod", *, reason="Failed", message="it failed", count=1, warning=True):
    return {
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "message": message,
        "count": count,
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": {"kind": kind, "name": name},
    }


@pytest.fixture
def late(machine):
    """A guard that never becomes ready; its pod and events are empty."""
    machine.answer(f"{KUBECTL} get deployments", items(deployment("headgate-guard", ready=0)))
    machine.answer(f"{KUBECTL} get pods", items())
    machine.answer(f"{KUBECTL} get events", items())
    return machine


@pytest.fixture
def waiting(machine):
    return Waiting(machine)


def test_waiting_for_nothing_asks_nothing(machine, waiting):
    waiting.until_ready()
    assert machine.calls == []


def test_what_is_ready_ends_the_wait_with_its_seconds(machine, waiting):
    machine.answer(f"{KUBECTL} get deployments", items(*everything()))
    waiting.until_ready(GUARD)
    assert "✓ deployment headgate guard             0.0 s   1 of 1 pods ready" in waiting.said


def test_one_call_asks_for_everything_awaited(machine, waiting):
    machine.answer(f"{KUBECTL} get deployments", items(*everything()))
    waiting.until_ready(GUARD, GATEWAY)
    (call,) = machine.calls
    assert "deployments.apps,gateways.gateway.networking.k8s.io --all-namespaces" in call


@pytest.mark.usefixtures("late")
def test_a_workload_that_does_not_become_ready_is_given_up_after_the_time(waiting):
    with pytest.raises(BackendError, match=r"not ready after 30 s: headgate/headgate-guard\."):
        waiting.until_ready(GUARD)
    assert "✗ deployment headgate guard              30 s   0 of 1 pods ready" in waiting.said
    assert "it has no pods" in waiting.said


def test_meanwhile_it_is_said_what_is_awaited(late, waiting):
    late.answer(f"{KUBECTL} get pods", items(pod()))
    late.answer(f"{KUBECTL} logs", "")
    with pytest.raises(BackendError):
        waiting.until_ready(GUARD)
    assert (
        "waiting for headgate/headgate-guard: pod headgate-guard-7-x, container guard: Running:"
        " its readiness probe does not pass yet"
    ) in waiting.said


def test_an_image_that_is_not_there_is_explained_without_waiting_for_the_end(late, waiting):
    stuck = pod(**waiting_for("ImagePullBackOff", 'Back-off pulling image "guard:1"'))
    late.answer(f"{KUBECTL} get pods", items(stuck))
    with pytest.raises(BackendError, match="the node does not have guard:1") as caught:
        waiting.until_ready(GUARD, seconds=900)
    assert waiting.now < 100
    assert "`make images kind`" in str(caught.value)
    assert "kind load image-archive image.tar" in str(caught.value)
    assert "load docker-image" not in str(caught.value)  # it fails on images of several platforms
    assert not late.called(f"{KUBECTL} logs")


def test_a_process_that_ends_is_explained_with_events_and_its_last_lines(late, waiting):
    crashed = pod(restartCount=3, **waiting_for("CrashLoopBackOff"))
    crashed["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 7}}
    late.answer(f"{KUBECTL} get pods", items(crashed))
    about = [
        event("headgate-guard-7-x", reason="BackOff", message="Back-off restarting", count=4),
        event("headgate-guard-7", "ReplicaSet", message="of the set"),
        event("somebody-else", message="not ours"),
        event("headgate-guard-7-x", message="all is well", warning=False),
    ]
    late.answer(f"{KUBECTL} get events", items(*about))
    late.answer(f"{KUBECTL} logs headgate-guard-7-x", "starting\nNo module named headgate\n")
    with pytest.raises(BackendError, match="its process ends"):
        waiting.until_ready(GUARD)
    assert "CrashLoopBackOff: it ended with exit code 7, 3 restarts" in waiting.said
    assert "event BackOff (4 times), pod headgate-guard-7-x: Back-off restarting" in waiting.said
    assert "replicaset headgate-guard-7: of the set" in waiting.said
    assert "not ours" not in waiting.said
    assert "all is well" not in waiting.said
    assert "log of headgate-guard-7-x/guard, its last lines:" in waiting.said
    assert "  No module named headgate" in waiting.said
    (log, *_) = late.called(f"{KUBECTL} logs")
    assert "--tail=10" in log


def test_the_log_before_the_restart_is_shown_when_the_new_one_is_empty(late, waiting):
    late.answer(f"{KUBECTL} get pods", items(pod(restartCount=1)))
    late.answer(f"{KUBECTL} logs", "unable to retrieve container logs for containerd://4b\n")
    call = f"{KUBECTL} logs headgate-guard-7-x --namespace headgate --container guard --tail=10"
    late.answer(f"{call} --previous", "the last words\n")
    with pytest.raises(BackendError):
        waiting.until_ready(GUARD)
    assert "  the last words" in waiting.said


def test_a_pod_that_finds_no_node_is_explained(late, waiting):
    unscheduled = {
        "metadata": {"name": "headgate-guard-7-x"},
        "status": {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "Insufficient memory",
                }
            ],
        },
    }
    late.answer(f"{KUBECTL} get pods", items(unscheduled))
    with pytest.raises(BackendError, match="no node has room for it"):
        waiting.until_ready(GUARD)
    assert "pod headgate-guard-7-x: Unschedulable: Insufficient memory" in waiting.said


@pytest.mark.parametrize(
    ("container", "remedy"),
    [
        (waiting_for("CreateContainerConfigError", 'secret "s" not found'), "a Secret or a"),
        ({"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}, "killed for memory"),
        ({"state": {"terminated": {"exitCode": 3}}}, "its process ends"),
        (
            {
                **waiting_for("CrashLoopBackOff"),
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            },
            "killed for memory",
        ),
        ({}, "describe deployments headgate-guard"),
    ],
)
def test_each_kind_of_trouble_has_its_remedy(late, waiting, container, remedy):
    late.answer(f"{KUBECTL} get pods", items(pod(**container)))
    late.answer(f"{KUBECTL} logs", "a line\n")
    with pytest.raises(BackendError, match=remedy):
        waiting.until_ready(GUARD)


def test_an_init_container_is_blamed_before_those_that_wait_for_it(late, waiting):
    held = pod(**waiting_for("PodInitializing"))
    held["spec"]["initContainers"] = [{"name": "fetch", "image": "fetch:1"}]
    held["status"]["initContainerStatuses"] = [
        {"name": "done", "ready": False, "state": {"terminated": {"exitCode": 0}}},
        {"name": "fetch", "ready": False, **waiting_for("ErrImagePull", "not found")},
    ]
    late.answer(f"{KUBECTL} get pods", items(held))
    with pytest.raises(BackendError, match="the node does not have fetch:1"):
        waiting.until_ready(GUARD)
    assert "container guard" not in waiting.said


def test_conditions_that_do_not_hold_are_told(late, waiting):
    refused = deployment("headgate-guard", ready=0)
    refused["status"]["conditions"] = [
        {"type": "Progressing", "status": "True"},
        {"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate", "message": "quota"},
    ]
    late.answer(f"{KUBECTL} get deployments", items(refused))
    with pytest.raises(BackendError):
        waiting.until_ready(GUARD)
    assert "condition ReplicaFailure is False: FailedCreate quota" in waiting.said
    assert "Progressing" not in waiting.said


def test_a_gateway_without_a_controller_is_told_after_the_workloads(machine, waiting):
    there = [
        deployment("headgate-guard", ready=0),
        with_condition("Gateway", "headgate", "Programmed", "False", namespace="headgate"),
    ]
    machine.answer(f"{KUBECTL} get gateways", items(*there))
    machine.answer(f"{KUBECTL} get pods", items())
    machine.answer(f"{KUBECTL} get events", items())
    with pytest.raises(BackendError, match="headgate/headgate-guard, headgate/headgate"):
        waiting.until_ready(GATEWAY, GUARD)
    assert waiting.said.index("✗ deployment") < waiting.said.index("✗ gateway")
    assert "condition Programmed is False" in waiting.said


def test_an_object_that_is_not_there_at_all_is_told(machine, waiting):
    machine.answer(f"{KUBECTL} get gateways", items())
    with pytest.raises(BackendError, match="describe gateways headgate"):
        waiting.until_ready(GATEWAY)
    assert "it is not there" in waiting.said


def test_what_is_still_the_same_is_not_said_at_length_again(late, waiting):
    late.answer(f"{KUBECTL} get pods", items(pod(**waiting_for("ContainerCreating"))))
    with pytest.raises(BackendError):
        waiting.until_ready(GUARD, seconds=60)
    assert waiting.said.count("container guard: ContainerCreating") == 2  # once, and at the end
    assert "waiting for headgate/headgate-guard: as before" in waiting.said


def test_a_long_message_keeps_its_beginning_and_its_end():
    told = short(f"Failed to pull {'x' * 1000}\nno such host")
    assert told.startswith("Failed to pull xxx")
    assert told.endswith("xxx no such host")
    assert len(told) <= 260
    assert short("two\n lines") == "two lines"
