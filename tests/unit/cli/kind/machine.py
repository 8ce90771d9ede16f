"""A machine whose docker, kind, kubectl and git are scripts with scripted answers."""

import io
import json
import shlex
import shutil
import socket
from pathlib import Path

from rich.console import Console

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.images import full_name
from headgate.cli.kind.options import read_options
from headgate.cli.kind.steps import Steps
from headgate.cli.main import run_command
from headgate.cli.progress import Progress

CAT = shutil.which("cat")
NBSP = "\N{NO-BREAK SPACE}"
TAGGED = "localhost:5001/headgate-{}:0.1.0-abc"
OURS = [TAGGED.format(name) for name in ("mlflow", "predictor", "python")]
TRAEFIK = "traefik:v3.7.13"
BEGINNING = """\
#!/bin/sh
call="${{0##*/}} $*"
before=$({cat} {folder}/calls 2>/dev/null)
echo "$call" >>{folder}/calls
"""
ANSWER = """\
case "$call" in {call}*) case "$before" in *{after}*)
  {also}{cat} {folder}/out-{number}; {cat} {folder}/err-{number} >&2; exit {code};;
esac;; esac
"""
KEEP = '{{ echo "$call"; {cat}; printf "\\0"; }} >>{folder}/given; '
ALSO = {  # what a command does besides answering
    "docker save": ': >"$3"; ',
    "docker exec --interactive": "{cat} >{folder}/noted; ",
    "kubectl --context kind-headgate apply": KEEP,
    "kubectl --context kind-headgate exec": KEEP,
}
END = """\
echo "no answer for: $call" >&2
exit 99
"""
INSPECT = "docker image inspect --format {{.Id}} {{.Size}}"
KIND_CONFIG = """\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: headgate
nodes:
  - role: control-plane
    image: kindest/node:v1.34.3
    extraPortMappings:
      - {containerPort: 30080, hostPort: 8080, listenAddress: "127.0.0.1"}
      - {containerPort: 30500, hostPort: 5500, listenAddress: "127.0.0.1"}
"""
KUSTOMIZATION = """\
images:
  - {name: any, newName: localhost:5001/headgate-mlflow, newTag: 0.1.0-abc}
  - {name: localhost:5001/headgate-predictor, newTag: 0.1.0-abc}
  - {name: localhost:5001/headgate-python, newTag: 0.1.0-abc}
"""
CONTROLLER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik, namespace: gateway-system}
spec: {template: {spec: {containers: [{name: traefik, image: 'traefik:v3.7.13'}]}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik, namespace: gateway-system}
"""
MANIFESTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: headgate}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: headgate-guard, namespace: headgate}
spec:
  template:
    spec: {containers: [{name: guard, image: 'localhost:5001/headgate-python:0.1.0-abc'}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: mlflow, namespace: headgate}
spec:
  template:
    spec: {containers: [{name: mlflow, image: 'localhost:5001/headgate-mlflow:0.1.0-abc'}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: headgate, namespace: headgate}
"""


def items(*manifests):
    return json.dumps({"items": list(manifests)})


def deployment(name, namespace="headgate", *, ready=1, wanted=1):
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": name}}},
        "status": {
            "observedGeneration": 1,
            "replicas": wanted,
            "updatedReplicas": wanted,
            "availableReplicas": ready,
        },
    }


def with_condition(kind, name, condition, status="True", **where):
    return {
        "kind": kind,
        "metadata": {"name": name, "generation": 1, **where},
        "status": {
            "conditions": [{"type": condition, "status": status, "observedGeneration": 1}],
        },
    }


def everything(*, guard=1):
    return [
        deployment("traefik", "gateway-system"),
        deployment("headgate-guard", ready=guard),
        deployment("mlflow"),
        with_condition("GatewayClass", "traefik", "Accepted"),
        with_condition("Gateway", "headgate", "Programmed", namespace="headgate"),
    ]


def node(http, mlflow, *, state="running", image="kindest/node:v1.34.3"):
    ports = {30080: http, 30500: mlflow}
    return json.dumps(
        [
            {
                "Name": "/headgate-control-plane",
                "State": {"Status": state},
                "Config": {
                    "Image": image,
                    "Labels": {"io.x-k8s.kind.role": "control-plane"},
                },
                "HostConfig": {
                    "PortBindings": {
                        f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(host)}]
                        for port, host in ports.items()
                        if host
                    }
                },
            }
        ]
    )


def on_node(*names):
    """What `ctr images ls` prints."""
    rows = ["REF TYPE DIGEST SIZE PLATFORMS LABELS"]
    rows += [f"{full_name(name)} t sha256:m-{name} 1 GiB linux/amd64 -" for name in names]
    return "\n".join(rows)


def remembered(*names):
    """What was noted on the node when they were loaded."""
    return json.dumps({name: [f"sha256:id-{name}", f"sha256:m-{name}"] for name in names})


def free_ports(count):
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


class Machine:
    """Answers are looked up in order; the first whose beginning fits is given."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = folder / "repository"
        self.answers = []
        self.missing = set()
        self.file = io.StringIO()
        self.http, self.mlflow = free_ports(2)
        (self.root / "build" / "kind").mkdir(parents=True)
        (self.root / "kind-config.yaml").write_text(KIND_CONFIG)
        (self.root / "build" / "kind" / "kustomization.yaml").write_text(KUSTOMIZATION)
        (self.root / "crds.yaml").write_text(
            "metadata:\n  annotations:\n    gateway.networking.k8s.io/bundle-version: v1.5.0\n"
        )

    def lacks(self, tool):
        self.missing.add(tool)

    def answer(self, call, out="", *, err="", code=0, after=""):
        """Answers given later come first."""
        self.answers.insert(0, (call, out, err, code, after))

    def image(self, name, digest="", *, size=9, **how):
        """Without a digest the engine does not have it."""
        told = {"out": f"{digest} {size}"} if digest else {"err": "No such image", "code": 1}
        self.answer(
            f"docker image inspect --format {{{{.Id}}}} {{{{.Size}}}} {name}", **told, **how
        )

    def run(self, do, **environment):
        """Returns the exit code; the lines are in `said`, the error on stderr."""
        self.install()
        chosen = {
            "GATEWAY_API_CRDS": str(self.root / "crds.yaml"),
            "KIND_HTTP_PORT": str(self.http),
            "KIND_MLFLOW_PORT": str(self.mlflow),
            **environment,
        }
        console = Console(file=self.file, width=200, highlight=False)
        commands, steps = Commands(), Steps(Progress(console))
        return run_command(lambda: do(read_options(chosen, self.root), commands, steps))

    def install(self):
        script = BEGINNING.format(folder=self.folder, cat=CAT)
        for number, (call, out, err, code, after) in enumerate(self.answers):
            (self.folder / f"out-{number}").write_text(out)
            (self.folder / f"err-{number}").write_text(err)
            script += ANSWER.format(
                folder=self.folder,
                cat=CAT,
                number=number,
                call=shlex.quote(call),
                after=shlex.quote(after),
                code=code,
                also=ALSO.get(call, "").format(folder=self.folder, cat=CAT),
            )
        (self.folder / "bin").mkdir(exist_ok=True)
        for tool in {"docker", "kind", "kubectl", "git"} - self.missing:
            path = self.folder / "bin" / tool
            path.write_text(script + END)
            path.chmod(0o755)

    @property
    def noted(self):
        """What was last written on a node."""
        return json.loads((self.folder / "noted").read_text())

    @property
    def given(self):
        """Calls that were given something on standard input, and what."""
        path = self.folder / "given"
        records = path.read_text().split("\0")[:-1] if path.exists() else []
        return [(call, text) for call, _, text in (record.partition("\n") for record in records)]

    @property
    def said(self):
        return self.file.getvalue().replace(NBSP, " ")

    @property
    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def called(self, beginning):
        return [call for call in self.calls if call.startswith(beginning)]
