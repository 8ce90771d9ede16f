"""Checks of the Gateway API: its definitions, the class, the Gateway and its listener."""

import re
from collections.abc import Mapping
from typing import Any

from headgate.adapters.diagnosis.asking import served_by
from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem, unknown
from headgate.adapters.diagnosis.listener import listener_trouble, selects_by_labels
from headgate.adapters.diagnosis.site import Site, condition, is_true, words
from headgate.adapters.kubernetes.api import (
    CUSTOM_RESOURCE_DEFINITION,
    GATEWAY,
    GATEWAY_CLASS,
    NAMESPACE,
    Manifest,
)
from headgate.adapters.kubernetes.settings import Settings
from headgate.errors import BackendError

API_GROUP = "gateway.networking.k8s.io"
BUNDLE = f"{API_GROUP}/bundle-version"
TRAEFIK = "traefik.io/gateway-controller"
Version = tuple[int, int]
NEEDED = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
OLDEST: Version = (1, 4)
# Traefik watches these two as well, and answers 404 to everything while one of them is missing.
NEEDED_BY_TRAEFIK = (*NEEDED, "tlsroutes", "backendtlspolicies")
OLDEST_FOR_TRAEFIK: Version = (1, 5)
INSTALL = (
    "apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/"
    "v1.5.0/standard-install.yaml"
)
# headgate needs none of these. Others who share the gateway may, and a controller that lacks one
# ignores it in silence or answers 500.
FEATURES = {
    "request mirroring": "HTTPRouteRequestMirror",
    "request timeouts": "HTTPRouteRequestTimeout",
    "session persistence": "SessionPersistence",
}
UNUSABLE = "not checked: the settings cannot be used"


def look_at_definitions(site: Site) -> list[Finding]:
    """Look for the definitions of the Gateway API, and how old they are.

    Args:
        site: Where to look.

    Returns:
        One finding.
    """
    name = "definitions"
    remedy = f"{site.kubectl} {INSTALL}"
    served = served_by(site.connection, API_GROUP)
    traefik = "v1" in served.get("gatewayclasses", ()) and _has_traefik(site)
    needed = NEEDED_BY_TRAEFIK if traefik else NEEDED
    oldest = OLDEST_FOR_TRAEFIK if traefik else OLDEST
    missing = [plural for plural in needed if not _is_served(plural, served)]
    if missing:
        seen = f"not installed, or v1 not served: {', '.join(missing)}"
        return [problem(Group.GATEWAY_API, name, seen, remedy)]
    try:
        bundles = {plural: _bundle(site, plural) for plural in needed}
    except BackendError as error:
        if error.retryable:
            raise
        seen = "installed, v1 served; this account may not see how old they are"
        return [unknown(Group.GATEWAY_API, name, seen)]
    old = {plural: bundle for plural, bundle in bundles.items() if _version(bundle) < oldest}
    if old:
        listed = ", ".join(f"{plural} {bundle}" for plural, bundle in old.items())
        seen = f"v{oldest[0]}.{oldest[1]} or later is needed; there are: {listed}"
        return [problem(Group.GATEWAY_API, name, seen, remedy)]
    return [ok(Group.GATEWAY_API, name, f"{', '.join(sorted(set(bundles.values())))}, v1 served")]


def look_at_class(site: Site) -> list[Finding]:
    """Look for the class of the Gateway, and whether a controller took it.

    Args:
        site: Where to look.

    Returns:
        One finding on the class; one on its features if it is there.
    """
    name = "gateway class"
    if site.settings is None:
        return [unknown(Group.GATEWAY_API, name, UNUSABLE)]
    gateway = _gateway(site, site.settings)
    if gateway is None:
        return [unknown(Group.GATEWAY_API, name, "not checked: there is no Gateway to name it")]
    wanted = gateway["spec"]["gatewayClassName"]
    found = site.api.get(GATEWAY_CLASS, wanted)
    if found is None:
        known = ", ".join(sorted(c["metadata"]["name"] for c in site.api.list(GATEWAY_CLASS)))
        seen = f"there is no GatewayClass {wanted}; there are: {known or 'none'}"
        return [problem(Group.GATEWAY_API, name, seen, _class_remedy(site))]
    accepted = condition(found.get("status", {}), "Accepted")
    controller = found["spec"]["controllerName"]
    if not is_true(accepted):
        seen = f"{wanted} ({controller}) is not accepted: {words(accepted)}"
        return [problem(Group.GATEWAY_API, name, seen, "start the Gateway API controller")]
    return [
        ok(Group.GATEWAY_API, name, f"{wanted}, accepted by {controller}"),
        _features(found),
    ]


def look_at_gateway(site: Site) -> list[Finding]:
    """Look for the Gateway of the settings, its listener and its address.

    Args:
        site: Where to look.

    Returns:
        One finding on the Gateway; one on its listener if it is there.
    """
    settings = site.settings
    if settings is None:
        return [unknown(Group.GATEWAY_API, "gateway", UNUSABLE)]
    wanted = settings.gateway
    where = f"{wanted.namespace}/{wanted.name}"
    found = _gateway(site, settings)
    if found is None:
        remedy = f"{site.install}, or name yours: {site.kubectl_here} edit configmap headgate"
        seen = f"there is no Gateway {where}"
        return [problem(Group.GATEWAY_API, "gateway", seen, remedy)]
    return [_programmed(site, found, where), _listener(site, found, settings)]


def _has_traefik(site: Site) -> bool:
    classes = site.api.list(GATEWAY_CLASS)
    return any(found["spec"]["controllerName"] == TRAEFIK for found in classes)


def _is_served(plural: str, served: Mapping[str, set[str]]) -> bool:
    versions = served.get(plural, set())
    # A grant is only read by controllers, which know its beta; its v1 came later than the others'.
    return "v1" in versions or (plural == "referencegrants" and "v1beta1" in versions)


def _bundle(site: Site, plural: str) -> str:
    found = site.api.get(CUSTOM_RESOURCE_DEFINITION, f"{plural}.{API_GROUP}") or {"metadata": {}}
    annotations: Mapping[str, str] = found["metadata"].get("annotations") or {}
    return annotations.get(BUNDLE, "of unknown version")


def _version(text: str) -> Version:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _gateway(site: Site, settings: Settings) -> Manifest | None:
    wanted = settings.gateway
    return site.api.get(GATEWAY, wanted.name, namespace=wanted.namespace)


def _class_remedy(site: Site) -> str:
    return f"{site.install}, or install the controller whose class the Gateway names"


def _features(found: Manifest) -> Finding:
    name = "gateway features"
    listed = found.get("status", {}).get("supportedFeatures") or ()
    # Objects since Gateway API 1.2, plain names before.
    names = [f["name"] if isinstance(f, Mapping) else str(f) for f in listed]
    if not names:
        return note(Group.GATEWAY_API, name, "the controller does not say what it supports")
    said = [
        f"{words} {'yes' if any(wanted in name for name in names) else 'no'}"
        for words, wanted in FEATURES.items()
    ]
    return note(Group.GATEWAY_API, name, f"{', '.join(said)} (headgate needs none of them)")


def _programmed(site: Site, found: Manifest, where: str) -> Finding:
    status: Mapping[str, Any] = found.get("status", {})
    entry = condition(status, "Programmed")
    if not is_true(entry):
        seen = f"{where} is not programmed: {words(entry)}"
        namespace, _, name = where.partition("/")
        remedy = f"{site.kubectl} -n {namespace} describe gateway {name}"
        return problem(Group.GATEWAY_API, "gateway", seen, remedy)
    addresses = [str(address.get("value", "")) for address in status.get("addresses") or ()]
    shown = ", ".join(addresses) or "none told (ask for the Service of its controller)"
    return ok(Group.GATEWAY_API, "gateway", f"{where}, programmed; address: {shown}")


def _listener(site: Site, found: Manifest, settings: Settings) -> Finding:
    trouble = listener_trouble(found, settings, namespace=_own_namespace(site, found))
    gateway = settings.gateway
    section = gateway.section or "every listener"
    if trouble:
        remedy = f"{site.kubectl} -n {gateway.namespace} edit gateway {gateway.name}"
        return problem(Group.GATEWAY_API, "listener", trouble, remedy)
    return ok(Group.GATEWAY_API, "listener", f"{section} takes routes of {site.namespace}")


def _own_namespace(site: Site, gateway: Manifest) -> Manifest:
    bare: Manifest = {"metadata": {"name": site.namespace}}
    if not selects_by_labels(gateway):  # not every account may read namespaces
        return bare
    return site.api.get(NAMESPACE, site.namespace) or bare
