import re
from dataclasses import replace

import pytest

from headgate.adapters.memory import ManualClock, MemoryDeployments
from headgate.errors import BackendError
from headgate.ports import DeploymentStatus, ModelVersion
from headgate.usecases.deploy import deploy_and_wait, deployment_spec, dns_label

SOURCE = "mlflow-artifacts:/1/models/m-3/artifacts"
VERSION = ModelVersion(name="adult", version="3", uri="/bundles/3", sha256="abc", source=SOURCE)
SPEC = deployment_spec(VERSION, command=[], slow_above_ms=100.0)
STARTING = DeploymentStatus(name=SPEC.name, version="3", ready=False, restarts=0)


class Slow(MemoryDeployments):
    """Becomes what is listed, one status a look."""

    def __init__(self, *looks: DeploymentStatus | None) -> None:
        super().__init__()
        self.looks = list(looks)

    def deploy(self, spec):
        super().deploy(spec)
        return STARTING

    def status(self, name):
        assert name == SPEC.name
        if name not in self.running:
            return None
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_a_version_without_a_command_is_named_after_its_number() -> None:
    assert SPEC.name == "adult-v3"
    assert (SPEC.model, SPEC.version, SPEC.uri, SPEC.sha256) == ("adult", "3", "/bundles/3", "abc")
    assert SPEC.source == SOURCE
    assert SPEC.command == ()


def test_a_name_that_is_a_dns_label_stays_as_it_is() -> None:
    for name in ("adult", "a", "adult-small-2", "a" * 40):
        assert dns_label(name) == name


def test_any_other_name_becomes_a_label_that_only_it_has() -> None:
    names = [
        "Adult",
        "adult_small",
        "adult small",
        "3d",
        "",
        "--",
        "a" * 41,
        "a" * 42,
        "ümlaut",
        "a-",
    ]
    labels = [dns_label(name) for name in names]
    assert all(re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", label) for label in labels)
    assert max(map(len, labels)) == 40
    assert len({*labels}) == len(names)
    # By hand: `printf Adult | sha256sum` begins with the digits that follow.
    assert labels[0] == "adult-ad08de"
    assert dns_label("a_" * 20, limit=12).startswith("a-a-a-")


def test_the_longest_model_name_leaves_room_for_version_and_command() -> None:
    long = replace(VERSION, name="x" * 200, version="123456")
    spec = deployment_spec(long, command=["serve"], slow_above_ms=100.0)
    assert len(spec.name) <= 63
    assert spec.model == "x" * 200


def test_another_command_gets_another_name_and_the_same_command_the_same() -> None:
    names = {
        deployment_spec(VERSION, command=command, slow_above_ms=100.0).name
        for command in (["a", "b"], ["a", "b"], ["ab"], ["a", "c"])
    }
    assert len(names) == 3
    assert all(name.startswith("adult-v3-") for name in names)


def test_numbers_in_a_command_become_text() -> None:
    spec = deployment_spec(VERSION, command=["serve", "--fail-share", 0.2], slow_above_ms=100.0)
    assert spec.command == ("serve", "--fail-share", "0.2")


def test_a_deployment_that_is_ready_at_once_is_not_waited_for() -> None:
    clock = ManualClock()
    status = deploy_and_wait(SPEC, deployments=MemoryDeployments(), clock=clock)
    assert status.ready
    assert clock.elapsed == 0


def test_a_starting_deployment_is_waited_for() -> None:
    clock = ManualClock()
    deployments = Slow(STARTING, STARTING, replace(STARTING, ready=True))
    assert deploy_and_wait(SPEC, deployments=deployments, clock=clock).ready
    assert clock.elapsed == pytest.approx(0.1 + 0.12 + 0.144)


def test_a_failed_deployment_ends_the_wait_with_its_reason() -> None:
    deployments = Slow(STARTING, replace(STARTING, reason="exited with code 1: no such bundle"))
    with pytest.raises(BackendError, match="adult-v3: exited with code 1: no such bundle"):
        deploy_and_wait(SPEC, deployments=deployments, clock=ManualClock())


def test_what_failed_is_taken_away_again_unless_it_was_there_before() -> None:
    broken = replace(STARTING, reason="exited with code 1")
    anew, again = Slow(broken), Slow(broken)
    again.deploy(SPEC)
    for deployments in (anew, again):
        with pytest.raises(BackendError, match="exited with code 1"):
            deploy_and_wait(SPEC, deployments=deployments, clock=ManualClock())
    assert SPEC.name not in anew.running
    assert SPEC.name in again.running


def test_a_deployment_that_is_never_ready_ends_the_wait_at_the_limit() -> None:
    clock = ManualClock()
    with pytest.raises(BackendError, match=r"not ready within 5 s \(2 restarts\)") as caught:
        deploy_and_wait(
            SPEC,
            deployments=Slow(replace(STARTING, restarts=2)),
            clock=clock,
            timeout_seconds=5.0,
        )
    assert caught.value.retryable
    assert clock.elapsed == pytest.approx(5.0, abs=1.0)


def test_the_end_of_the_wait_tells_what_it_waited_for() -> None:
    status = replace(STARTING, waiting="no node has room: 0/1 nodes are available")
    with pytest.raises(BackendError, match=r"\(0 restarts\): no node has room: 0/1 nodes"):
        deploy_and_wait(SPEC, deployments=Slow(status), clock=ManualClock(), timeout_seconds=5.0)


def test_a_long_wait_asks_once_a_second() -> None:
    clock, waits = ManualClock(), []
    clock.on_sleep = waits.append
    with pytest.raises(BackendError):
        deploy_and_wait(SPEC, deployments=Slow(STARTING), clock=clock, timeout_seconds=60.0)
    assert waits[0] == pytest.approx(0.1)
    assert waits[-1] == pytest.approx(1.0)
    assert len(waits) < 80


def test_a_deployment_that_vanishes_while_it_starts_ends_the_wait() -> None:
    with pytest.raises(BackendError, match="was removed while it started"):
        deploy_and_wait(SPEC, deployments=Slow(None), clock=ManualClock())
