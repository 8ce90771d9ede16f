"""The configuration that kind gets: `kind-config.yaml` with the user's choices put in."""

from pathlib import Path
from typing import Any

import yaml

from headgate.cli.kind.options import KIND_CONFIG, MANIFESTS, Options
from headgate.errors import ConfigError


def read_config(options: Options) -> dict[str, Any]:
    """Return the configuration of the cluster.

    Args:
        options: The user's choices.

    Returns:
        `kind-config.yaml` with name, node image and host ports of `options`.

    Raises:
        ConfigError: It is not a kind configuration, or does not map the node ports of the
            Gateway and of MLflow.
    """
    path = options.root / KIND_CONFIG
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        nodes = list(config["nodes"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError) as error:
        raise ConfigError(f"{KIND_CONFIG} is not a kind configuration with nodes: {error}") from (
            error
        )
    config["name"] = options.cluster
    if options.node_image:
        for node in nodes:
            node["image"] = options.node_image
    mappings = [mapping for node in nodes for mapping in node.get("extraPortMappings", [])]
    for node_port, (host_port, _) in options.ports.items():
        ours = [mapping for mapping in mappings if mapping.get("containerPort") == node_port]
        if len(ours) != 1:
            raise ConfigError(
                f"{KIND_CONFIG} maps containerPort {node_port} {len(ours)} times; it must map it"
                " once, under extraPortMappings of one node"
            )
        ours[0]["hostPort"] = host_port
    return dict(config)


def write_config(options: Options) -> Path:
    """Write the configuration for kind.

    Args:
        options: The user's choices.

    Returns:
        The file, `build/kind/kind-config.yaml`.

    Raises:
        ConfigError: See `read_config`.
    """
    config = read_config(options)
    path = options.root / MANIFESTS / KIND_CONFIG
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def node_images(config: dict[str, Any]) -> list[str]:
    """Return the images of the nodes, each once.

    Args:
        config: A kind configuration.
    """
    images = [str(node["image"]) for node in config["nodes"] if node.get("image")]
    return list(dict.fromkeys(images))


def listen_address(config: dict[str, Any], node_port: int) -> str:
    """Return the address of this machine on which a node port listens.

    Args:
        config: A kind configuration.
        node_port: Port of the node.
    """
    for node in config["nodes"]:
        for mapping in node.get("extraPortMappings", []):
            if mapping.get("containerPort") == node_port:
                return str(mapping.get("listenAddress", "0.0.0.0"))  # noqa: S104 - kind's default
    return "0.0.0.0"  # noqa: S104 - kind's default
