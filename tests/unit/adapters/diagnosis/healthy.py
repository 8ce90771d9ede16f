"""A healthy installation, as objects; tests break one thing of it."""

import json
from typing import Any

import urllib3
from tests.unit.adapters.kubernetes.api_server import ApiServer

from headgate.adapters.diagnosis import Site
from headgate.adapters.kubernetes.connection import Connection

Manifest = dict[str, Any]
NAMESPACE, GATEWAY = "serving", "gateway.networking.k8s.io"
PLURALS = (
    *("gatewayclasses", "gateways", "httproutes", "referencegrants"),
    *("tlsroutes", "backendtlspolicies"),
)
IMAGE = "registry.example.com/headgate-python:1"
PREDICTOR_IMAGE = "registry.example.com/headgate-predictor:1"
SETTINGS = """
gateway: {name: web, namespace: gateways, section: http}
domain: example.com
registry_uri: http://mlflow.serving:5000
"""


def site_of(server: ApiServer, **changes: Any) -> Site:
    return site_at(server.url, **changes)


def site_at(url: str, **changes: Any) -> Site:
    connection = Connection(
        server=url,
        pool=urllib3.PoolManager(),
        authorization=lambda: None,
        namespace="default",
        in_cluster=False,
    )
    return Site(
        **{"connection": connection, "namespace": NAMESPACE, "context": "kind-headgate", **changes}
    )


def stock(server: ApiServer) -> None:
    """Put everything in."""
    serve_gateway_api(server)
    server.pages["/version"] = json.dumps({"gitVersion": "v1.34.3"})
    server.pages["mlflow-0:5000/health"] = "OK"
    server.pages["mlflow-0:5000/version"] = "3.17.2"
    for manifest in installation():
        server.put(manifest)


def serve_gateway_api(
    server: ApiServer, *, plurals: tuple[str, ...] = PLURALS, bundle: str = "v1.5.0"
) -> None:
    """Let the server say, by discovery and definitions, which kinds it has."""
    root = f"/apis/{GATEWAY}"
    versions = [{"groupVersion": f"{GATEWAY}/v1", "version": "v1"}]
    server.pages[root] = json.dumps({"versions": versions})
    resources = [{"name": plural} for plural in plurals]
    server.pages[f"{root}/v1"] = json.dumps({"resources": resources})
    for plural in plurals:
        server.put(
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {
                    "name": f"{plural}.{GATEWAY}",
                    "annotations": {f"{GATEWAY}/bundle-version": bundle},
                },
            }
        )


def condition(kind: str, *, holds: bool = True, reason: str = "", message: str = "") -> Manifest:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": reason or kind,
        "message": message,
    }


def gateway_class(**status: Any) -> Manifest:
    return {
        "apiVersion": f"{GATEWAY}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "traefik"},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
        "status": {"conditions": [condition("Accepted")], **status},
    }


def gateway(*, listener: Manifest | None = None, **status: Any) -> Manifest:
    return {
        "apiVersion": f"{GATEWAY}/v1",
        "kind": "Gateway",
        "metadata": {"name": "web", "namespace": "gateways"},
        "spec": {
            "gatewayClassName": "traefik",
            "listeners": [
                {
                    "name": "http",
                    "protocol": "HTTP",
                    "port": 8000,
                    "allowedRoutes": {"namespaces": {"from": "All"}},
                    **(listener or {}),
                }
            ],
        },
        "status": {"conditions": [condition("Programmed")], **status},
    }


def settings(text: str = SETTINGS) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "headgate"},
        "data": {"settings.yaml": text},
    }


def template(**container: Any) -> Manifest:
    predictor = {
        "name": "predictor",
        "image": PREDICTOR_IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}},
        **container,
    }
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "headgate-predictor"},
        "template": {"spec": {"containers": [predictor]}},
    }


def deployment(name: str, *, ready: int, replicas: int = 1, image: str = IMAGE) -> Manifest:
    labels = {"app.kubernetes.io/name": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"spec": {"containers": [{"name": "main", "image": image}]}},
        },
        "status": {"readyReplicas": ready} if ready else {},
    }


def pod(name: str, *, of: str, **status: Any) -> Manifest:
    labels = {"app.kubernetes.io/name": of}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "main"}]},
        "status": status,
    }


def service(name: str, *, port: int = 80) -> Manifest:
    ports = [{"port": port, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": ports},
    }


def node(name: str = "node-1", *, images: tuple[str, ...] = (IMAGE, PREDICTOR_IMAGE)) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"images": [{"names": [image]} for image in images]},
    }


def namespace(**labels: str) -> Manifest:
    found = {"pod-security.kubernetes.io/enforce": "restricted"} | labels
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": found},
    }


def installation() -> list[Manifest]:
    return [
        namespace(),
        gateway_class(supportedFeatures=[{"name": "HTTPRouteRequestMirror"}]),
        gateway(addresses=[{"value": "192.0.2.7"}]),
        settings(),
        template(),
        deployment("headgate-guard", ready=2, replicas=2),
        deployment("mlflow", ready=1),
        pod("mlflow-0", of="mlflow"),
        service("mlflow", port=5000),
        node(),
    ]
