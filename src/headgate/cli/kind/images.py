"""Images: what the tree's manifests name, what the engine has, what a node has."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.options import MANIFESTS, Options
from headgate.cli.kind.steps import Steps
from headgate.errors import BackendError, ConfigError

ANSWER = 30.0  # seconds for a question to the engine
PULL = 900.0
COPY = 600.0
DEFAULT_HOST = "docker.io"
RECORD = "/var/lib/headgate-images.json"  # beside the images themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of the engine.

    Attributes:
        name: E.g. `traefik:v3.7.13`.
        digest: Its id.
        size: Bytes as the engine counts them; where containerd keeps its images, packed ones.
    """

    name: str
    digest: str
    size: int


def tree_images(options: Options) -> list[str]:
    """Return the images that the tree's manifests name.

    Args:
        options: Where the repository is.

    Returns:
        Names with tags, as `make images` wrote them.

    Raises:
        ConfigError: `make images` has not run.
    """
    path = options.root / MANIFESTS / "kustomization.yaml"
    if not path.is_file():
        raise ConfigError(f"there is no {MANIFESTS}/kustomization.yaml; `make images` writes it")
    entries = yaml.safe_load(path.read_text(encoding="utf-8")).get("images") or []
    return [f"{entry.get('newName', entry['name'])}:{entry['newTag']}" for entry in entries]


def find_image(commands: Commands, name: str) -> Image | None:
    """Find an image in the engine.

    Args:
        commands: Starts docker.
        name: The image.

    Returns:
        The image; None if the engine does not have it.
    """
    arguments = ("image", "inspect", "--format", "{{.Id}} {{.Size}}", name)
    done = commands.attempt("docker", *arguments, seconds=ANSWER)
    if done.code != 0:
        return None
    digest, size = done.out.split()
    return Image(name=name, digest=digest, size=int(size))


def need_built(commands: Commands, names: Iterable[str]) -> list[Image]:
    """Find the images that this repository builds.

    Args:
        commands: Starts docker.
        names: The images.

    Returns:
        The images.

    Raises:
        BackendError: Some are not built.
    """
    found = {name: find_image(commands, name) for name in names}
    missing = [name for name, image in found.items() if image is None]
    if missing:
        raise BackendError(
            f"the engine does not have {' and '.join(missing)}; build with `make images`"
        )
    return [image for image in found.values() if image is not None]


def need_pulled(commands: Commands, name: str, variable: str, steps: Steps) -> Image:
    """Find an image that others publish; pull it if the engine does not have it.

    Args:
        commands: Starts docker.
        name: The image.
        variable: The Makefile variable that names it.
        steps: Where progress goes: a pull takes minutes.

    Returns:
        The image.

    Raises:
        BackendError: It cannot be pulled; with the engine's words.
    """
    found = find_image(commands, name)
    if found is not None:
        return found
    steps.say(f"pulling {name}; this may take minutes")
    with steps.part(f"pull {short_name(name)}") as step:
        done = commands.attempt("docker", "pull", "--quiet", name, seconds=PULL)
        found = find_image(commands, name) if done.code == 0 else None
        if found is None:
            raise BackendError(
                f"{name} is not in the engine and cannot be pulled ({done.tail}); bring it in"
                f" with `docker load`, or name one that is there with {variable}"
            )
        step.note = name
    return found


def missing_on(commands: Commands, node: str, images: Sequence[Image]) -> list[str]:
    """Return the names of the images that a node does not have as the engine has them.

    Args:
        commands: Starts docker.
        node: The node's container.
        images: What it should have.

    Raises:
        BackendError: The node does not answer.
    """
    digests, record = _digests(commands, node), _record(commands, node)
    return [
        image.name
        for image in images
        if record.get(image.name) != [image.digest, digests.get(full_name(image.name), "")]
    ]


def save(commands: Commands, names: Sequence[str], archive: Path, *, platform: str) -> None:
    """Write images of the engine into one archive; layers that they share are in it once.

    Args:
        commands: Starts docker.
        names: The images.
        archive: The file to write.
        platform: Which of an image's platforms; empty for an engine that cannot choose. One that
            keeps images as they were published would name platforms whose layers it never pulled,
            and a node refuses that.

    Raises:
        BackendError: The engine failed, or the disk is full.
    """
    chosen = ("--platform", platform) if platform else ()
    commands.run("docker", "save", "--output", str(archive), *chosen, *names, seconds=COPY)


def load(commands: Commands, cluster: str, archive: Path) -> None:
    """Copy the images of an archive to every node of a cluster.

    Not `kind load docker-image`: it could start only when the cluster is made, and fails on images
    of several platforms (see `save`).

    Args:
        commands: Starts kind.
        cluster: Its name.
        archive: See `save`.

    Raises:
        BackendError: kind failed; with its last lines.
    """
    commands.run("kind", "load", "image-archive", str(archive), "--name", cluster, seconds=COPY)


def remember(commands: Commands, node: str, images: Iterable[Image]) -> None:
    """Note on a node which of the engine's images it got.

    A node knows images by other digests than the engine, and which ones depends on how the engine
    keeps them; the pair of both says whether either has changed since.

    Args:
        commands: Starts docker.
        node: The node's container.
        images: What was loaded.

    Raises:
        BackendError: The node does not answer.
    """
    digests, record = _digests(commands, node), _record(commands, node)
    for image in images:
        record[image.name] = [image.digest, digests.get(full_name(image.name), "")]
    writing = ("exec", "--interactive", node, "tee", RECORD)
    commands.run("docker", *writing, seconds=ANSWER, text=json.dumps(record))


def _digests(commands: Commands, node: str) -> dict[str, str]:
    listing = ("exec", node, "ctr", "--namespace", "k8s.io", "images", "ls")
    told = commands.run("docker", *listing, seconds=ANSWER)
    rows = [line.split() for line in told.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > len(("name", "type"))}


def _record(commands: Commands, node: str) -> dict[str, list[str]]:
    done = commands.attempt("docker", "exec", node, "cat", RECORD, seconds=ANSWER)
    if done.code != 0:
        return {}
    record: dict[str, list[str]] = json.loads(done.out)
    return record


def full_name(name: str) -> str:
    """Return an image's name as a node knows it.

    Args:
        name: E.g. `traefik:v3.7.13`.

    Returns:
        E.g. `docker.io/library/traefik:v3.7.13`.
    """
    host, _, rest = name.partition("/")
    if not rest:
        return f"{DEFAULT_HOST}/library/{name}"
    is_host = "." in host or ":" in host or host == "localhost"
    return name if is_host else f"{DEFAULT_HOST}/{name}"


def short_name(name: str) -> str:
    """Return an image's name without tag and registry, e.g. `headgate-python`."""
    return name.rpartition("/")[2].partition(":")[0]
