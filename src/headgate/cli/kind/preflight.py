"""What must hold before anything is made; each failure names its remedy and changes nothing."""

import errno
import json
import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.config import listen_address
from headgate.cli.kind.images import Image
from headgate.cli.kind.options import Options
from headgate.errors import BackendError, ConfigError

ANSWER = 30.0  # seconds for a question
# Older releases cannot load images into nodes with containerd 2, or build our kustomizations.
KIND_AT_LEAST, KUBECTL_AT_LEAST = (0, 27), (1, 28)
CHOOSES_PLATFORM = (1, 48)  # version of the engine's interface, of Docker 28
COPIES = 3  # of an image while it is loaded: archive, layers on the node, unpacked layers
CLUSTER_BYTES = 3 * 2**30  # of a cluster without our images: node image, volumes, logs


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What is installed.

    Attributes:
        words: The versions in one phrase.
        platform: Of the engine when it can save one platform of an image; else empty.
    """

    words: str
    platform: str


def tools(commands: Commands) -> Tools:
    """Check that docker answers and that kind and kubectl are there and recent enough.

    Args:
        commands: Starts them.

    Returns:
        What is installed.

    Raises:
        BackendError: One is missing, too old, or the engine does not answer.
    """
    shown = "{{.Server.Version}} {{.Client.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}"
    engine = commands.attempt("docker", "version", "--format", shown, seconds=ANSWER)
    told = engine.out.split()
    if engine.code != 0 or len(told) != len(shown.split()):
        raise BackendError(
            f"the Docker engine does not answer ({engine.tail}); start it, or point DOCKER_HOST"
            " to one that runs and that you may use"
        )
    version, interface, platform = told
    kind = _at_least("kind", commands.run("kind", "version", seconds=ANSWER), KIND_AT_LEAST)
    client = commands.run("kubectl", "version", "--client", "--output=json", seconds=ANSWER)
    seen = str(json.loads(client)["clientVersion"]["gitVersion"])
    kubectl = _at_least("kubectl", seen, KUBECTL_AT_LEAST)
    can_choose = tuple(map(int, interface.split("."))) >= CHOOSES_PLATFORM
    return Tools(
        words=f"docker {version}, kind {kind}, kubectl {kubectl}",
        platform=platform if can_choose else "",
    )


def definitions_there(source: str) -> None:
    """Check that the file of the Gateway API definitions exists; an address is tried later.

    Args:
        source: File or URL.

    Raises:
        ConfigError: The file does not exist.
    """
    if not is_address(source) and not Path(source).expanduser().is_file():
        raise ConfigError(
            f"GATEWAY_API_CRDS names '{source}', and there is no such file; give a file or an"
            " https:// address of the standard channel's definitions"
        )


def is_address(source: str) -> bool:
    """Say whether a source of manifests is fetched over the network."""
    return source.startswith(("http://", "https://"))


def ports_free(commands: Commands, options: Options, config: dict[str, Any]) -> None:
    """Check that the cluster can take its ports of this machine.

    Args:
        commands: Starts docker, to name who has a port.
        options: The user's choices.
        config: The kind configuration.

    Raises:
        ConfigError: A port is taken; names it, who may have it, and the variable.
    """
    for node_port, (port, variable) in options.ports.items():
        address = listen_address(config, node_port)
        if not _can_listen(address, port):
            raise ConfigError(
                f"port {port} of {address} is taken{_by_whom(commands, port)}; free it, or choose"
                f" another with `make kind {variable}={port + 1}`"
            )


def room_for(commands: Commands, images: Sequence[Image], *, anew: bool) -> None:
    """Check that the engine's disk has room.

    Args:
        commands: Starts docker.
        images: What will be loaded.
        anew: Whether a cluster will be made.

    Raises:
        BackendError: The disk is too full. An engine in a virtual machine keeps its files where
            they cannot be seen; it is not checked.
    """
    root = commands.run("docker", "info", "--format", "{{.DockerRootDir}}", seconds=ANSWER).strip()
    if not root or not Path(root).is_dir():
        return
    needed = COPIES * sum(image.size for image in images) + CLUSTER_BYTES * anew
    free = shutil.disk_usage(root).free
    if free < needed:
        raise BackendError(
            f"{root} has {free / 2**30:.1f} GiB free, {needed / 2**30:.1f} GiB are needed; make"
            " room, e.g. with `docker system prune`"
        )


def _at_least(name: str, text: str, least: tuple[int, int]) -> str:
    found = re.search(r"v?(\d+)\.(\d+)\.\d+", text)
    if found is None:
        raise BackendError(f"`{name}` does not tell its version, it says '{text.strip()}'")
    if (int(found[1]), int(found[2])) < least:
        raise BackendError(f"{name} is {found[0]}; {least[0]}.{least[1]} or later is needed")
    return found[0].removeprefix("v")


def _can_listen(address: str, port: int) -> bool:
    with socket.socket() as candidate:
        # As servers do: a connection that is just being forgotten does not hold the port.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((address, port))
        except OSError as error:
            # Docker may do more than this account: a port below 1024 is no obstacle to it.
            return error.errno != errno.EADDRINUSE
    return True


def _by_whom(commands: Commands, port: int) -> str:
    shown = '{{.Names}} {{.Label "io.x-k8s.kind.cluster"}}'
    asked = ("docker", "ps", "--filter", f"publish={port}", "--format", shown)
    done = commands.attempt(*asked, seconds=ANSWER)
    holders = done.out.splitlines() if done.code == 0 else []
    if not holders:
        return f" (`lsof -i :{port}` or `ss -ltnp` names the process)"
    container, _, cluster = holders[0].partition(" ")
    kind = f" of kind cluster '{cluster}'" if cluster else ""
    return f" by container {container}{kind}"
