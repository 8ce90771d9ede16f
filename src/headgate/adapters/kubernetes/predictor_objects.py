"""What runs one model version: Deployment, Service, disruption budget, autoscaler. Pure."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.adapters.kubernetes.http_route import SERVICE_PORT
from headgate.adapters.kubernetes.kinds import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    MODEL,
    OURS,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Kind,
    Manifest,
)
from headgate.adapters.kubernetes.settings import Replicas
from headgate.errors import ConfigError
from headgate.ports import DeploymentSpec
from headgate.usecases.deploy import dns_label

VERSION, NAME = "headgate.dev/version", "headgate.dev/deployment"
SHA256, SLOW_ABOVE = "headgate.dev/sha256", "headgate.dev/slow-above-ms"  # annotations
TEMPLATE = "headgate-predictor"  # name of the PodTemplate
CONTAINER, PORT = "predictor", "http"  # what it must hold
PREDICTOR = ("python", "-m", "headgate.serving")
PROGRESS_SECONDS = 120
# A pod that goes away gets its signal when the proxies have yet to hear of it; for so long it goes
# on answering. With what has begun by then it needs up to 10 s more: 20 of the 30 s of grace.
DRAIN, DRAIN_SECONDS = "--drain-seconds", 10


def labels_of(spec: DeploymentSpec) -> dict[str, str]:
    """Make the labels that every object of a deployment carries.

    Args:
        spec: What shall run.

    Returns:
        The labels.
    """
    return {
        "app.kubernetes.io/name": "headgate-predictor",
        **OURS,
        MODEL: dns_label(spec.model),
        VERSION: spec.version,
        NAME: spec.name,
    }


def predictor_objects(
    spec: DeploymentSpec,
    *,
    template: Manifest,
    replicas: Replicas,
    bundle_url: str,
    namespace: str,
) -> list[Manifest]:
    """Write down the objects that run a model version.

    Args:
        spec: What shall run.
        template: The PodTemplate whose pod is copied: image, probes, resources and placement are
            its matter; command, arguments, labels and checksum are set here. Of its own arguments
            `--drain-seconds` is kept.
        replicas: How many pods.
        bundle_url: Where the pod fetches the bundle.
        namespace: Where they go.

    Returns:
        Deployment, Service and PodDisruptionBudget; a HorizontalPodAutoscaler if `replicas` is a
        range.

    Raises:
        ConfigError: If the template lacks something.
    """
    labels = labels_of(spec)

    def made(kind: Kind, body: Mapping[str, Any], **annotations: str) -> Manifest:
        head: Manifest = {"name": spec.name, "namespace": namespace, "labels": dict(labels)}
        if annotations:
            head["annotations"] = annotations
        return {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": head,
            "spec": dict(body),
        }

    selector = {NAME: spec.name}
    pod = _pod(spec, template=template, labels=labels, bundle_url=bundle_url)
    annotations = {SHA256: spec.sha256, SLOW_ABOVE: f"{spec.slow_above_ms:g}"}
    ports = [{"name": PORT, "port": SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}]
    objects = [
        made(DEPLOYMENT, _deployment(selector, pod, replicas), **annotations),
        made(SERVICE, {"type": "ClusterIP", "selector": selector, "ports": ports}),
        made(POD_DISRUPTION_BUDGET, _budget(selector, replicas)),
    ]
    if replicas.min < replicas.max:
        _require_cpu_request(template)
        objects.append(made(HORIZONTAL_POD_AUTOSCALER, _autoscaler(spec.name, replicas)))
    return objects


def predictor_port(pod: Mapping[str, Any]) -> int:
    """Find the port on which the predictor of a pod listens.

    Args:
        pod: A pod, or the template of one.

    Returns:
        The container port named `http`.

    Raises:
        ConfigError: If there is no container `predictor` with such a port.
    """
    for port in _predictor(pod["spec"]).get("ports") or ():
        if port.get("name") == PORT:
            return int(port["containerPort"])
    raise _lacks(f"a port named {PORT} in its container {CONTAINER}")


def _pod(
    spec: DeploymentSpec, *, template: Manifest, labels: Mapping[str, str], bundle_url: str
) -> Manifest:
    pod: Manifest = copy.deepcopy(template.get("template") or {})
    if not pod.get("spec"):
        raise _lacks("a pod template")
    container = _predictor(pod["spec"])
    if not container.get("readinessProbe"):
        # Without one a pod counts as ready before its model is loaded.
        raise _lacks(f"a readinessProbe in its container {CONTAINER}")
    arguments = ["--host", "0.0.0.0", "--port", str(predictor_port(pod))]  # noqa: S104 - a pod's
    arguments += ["--bundle-url", bundle_url, "--sha256", spec.sha256, "--version", spec.version]
    arguments += ["--deployment", spec.name, "--slow-above-ms", f"{spec.slow_above_ms:g}"]
    drain = _drain(spec.command, container.get("args") or ())
    container["command"] = _literal(spec.command or PREDICTOR)
    container["args"] = _literal(arguments) + drain
    # A server that ends says why in its last lines; the status quotes them.
    container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    head = pod.get("metadata") or {}
    pod["metadata"] = {
        "labels": {**(head.get("labels") or {}), **labels},
        "annotations": {**(head.get("annotations") or {}), SHA256: spec.sha256},
    }
    return pod


def _drain(command: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Say how long the server drains, unless its command does; the template's word is kept."""
    if any(part.split("=")[0] == DRAIN for part in command):
        return []
    for number, part in enumerate(arguments):
        if part.split("=")[0] == DRAIN:
            # Not escaped: it may name a variable of the template's environment.
            return list(arguments[number : number + (1 if "=" in part else 2)])
    return [DRAIN, str(DRAIN_SECONDS)]


def _literal(parts: Sequence[str]) -> list[str]:
    """Escape what Kubernetes would expand: a command means the same here and on one machine."""
    return [part.replace("$", "$$") for part in parts]


def _deployment(selector: Mapping[str, str], pod: Manifest, replicas: Replicas) -> Manifest:
    return {
        # An autoscaler goes on from there: a Deployment that is there is never applied again.
        "replicas": replicas.min,
        "selector": {"matchLabels": dict(selector)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "revisionHistoryLimit": 1,
        "template": pod,
    }


def _budget(selector: Mapping[str, str], replicas: Replicas) -> Manifest:
    # One pod that must stay would block every drain of its node, for ever; it is moved instead.
    keep = {"minAvailable": 1} if replicas.min > 1 else {"maxUnavailable": 1}
    return {
        **keep,
        "selector": {"matchLabels": dict(selector)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a broken candidate must not block a drain
    }


def _autoscaler(name: str, replicas: Replicas) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": replicas.cpu_percent}
    return {
        "scaleTargetRef": {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "name": name,
        },
        "minReplicas": replicas.min,
        "maxReplicas": replicas.max,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }


def _require_cpu_request(template: Manifest) -> None:
    resources = _predictor(template["template"]["spec"]).get("resources") or {}
    if not any("cpu" in (resources.get(kind) or {}) for kind in ("requests", "limits")):
        raise _lacks(
            f"resources.requests.cpu in its container {CONTAINER}, which autoscaling needs"
        )


def _predictor(pod_spec: Manifest) -> Manifest:
    containers: list[Manifest] = pod_spec.get("containers") or []
    for container in containers:
        if container.get("name") == CONTAINER:
            return container
    names = [container.get("name") for container in containers]
    raise _lacks(f"a container named {CONTAINER}; there are {names}")


def _lacks(what: str) -> ConfigError:
    return ConfigError(f"PodTemplate {TEMPLATE} lacks {what}")
