"""The one place that names the images.

    python -m headgate_components._image               the tag
    python -m headgate_components._image --registry    the registry

A release has its version as tag. Anything else has the version and a checksum of all that goes into
an image, so that a tag never stands for two states of the sources. What else goes in is the base:
pin it by digest (`make images BASE_IMAGE=…`) where two builds must be the same.
HEADGATE_IMAGE_REGISTRY and HEADGATE_IMAGE_TAG name images of somebody else's making.
"""

import argparse
import fnmatch
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from headgate import __version__
from headgate.errors import ConfigError

DEFAULT_REGISTRY = "localhost:5001"  # where a registry beside a kind cluster usually listens
# What a build sees, and what of that it does not: .dockerignore says the same.
SOURCES = ("LICENSE", "components", "images", "pipelines", "pyproject.toml", "src/headgate")
LEFT_OUT = (".*", "*.md", "__pycache__", "ruff.toml")
REGISTRY = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
SHORT = 12  # hex digits of a checksum in a tag
# Stands in pipelines where nobody knows the tag; whoever needs a real one asks `image` for it.
UNNAMED = f"{__version__}-unnamed"


def image(name: str, *, registry: str = "", tag: str = "") -> str:
    """Return the full name of an image.

    Args:
        name: E.g. `headgate-python`.
        registry: Host and path before the name; empty: as `registry_prefix` says.
        tag: Empty: as `image_tag` says.

    Raises:
        ConfigError: If registry or tag cannot be used.
    """
    return f"{registry_prefix(registry)}/{name}:{image_tag(tag)}"


def registry_prefix(asked: str = "") -> str:
    """Return what stands before the names of the images.

    Args:
        asked: Empty: HEADGATE_IMAGE_REGISTRY, or the registry of the manifests.

    Raises:
        ConfigError: If it is no host with an optional port and path.
    """
    found = asked or os.environ.get("HEADGATE_IMAGE_REGISTRY", "") or DEFAULT_REGISTRY
    if not REGISTRY.fullmatch(found):
        raise ConfigError(
            f"the image registry is {found!r}; allowed is a host with an optional port and path, "
            "in lower case, without a scheme: registry.example.com:5000/team"
        )
    return found


def image_tag(asked: str = "") -> str:
    """Return the tag of the images.

    Args:
        asked: Empty: HEADGATE_IMAGE_TAG, or the version, with a checksum if it is no release.

    Raises:
        ConfigError: If it is no tag, or `latest`; or if the sources of a development version are
            not at hand, so that nobody knows which images belong to it.
    """
    found = asked or os.environ.get("HEADGATE_IMAGE_TAG", "") or _own_tag()
    if found == "latest":
        raise ConfigError(
            "the image tag is 'latest', which names another image every time; give one"
        )
    if not TAG.fullmatch(found):
        raise ConfigError(
            f"the image tag is {found!r}; allowed are up to 128 letters, digits, '_', '.' and '-', "
            "not beginning with '.' or '-'"
        )
    return found


def runtime_image() -> str:
    """Return the image of the components as their definitions name it; never without one.

    Runs on this machine use no image and must not need its name. So a development version that was
    installed from elsewhere gets the tag `UNNAMED` here; compiling asks `image`, which refuses.

    Raises:
        ConfigError: If HEADGATE_IMAGE_REGISTRY or HEADGATE_IMAGE_TAG cannot be used.
    """
    known = os.environ.get("HEADGATE_IMAGE_TAG", "") or ".dev" not in __version__ or checkout()
    return image("headgate-python", tag="" if known else UNNAMED)


def checkout() -> Path | None:
    """Return the checkout that this file lies in, or None if it was installed from elsewhere."""
    root = Path(__file__).resolve().parents[1]
    return root if all((root / source).exists() for source in SOURCES) else None


def content_checksum(root: Path) -> str:
    """Return the checksum of all that goes into the images.

    Args:
        root: The checkout.

    Returns:
        12 hex digits; other ones if a file changes, comes, goes or moves, or the certificates do.
    """
    digest = hashlib.sha256()
    for path in _files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()[:SHORT]


def main(arguments: list[str]) -> int:
    """Print the tag or the registry.

    Args:
        arguments: `[]` or `["--registry"]`.

    Returns:
        Exit code: 2 if they cannot be used.
    """
    parser = argparse.ArgumentParser(prog="_image", description=__doc__)
    parser.add_argument("--registry", action="store_true", help="print the registry, not the tag")
    try:
        asked = parser.parse_args(arguments).registry
        sys.stdout.write(f"{registry_prefix() if asked else image_tag()}\n")
    except ConfigError as error:
        sys.stderr.write(f"headgate: ConfigError: {error}\n")
        return 2
    return 0


@cache  # the same for every name, whatever happens to the files meanwhile
def _own_tag() -> str:
    if ".dev" not in __version__:
        return __version__
    root = checkout()
    if root is None:
        raise ConfigError(
            f"headgate {__version__} is no release and this is no checkout, so nobody knows which "
            "images belong to it; name their tag with --image-tag or HEADGATE_IMAGE_TAG"
        )
    return f"{__version__}-{content_checksum(root)}"


def _files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        found = [root / source, *sorted((root / source).rglob("*"))]
        yield from (path for path in found if path.is_file() and not _is_left_out(path, root))


def _is_left_out(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in LEFT_OUT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

RUNTIME_IMAGE = runtime_image()
