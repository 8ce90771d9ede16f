"""Objects as they are in a cluster with one deployed model version."""

from typing import Any

from headgate.ports import DeploymentSpec

SHA = "ab" * 32
SPEC = DeploymentSpec(
    name="adult-v3",
    model="adult",
    version="3",
    uri="/bundles/3",
    sha256=SHA,
    source="mlflow-artifacts:/1/models/m-3/artifacts",
    slow_above_ms=100.0,
)


def settings(text: str = "registry_uri: http://mlflow.headgate:5000\n") -> dict[str, Any]:
    """The ConfigMap with the settings of the namespace."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "headgate"},
        "data": {"settings.yaml": text},
    }


def template(**container: Any) -> dict[str, Any]:
    """The PodTemplate, with changes of its container `predictor`; None takes a key away."""
    predictor = {
        "name": "predictor",
        "image": "localhost:5001/headgate-predictor:0.1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "TZ", "value": "UTC"}],
        "resources": {"requests": {"cpu": "250m"}},
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}},
        **container,
    }
    kept = {key: value for key, value in predictor.items() if value is not None}
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "headgate-predictor"},
        "template": {
            "metadata": {"labels": {"team": "risk"}, "annotations": {"note": "kept"}},
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "containers": [{"name": "mesh", "image": "mesh:1"}, kept],
            },
        },
    }


def running(**changes: Any) -> dict[str, Any]:
    """The status of a predictor's container that runs."""
    return {
        "name": "predictor",
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        **changes,
    }


def pod(name: str = "adult-v3-7c9f-x1", *, ready: bool = True, **status: Any) -> dict[str, Any]:
    """A pod of the deployment."""
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": str(ready)},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "serving",
            "labels": {"headgate.dev/deployment": "adult-v3"},
        },
        "spec": template()["template"]["spec"],
        "status": {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "conditions": conditions,
            "containerStatuses": [running()],
            **status,
        },
    }


def slices(*ready: bool) -> list[dict[str, Any]]:
    """The EndpointSlice of the deployment's Service."""
    endpoints = [{"addresses": ["127.0.0.1"], "conditions": {"ready": one}} for one in ready]
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "adult-v3-abc",
                "labels": {"kubernetes.io/service-name": "adult-v3"},
            },
            "endpoints": endpoints,
        }
    ]
