"""What `make kind` will do, found out before anything is made."""

from dataclasses import dataclass
from typing import Any

from headgate.cli.kind import cluster, config, gateway, images, preflight
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.images import Image
from headgate.cli.kind.kubectl import Kubectl, Manifest
from headgate.cli.kind.options import CONTROLLER, MANIFESTS, Options
from headgate.cli.kind.steps import Steps

SLOW_TO_START = "headgate-mlflow"  # half a minute; everything else takes seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the checks found.

    Attributes:
        config: The kind configuration.
        nodes: Of the cluster that is there; empty if it is to be made.
        images: What the nodes need.
        platform: Of the engine; empty if it cannot save a single one.
        controller: Manifests of the Gateway's controller.
        manifests: Manifests of this repository.
    """

    config: dict[str, Any]
    nodes: list[cluster.Node]
    images: list[Image]
    platform: str
    controller: list[Manifest]
    manifests: list[Manifest]

    def batches(self, commands: Commands) -> list[list[Image]]:
        """Return the images that nodes do not have, in batches as they are needed.

        Args:
            commands: Starts docker.

        Returns:
            First those of what takes long to start, then the others; no batch is empty.

        Raises:
            BackendError: A node does not answer.
        """
        missing = self.images
        if self.nodes:
            found = [images.missing_on(commands, node.name, self.images) for node in self.nodes]
            missing = [image for image in self.images if any(image.name in one for one in found)]
        first = [image for image in missing if self._is_first(image.name)]
        rest = [image for image in missing if not self._is_first(image.name)]
        return [batch for batch in (first, rest) if batch]

    def _is_first(self, name: str) -> bool:
        return SLOW_TO_START in name or name in gateway.images_of(self.controller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is there before any image is built.

    Attributes:
        tools: What is installed.
        config: The kind configuration.
        nodes: Of the cluster that is there; empty if it is to be made.
    """

    tools: preflight.Tools
    config: dict[str, Any]
    nodes: list[cluster.Node]


def machine(options: Options, commands: Commands) -> Machine:
    """Check all that needs no images; takes a second and changes nothing.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.

    Returns:
        What is there.

    Raises:
        ConfigError: A choice cannot work, or the cluster that is there was made with others.
        BackendError: Something is missing, too old or does not answer.
    """
    tools = preflight.tools(commands)
    kind_config = config.read_config(options)
    preflight.definitions_there(options.crds)
    nodes = cluster.find_nodes(commands, options.cluster)
    if nodes:
        cluster.check_reusable(nodes, options)
    else:
        preflight.ports_free(commands, options, kind_config)
    return Machine(tools=tools, config=kind_config, nodes=nodes)


def check_machine(options: Options, commands: Commands, steps: Steps) -> None:
    """Say whether `make kind` could begin, before it builds images; nothing is changed.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.
        steps: Where progress goes.

    Raises:
        ConfigError: A choice cannot work, or the cluster that is there was made with others.
        BackendError: Something is missing, too old or does not answer.
    """
    steps.heading(f"kind cluster {options.cluster}")
    with steps.part("check this machine") as step:
        step.note = machine(options, commands).tools.words


def check(options: Options, commands: Commands, steps: Steps) -> Plan:
    """Check all that can be checked before anything is made; may pull published images.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.
        steps: Where progress goes.

    Returns:
        What to do.

    Raises:
        ConfigError: A choice cannot work, or the cluster that is there was made with others.
        BackendError: Something is missing or does not answer.
    """
    with steps.part("check this machine") as step:
        found = machine(options, commands)
        step.note = found.tools.words
        built = images.need_built(commands, images.tree_images(options))
    with steps.part("check manifests"):
        controller, manifests = render(options, commands)
    theirs = [
        images.need_pulled(commands, image, "TRAEFIK_IMAGE", steps)
        for image in gateway.images_of(controller)
    ]
    needed = [*built, *theirs]
    if not found.nodes:
        for image in config.node_images(found.config):
            images.need_pulled(commands, image, "KIND_NODE_IMAGE", steps)
    with steps.part("check images") as step:
        if not found.nodes:
            preflight.room_for(commands, needed, anew=True)
        step.note = ", ".join(images.short_name(image.name) for image in needed)
    return Plan(
        config=found.config,
        nodes=found.nodes,
        images=needed,
        platform=found.tools.platform,
        controller=controller,
        manifests=manifests,
    )


def render(options: Options, commands: Commands) -> tuple[list[Manifest], list[Manifest]]:
    """Build the kustomizations of the repository; needs no cluster.

    Args:
        options: The user's choices.
        commands: Starts kubectl.

    Returns:
        Manifests of the Gateway's controller, and of headgate.

    Raises:
        BackendError: One does not build.
    """
    kubectl = Kubectl(commands, options.context)
    controller = kubectl.render(options.root / CONTROLLER)
    ours = kubectl.render(options.root / MANIFESTS)
    return gateway.with_image(controller, options.traefik_image), ours
