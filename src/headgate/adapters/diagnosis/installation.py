"""Checks of what our manifests install: settings, predictor template, guard, their images."""

from collections.abc import Iterable, Mapping, Sequence

from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem, unknown
from headgate.adapters.diagnosis.site import KIND, Site
from headgate.adapters.diagnosis.workload import Workload, image_of, look_at_workload
from headgate.adapters.kubernetes.api import DEPLOYMENT, NODE, POD_TEMPLATE, Manifest
from headgate.adapters.kubernetes.heartbeat import GUARD
from headgate.adapters.kubernetes.predictor_objects import CONTAINER, TEMPLATE, predictor_objects
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.errors import ConfigError
from headgate.ports import DeploymentSpec

FULL_LIST = 50  # images that a kubelet reports of its node unless it is told otherwise
_SOME_VERSION = DeploymentSpec(name="m-v1", model="m", version="1", uri="", sha256="")


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


def look_at_images(site: Site) -> list[Finding]:
    """Look whether the nodes have the images of predictor and guard.

    Args:
        site: Where to look.

    Returns:
        One finding for each image.
    """
    template = site.api.get(POD_TEMPLATE, TEMPLATE, namespace=site.namespace) or {}
    guard = site.api.get(DEPLOYMENT, GUARD, namespace=site.namespace) or {}
    images = {
        "predictor image": _predictor_image(template),
        "guard image": image_of(guard.get("spec", {}).get("template", {})),
    }
    nodes = site.api.list(NODE)
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


def _image(site: Site, name: str, image: str, nodes: Sequence[Manifest]) -> Finding:
    listed = {
        node["metadata"]["name"]: node.get("status", {}).get("images") or () for node in nodes
    }
    unlisted = sorted(node for node, images in listed.items() if not _has(images, image))
    lacking = [node for node in unlisted if len(listed[node]) < FULL_LIST]
    if nodes and not unlisted:
        return ok(Group.INSTALLATION, name, f"{image} is on every node")
    if not lacking:
        why = f"{', '.join(unlisted)} lists {FULL_LIST} images and may have more"
        seen = f"{image}: {why if nodes else 'there is no node to ask'}"
        return unknown(Group.INSTALLATION, name, seen)
    where = ", ".join(lacking)
    if site.is_kind:
        cluster = site.context.removeprefix(KIND)
        remedy = f"{site.install}, or kind load docker-image {image} --name {cluster}"
        return problem(Group.INSTALLATION, name, f"{image} is not on {where}", remedy)
    return note(Group.INSTALLATION, name, f"{image} is not on {where}; its first pod pulls it")


def _has(listed: Iterable[Mapping[str, Iterable[str]]], image: str) -> bool:
    wanted = full_name(image)
    return any(full_name(name) == wanted for entry in listed for name in entry.get("names") or ())


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
