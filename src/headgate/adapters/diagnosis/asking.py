"""What the checks ask of the API server that is no object."""

import json
from collections.abc import Mapping
from typing import Any

from headgate.adapters.kubernetes.connection import Connection
from headgate.adapters.kubernetes.kinds import Kind
from headgate.adapters.kubernetes.refusals import Ask, refusal

VERSION = Kind("v1", "Version", "version", namespaced=False)
DISCOVERY = Kind("v1", "APIGroup", "apigroups", namespaced=False)
OWN_REVIEW = Kind(
    "authorization.k8s.io/v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    namespaced=False,
)
REVIEW = Kind(
    "authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False
)


def version_of(connection: Connection) -> str:
    """Ask for the version of Kubernetes.

    Args:
        connection: The API server.

    Returns:
        Such as `v1.34.3`.

    Raises:
        BackendError: If it does not answer, or does not let us in.
    """
    answer = connection.send("GET", "/version")
    if answer.status != 200:
        raise refusal(answer, Ask(verb="get", kind=VERSION, namespace=None))
    return str(json.loads(answer.body).get("gitVersion", "of unknown version"))


def served_by(connection: Connection, group: str) -> dict[str, set[str]]:
    """Ask which resources of an API group are served; every account may know.

    Args:
        connection: The API server.
        group: Such as `gateway.networking.k8s.io`.

    Returns:
        Versions by plural name; empty if the server does not know the group.

    Raises:
        BackendError: If it does not answer.
    """
    found: dict[str, set[str]] = {}
    for entry in _discovered(connection, f"/apis/{group}").get("versions", ()):
        listed = _discovered(connection, f"/apis/{entry['groupVersion']}")
        for resource in listed.get("resources", ()):
            found.setdefault(resource["name"], set()).add(entry["version"])
    return found


def may(connection: Connection, attributes: Mapping[str, str], *, account: str = "") -> bool:
    """Ask whether an account may do something.

    Args:
        connection: The API server.
        attributes: `verb`, `resource`, `group`, and `namespace` and `name` where they matter.
        account: A service account as `NAMESPACE:NAME`; empty is this account.

    Returns:
        True if it may.

    Raises:
        BackendError: If the server does not answer, or this account may not ask about another.
    """
    kind, spec = OWN_REVIEW, {"resourceAttributes": dict(attributes)}
    if account:
        kind, spec = REVIEW, {**spec, **_subject(account)}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "spec": spec}
    answer = connection.send("POST", kind.path(), body=body)
    if not 200 <= answer.status < 300:
        raise refusal(answer, Ask(verb="create", kind=kind, namespace=None))
    status = json.loads(answer.body).get("status", {})
    return bool(status.get("allowed"))


def _discovered(connection: Connection, path: str) -> dict[str, Any]:
    answer = connection.send("GET", path)
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise refusal(answer, Ask(verb="get", kind=DISCOVERY, namespace=None, name=path))
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _subject(account: str) -> dict[str, Any]:
    # The groups of every service account: a binding may name them instead of the account.
    namespace = account.partition(":")[0]
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return {
        "user": f"system:serviceaccount:{account}",
        "groups": [*groups, "system:authenticated"],
    }
