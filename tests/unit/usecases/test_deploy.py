from dataclasses import replace

import pytest

from headgate.adapters.memory import ManualClock, MemoryDeployments
from headgate.errors import BackendError
from headgate.ports import DeploymentStatus, ModelVersion
from headgate.usecases.deploy import deploy_and_wait, deployment_spec

VERSION = ModelVersion(name="adult", version="3", uri="/bundles/3", sha256="abc")
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
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_a_version_without_a_command_is_named_after_its_number() -> None:
    assert SPEC.name == "model-v3"
    assert (SPEC.model, SPEC.version, SPEC.uri, SPEC.sha256) == ("adult", "3", "/bundles/3", "abc")
    assert SPEC.command == ()


def test_another_command_gets_another_name_and_the_same_command_the_same() -> None:
    names = {
        deployment_spec(VERSION, command=command, slow_above_ms=100.0).name
        for command in (["a", "b"], ["a", "b"], ["ab"], ["a", "c"])
    }
    assert len(names) == 3
    assert all(name.startswith("model-v3-") for name in names)


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
    assert clock.elapsed == pytest.approx(0.3)


def test_a_failed_deployment_ends_the_wait_with_its_reason() -> None:
    deployments = Slow(STARTING, replace(STARTING, reason="exited with code 1: no such bundle"))
    with pytest.raises(BackendError, match="model-v3: exited with code 1: no such bundle"):
        deploy_and_wait(SPEC, deployments=deployments, clock=ManualClock())


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
    assert clock.elapsed == pytest.approx(5.0, abs=0.2)


def test_a_deployment_that_vanishes_while_it_starts_ends_the_wait() -> None:
    with pytest.raises(BackendError, match="was removed while it started"):
        deploy_and_wait(SPEC, deployments=Slow(None), clock=ManualClock())
