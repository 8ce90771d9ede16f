"""Whether a listener of a Gateway takes the routes of a namespace."""

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.adapters.diagnosis.site import condition, words
from headgate.adapters.kubernetes.api import Manifest
from headgate.adapters.kubernetes.settings import Settings


def listener_trouble(gateway: Manifest, settings: Settings, *, namespace: Manifest) -> str:
    """Say why routes of a namespace would not get traffic from a Gateway.

    Args:
        gateway: The Gateway.
        settings: Which listener, and the domain of the routes.
        namespace: The Namespace of the routes.

    Returns:
        Why not, on one line; empty if one listener takes them.
    """
    wanted = settings.gateway.section
    listeners = [
        entry for entry in gateway["spec"]["listeners"] if not wanted or entry["name"] == wanted
    ]
    if not listeners:
        known = ", ".join(entry["name"] for entry in gateway["spec"]["listeners"])
        return f"the Gateway has no listener {wanted!r}; it has: {known}"
    troubles = [_trouble(entry, gateway, settings, namespace) for entry in listeners]
    return "" if "" in troubles else "; ".join(troubles)


def selects_by_labels(gateway: Manifest) -> bool:
    """Say whether a listener chooses namespaces by their labels.

    Args:
        gateway: The Gateway.

    Returns:
        True if one does.
    """
    return any(
        _namespaces(listener).get("from") == "Selector" for listener in gateway["spec"]["listeners"]
    )


def _namespaces(listener: Mapping[str, Any]) -> Mapping[str, Any]:
    allowed: Mapping[str, Any] = listener.get("allowedRoutes") or {}
    return allowed.get("namespaces") or {}


def _trouble(
    listener: Mapping[str, Any], gateway: Manifest, settings: Settings, namespace: Manifest
) -> str:
    name = listener["name"]
    if listener["protocol"] not in {"HTTP", "HTTPS"}:
        return f"listener {name} speaks {listener['protocol']}, not HTTP"
    if not _hosts_meet(str(listener.get("hostname") or ""), settings.domain):
        return f"listener {name} serves {listener['hostname']}, not *.{settings.domain}"
    if not _admits(listener, gateway, namespace):
        return f"listener {name} does not take routes of {namespace['metadata']['name']}"
    return _refused(name, gateway)


def _hosts_meet(hostname: str, domain: str) -> bool:
    """Whether `<model>.<domain>` can match; a wildcard stands for one or more labels."""
    if not hostname or not domain:
        return True
    if hostname.startswith("*."):
        return f"x.{domain}".endswith(hostname[1:])
    return hostname.endswith(f".{domain}")


def _admits(listener: Mapping[str, Any], gateway: Manifest, namespace: Manifest) -> bool:
    allowed: Mapping[str, Any] = listener.get("allowedRoutes") or {}
    kinds: Sequence[Mapping[str, Any]] = allowed.get("kinds") or ({"kind": "HTTPRoute"},)
    if all(entry["kind"] != "HTTPRoute" for entry in kinds):
        return False
    namespaces = _namespaces(listener)
    match namespaces.get("from", "Same"):
        case "All":
            return True
        case "Selector":
            labels = namespace["metadata"].get("labels") or {}
            return _selects(namespaces.get("selector") or {}, labels)
        case "Same":
            return bool(namespace["metadata"]["name"] == gateway["metadata"]["namespace"])
        case _:
            return False


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    exact: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _refused(name: str, gateway: Manifest) -> str:
    status: Mapping[str, Any] = gateway.get("status", {})
    for entry in status.get("listeners") or ():
        programmed = condition(entry, "Programmed")
        if entry["name"] == name and programmed and programmed["status"] == "False":
            return f"listener {name} is not programmed: {words(programmed)}"
    return ""
