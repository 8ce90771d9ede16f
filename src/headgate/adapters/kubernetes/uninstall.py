"""Take away what headgate made in a namespace, and give adopted routes back. Routes come first."""

from collections.abc import Iterable, Mapping

from headgate.adapters.kubernetes.api import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    LEASE,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Kind,
    KubernetesApi,
    Manifest,
)
from headgate.adapters.kubernetes.heartbeat import lease_name
from headgate.adapters.kubernetes.http_route import name_of, route_of, services
from headgate.adapters.kubernetes.kinds import OURS
from headgate.adapters.kubernetes.route_ownership import (
    is_created,
    is_edited,
    is_marked,
    original,
)
from headgate.errors import BackendError
from headgate.ports import ConflictError
from headgate.usecases.target import recorded_state

ATTEMPTS = 3  # per route, against controllers that write its status
# What `deploy_model` makes carries both labels; the guard and the registry belong to the manifests.
SERVERS = {**OURS, "app.kubernetes.io/name": "headgate-predictor"}
# First what would act on the others.
KINDS = (HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, SERVICE, DEPLOYMENT)


def uninstall(api: KubernetesApi, namespace: str, *, force: bool = False) -> list[str]:
    """Remove routes, model servers and leases of ours; what others made is not touched.

    The settings, the guard and the accounts came with `kubectl apply -k` and go with
    `kubectl delete -k`. Calling it again finds nothing to do, but for model servers that routes of
    others still refer to: these stay.

    Args:
        api: The cluster.
        namespace: The namespace that models are served in.
        force: Whether to go on although a rollout is, or may be, under way.

    Returns:
        One line for each object: what was done.

    Raises:
        BackendError: If a rollout is under way, an adopted route cannot be given back, or the
            cluster does not answer or refuses. Nothing was touched in the first two cases.
    """
    found = api.list(HTTP_ROUTE, namespace=namespace)
    routes = [manifest for manifest in found if is_marked(manifest)]
    for manifest in () if force else routes:
        why = unrest(manifest)
        if why:
            raise BackendError(
                f"{why}; let it end, roll it back, or force the removal", retryable=True
            )
    kept = referred(found)
    done = [_remove_route(api, manifest) for manifest in routes]
    for kind in KINDS:
        done += _delete_all(api, kind, namespace, labels=SERVERS, kept=kept)
    return [*done, *_delete_all(api, LEASE, namespace, labels=OURS, prefix=lease_name(""))]


def unrest(manifest: Manifest) -> str:
    """Say what is against taking a route away now.

    Args:
        manifest: A route of ours.

    Returns:
        Which rollout is under way, or that nobody can tell; empty if none is.

    Raises:
        BackendError: If somebody edited the route so that it cannot be read.
    """
    route = route_of(manifest)
    state = recorded_state(route)
    if state is None and route.state is not None:
        return (
            f"{name_of(manifest)}: its recorded rollout is not one of this version of headgate and "
            "may be under way"
        )
    if state is None or state.phase.is_final:
        return ""
    return (
        f"{name_of(manifest)}: rollout {state.rollout_id} of {state.canary.deployment} is "
        f"{state.phase.value}"
    )


def referred(routes: Iterable[Manifest]) -> dict[str, str]:
    """Find the Services that routes will refer to once ours are gone or given back.

    Args:
        routes: All HTTPRoutes of the namespace.

    Returns:
        Name of each Service, and which route it is. Their servers must stay: the route's owner
        points at them.

    Raises:
        BackendError: If nobody can tell any more what an adopted route was.
    """
    found: dict[str, str] = {}
    for manifest in routes:
        if is_marked(manifest) and is_created(manifest):
            continue
        left = original(manifest) if is_marked(manifest) else manifest
        found |= {name: name_of(manifest) for name in services(left)}
    return found


def _remove_route(api: KubernetesApi, manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    if is_created(manifest):
        api.delete(HTTP_ROUTE, metadata["name"], namespace=metadata["namespace"])
        return f"{name_of(manifest)}: deleted"
    for _ in range(ATTEMPTS - 1):
        try:
            return _give_back(api, manifest)
        except ConflictError:
            found = api.get(HTTP_ROUTE, metadata["name"], namespace=metadata["namespace"])
            if found is None:
                return f"{name_of(manifest)}: was gone already"
            manifest = found
    return _give_back(api, manifest)


def _give_back(api: KubernetesApi, manifest: Manifest) -> str:
    edited = is_edited(manifest)
    api.replace(original(manifest))
    lost = "; changes made since then are gone" if edited else ""
    return f"{name_of(manifest)}: as it was before headgate adopted it{lost}"


def _delete_all(
    api: KubernetesApi,
    kind: Kind,
    namespace: str,
    *,
    labels: dict[str, str],
    prefix: str = "",
    kept: Mapping[str, str] | None = None,
) -> list[str]:
    done = []
    for manifest in api.list(kind, namespace=namespace, labels=labels):
        name = manifest["metadata"]["name"]
        if kept and name in kept:  # all objects of a server have the name of its Service
            done.append(f"{kind.kind} {namespace}/{name}: kept, {kept[name]} refers to it")
        elif name.startswith(prefix) and api.delete(kind, name, namespace=namespace):
            done.append(f"{kind.kind} {namespace}/{name}: deleted")
    return done
