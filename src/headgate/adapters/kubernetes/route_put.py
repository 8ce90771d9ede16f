"""Write an HTTPRoute by compare-and-swap."""

from headgate.adapters.kubernetes.api import HTTP_ROUTE, KubernetesApi, Manifest
from headgate.adapters.kubernetes.http_route import annotations, labels, name_of, with_route
from headgate.ports import ConflictError, Route

RETRIES = 3  # against controllers that write the status of the same object
PREFIX = "headgate.dev/"


def put_route(api: KubernetesApi, manifest: Manifest, route: Route) -> Manifest:
    """Write weights and state, if nobody else wrote them since they were read.

    Controllers report into the object's status, which changes its revision too; then the same
    weights are written onto the new revision.

    Args:
        api: The cluster.
        manifest: The HTTPRoute as read.
        route: What shall be.

    Returns:
        The HTTPRoute as stored.

    Raises:
        ConflictError: If spec, labels or annotations of ours changed since, or it is gone.
        BackendError: If the weights or the state are not allowed, or the cluster does not answer.
    """
    base = manifest
    for _ in range(RETRIES):
        try:
            return api.replace(with_route(base, route))
        except ConflictError:
            metadata = base["metadata"]
            fresh = api.get(HTTP_ROUTE, metadata["name"], namespace=metadata["namespace"])
            if fresh is None or _essence(fresh) != _essence(base):
                raise ConflictError(f"{name_of(base)} was changed; read it again") from None
            base = fresh
    return api.replace(with_route(base, route))


def _essence(manifest: Manifest) -> tuple[object, ...]:
    ours = {key: note for key, note in annotations(manifest).items() if key.startswith(PREFIX)}
    return manifest["metadata"].get("uid"), manifest["spec"], dict(labels(manifest)), ours
