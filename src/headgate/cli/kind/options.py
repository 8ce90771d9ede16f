"""What a user may choose, checked before anything starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headgate.errors import ConfigError

KIND_CONFIG = "kind-config.yaml"
MANIFESTS = "build/kind"  # `make images` writes its kustomization
CONTROLLER = "manifests/gateways/traefik"
NAMESPACE = "headgate"
HTTP_NODE_PORT, MLFLOW_NODE_PORT = 30080, 30500
CLUSTER_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
LAST_PORT = 65535
DEFAULTS = {
    "KIND_CLUSTER": "headgate",
    "KIND_NODE_IMAGE": "",
    "KIND_HTTP_PORT": "8080",
    "KIND_MLFLOW_PORT": "5500",
    "KIND_TIMEOUT": "180",  # a cold MLflow takes the longest, a minute on two cores
    "GATEWAY_API_CRDS": (
        "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.0/"
        "standard-install.yaml"
    ),
    "TRAEFIK_IMAGE": "",
    "KFP_MANIFESTS": "github.com/kubeflow/pipelines/manifests/kustomize",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of one call; each is a variable of the Makefile.

    Attributes:
        cluster: Name of the kind cluster (KIND_CLUSTER).
        node_image: Its node image; empty takes that of `kind-config.yaml` (KIND_NODE_IMAGE).
        http_port: Port of this machine that reaches the Gateway (KIND_HTTP_PORT).
        mlflow_port: Port of this machine that reaches MLflow (KIND_MLFLOW_PORT).
        crds: Address or file of the Gateway API's definitions (GATEWAY_API_CRDS).
        traefik_image: Image of the Gateway's controller; empty takes that of its manifests
            (TRAEFIK_IMAGE).
        kubeflow: Address or folder of Kubeflow's kustomizations (KFP_MANIFESTS).
        seconds: How long everything together may take to become ready (KIND_TIMEOUT).
        root: The repository.
    """

    cluster: str
    node_image: str
    http_port: int
    mlflow_port: int
    crds: str
    traefik_image: str
    kubeflow: str
    seconds: float
    root: Path

    @property
    def context(self) -> str:
        """The kubeconfig context that kind makes for the cluster."""
        return f"kind-{self.cluster}"

    @property
    def ports(self) -> dict[int, tuple[int, str]]:
        """By node port: the port on this machine, and the variable that changes it."""
        return {
            HTTP_NODE_PORT: (self.http_port, "KIND_HTTP_PORT"),
            MLFLOW_NODE_PORT: (self.mlflow_port, "KIND_MLFLOW_PORT"),
        }


def read_options(environment: Mapping[str, str], root: Path) -> Options:
    """Read the choices; what is not set or empty takes its default.

    Args:
        environment: The process's environment.
        root: The repository.

    Returns:
        The choices, of which each can work.

    Raises:
        ConfigError: Says which variable, the value seen and what is allowed; or `root` is not
            the repository.
    """
    chosen = {name: environment.get(name) or default for name, default in DEFAULTS.items()}
    cluster = chosen["KIND_CLUSTER"]
    if not CLUSTER_NAME.fullmatch(cluster):
        raise ConfigError(
            f"KIND_CLUSTER is '{cluster}'; a name is of lower-case letters, digits, '-' and '.',"
            " and begins and ends with a letter or a digit"
        )
    if not (root / KIND_CONFIG).is_file():
        raise ConfigError(
            f"there is no {KIND_CONFIG} in '{root}': run this in the root of the repository"
        )
    http_port = _number("KIND_HTTP_PORT", chosen, most=LAST_PORT)
    mlflow_port = _number("KIND_MLFLOW_PORT", chosen, most=LAST_PORT)
    if http_port == mlflow_port:
        raise ConfigError(
            f"KIND_HTTP_PORT and KIND_MLFLOW_PORT are both {http_port}; they must differ"
        )
    return Options(
        cluster=cluster,
        node_image=chosen["KIND_NODE_IMAGE"],
        http_port=http_port,
        mlflow_port=mlflow_port,
        crds=chosen["GATEWAY_API_CRDS"],
        traefik_image=chosen["TRAEFIK_IMAGE"],
        kubeflow=chosen["KFP_MANIFESTS"].rstrip("/"),
        seconds=_number("KIND_TIMEOUT", chosen, most=86_400),
        root=root,
    )


def _number(variable: str, chosen: Mapping[str, str], *, most: int) -> int:
    text = chosen[variable].strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise ConfigError(f"{variable} is '{text}'; a whole number from 1 to {most} is needed")
    return int(text)
