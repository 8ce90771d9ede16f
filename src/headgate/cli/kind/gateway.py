"""The Gateway API's definitions and the controller that acts on them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headgate.cli.kind.kubectl import Kubectl
from headgate.cli.kind.preflight import is_address
from headgate.errors import BackendError

GROUP = "gateway.networking.k8s.io"
NEEDED = tuple(f"{plural}.{GROUP}" for plural in ("gatewayclasses", "gateways", "httproutes"))
VERSION = f"{GROUP}/bundle-version"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def install_definitions(kubectl: Kubectl, source: str) -> str:
    """Bring in the Gateway API's definitions, unless the same version is there.

    Args:
        kubectl: Changes the cluster.
        source: A file or an address.

    Returns:
        What was done, in a few words.

    Raises:
        BackendError: They cannot be fetched, or the server refused them.
    """
    version = version_of(source)
    if version and _versions_there(kubectl) == {version}:
        return f"{version}, as it was"
    place = source if is_address(source) else str(Path(source).expanduser())
    try:
        return f"{version or source}: {kubectl.apply_file(place)}"
    except BackendError as error:
        if is_address(source):
            raise BackendError(
                f"{error}; if this machine does not reach that address, download the file"
                " elsewhere and name it with GATEWAY_API_CRDS"
            ) from error
        raise


def version_of(source: str) -> str:
    """Return the version of the definitions at a source, e.g. "v1.5.0"; empty if it is not said.

    Args:
        source: A file, or an address of a release.
    """
    if is_address(source):
        found = re.search(r"/(v\d+\.\d+\.\d+)/", source)
    else:
        text = Path(source).expanduser().read_text(encoding="utf-8", errors="replace")
        found = re.search(rf"{re.escape(VERSION)}: ['\"]?(v[\w.-]+)", text)
    return found[1] if found else ""


def with_image(manifests: Sequence[dict[str, Any]], image: str) -> list[dict[str, Any]]:
    """Return the controller's manifests with another image.

    Args:
        manifests: As the repository has them.
        image: The image; empty keeps theirs.
    """
    if image:
        for manifest in manifests:
            for container in _containers(manifest, "containers"):
                container["image"] = image
    return list(manifests)


def images_of(manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Return the images of the workloads among manifests, each once."""
    named = [
        container["image"]
        for manifest in manifests
        for part in ("initContainers", "containers")
        for container in _containers(manifest, part)
    ]
    return list(dict.fromkeys(named))


def _containers(manifest: dict[str, Any], part: str) -> list[dict[str, Any]]:
    if manifest["kind"] not in ("Deployment", "DaemonSet", "StatefulSet"):
        return []
    return list(manifest["spec"]["template"]["spec"].get(part, []))


def _versions_there(kubectl: Kubectl) -> set[str]:
    there = {one["metadata"]["name"]: one["metadata"] for one in kubectl.get(DEFINITIONS)}
    if not there.keys() >= set(NEEDED):
        return set()
    return {
        meta.get("annotations", {}).get(VERSION, "")
        for name, meta in there.items()
        if name.endswith(f".{GROUP}")
    }
