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
        tools = preflight.tools(commands)
        step.note = tools.words
        kind_config = config.read_config(options)
        preflight.definitions_there(options.crds)
        built = images.need_built(commands, images.tree_images(options))
        nodes = cluster.find_nodes(commands, options.cluster)
        if nodes:
            cluster.check_reusable(nodes, options)
        else:
            preflight.ports_free(commands, options, kind_config)
    with steps.part("check images and manifests") as step:
        controller, manifests = render(options, commands)
        theirs = gateway.images_of(controller)
        needed = [*built, *(images.need_pulled(commands, i, "TRAEFIK_IMAGE") for i in theirs)]
        if not nodes:
            for image in config.node_images(kind_config):
                images.need_pulled(commands, image, "KIND_NODE_IMAGE")
            preflight.room_for(commands, needed, anew=True)
        step.note = ", ".join(images.short_name(image.name) for image in needed)
    return Plan(
        config=kind_config,
        nodes=nodes,
        images=needed,
        platform=tools.platform,
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
