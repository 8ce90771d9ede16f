"""What several end-to-end tests need: jobs of the real components, models, continuous load."""

import asyncio
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.adapters.bundles import bundle_sha256
from headgate.adapters.kubernetes.api import (
    DEPLOYMENT,
    HTTP_ROUTE,
    JOB,
    POD,
    KubernetesApi,
)
from headgate.adapters.local.connections import Answer, Connections
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.adapters.problem_file import parse_problem, problem_text
from headgate.adapters.registration import Registration
from headgate.cli.component_docs import discover
from headgate.ports import ModelVersion

WAIT_SECONDS = 120.0
PREFIX = "toy-"  # of the models that tests make
SHELLS = discover()
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
ROW = json.dumps({"age": 40, "gender": "Female"}).encode()
# Errors alone, two stages, and a floor that some hundred good answers can show.
ROLLOUT = {
    "stages_percent": [10, 50],
    "errors": {"absolute_floor": 0.05, "harmful_ratio": 5, "base_rate": 0.02},
    "slow_answers": None,
    "wrong_answers": None,
    "min_stage_seconds": 2,
    "max_hold_seconds": 60,
    "deadline_seconds": 180,
}


def until(found: Callable[[], Any], *, what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Look four times a second until there is something."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.25)
    return value


@dataclass(frozen=True)
class Finished:
    """A component that ran as a Job in the cluster."""

    succeeded: bool
    log: str
    parameters: Mapping[str, Any]


class Cluster:
    """The cluster as a test sees it."""

    def __init__(
        self, api: KubernetesApi, kubectl: Any, *, namespace: str, registry: MlflowRegistry
    ) -> None:
        self.api, self.kubectl, self.namespace = api, kubectl, namespace
        self.registry = registry
        self.model = f"{PREFIX}{uuid.uuid4().hex[:6]}"  # a name of its own: no leftovers of others
        self._jobs: list[str] = []

    @property
    def host(self) -> str:
        """Host name under which the gateway serves the model."""
        return f"{self.model}.localhost"

    def problem(self, **rollout: object) -> str:
        """A problem file of the test's model, with a plan that ends in seconds."""
        return json.dumps(
            {
                "name": self.model,
                "data": {"path": "/data/adult.csv"},
                "target": {"column": "income", "positive": ">50K"},
                "columns": {"numeric": ["age"], "categorical": ["gender"], "protected": ["gender"]},
                "gates": {"accuracy": {"min": 0.8}},
                "rollout": {**ROLLOUT, **rollout},
            }
        )

    def register(self, bundle: Path, reports: Mapping[str, Any]) -> ModelVersion:
        """Register a bundle under the test's model."""
        record = json.loads((bundle / "bundle.json").read_text())
        (bundle / "bundle.json").write_text(json.dumps({**record, "name": self.model}))
        export = {**reports["export"], "sha256": bundle_sha256(bundle)}
        problem = replace(parse_problem(self.problem()), name=self.model)
        return self.registry.register(
            Registration(
                problem=parse_problem(problem_text(problem)),
                bundle=bundle,
                reports={**reports, "export": export},
                run_id="e2e",
            )
        )

    def run(
        self,
        component: str,
        *,
        account: str = "headgate-deployer",
        seconds: float = WAIT_SECONDS,
        **parameters: Any,
    ) -> Finished:
        """Run a component as Kubeflow would: its compiled command, its image, a real account."""
        name = self.start(component, account=account, **parameters)
        return self.finished(name, seconds=seconds)

    def start(self, component: str, *, account: str = "headgate-deployer", **given: Any) -> str:
        """Start a component as a Job and return at once."""
        name = f"{component.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
        defaults = {
            "problem": self.problem(),
            "registry_uri": f"http://mlflow.{self.namespace}:5000",
            "cluster_url": "",
            "cluster_token": "",
            "run_id": "e2e",
            "command": [],
        }
        self.api.create(
            job(
                name,
                component,
                parameters={**defaults, **given},
                namespace=self.namespace,
                account=account,
            )
        )
        self._jobs.append(name)
        return name

    def finished(self, name: str, *, seconds: float = WAIT_SECONDS) -> Finished:
        """Wait for the end of a Job."""

        def status() -> dict[str, Any] | None:
            found = self.api.get(JOB, name, namespace=self.namespace) or {}
            ended = found.get("status", {})
            return ended if ended.get("succeeded") or ended.get("failed") else None

        ended = until(status, what=f"the end of job {name}", seconds=seconds)
        log = self.kubectl("logs", "-n", self.namespace, f"job/{name}", "--tail=-1").stdout
        lines = [line for line in log.splitlines() if line.startswith("OUTPUT ")]
        output = json.loads(lines[-1].removeprefix("OUTPUT ")) if lines else {}
        return Finished(bool(ended.get("succeeded")), log, output.get("parameterValues", {}))

    def deploy(self, version: str, **given: Any) -> str:
        """Run `deploy_model` in the cluster; it must succeed."""
        done = self.run("deploy_model", version=version, **given)
        assert done.succeeded, done.log
        return str(done.parameters["Output"])

    def route(self) -> dict[str, Any]:
        """The test's HTTPRoute."""
        found = self.api.get(HTTP_ROUTE, self.model, namespace=self.namespace)
        assert found is not None, f"there is no HTTPRoute {self.model}"
        return found

    def weights(self) -> dict[str, int]:
        """Weights of the route by Service."""
        refs = self.route()["spec"]["rules"][0].get("backendRefs", [])
        return {ref["name"]: ref["weight"] for ref in refs}

    def pods(self, deployment: str) -> list[dict[str, Any]]:
        """The pods of a model server."""
        labels = {"headgate.dev/deployment": deployment}
        return self.api.list(POD, namespace=self.namespace, labels=labels)

    def clean(self) -> None:
        """Delete what the test made."""
        for name in self._jobs:
            self.kubectl(
                "delete", "job", name, "-n", self.namespace, "--ignore-not-found", "--wait=false"
            )
        remove_model(self.kubectl, self.model, namespace=self.namespace)


def remove_model(kubectl: Any, model: str, *, namespace: str) -> None:
    """Delete everything that serves a model, as far as it is there."""
    flags = ("-n", namespace, "--wait=false")
    kinds = "deployments,services,poddisruptionbudgets,horizontalpodautoscalers"
    kubectl("delete", kinds, "-l", f"headgate.dev/model={model}", *flags, check=False)
    for one in (f"httproute/{model}", f"lease/headgate-{model}"):
        kubectl("delete", one, "--ignore-not-found", *flags, check=False)


def compiled_command(component: str, parameters: Mapping[str, Any], *, folder: str) -> list[str]:
    """What Kubeflow's launcher would run, with the executor's input filled in."""
    shell = SHELLS[component]
    values = {
        port.name: parameters[port.name]
        for port in shell.inputs
        if not port.is_artifact and port.name in parameters
    }
    outputs = [port for port in shell.outputs if port.is_artifact]
    given = {
        "inputs": {"parameterValues": values},
        "outputs": {
            "parameters": {
                port.name: {"outputFile": f"{folder}/{port.name}"}
                for port in shell.outputs
                if not port.is_artifact
            },
            "artifacts": {
                port.name: {
                    "artifacts": [
                        {
                            "name": port.name,
                            "type": {"schemaTitle": f"system.{port.kind}"},
                            "uri": f"{folder}/{port.name}",
                            "metadata": {},
                        }
                    ]
                }
                for port in outputs
            },
            "outputFile": f"{folder}/executor_output.json",
        },
    }
    container = shell.component.component_spec.implementation.container
    parts = (*container.command, *container.args)
    return [json.dumps(given) if part == "{{$}}" else part for part in parts]


def job(
    name: str, component: str, *, parameters: Mapping[str, Any], namespace: str, account: str
) -> dict[str, Any]:
    """A Job that runs a component, restricted as our own pods are."""
    container = SHELLS[component].component.component_spec.implementation.container
    command = compiled_command(component, parameters, folder="/tmp/out")  # noqa: S108 - in a pod
    tell = 'mkdir -p /tmp/out && "$@" && printf "OUTPUT " && cat /tmp/out/executor_output.json'
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": account,
        "securityContext": {
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "step",
                "image": container.image,
                "command": ["sh", "-c", tell, "sh", *command],
                "securityContext": RESTRICTED,
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in a pod
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


class Load:
    """Requests at a steady rate through the gateway; every one of them is accounted for."""

    def __init__(self, *, port: int, host: str, rate: float, body: bytes) -> None:
        self.answers: list[tuple[float, int, str]] = []  # when, status, who
        self.lost = 0
        self.sent = 0
        self._port, self._rate = port, rate
        head = (
            f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()

    def stop(self) -> None:
        """Stop sending and wait for the last answers."""
        self._stopping.set()
        self._thread.join()

    def by_deployment(self, *, since: float = 0.0) -> Counter[str]:
        """Count the answers by who gave them; `since` is a monotonic time."""
        return Counter(who for at, _, who in list(self.answers) if at >= since)

    @property
    def failed(self) -> list[tuple[float, int, str]]:
        """The answers other than 200."""
        return [answer for answer in list(self.answers) if answer[1] != 200]

    async def _run(self) -> None:
        pool = Connections("127.0.0.1", self._port, timeout_seconds=10.0)
        begin = time.monotonic()
        while not self._stopping.is_set():
            due = int((time.monotonic() - begin) * self._rate)
            for _ in range(due - self.sent):
                self.sent += 1
                pool.ask(self._request, self._done)
            pool.drop_late()
            await asyncio.sleep(0.005)
        while pool.in_flight:
            pool.drop_late()
            await asyncio.sleep(0.01)
        pool.close()
        await asyncio.sleep(0)  # a transport closes in the next turn of the loop

    def _done(self, answer: Answer | None) -> None:
        if answer is None:
            self.lost += 1
        else:
            self.answers.append((time.monotonic(), answer.status, answer.deployment))


__all__ = ["DEPLOYMENT", "ROW", "Cluster", "Finished", "Load", "compiled_command", "until"]
