"""Why the API server did not do it, in words that say what to do. The one place that knows."""

import json
import re
from dataclasses import dataclass
from typing import Any

from headgate.adapters.kubernetes.kinds import Kind
from headgate.errors import BackendError
from headgate.ports import ConflictError

_USER = re.compile(r'User "([^"]+)" cannot')
_GATEWAY_API = (
    "install the Gateway API, standard channel: kubectl apply --server-side -f "
    "https://github.com/kubernetes-sigs/gateway-api/releases/latest/download/standard-install.yaml"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the API server was asked to do."""

    verb: str  # as in RBAC: get, list, create, patch, update, delete
    kind: Kind
    namespace: str | None
    name: str = ""

    def __str__(self) -> str:
        """Return it for a message: `get HTTPRoute headgate/income`."""
        where = self.namespace if self.kind.namespaced else None
        if not self.name:
            return f"{self.verb} {self.kind.plural}" + (f" in {where}" if where else "")
        return f"{self.verb} {self.kind.kind} {f'{where}/' if where else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answered."""

    status: int
    body: bytes

    def message(self) -> str:
        """Return the server's own words, on one line."""
        found = self._status().get("message")
        text = found if isinstance(found, str) else self.body.decode(errors="replace")[:500]
        return " ".join(text.split())

    def details(self) -> dict[str, Any]:
        """Return the details of a `Status`; empty if there are none."""
        found = self._status().get("details")
        return found if isinstance(found, dict) else {}

    def _status(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def is_missing_object(answer: Answer, ask: Ask) -> bool:
    """Tell a missing object from a kind or a namespace that the server does not know.

    Args:
        answer: A 404.
        ask: What was asked.

    Returns:
        True if the server knows the kind and has no object of that name.
    """
    details = answer.details()
    return bool(ask.name) and details.get("kind") == ask.kind.plural and "name" in details


def refusal(answer: Answer, ask: Ask) -> BackendError:
    """Make the error that goes with an answer.

    Args:
        answer: An answer other than 2xx.
        ask: What was asked.

    Returns:
        The error to raise; `ConflictError` for 409, retryable for 429 and 5xx.
    """
    message = answer.message()
    if answer.status == 409:
        return ConflictError(f"cannot {ask}: {message}")
    if answer.status == 404:
        return BackendError(_missing(answer, ask))
    if answer.status == 403:
        return BackendError(_forbidden(message, ask))
    if answer.status == 401:
        return BackendError(f"cannot {ask}: the cluster does not accept our credentials (401)")
    temporary = answer.status == 429 or answer.status >= 500
    return BackendError(
        f"cannot {ask}: {message or 'no reason given'} ({answer.status})", retryable=temporary
    )


def _missing(answer: Answer, ask: Ask) -> str:
    if answer.details().get("kind") == "namespaces":
        return f"cannot {ask}: namespace {ask.namespace} does not exist; create it first"
    if is_missing_object(answer, ask):
        return f"cannot {ask}: there is none"
    kind = ask.kind
    known = f"cannot {ask}: the cluster does not know {kind.resource} ({kind.api_version})"
    return f"{known}; {_GATEWAY_API}" if kind.group == "gateway.networking.k8s.io" else known


def _forbidden(message: str, ask: Ask) -> str:
    user = _USER.search(message)
    if user is None:  # a quota, an admission policy, a namespace that goes away
        return f"cannot {ask}: {message}"
    where = f"in namespace {ask.namespace}" if ask.namespace else "in the cluster"
    return (
        f"this account may not {ask.verb} {ask.kind.resource} {where} (account {user.group(1)}); "
        "apply the RBAC manifests (kubectl apply -k manifests/overlays/...) or ask an administrator"
    )
