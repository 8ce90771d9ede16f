"""What is seen of this machine: real commands, found in a folder of the test's own."""

from pathlib import Path

import pytest

from headgate.adapters.diagnosis.finding import Finding, State
from headgate.adapters.diagnosis.machine import look_at_machine

IMAGES = ("localhost:5001/headgate-python:1", "localhost:5001/headgate-predictor:1")
DOCKER = """
case "$*" in
  version*) echo 28.1.0;;
  "image inspect"*) echo sha256:1;;
esac
"""
ONE_IMAGE = f"""
case "$*" in
  version*) echo 28;;
  *{IMAGES[0]}) echo sha256:1;;
  *) echo "Error: No such image: $5" >&2; exit 1;;
esac
"""
KIND = "echo kind v0.30.0 go1.24 linux/amd64"
KUBECTL = """echo '{"clientVersion": {"gitVersion": "v1.34.3"}}'"""


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has("docker", DOCKER)
        self.has("kind", KIND)
        self.has("kubectl", KUBECTL)

    def has(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def lacks(self, name: str) -> None:
        (self.folder / name).unlink()

    def findings(self, *, seconds: float = 20.0) -> dict[str, Finding]:
        found = look_at_machine(IMAGES, path=str(self.folder), seconds=seconds)
        return {finding.name: finding for finding in found}


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_with_everything_has_no_problem(machine):
    found = machine.findings()
    assert list(found) == ["docker", "images", "kind", "kubectl"]
    assert {finding.state for finding in found.values()} == {State.OK}
    assert found["docker"].seen == "engine 28.1.0 answers"
    assert found["kind"].seen == "v0.30.0"
    assert found["kubectl"].seen == "v1.34.3"


def test_every_missing_tool_says_where_to_get_it(machine):
    for name in ("docker", "kind", "kubectl"):
        machine.lacks(name)
    found = machine.findings()
    for name in ("docker", "kind", "kubectl"):
        assert found[name].state is State.PROBLEM
        assert found[name].seen == f"no {name} on PATH"
        assert "https://" in found[name].remedy
    assert found["images"].state is State.UNKNOWN


def test_a_daemon_that_is_down_is_told_from_one_that_may_not_be_used(machine):
    machine.has("docker", "echo 'Cannot connect to the Docker daemon at unix:///d' >&2; exit 1")
    down = machine.findings()["docker"]
    assert down.state is State.PROBLEM
    assert "Cannot connect" in down.seen
    assert "systemctl start docker" in down.remedy
    machine.has("docker", "echo 'Permission denied while trying to connect' >&2; exit 1")
    refused = machine.findings()["docker"]
    assert refused.state is State.PROBLEM
    assert "usermod -aG docker" in refused.remedy


def test_a_daemon_that_hangs_is_given_up(machine):
    machine.has("docker", "exec sleep 60")
    found = machine.findings(seconds=0.5)["docker"]
    assert found.state is State.PROBLEM
    assert found.seen == "the daemon gives no answer within 0.5 s"


def test_a_busy_machine_is_not_one_without_tools(machine):
    machine.has("kind", "exec sleep 60")
    machine.has("kubectl", "exec sleep 60")
    found = machine.findings(seconds=0.5)
    assert found["kind"].state is found["kubectl"].state is State.UNKNOWN
    assert found["kind"].seen == "gives no answer within 0.5 s"


def test_images_that_are_not_built_are_named(machine):
    machine.has("docker", ONE_IMAGE)
    found = machine.findings()["images"]
    assert found.state is State.PROBLEM
    assert found.seen == f"not built: {IMAGES[1]}"
    assert found.remedy == "make images"


def test_an_engine_that_does_not_say_is_not_one_without_images(machine):
    machine.has("docker", 'case "$1" in version) echo 28;; *) echo away >&2; exit 1;; esac')
    found = machine.findings()["images"]
    assert found.state is State.UNKNOWN
    assert f"does not say whether {IMAGES[0]} is there" in found.seen


def test_without_a_tree_nobody_knows_which_images(machine):
    found = {f.name: f for f in look_at_machine((), path=str(machine.folder))}
    assert found["images"].state is State.UNKNOWN


def test_a_tool_that_does_not_run_is_a_problem(machine):
    machine.has("kind", "echo 'exec format error' >&2; exit 126")
    machine.has("kubectl", "exit 1")
    found = machine.findings()
    assert found["kind"].seen == "does not run: exec format error"
    assert found["kubectl"].seen == "does not run: no message"


def test_a_kubectl_that_speaks_otherwise_is_only_noted(machine):
    machine.has("kubectl", "echo '[]'")
    assert machine.findings()["kubectl"].state is State.NOTE
