"""Checks of what our manifests install: settings, predictor template, guard, their images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem, unknown
from headgate.adapters.diagnosis.site import KIND, Site
from headgate.adapters.diagnosis.workload import Workload, image_of, look_at_workload
from headgate.adapters.kubernetes.api import DEPLOYMENT, NODE, POD, POD_TEMPLATE, Manifest
from headgate.adapters.kubernetes.heartbeat import GUARD
from headgate.adapters.kubernetes.predictor_objects import CONTAINER, TEMPLATE, predictor_objects
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.errors import ConfigError
from headgate.ports import DeploymentSpec

FULL_LIST = 50  # images that a kubelet reports of its node unless it is told otherwise
SETTLED = timedelta(minutes=2)  # a kubelet looks for new images every half minute, and tells later
_SOME_VERSION = DeploymentSpec(name="m-v1", model="m", version="1", uri="", sha256="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    name: str
    images: frozenset[str]  # full names of those that it is known to have
    is_full: bool  # whether it may have more than it lists
    is_new: bool  # whether it may not have listed any yet


def look_at_settings(site: Site) -> list[Finding]:
    """Read the settings as deploying a model would.

    Args:
        site: Where to look.

    Returns:
        One finding.
    """
    try:
        settings = read_settings(site.api, site.namespace)
    except ConfigError as error:
        remedy = f"{site.kubectl_here} edit configmap headgate, or {site.install}"
        seen = str(error).partition("; install")[0]
        return [problem(Group.INSTALLATION, "settings", seen, remedy)]
    return [ok(Group.INSTALLATION, "settings", _settings_in_short(settings))]


def look_at_template(site: Site) -> list[Finding]:
    """Make the objects of a model server from the template, without sending them.

    Args:
        site: Where to look.

    Returns:
        One finding.
    """
    name = "predictor template"
    template = site.api.get(POD_TEMPLATE, TEMPLATE, namespace=site.namespace)
    if template is None:
        seen = f"there is no PodTemplate {TEMPLATE}"
        return [problem(Group.INSTALLATION, name, seen, site.install)]
    settings = site.settings or Settings()
    try:
        predictor_objects(
            _SOME_VERSION,
            template=template,
            replicas=settings.replicas,
            bundle_url=settings.registry_uri,
            namespace=site.namespace,
        )
    except ConfigError as error:
        remedy = f"{site.kubectl_here} edit podtemplate {TEMPLATE}, or {site.install}"
        return [problem(Group.INSTALLATION, name, str(error), remedy)]
    return [ok(Group.INSTALLATION, name, f"makes pods of {_predictor_image(template)}")]


def look_at_guard(site: Site) -> list[Finding]:
    """Look whether somebody would take an abandoned canary out.

    Args:
        site: Where to look.

    Returns:
        One finding.
    """
    found = look_at_workload(site.api, GUARD, namespace=site.namespace)
    if found is None:
        seen = f"there is no Deployment {GUARD}: no rollout starts without a guard"
        return [problem(Group.INSTALLATION, "guard", seen, site.install)]
    return [_guard(site, found)]


def look_at_images(site: Site, *, now: datetime | None = None) -> list[Finding]:
    """Look whether the nodes have the images of predictor and guard.

    Args:
        site: Where to look.
        now: The time; None asks this machine.

    Returns:
        One finding for each image.
    """
    template = site.api.get(POD_TEMPLATE, TEMPLATE, namespace=site.namespace) or {}
    guard = site.api.get(DEPLOYMENT, GUARD, namespace=site.namespace) or {}
    images = {
        "predictor image": _predictor_image(template),
        "guard image": image_of(guard.get("spec", {}).get("template", {})),
    }
    pods = site.api.list(POD, namespace=site.namespace)
    at = now or datetime.now(UTC)
    nodes = [_node(manifest, pods, at) for manifest in site.api.list(NODE)]
    return [_image(site, name, image, nodes) for name, image in images.items() if image]


def _settings_in_short(settings: Settings) -> str:
    gateway, replicas = settings.gateway, settings.replicas
    host = f"<model>.{settings.domain}" if settings.domain else "every host name"
    pods = f"{replicas.min} to {replicas.max}" if replicas.min < replicas.max else f"{replicas.min}"
    return (
        f"routes for {host} on Gateway {gateway.namespace}/{gateway.name},"
        f" {pods} pod{'' if pods == '1' else 's'} a version, registry {settings.registry_uri}"
    )


def _predictor_image(template: Manifest) -> str:
    return image_of(template.get("template", {}), CONTAINER)


def _guard(site: Site, found: Workload) -> Finding:
    where = f"{site.kubectl_here} describe pods -l app.kubernetes.io/name={GUARD}"
    if found.ready and found.ready >= found.wanted:
        return ok(Group.INSTALLATION, "guard", found.shown)
    if found.ready:
        return note(Group.INSTALLATION, "guard", found.shown, where)
    if not found.wanted:
        remedy = f"{site.kubectl_here} scale deployment {GUARD} --replicas=2"
        seen = "scaled to 0: no rollout starts without a guard"
        return problem(Group.INSTALLATION, "guard", seen, remedy)
    return problem(Group.INSTALLATION, "guard", found.shown, where)


def _node(manifest: Manifest, pods: Sequence[Manifest], at: datetime) -> _Node:
    name = manifest["metadata"]["name"]
    listed = manifest.get("status", {}).get("images") or ()
    # What runs is there, even if the kubelet has not listed it yet.
    running = [
        container["image"]
        for pod in pods
        if pod["spec"].get("nodeName") == name and pod.get("status", {}).get("phase") == "Running"
        for container in pod["spec"]["containers"]
    ]
    made = manifest["metadata"].get("creationTimestamp")
    return _Node(
        name=name,
        images=frozenset(
            full_name(image)
            for image in (*running, *(name for one in listed for name in one.get("names") or ()))
        ),
        is_full=len(listed) >= FULL_LIST,
        is_new=made is not None and at - datetime.fromisoformat(made) < SETTLED,
    )


def _image(site: Site, name: str, image: str, nodes: Sequence[_Node]) -> Finding:
    unlisted = [node for node in nodes if full_name(image) not in node.images]
    if nodes and not unlisted:
        return ok(Group.INSTALLATION, name, f"{image} is on every node")
    if not nodes:
        return unknown(Group.INSTALLATION, name, f"{image}: there is no node to ask")
    lacking = _names(node for node in unlisted if not node.is_full and not node.is_new)
    if not lacking:
        full = _names(node for node in unlisted if node.is_full)
        new = _names(node for node in unlisted if not node.is_full)
        why = [f"{full} lists {FULL_LIST} images and may have more"] if full else []
        why += [f"{new} is new and may not list its images yet"] if new else []
        return unknown(Group.INSTALLATION, name, f"{image}: {'; '.join(why)}")
    if site.is_kind:
        cluster = site.context.removeprefix(KIND)
        remedy = (
            f"if it was just loaded, look again in a minute; else {site.install}, or docker save"
            f" {image} -o image.tar && kind load image-archive image.tar --name {cluster}"
        )
        return problem(Group.INSTALLATION, name, f"{image} is not on {lacking}", remedy)
    return note(Group.INSTALLATION, name, f"{image} is not on {lacking}; its first pod pulls it")


def _names(nodes: Iterable[_Node]) -> str:
    return ", ".join(sorted(node.name for node in nodes))


def full_name(image: str) -> str:
    """Spell an image as nodes list it: with its registry, and `library` for Docker's own.

    Args:
        image: As a pod names it.

    Returns:
        E.g. `docker.io/library/python:3.13-slim`.
    """
    host, _, rest = image.partition("/")
    if not rest:
        return f"docker.io/library/{image}"
    is_host = "." in host or ":" in host or host == "localhost"
    return image if is_host else f"docker.io/{image}"
