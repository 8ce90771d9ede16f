"""Whether the Services behind a route can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.adapters.diagnosis.site import Site
from headgate.adapters.kubernetes.api import ENDPOINT_SLICE, SERVICE, Manifest
from headgate.adapters.kubernetes.http_route import labels
from headgate.adapters.kubernetes.kinds import OURS
from headgate.adapters.kubernetes.predictor_objects import NAME as DEPLOYMENT_NAME

SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a route."""

    loses: bool  # whether requests are lost
    seen: str
    remedy: str


def backend_troubles(site: Site, route: Manifest) -> Iterator[Trouble]:
    """Look for backendRefs that lead nowhere.

    Args:
        site: Where to look.
        route: The HTTPRoute.

    Yields:
        One trouble for each Service that does not exist or has no ready pod.
    """
    seen: set[tuple[str, str]] = set()
    for rule in route["spec"].get("rules") or ():
        for ref in rule.get("backendRefs") or ():
            where = (ref.get("namespace", route["metadata"]["namespace"]), ref["name"])
            if ref.get("kind", SERVICE.kind) == SERVICE.kind and where not in seen:
                seen.add(where)
                yield from _trouble(site, ref, *where)


def has_traffic(refs: list[Mapping[str, Any]]) -> bool:
    """Say whether a rule's backendRefs have any weight at all.

    Args:
        refs: The backendRefs; a weight that is not given is 1.
    """
    return any(ref.get("weight", 1) > 0 for ref in refs)


def _trouble(site: Site, ref: Mapping[str, Any], namespace: str, name: str) -> Iterator[Trouble]:
    weight = ref.get("weight", 1)
    shown = name if namespace == site.namespace else f"{namespace}/{name}"
    found = site.api.get(SERVICE, name, namespace=namespace)
    if found is None:
        seen = f"Service {shown} (weight {weight}) does not exist"
        yield Trouble(weight > 0, seen, "run roll_back for the model, or give it weight 0")
        return
    selector = {SERVICE_NAME: name}
    slices = site.api.list(ENDPOINT_SLICE, namespace=namespace, labels=selector)
    if not any(
        _is_ready(endpoint) for found in slices for endpoint in found.get("endpoints") or ()
    ):
        seen = f"Service {shown} (weight {weight}) has no ready pod"
        kubectl = f"{site.kubectl} -n {namespace}"
        remedy = f"{kubectl} describe service {name}"
        if OURS.items() <= labels(found).items():
            remedy = f"{kubectl} describe pods -l {DEPLOYMENT_NAME}={name}"
        yield Trouble(weight > 0, seen, remedy)


def _is_ready(endpoint: Mapping[str, Any]) -> bool:
    # An unknown condition counts as ready: so proxies read it.
    return (endpoint.get("conditions") or {}).get("ready") is not False
