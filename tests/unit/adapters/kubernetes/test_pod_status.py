"""What is ready, what is down for good and why, and what is only starting."""

import pytest
from tests.unit.adapters.kubernetes.predictors import pod, running, slices

from headgate.adapters.kubernetes.pod_status import deployment_status


def judged(*pods, endpoints=(), available=0, conditions=()):
    deployment = {
        "metadata": {"name": "adult-v3", "labels": {"headgate.dev/version": "3"}},
        "status": {"availableReplicas": available, "conditions": [*conditions]},
    }
    return deployment_status(deployment, pods=pods, slices=slices(*endpoints))


def waits(reason, message="", *, name="predictor", **more):
    return {
        "name": name,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
        **more,
    }


def ended(code, message="", *, reason="Error"):
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def broken(status):
    return judged(pod(ready=False, containerStatuses=[status])).reason


def test_a_deployment_with_a_ready_endpoint_is_ready() -> None:
    status = judged(pod(), endpoints=[True], available=1)
    assert (status.name, status.version, status.ready) == ("adult-v3", "3", True)
    assert (status.restarts, status.reason, status.waiting) == (0, "", "")


def test_a_pod_that_its_service_does_not_list_yet_takes_no_traffic() -> None:
    for endpoints in ([], [False]):
        status = judged(pod(), endpoints=endpoints, available=1)
        assert not status.ready
        assert status.waiting.endswith("is ready, its Service adult-v3 does not list it yet")
    assert not judged(pod(), endpoints=[True], available=0).ready


def test_one_of_several_pods_that_answers_is_enough() -> None:
    starting = pod("b", ready=False, containerStatuses=[waits("ContainerCreating")])
    crashing = pod("c", ready=False, containerStatuses=[waits("CrashLoopBackOff")])
    status = judged(pod("a"), starting, crashing, endpoints=[True, False], available=1)
    assert status.ready
    assert status.reason == ""


def once_ready(name, status, *, unready="2026-01-01T00:05:00Z"):
    """A pod that lost its readiness five minutes after it came."""
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": unready}
    stamp = "2026-01-01T00:00:00Z"
    return pod(name, conditions=[condition], startTime=stamp, containerStatuses=status)


def test_restarts_of_all_predictors_that_had_served_are_summed() -> None:
    mesh = {"name": "mesh", "restartCount": 7, "state": {}}
    back = {"running": {"startedAt": "2026-01-01T00:05:01Z"}}
    pods = [
        once_ready("a", [mesh, waits("CrashLoopBackOff", restartCount=2)]),
        once_ready("b", [running(restartCount=1, state=back)]),
        once_ready("c", None),
    ]
    assert judged(*pods).restarts == 3


def test_a_pod_that_was_never_ready_has_failed_nobody() -> None:
    status = [waits("CrashLoopBackOff", restartCount=2)]
    assert judged(once_ready("a", status, unready="2026-01-01T00:00:00Z")).restarts == 0
    assert judged(pod(ready=False, containerStatuses=status)).restarts == 0
    assert judged({"metadata": {"name": "a", "namespace": "serving"}}).restarts == 0


def test_a_pod_that_is_ready_again_shows_in_its_counters() -> None:
    assert judged(pod(containerStatuses=[running(restartCount=1)])).restarts == 0


def test_a_pod_that_only_lost_its_readiness_did_not_restart_by_that() -> None:
    assert judged(once_ready("a", [running(restartCount=3)])).restarts == 0


def test_pods_that_are_gone_or_going_play_no_part() -> None:
    going = pod("a", containerStatuses=[waits("CrashLoopBackOff", restartCount=3)])
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    evicted = pod("b", phase="Failed", containerStatuses=[running(restartCount=5)])
    status = judged(going, evicted)
    assert (status.restarts, status.reason) == (0, "")
    assert status.waiting == "there is no pod yet"


@pytest.mark.parametrize("why", ["ImagePullBackOff", "ErrImageNeverPull"])
def test_an_image_that_no_node_has_is_named_with_what_to_do(why) -> None:
    reason = broken(waits(why, "pull access\ndenied"))
    assert reason == (
        "image localhost:5001/headgate-predictor:0.1.0 is not on the node and cannot be pulled "
        f"({why}: pull access denied); load it (kind: `docker save "
        "localhost:5001/headgate-predictor:0.1.0 -o image.tar && kind load image-archive "
        "image.tar`), or let the node pull it with imagePullSecrets in PodTemplate "
        "headgate-predictor"
    )


def test_a_first_failure_to_pull_may_heal() -> None:
    status = judged(pod("a", ready=False, containerStatuses=[waits("ErrImagePull", "timeout")]))
    assert status.reason == ""
    assert status.waiting == (
        "container predictor of pod a waits (ErrImagePull: timeout); "
        "see `kubectl -n serving describe pod a`"
    )


def test_a_container_that_crashes_is_quoted() -> None:
    words = "Error\n\n\x1b[0;93mheadgate.serving: bundle\x1b[m\n  has sha256 00,\nexpected is ab\n"
    crash = waits("CrashLoopBackOff", restartCount=2, lastState=ended(1, words))
    assert broken(crash) == (
        "exited with code 1: headgate.serving: bundle | has sha256 00, | expected is ab "
        "(after 2 restarts)"
    )


def test_a_container_that_ended_twice_has_failed_and_once_may_be_bad_luck() -> None:
    twice = {"name": "predictor", "restartCount": 1, "state": ended(3)}
    assert broken(twice) == "exited with code 3: no output (after 1 restarts)"
    assert broken({**twice, "restartCount": 0}) == ""
    assert broken({**twice, "state": ended(0)}) == ""


def test_a_container_without_memory_is_told_how_to_get_some() -> None:
    crash = waits("CrashLoopBackOff", restartCount=1, lastState=ended(137, reason="OOMKilled"))
    assert broken(crash).startswith("ran out of memory (raise resources.limits.memory in PodT")


def test_a_container_that_cannot_be_created_says_why() -> None:
    for why in ("CreateContainerConfigError", "CreateContainerError", "InvalidImageName"):
        reason = broken(waits(why, 'secret "token" not found'))
        assert reason == 'container predictor cannot be created: secret "token" not found'


def test_a_command_that_is_not_in_the_image_is_quoted() -> None:
    last = ended(128, 'exec: "/nonsense": no such file', reason="StartError")
    crash = waits("CrashLoopBackOff", restartCount=1, lastState=last)
    assert broken(crash).startswith('cannot be started: exec: "/nonsense": no such file')


def test_an_init_container_that_crashes_is_named() -> None:
    crash = waits("CrashLoopBackOff", name="fetch", lastState=ended(2, "no route"), restartCount=1)
    found = judged(pod(ready=False, initContainerStatuses=[crash], containerStatuses=[]))
    assert found.reason == "container fetch exited with code 2: no route (after 1 restarts)"


def test_pods_that_are_refused_are_no_matter_of_waiting() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    assert judged(conditions=[refused]).reason == "its pods are refused: exceeded quota: small"
    healed = {**refused, "status": "False"}
    assert judged(conditions=[healed]).reason == ""


def test_a_pod_without_a_node_waits() -> None:
    scheduled = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/1 nodes: Insufficient cpu",
    }
    status = judged(pod("a", ready=False, conditions=[scheduled], containerStatuses=None))
    assert (status.reason, status.waiting) == (
        "",
        "no node takes pod a: 0/1 nodes: Insufficient cpu",
    )


def test_a_server_that_never_answers_ready_waits() -> None:
    status = judged(pod("a", ready=False))
    assert (status.ready, status.reason) == (False, "")
    assert status.waiting == (
        "pod a runs, but its readiness probe does not pass; see `kubectl -n serving describe pod a`"
    )


def test_a_container_that_is_being_created_waits() -> None:
    status = judged(pod("a", ready=False, containerStatuses=[waits("ContainerCreating")]))
    assert status.waiting.startswith("container predictor of pod a waits (ContainerCreating); see")


def test_pods_of_a_deployment_that_had_the_name_before_play_no_part() -> None:
    old, new = pod("a", containerStatuses=[waits("CrashLoopBackOff")]), pod("b", ready=False)
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    new["metadata"]["creationTimestamp"] = "2026-01-01T00:10:00Z"
    head = {"name": "adult-v3", "labels": {"headgate.dev/version": "3"}}
    made = {"metadata": {**head, "creationTimestamp": "2026-01-01T00:10:00Z"}}
    status = deployment_status(made, pods=[old, new], slices=[])
    assert (status.reason, status.waiting[:10]) == ("", "pod b runs")


def test_a_deployment_that_nobody_has_looked_at_yet_waits() -> None:
    deployment = {"metadata": {"name": "adult-v3", "labels": {"headgate.dev/version": "3"}}}
    status = deployment_status(deployment, pods=[], slices=[{"endpoints": None}])
    assert status.waiting == "there is no pod yet"
