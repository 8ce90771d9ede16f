"""The kind cluster as the Docker engine knows it: found, made, taken away."""

import json
from dataclasses import dataclass

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.config import write_config
from headgate.cli.kind.kubectl import Kubectl
from headgate.cli.kind.options import Options
from headgate.errors import BackendError, ConfigError

ANSWER = 30.0  # seconds for a question to the engine
CREATE = 600.0  # seconds for kind, on a slow machine
DELETE = 120.0
ROLES = ("control-plane", "worker")  # a load balancer before several of the first is no node


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A container that is a node.

    Attributes:
        name: Of the container and of the node.
        role: `control-plane` or `worker`.
        state: What the engine says, e.g. `running`.
        image: What it was made of.
        ports: Host port by node port.
    """

    name: str
    role: str
    state: str
    image: str
    ports: dict[int, int]


def find_nodes(commands: Commands, cluster: str) -> list[Node]:
    """Find the nodes of a cluster.

    Args:
        commands: Starts docker.
        cluster: Its name.

    Returns:
        Its nodes; empty if there is no such cluster.

    Raises:
        BackendError: Docker failed.
    """
    label = f"label=io.x-k8s.kind.cluster={cluster}"
    ids = commands.run("docker", "ps", "--all", "--quiet", "--filter", label, seconds=ANSWER)
    if not ids.split():
        return []
    told = commands.run("docker", "inspect", *ids.split(), seconds=ANSWER)
    nodes = []
    for container in json.loads(told):
        role = container["Config"]["Labels"].get("io.x-k8s.kind.role", "")
        if role not in ROLES:
            continue
        bindings = container["HostConfig"].get("PortBindings") or {}
        nodes.append(
            Node(
                name=container["Name"].lstrip("/"),
                role=role,
                state=container["State"]["Status"],
                image=container["Config"]["Image"],
                ports={
                    int(port.partition("/")[0]): int(hosts[0]["HostPort"])
                    for port, hosts in bindings.items()
                    if hosts and hosts[0]["HostPort"]
                },
            )
        )
    return nodes


def check_reusable(nodes: list[Node], options: Options) -> None:
    """Refuse a cluster that is there but not as asked for.

    Args:
        nodes: Of the cluster that is there.
        options: The user's choices.

    Raises:
        BackendError: A node does not run.
        ConfigError: It was made with other ports.
    """
    stopped = [node for node in nodes if node.state != "running"]
    if stopped:
        names = " ".join(node.name for node in stopped)
        raise BackendError(
            f"kind cluster '{options.cluster}' is there, but {names} is {stopped[0].state}; start"
            f" it with `docker start {names}`, or make the cluster anew with"
            " `make kind-down kind`"
        )
    mapped = {port: host for node in nodes for port, host in node.ports.items()}
    for node_port, (asked, variable) in options.ports.items():
        there = mapped.get(node_port)
        if there == asked:
            continue
        if there is None:
            raise ConfigError(
                f"kind cluster '{options.cluster}' is there, but was not made by `make kind`: it"
                f" does not map port {node_port}; choose another name with KIND_CLUSTER, or"
                f" delete it with `make kind-down`"
            )
        raise ConfigError(
            f"kind cluster '{options.cluster}' is there with {variable}={there}, not {asked};"
            f" ports cannot change: use {variable}={there}, or `make kind-down kind`"
        )


def check_answers(kubectl: Kubectl, cluster: str) -> None:
    """Refuse a cluster whose API server does not answer.

    Args:
        kubectl: Asks it.
        cluster: Its name.

    Raises:
        BackendError: It does not answer; with its words.
    """
    done = kubectl.answers()
    if done.code != 0:
        raise BackendError(
            f"kind cluster '{cluster}' is there, but its API server does not answer"
            f" ({done.tail}); if it was just started wait a minute, else make it anew with"
            " `make kind-down kind`",
            retryable=True,
        )


def create(commands: Commands, options: Options) -> None:
    """Make the cluster.

    kind takes away what it made if it fails, and makes the new cluster kubectl's current context.

    Args:
        commands: Starts kind.
        options: The user's choices.

    Raises:
        BackendError: kind failed; with its last lines.
    """
    config = write_config(options)
    arguments = ("--name", options.cluster, "--config", str(config))
    commands.run("kind", "create", "cluster", *arguments, seconds=CREATE)


def delete(commands: Commands, cluster: str) -> bool:
    """Take a cluster away.

    Args:
        commands: Starts kind.
        cluster: Its name; no other is touched.

    Returns:
        False if there was none.

    Raises:
        BackendError: kind or docker failed.
    """
    if not find_nodes(commands, cluster):
        return False
    commands.run("kind", "delete", "cluster", "--name", cluster, seconds=DELETE)
    return True


def current_context(commands: Commands) -> str:
    """Return kubectl's current context; empty if there is none."""
    done = commands.attempt("kubectl", "config", "current-context", seconds=ANSWER)
    return done.out.strip() if done.code == 0 else ""


def know_context(commands: Commands, options: Options) -> bool:
    """Bring the cluster's context back into the kubeconfig if it is missing there.

    Args:
        commands: Starts kubectl and kind.
        options: The user's choices.

    Returns:
        Whether it was missing.

    Raises:
        BackendError: kind failed.
    """
    names = commands.run("kubectl", "config", "get-contexts", "--output=name", seconds=ANSWER)
    if options.context in names.split():
        return False
    commands.run("kind", "export", "kubeconfig", "--name", options.cluster, seconds=ANSWER)
    return True
