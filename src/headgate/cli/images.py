"""`python -m headgate.cli.images`: build the images that the cluster runs; `make images` calls it.

Tags are never reused: an image that the engine has under its tag is what the sources say, or the
command refuses to go on.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from headgate.cli import image_engine
from headgate.cli.image_engine import BuildError, Found, Recipe
from headgate.cli.image_lines import BuildLines
from headgate.cli.main import run_command
from headgate.cli.progress import standard_console
from headgate.cli.progress_lines import QUIET
from headgate.errors import BackendError, ConfigError

BASE = "python:3.13-slim"
RECIPES = "images"  # a folder for each image, with its Containerfile
LOGS = Path("build/images")
KUSTOMIZATION = Path("build/kind/kustomization.yaml")
# Labels that say what an image was made of; the Containerfiles set them.
CONTENT_LABEL, BASE_LABEL = "dev.headgate.content", "org.opencontainers.image.base.name"
# What a build needs to get through to packages; passed on without a word about the values.
PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

app = typer.Typer(
    name="python -m headgate.cli.images",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="The images that the cluster runs.",
    epilog="Exit codes: 0 done, 2 a choice cannot work, 4 the engine or a build failed.",
)
Registry = Annotated[
    str, typer.Option(help="Host and path before the names; else HEADGATE_IMAGE_REGISTRY.")
]
Tag = Annotated[str, typer.Option(help="Tag; else HEADGATE_IMAGE_TAG, else of the sources.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of this tree."""

    name: str  # e.g. headgate-python
    reference: str  # with registry and tag
    file: Path  # its Containerfile

    @property
    def repository(self) -> str:
        """The reference without its tag."""
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        """The tag of the reference."""
        return self.reference.rpartition(":")[2]


@app.command()
def build(
    *,
    only: Annotated[str, typer.Option(help="Build this image alone, e.g. `python`.")] = "",
    base_image: Annotated[str, typer.Option(help="A Debian with Python and pip.")] = BASE,
    registry: Registry = "",
    tag: Tag = "",
) -> None:
    """Build every image that the engine does not have yet, and name them for `kubectl apply -k`."""

    def work() -> None:
        root = tree()
        images = tree_images(root, registry=registry, tag=tag)
        console = standard_console()
        build_images(root, chosen(images, only), base=base_image, console=console)
        write_kustomization(root / KUSTOMIZATION, images)

    raise typer.Exit(run_command(work))


@app.command(name="list")
def list_(*, registry: Registry = "", tag: Tag = "") -> None:
    """Print the full names of the images, one a line; nothing is built."""

    def work() -> None:
        for image in tree_images(tree(), registry=registry, tag=tag):
            typer.echo(image.reference)

    raise typer.Exit(run_command(work))


def tree() -> Path:
    """Return the checkout that images are built from.

    Raises:
        ConfigError: If this headgate was installed from elsewhere.
    """
    from headgate_components._image import checkout

    root: Path | None = checkout()
    if root is None:
        raise ConfigError("images are built from a checkout of headgate, this is an installed one")
    return root


def tree_images(root: Path, *, registry: str = "", tag: str = "") -> list[Image]:
    """Return the images of a checkout: one for each folder under images/ with a Containerfile.

    Args:
        root: The checkout.
        registry: What stands before the names; empty as `headgate_components._image` says.
        tag: The tag; empty likewise.

    Raises:
        ConfigError: If registry or tag cannot be used.
    """
    from headgate_components._image import image

    return [
        Image(name=name, reference=image(name, registry=registry, tag=tag), file=file)
        for file in sorted((root / RECIPES).glob("*/Containerfile"))
        for name in [f"headgate-{file.parent.name}"]
    ]


def chosen(images: Sequence[Image], only: str) -> list[Image]:
    """Return the images that the user asks for.

    Args:
        images: All of them.
        only: A name, with or without `headgate-`; empty is all.

    Raises:
        ConfigError: If there is none of that name.
    """
    found = [image for image in images if image.name.removeprefix("headgate-") == only]
    found += [image for image in images if only in ("", image.name)]
    if not found:
        names = ", ".join(image.name for image in images)
        raise ConfigError(f"there is no image {only!r}; there are {names}")
    return found


def build_images(
    root: Path,
    images: Sequence[Image],
    *,
    base: str,
    console: Console,
    clock: Callable[[], float] = monotonic,
) -> None:
    """Build what the engine does not have, and print a table of all.

    Args:
        root: The checkout.
        images: The images.
        base: Base image.
        console: Where to write.
        clock: Seconds on a clock that never goes back.

    Raises:
        ConfigError: If a tag is taken by other content.
        BackendError: If the engine does not answer, a build fails, or the sources change meanwhile.
    """
    image_engine.check_engine()
    facts = _facts(root, base)
    sizes = []
    with BuildLines(console, clock=clock) as lines:
        for image in images:
            found = image_engine.find(image.reference)
            if found is None:
                found = _build(root, image, facts, lines)
            else:
                _must_be_the_same(image, found, facts)
                lines.there(image.name)
            sizes.append(_size(root, image, found))
    table = Table(box=None, pad_edge=False, header_style=QUIET, padding=(0, 2, 0, 0))
    for heading in ("image", "tag", "size"):
        table.add_column(heading, justify="right" if heading == "size" else "left")
    for image, size in zip(images, sizes, strict=True):
        shown = "not known" if size is None else f"{size / 1e6:,.0f} MB"
        table.add_row(image.repository, image.tag, shown)
    console.print(table)


def write_kustomization(path: Path, images: Sequence[Image]) -> None:
    """Write what makes `kubectl apply -k` of its folder run these images.

    Args:
        path: `kustomization.yaml`.
        images: All images of the tree.
    """
    import yaml

    from headgate_components._image import DEFAULT_REGISTRY

    record = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../manifests/overlays/kind"],
        "images": [
            {
                "name": f"{DEFAULT_REGISTRY}/{image.name}",
                "newName": image.repository,
                "newTag": image.tag,
            }
            for image in images
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(
        "# Written by `make images`: the manifests, with the images of this tree.\n"
        + yaml.safe_dump(record, sort_keys=False),
        encoding="utf-8",
    )
    partial.replace(path)


def _build(root: Path, image: Image, facts: Mapping[str, str], lines: BuildLines) -> Found:
    recipe = Recipe(
        reference=image.reference,
        context=root,
        file=image.file,
        arguments=facts,
        passed_on=[
            name for known in PASSED_ON for name in (known, known.lower()) if os.environ.get(name)
        ],
    )
    lines.begin(image.name)
    try:
        image_engine.build(recipe, log=root / LOGS / f"{image.name}.log", on_step=lines.step)
        _must_be_unchanged(root, image, facts)
        found = image_engine.find(image.reference)
    except BackendError as error:
        lines.fail(error.tail if isinstance(error, BuildError) else ())
        raise
    if found is None:
        raise BackendError(
            f"{image.reference} was built, and the engine does not have it{_kept_elsewhere()}"
        )
    lines.end("built")
    return found


def _size(root: Path, image: Image, found: Found) -> int | None:
    """Return the bytes of an image unpacked, if it can be measured; once for each image."""
    path = root / LOGS / f"{image.name}.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["id"] == found.id:
            return int(known["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never measured, or by hand
    size = image_engine.unpacked_size(image.reference)
    if size is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"id": found.id, "bytes": size}), encoding="utf-8")
    return size


def _kept_elsewhere() -> str:
    builder = os.environ.get("BUILDX_BUILDER", "")
    if not builder:
        return "; if another builder is the default, choose the engine's: docker buildx use default"
    return f": BUILDX_BUILDER={builder} keeps what it builds; unset it, or set it to default"


def _must_be_unchanged(root: Path, image: Image, facts: Mapping[str, str]) -> None:
    if _content(root) != facts["CONTENT"]:
        image_engine.remove(image.reference)
        raise BackendError(
            f"the sources changed while {image.name} was built, so its tag would be wrong; run it "
            "again",
            retryable=True,
        )


def _facts(root: Path, base: str) -> dict[str, str]:
    """Return the build arguments that end as labels."""
    from headgate import __version__
    from headgate.adapters.provenance import code_revision

    return {
        "BASE_IMAGE": base,
        "VERSION": __version__,
        "REVISION": code_revision(root) or "unknown",
        "CONTENT": _content(root),
    }


def _content(root: Path) -> str:
    from headgate_components._image import content_checksum

    checksum: str = content_checksum(root)
    return checksum


def _must_be_the_same(image: Image, found: Found, facts: Mapping[str, str]) -> None:
    for label, wanted, what in (
        (CONTENT_LABEL, facts["CONTENT"], "sources with the checksum"),
        (BASE_LABEL, facts["BASE_IMAGE"], "the base image"),
    ):
        seen = found.labels.get(label, "nothing known")
        if seen != wanted:
            raise ConfigError(
                f"{image.reference} is there already, made from {what} {seen}, not {wanted}; a tag "
                "is never reused: choose another one with --tag or HEADGATE_IMAGE_TAG, or take "
                f"that image away with `docker image rm {image.reference}`"
            )


if __name__ == "__main__":
    app()
