"""A machine with everything installed, before and after `make kind`."""

import json

import pytest
from tests.unit.cli.kind.machine import (
    CONTROLLER,
    MANIFESTS,
    OURS,
    TRAEFIK,
    Machine,
    everything,
    items,
    node,
    on_node,
    remembered,
)


def usual_answers(machine):
    answer = machine.answer
    answer("docker version", "28.1.1 1.49 linux/arm64\n")
    answer("docker ps", "")
    answer("docker info", "/nowhere-to-be-found\n")
    answer("kind version", "kind v0.30.0 go1.24.6 linux/amd64\n")
    answer("kubectl version", json.dumps({"clientVersion": {"gitVersion": "v1.34.3"}}))
    answer("kubectl config current-context", "kind-headgate\n")
    answer("kubectl config get-contexts", "kind-headgate\n")
    answer("kubectl kustomize", CONTROLLER)
    answer(f"kubectl kustomize {machine.root}/build/kind", MANIFESTS)
    for name in [*OURS, TRAEFIK, "kindest/node:v1.34.3"]:
        machine.image(name, f"sha256:id-{name}")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with everything installed and built, and no cluster yet."""
    machine = Machine(tmp_path)
    usual_answers(machine)
    machine.answer("docker save")
    for command in ("create cluster", "load image-archive", "delete cluster", "export kubeconfig"):
        machine.answer(f"kind {command}")
    machine.answer("kubectl --context kind-headgate get --raw /readyz", "ok")
    machine.answer("kubectl --context kind-headgate apply", "namespace/headgate created\n")
    machine.answer("kubectl --context kind-headgate wait")
    machine.answer("kubectl --context kind-headgate get customresource", items())
    machine.answer("kubectl --context kind-headgate get gatewayclasses", items(*everything()))
    made = {"after": "kind create"}
    machine.answer("docker ps --all --quiet", "f00\n", **made)
    machine.answer("docker inspect f00", node(machine.http, machine.mlflow), **made)
    machine.answer("docker exec headgate-control-plane ctr", on_node(*OURS, TRAEFIK), **made)
    machine.answer("docker exec headgate-control-plane cat", err="no such file", code=1, **made)
    machine.answer("docker exec --interactive")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # nothing of this machine's own
    return machine


@pytest.fixture
def cluster(machine):
    """The same machine after `make kind`."""
    machine.answer("docker ps --all --quiet", "f00\n")
    machine.answer("docker inspect f00", node(machine.http, machine.mlflow))
    machine.answer("docker exec headgate-control-plane ctr", on_node(*OURS, TRAEFIK))
    machine.answer("docker exec headgate-control-plane cat", remembered(*OURS, TRAEFIK))
    machine.answer("kubectl --context kind-headgate apply", "namespace/headgate unchanged\n")
    needed = ("gatewayclasses", "gateways", "httproutes")
    version = {"gateway.networking.k8s.io/bundle-version": "v1.5.0"}
    machine.answer(
        "kubectl --context kind-headgate get customresource",
        items(
            *(
                {"metadata": {"name": f"{n}.gateway.networking.k8s.io", "annotations": version}}
                for n in needed
            )
        ),
    )
    return machine
