"""Kubernetes objects as plain dictionaries, and errors that say what to do."""

import json
from collections.abc import Mapping
from typing import Self

import urllib3

from headgate.adapters.kubernetes.connection import APPLY, FIELD_MANAGER, Connection, connect
from headgate.adapters.kubernetes.kinds import (
    CONFIG_MAP,
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    GATEWAY,
    GATEWAY_CLASS,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    JOB,
    KINDS,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
    kind_of,
    resource_of,
)
from headgate.adapters.kubernetes.refusals import Answer, Ask, is_missing_object, refusal
from headgate.errors import BackendError, NoDataError
from headgate.ports import ConflictError

__all__ = [
    "CONFIG_MAP",
    "CUSTOM_RESOURCE_DEFINITION",
    "DEPLOYMENT",
    "ENDPOINT_SLICE",
    "EVENT",
    "FIELD_MANAGER",
    "GATEWAY",
    "GATEWAY_CLASS",
    "HORIZONTAL_POD_AUTOSCALER",
    "HTTP_ROUTE",
    "JOB",
    "KINDS",
    "LEASE",
    "NAMESPACE",
    "NODE",
    "POD",
    "POD_DISRUPTION_BUDGET",
    "POD_TEMPLATE",
    "SERVICE",
    "SERVICE_ACCOUNT",
    "Connection",
    "Kind",
    "KubernetesApi",
    "Manifest",
    "kind_of",
]

# A scrape that takes longer says nothing about now, and the driver's next heartbeat waits for it: a
# guard takes over after 4 s. The detour through the API server takes its time, too.
POD_SECONDS, PROXIED_SECONDS = 1.0, 1.5
PAGE = 500  # objects per answer of a list, as kubectl asks


class KubernetesApi:
    """Reads and writes objects by REST.

    Every method raises `BackendError`: not retryable if the account may not do it, the kind is not
    installed or the server finds the object invalid; retryable if it does not answer or is
    overloaded. No write is ever repeated here: whether it was stored before the answer got lost is
    for the caller to find out.
    """

    def __init__(self, connection: Connection) -> None:
        """Keep the connection; nothing is sent yet.

        Args:
            connection: The API server.
        """
        self._connection = connection
        self._pods = urllib3.PoolManager()  # straight to pods: no credentials, no proxy

    @classmethod
    def connect(cls, *, context: str | None = None) -> Self:
        """Find the cluster: the pod's own, or that of the kubeconfig.

        Args:
            context: Context of the kubeconfig; None takes the pod's cluster or the current one.

        Returns:
            The API; nothing is sent yet.

        Raises:
            ConfigError: If there is neither a pod nor a usable kubeconfig.
        """
        return cls(connect(context))

    def __enter__(self) -> Self:
        """Return the API itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.pool.clear()
        self._pods.clear()

    @property
    def in_cluster(self) -> bool:
        """Whether this is a pod of the cluster."""
        return self._connection.in_cluster

    @property
    def namespace(self) -> str:
        """The pod's namespace, or that of the kubeconfig's context."""
        return self._connection.namespace

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._connection.server

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Manifest | None:
        """Read an object.

        Args:
            kind: Its kind.
            name: Its name.
            namespace: Its namespace; None takes `self.namespace`.

        Returns:
            The object, or None if there is none of that name.
        """
        ask = self._ask("get", kind, namespace, name)
        answer = self._connection.send("GET", _path(ask))
        if answer.status == 404 and is_missing_object(answer, ask):
            return None
        return _manifest(answer, ask)

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        all_namespaces: bool = False,
    ) -> list[Manifest]:
        """Read all objects of a kind.

        Args:
            kind: Their kind.
            namespace: Their namespace; None takes `self.namespace`.
            labels: Labels that they must have.
            all_namespaces: Whether to look in all namespaces instead.

        Returns:
            The objects, each with `apiVersion` and `kind`.
        """
        ask = self._ask("list", kind, namespace)
        if all_namespaces:
            ask = Ask(verb="list", kind=kind, namespace=None)
        query = {"limit": str(PAGE)}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        found: list[Manifest] = []
        while True:
            page = _manifest(self._connection.send("GET", _path(ask), query=query), ask)
            # The server leaves these two out of the items of its own kinds.
            head = {"apiVersion": kind.api_version, "kind": kind.kind}
            found += [{**head, **item} for item in page.get("items") or ()]
            rest = page.get("metadata", {}).get("continue")
            if not rest:
                return found
            query["continue"] = rest

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object.

        Args:
            manifest: The object; without a namespace it goes to `self.namespace`.

        Returns:
            The object as stored.

        Raises:
            ConflictError: If there is one of that name.
        """
        ask = self._ask_of("create", manifest)
        path = ask.kind.path(namespace=ask.namespace)
        answer = self._connection.send(
            "POST", path, query={"fieldManager": FIELD_MANAGER}, body=manifest
        )
        return _manifest(answer, ask)

    def apply(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object, or set the fields that `manifest` names, by server-side apply.

        Args:
            manifest: The object; fields that headgate applied before and that are missing now are
                removed, fields of others stay.
            dry_run: Whether the server only checks it.

        Returns:
            The object as stored, or as it would be.

        Raises:
            ConflictError: If somebody else set one of the fields to another value.
        """
        ask = self._ask_of("patch", manifest)
        query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        answer = self._connection.send(
            "PATCH", _path(ask), query=query, body=manifest, content=APPLY
        )
        return _manifest(answer, ask)

    def replace(self, manifest: Manifest) -> Manifest:
        """Replace an object as a whole, if nobody wrote since its `resourceVersion`.

        Args:
            manifest: The object.

        Returns:
            The object as stored.

        Raises:
            ConflictError: If it changed since, or is gone.
        """
        ask = self._ask_of("update", manifest)
        query = {"fieldManager": FIELD_MANAGER}
        answer = self._connection.send("PUT", _path(ask), query=query, body=manifest)
        if answer.status == 404 and is_missing_object(answer, ask):
            raise ConflictError(f"cannot {ask}: it is gone")
        return _manifest(answer, ask)

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> bool:
        """Delete an object, and what it owns in the background.

        Args:
            kind: Its kind.
            name: Its name.
            namespace: Its namespace; None takes `self.namespace`.
            uid: Delete it only if this is its uid.

        Returns:
            False if there was none.

        Raises:
            ConflictError: If its uid is another one.
        """
        ask = self._ask("delete", kind, namespace, name)
        # Said explicitly because the default for a Job leaves its pods behind.
        options: Manifest = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        answer = self._connection.send("DELETE", _path(ask), body=options)
        if answer.status == 404 and is_missing_object(answer, ask):
            return False
        _manifest(answer, ask)
        return True

    def allowed(
        self,
        verb: str,
        kind_or_resource: Kind | str,
        *,
        namespace: str | None = None,
        subresource: str = "",
    ) -> bool:
        """Ask whether this account may do something.

        Args:
            verb: As in RBAC: get, list, watch, create, update, patch, delete.
            kind_or_resource: A kind, or `resource.group` (`pods`, `secrets`, `deployments.apps`).
            namespace: Where; None takes `self.namespace`, which a cluster's own kinds ignore.
            subresource: `log`, `exec`, `status`; empty for the object itself.

        Returns:
            True if it may.
        """
        resource, group, namespaced = resource_of(kind_or_resource)
        asked = {"verb": verb, "resource": resource, "group": group, "subresource": subresource}
        if namespaced:
            asked["namespace"] = namespace or self.namespace
        answer = self._review(
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
            {"resourceAttributes": asked},
        )
        return bool(answer.get("status", {}).get("allowed"))

    def who(self) -> str:
        """Ask what the API server calls this account.

        Returns:
            Its user name, such as `system:serviceaccount:NAMESPACE:NAME`; empty if it does not say.
        """
        try:
            answer = self._review("authentication.k8s.io/v1", "SelfSubjectReview", {})
        except BackendError:
            return ""
        return str(answer.get("status", {}).get("userInfo", {}).get("username", ""))

    def pod_get(self, pod: Manifest, *, port: int, path: str) -> str:
        """Fetch something from a pod: straight from within the cluster, else by way of the API.

        Args:
            pod: The pod, as read.
            port: Its port.
            path: Path with a leading slash.

        Returns:
            The body of a 200.

        Raises:
            NoDataError: If the pod does not answer, or with something else.
            BackendError: If the API server does not answer or refuses.
        """
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        if not self.in_cluster:
            return self._proxied(namespace, name, port, path)
        address = pod.get("status", {}).get("podIP")
        if not address:
            raise NoDataError(f"pod {name} has no address yet")
        host = f"[{address}]" if ":" in address else address
        try:
            url, limit = f"http://{host}:{port}{path}", urllib3.Timeout(total=POD_SECONDS)
            found = self._pods.request("GET", url, timeout=limit, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise NoDataError(f"pod {name} does not answer on port {port}: {error}") from error
        return _text(Answer(found.status, found.data), name, port)

    def _proxied(self, namespace: str, name: str, port: int, path: str) -> str:
        ask = Ask(verb="get", kind=POD, namespace=namespace, name=name)
        address = f"{POD.path(namespace=namespace, name=f'{name}:{port}')}/proxy{path}"
        try:
            answer = self._connection.send("GET", address, seconds=PROXIED_SECONDS)
        except BackendError as error:
            if not isinstance(error.__cause__, urllib3.exceptions.ReadTimeoutError):
                raise
            # The server was reached and waits, for the pod.
            raise NoDataError(f"pod {name} does not answer on port {port}: {error}") from error
        # What the pod answers and what the proxy says of it look alike, but for these.
        if answer.status in {401, 403, 429}:
            raise refusal(answer, ask)
        return _text(answer, name, port)

    def _review(self, api_version: str, kind: str, spec: Manifest) -> Manifest:
        review = Kind(api_version, kind, f"{kind.lower()}s", namespaced=False)
        body = {"apiVersion": api_version, "kind": kind, "spec": spec}
        ask = Ask(verb="create", kind=review, namespace=None)
        return _manifest(self._connection.send("POST", review.path(), body=body), ask)

    def _ask(self, verb: str, kind: Kind, namespace: str | None, name: str = "") -> Ask:
        where = (namespace or self.namespace) if kind.namespaced else None
        return Ask(verb=verb, kind=kind, namespace=where, name=name)

    def _ask_of(self, verb: str, manifest: Manifest) -> Ask:
        metadata = manifest["metadata"]
        return self._ask(verb, kind_of(manifest), metadata.get("namespace"), metadata["name"])


def _path(ask: Ask) -> str:
    return ask.kind.path(namespace=ask.namespace, name=ask.name)


def _manifest(answer: Answer, ask: Ask) -> Manifest:
    if not 200 <= answer.status < 300:
        raise refusal(answer, ask)
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise BackendError(
            f"cannot {ask}: the answer is not JSON; is this an API server?"
        ) from error
    if not isinstance(found, dict):
        raise BackendError(f"cannot {ask}: the answer is not an object; is this an API server?")
    return found


def _text(answer: Answer, name: str, port: int) -> str:
    if answer.status != 200:
        raise NoDataError(
            f"pod {name} does not answer on port {port}: {answer.message()} ({answer.status})"
        )
    return answer.body.decode(errors="replace")
