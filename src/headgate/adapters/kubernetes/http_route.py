"""An HTTPRoute as the route of a model, and back. Pure.

Weights live in the backendRefs of one rule, the rollout's state in an annotation of the same
object, so that one PUT changes both or neither. Which of the backendRefs are ours stands in an
annotation too; all the others are somebody else's: they keep their place, their weight and
whatever else they say, and a write that would change their share of the traffic is refused.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.adapters.kubernetes.kinds import HTTP_ROUTE, SERVICE, Manifest
from headgate.adapters.kubernetes.shares import parts, split
from headgate.errors import BackendError
from headgate.ports import WEIGHT_PARTS, Backend, Route

STATE, OWNED = "headgate.dev/state", "headgate.dev/owned"
RULE = "headgate"  # name of our rule in a route that has several
SERVICE_PORT = 80
MAX_STATE_BYTES = 100 * 1024  # an object's annotations may hold 256 KiB in all
# Shares beside foreign weights may not come out even; a part is 0.01 % of the traffic.
ROUNDING_PARTS = 2


def annotations(manifest: Manifest) -> Mapping[str, str]:
    """Look up the annotations of an object.

    Args:
        manifest: The object.

    Returns:
        Its annotations; empty if it has none.
    """
    return manifest["metadata"].get("annotations") or {}


def labels(manifest: Manifest) -> Mapping[str, str]:
    """Look up the labels of an object.

    Args:
        manifest: The object.

    Returns:
        Its labels; empty if it has none.
    """
    return manifest["metadata"].get("labels") or {}


def name_of(manifest: Manifest) -> str:
    """Name a route in a message.

    Args:
        manifest: The HTTPRoute.

    Returns:
        Kind, namespace and name.
    """
    metadata = manifest["metadata"]
    return f"{HTTP_ROUTE.kind} {metadata['namespace']}/{metadata['name']}"


def our_rule(manifest: Manifest) -> int | None:
    """Find the rule whose weights are ours to set.

    Args:
        manifest: The HTTPRoute.

    Returns:
        Index of the rule named `headgate`, else of the only rule, else of the only rule with a
        backendRef that we wrote (others may be added while a rollout runs). None if there is no
        such rule, or more than one.
    """
    rules = manifest["spec"].get("rules") or ()
    named = [index for index, rule in enumerate(rules) if rule.get("name") == RULE]
    if named or len(rules) == 1:
        return named[0] if named else 0
    owned = owned_names(manifest)
    ours = [
        index
        for index, rule in enumerate(rules)
        if any(_is_ours(manifest, ref, owned) for ref in rule.get("backendRefs") or ())
    ]
    return ours[0] if len(ours) == 1 else None


def owned_names(manifest: Manifest) -> frozenset[str]:
    """Read which backendRefs we wrote.

    Args:
        manifest: The HTTPRoute.

    Returns:
        Names of their Services.

    Raises:
        BackendError: If somebody edited the annotation into something else.
    """
    text = annotations(manifest).get(OWNED, "[]")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise BackendError(
            f"{name_of(manifest)}: annotation {OWNED} must be a JSON list of names, "
            f"got {text[:80]!r}"
        )
    return frozenset(found)


def route_of(manifest: Manifest) -> Route:
    """Read weights and state.

    Args:
        manifest: The HTTPRoute.

    Returns:
        The route. Its weights are parts of 10,000, by largest remainder if those stored have
        another sum; all 0 if those are. A backend that is not ours is called `service/NAME`, or
        `service/NAMESPACE/NAME` in another namespace; several of one name are one.

    Raises:
        BackendError: If the route has no rule that is ours.
    """
    refs = backend_refs(manifest)
    owned = owned_names(manifest)
    shares: dict[str, int] = {}
    weights = [_weight(ref) for ref in refs]
    for ref, share in zip(refs, parts(weights, WEIGHT_PARTS), strict=True):
        name = _deployment(manifest, ref, owned)
        shares[name] = shares.get(name, 0) + share
    return Route(
        revision=manifest["metadata"].get("resourceVersion", ""),
        backends=tuple(Backend(deployment=name, weight=share) for name, share in shares.items()),
        state=_state(manifest),
    )


def is_empty(route: Route) -> bool:
    """Tell whether nothing was ever written to a route.

    Args:
        route: The route as read.

    Returns:
        True for a route without backends and without state: one that only holds the place.
    """
    return not route.backends and route.state is None


def with_route(manifest: Manifest, route: Route) -> Manifest:
    """Write weights and state into a copy of an HTTPRoute.

    Args:
        manifest: The HTTPRoute as read.
        route: What shall be.

    Returns:
        The HTTPRoute to put: refs of ours that `route` does not name are gone, those that it names
        have its weights, all else is as it was.

    Raises:
        BackendError: If the weights do not sum to 10,000, a foreign backend would get another
            share, a deployment has the name of a foreign backend, or the state is too large.
    """
    where = name_of(manifest)
    wanted = _wanted(route, where)
    text = _state_text(route, where)
    refs, owned = backend_refs(manifest), owned_names(manifest)
    before = route_of(manifest)
    for name in sorted({b.deployment for b in before.backends} | set(wanted)):
        if _is_foreign(name) and wanted.get(name, 0) != before.weight(name):
            raise BackendError(
                f"{where}: the share of {name} is {before.weight(name)} of {WEIGHT_PARTS} and not "
                f"ours to change, asked were {wanted.get(name, 0)}"
            )
    ours = {name: weight for name, weight in wanted.items() if not _is_foreign(name)}
    for name in ours:
        if f"service/{name}" in {backend.deployment for backend in before.backends}:
            raise BackendError(
                f"{where}: there is a backendRef to {name} that headgate did not write; remove it"
            )
    changed = copy.deepcopy(manifest)
    index = _index(changed)
    changed["spec"]["rules"][index]["backendRefs"] = _refs(manifest, refs, owned, ours)
    notes = {**annotations(manifest), OWNED: json.dumps(sorted(ours))}
    notes.pop(STATE, None)
    changed["metadata"]["annotations"] = notes if text is None else {**notes, STATE: text}
    _check_rounding(changed, ours)
    return changed


def backend_refs(manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    """Look up the backendRefs of our rule.

    Args:
        manifest: The HTTPRoute.

    Returns:
        Its backendRefs in order.

    Raises:
        BackendError: If the route has no rule that is ours.
    """
    return manifest["spec"]["rules"][_index(manifest)].get("backendRefs") or ()


def services(manifest: Manifest) -> frozenset[str]:
    """Find the Services that a route refers to, in any rule and with any weight.

    Args:
        manifest: The HTTPRoute.

    Returns:
        Names of those in its own namespace, mirrors of requests included.
    """
    found: set[str] = set()
    for rule in manifest["spec"].get("rules") or ():
        refs = list(rule.get("backendRefs") or ())
        for part in (rule, *refs):
            mirrors = (filtered.get("requestMirror") for filtered in part.get("filters") or ())
            refs += [mirror["backendRef"] for mirror in mirrors if mirror]
        found.update(str(ref["name"]) for ref in refs if _is_service(manifest, ref))
    return frozenset(found)


def points_to(manifest: Manifest, ref: Mapping[str, Any], service: str) -> bool:
    """Tell whether a backendRef is one of the kind that we write.

    Args:
        manifest: The HTTPRoute that it is in.
        ref: The backendRef.
        service: Name of a Service of the route's namespace.

    Returns:
        True if it leads to port 80 of that Service.
    """
    return ref["name"] == service and _is_service(manifest, ref) and ref.get("port") == SERVICE_PORT


def _is_service(manifest: Manifest, ref: Mapping[str, Any]) -> bool:
    namespace = manifest["metadata"]["namespace"]
    return (
        (ref.get("group") or "") == ""
        and ref.get("kind", SERVICE.kind) == SERVICE.kind
        and ref.get("namespace", namespace) == namespace
    )


def _index(manifest: Manifest) -> int:
    index = our_rule(manifest)
    if index is None:
        raise BackendError(
            f"{name_of(manifest)} has several rules or none; name the one whose weights headgate "
            f"may set {RULE!r}"
        )
    return index


def _weight(ref: Mapping[str, Any]) -> int:
    return int(ref.get("weight", 1))  # the API's own default


def _is_ours(manifest: Manifest, ref: Mapping[str, Any], owned: frozenset[str]) -> bool:
    return ref["name"] in owned and points_to(manifest, ref, ref["name"])


def _is_foreign(name: str) -> bool:
    return "/" in name  # no name of a Service has one


def _deployment(manifest: Manifest, ref: Mapping[str, Any], owned: frozenset[str]) -> str:
    name = str(ref["name"])
    if _is_ours(manifest, ref, owned):
        return name
    namespace = ref.get("namespace", manifest["metadata"]["namespace"])
    kind = ref.get("kind", SERVICE.kind).lower()
    inside = namespace == manifest["metadata"]["namespace"]
    return f"{kind}/{name}" if inside else f"{kind}/{namespace}/{name}"


def _state(manifest: Manifest) -> Mapping[str, object] | None:
    text = annotations(manifest).get(STATE)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    # A state that is not one of ours must still be seen as a state.
    return found if isinstance(found, dict) else {"unreadable": text[:80]}


def _state_text(route: Route, where: str) -> str | None:
    if route.state is None:
        return None
    try:
        text = json.dumps(dict(route.state), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise BackendError(f"{where}: the state has no JSON form ({error})") from error
    if len(text) > MAX_STATE_BYTES:
        raise BackendError(f"{where}: a state of {len(text)} bytes, allowed are {MAX_STATE_BYTES}")
    return text


def _wanted(route: Route, where: str) -> dict[str, int]:
    wanted = {backend.deployment: backend.weight for backend in route.backends}
    if len(wanted) < len(route.backends):
        names = [backend.deployment for backend in route.backends]
        raise BackendError(f"{where}: a deployment stands twice in {names}")
    if sum(wanted.values()) != WEIGHT_PARTS or min(wanted.values(), default=0) < 0:
        raise BackendError(
            f"{where}: weights must be 0 or more and sum to {WEIGHT_PARTS}, got {wanted}"
        )
    return wanted


def _refs(
    manifest: Manifest,
    refs: Sequence[Mapping[str, Any]],
    owned: frozenset[str],
    ours: Mapping[str, int],
) -> list[Mapping[str, Any]]:
    """Write the backendRefs: foreign ones as they are, ours in their old places, new ones last."""
    foreign = sum(_weight(ref) for ref in refs if not _is_ours(manifest, ref, owned))
    total = sum(_weight(ref) for ref in refs)
    # Beside foreign traffic our refs share what they had, so that the foreign share stays.
    weights = split(ours, total - foreign if foreign else WEIGHT_PARTS)
    written: list[Mapping[str, Any]] = []
    for ref in refs:
        if not _is_ours(manifest, ref, owned):
            written.append(ref)
        elif ref["name"] in weights:
            written.append({**ref, **_ref(ref["name"], weights.pop(ref["name"]))})
    return [*written, *(_ref(name, weight) for name, weight in weights.items())]


def _ref(name: str, weight: int) -> dict[str, Any]:
    # Defaults are spelled out: tools that compare objects see no difference then.
    return {"group": "", "kind": SERVICE.kind, "name": name, "port": SERVICE_PORT, "weight": weight}


def _check_rounding(changed: Manifest, ours: Mapping[str, int]) -> None:
    found = route_of(changed)
    off = {n: w for n, w in ours.items() if abs(found.weight(n) - w) > ROUNDING_PARTS}
    if off:
        raise BackendError(
            f"{name_of(changed)}: beside the weights of foreign backends {off} cannot be written; "
            "set those to 0"
        )
