"""Whose an HTTPRoute is: made by us, adopted because its owner said so, or somebody else's. Pure.

An adopted route keeps, in annotations, what it was before, so that it can be given back.
"""

import copy
import json
from collections.abc import Collection
from typing import Any

from headgate.adapters.kubernetes.http_route import (
    OWNED,
    RULE,
    STATE,
    annotations,
    labels,
    name_of,
    our_rule,
    owned_names,
)
from headgate.adapters.kubernetes.kinds import GATEWAY, HTTP_ROUTE, MANAGED_BY, MODEL, Manifest
from headgate.adapters.kubernetes.settings import Settings
from headgate.errors import BackendError, ConfigError

CREATED, ADOPT = "headgate.dev/created", "headgate.dev/adopt"
ORIGINAL_SPEC, ORIGINAL_LABELS = "headgate.dev/original-spec", "headgate.dev/original-labels"
_OURS = frozenset({CREATED, OWNED, STATE, ORIGINAL_SPEC, ORIGINAL_LABELS})


def new_route(name: str, *, namespace: str, model: str, settings: Settings) -> Manifest:
    """Write down a route that only holds the place: requests fail until it has a backend.

    Args:
        name: Its name.
        namespace: Its namespace.
        model: The model, as a DNS label.
        settings: Gateway and domain.

    Returns:
        The HTTPRoute to create: one rule that matches everything and leads nowhere.
    """
    gateway = settings.gateway
    parent = {
        "group": GATEWAY.group,
        "kind": GATEWAY.kind,
        "namespace": gateway.namespace,
        "name": gateway.name,
    }
    spec: dict[str, Any] = {
        "parentRefs": [{**parent, **({"sectionName": gateway.section} if gateway.section else {})}],
        "rules": [{}],
    }
    if settings.domain:
        spec["hostnames"] = [f"{model}.{settings.domain}"]
    return {
        "apiVersion": HTTP_ROUTE.api_version,
        "kind": HTTP_ROUTE.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {MANAGED_BY: "headgate", MODEL: model},
            "annotations": {CREATED: "true", OWNED: "[]"},
        },
        "spec": spec,
    }


def is_created(manifest: Manifest) -> bool:
    """Tell whether we made a route.

    Args:
        manifest: The HTTPRoute.

    Returns:
        True if we did; false for one that we adopted.
    """
    return annotations(manifest).get(CREATED) == "true"


def is_marked(manifest: Manifest) -> bool:
    """Tell whether a route carries our mark: the model that it serves.

    Args:
        manifest: The HTTPRoute.

    Returns:
        True if it was made or adopted and not given back since, whoever says to manage it now.
    """
    return MODEL in labels(manifest)


def is_ours(manifest: Manifest, *, model: str) -> bool:
    """Tell whether we may write to a route.

    Args:
        manifest: The HTTPRoute.
        model: The model, as a DNS label.

    Returns:
        True if it was made or adopted for that model; false if its owner wants it adopted.

    Raises:
        BackendError: If it serves another model, or belongs to somebody else.
    """
    found, where = labels(manifest), name_of(manifest)
    served = found.get(MODEL)
    if served is not None and served != model:
        raise BackendError(f"{where} serves model {served}, not {model}; choose another route")
    if served == model and found.get(MANAGED_BY) == "headgate":
        return True
    if annotations(manifest).get(ADOPT) == "true":
        return False
    keeper = found.get(MANAGED_BY)
    raise BackendError(
        f"{where} belongs to somebody else{f' ({keeper})' if keeper else ''}; add the annotation "
        f'{ADOPT}: "true" to let headgate set the weights of its own backendRefs'
    )


def adopted(manifest: Manifest, *, model: str, owned: Collection[str]) -> Manifest:
    """Mark a route as ours to set weights in; its spec stays as it is.

    A route that was adopted before, and lost a label since, keeps the record of what it was.

    Args:
        manifest: The HTTPRoute, which its owner wants adopted.
        model: The model, as a DNS label.
        owned: Services of our own that its owner has already pointed backendRefs at.

    Returns:
        The HTTPRoute to put.

    Raises:
        ConfigError: If no rule can be told to be the one.
    """
    if our_rule(manifest) is None:
        raise ConfigError(
            f"{name_of(manifest)} has several rules or none; name the one whose weights headgate "
            f"may set {RULE!r}"
        )
    changed, notes = copy.deepcopy(manifest), annotations(manifest)
    before = {key: labels(manifest).get(key) for key in (MANAGED_BY, MODEL)}
    if ORIGINAL_SPEC in notes:
        owned = {*owned_names(manifest), *owned}
    else:
        notes = {
            **notes,
            ORIGINAL_SPEC: json.dumps(manifest["spec"], separators=(",", ":")),
            ORIGINAL_LABELS: json.dumps(before),
        }
    changed["metadata"]["labels"] = {**labels(manifest), MANAGED_BY: "headgate", MODEL: model}
    changed["metadata"]["annotations"] = {**notes, OWNED: json.dumps(sorted(owned))}
    return changed


def with_owned(manifest: Manifest, owned: Collection[str]) -> Manifest:
    """Count backendRefs as ours that the route's owner has pointed at Services of ours.

    Args:
        manifest: The HTTPRoute as read.
        owned: Names of those Services.

    Returns:
        The same HTTPRoute, with them on the list of ours.
    """
    names = owned_names(manifest)
    if names.issuperset(owned):
        return manifest
    metadata = manifest["metadata"]
    notes = {**annotations(manifest), OWNED: json.dumps(sorted({*names, *owned}))}
    return {**manifest, "metadata": {**metadata, "annotations": notes}}


def original(manifest: Manifest) -> Manifest:
    """Undo an adoption.

    Args:
        manifest: The HTTPRoute as it is.

    Returns:
        The HTTPRoute to put: its spec and labels as they were, our annotations gone. The wish to
        be adopted is its owner's and stays.

    Raises:
        BackendError: If the record of what it was is gone or no longer JSON.
    """
    changed, notes = copy.deepcopy(manifest), annotations(manifest)
    try:
        changed["spec"] = json.loads(notes[ORIGINAL_SPEC])
        before = json.loads(notes.get(ORIGINAL_LABELS, "{}"))
    except (KeyError, ValueError) as error:
        raise BackendError(
            f"{name_of(manifest)}: annotation {ORIGINAL_SPEC} is gone or damaged; put the route "
            f"back by hand and take the label {MODEL} off it"
        ) from error
    kept = {key: value for key, value in labels(manifest).items() if key not in {MANAGED_BY, MODEL}}
    had = {key: value for key, value in before.items() if value is not None}
    changed["metadata"]["labels"] = {**kept, **had}
    changed["metadata"]["annotations"] = {k: v for k, v in notes.items() if k not in _OURS}
    return changed


def is_edited(manifest: Manifest) -> bool:
    """Tell whether an adopted route was changed by others beyond the backendRefs of our rule.

    Args:
        manifest: The HTTPRoute, with its original spec on record.

    Returns:
        True if giving it back takes a change of somebody else away.
    """
    try:
        return _frame(manifest) != _frame(original(manifest))
    except BackendError:  # our rule cannot be told any more: an edit, too
        return True


def _frame(manifest: Manifest) -> Manifest:
    frame: Manifest = copy.deepcopy(manifest["spec"])
    index = our_rule(manifest)
    if index is not None:
        frame["rules"][index].pop("backendRefs", None)
    return frame
