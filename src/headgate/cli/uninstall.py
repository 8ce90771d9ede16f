"""`headgate uninstall`: put adopted routes back, take away what headgate made."""

import sys

import typer

from headgate.adapters.diagnosis.site import NAMESPACE
from headgate.adapters.kubernetes.api import HTTP_ROUTE, LEASE, KubernetesApi, Manifest
from headgate.adapters.kubernetes.connection import connect
from headgate.adapters.kubernetes.heartbeat import lease_name
from headgate.adapters.kubernetes.http_route import name_of
from headgate.adapters.kubernetes.kinds import OURS
from headgate.adapters.kubernetes.route_ownership import is_created, is_edited, is_marked
from headgate.adapters.kubernetes.uninstall import KINDS, SERVERS, referred, uninstall, unrest
from headgate.errors import BackendError, ConfigError

STAYS = (
    "What came with `kubectl apply -k` stays (settings, guard, accounts, Gateway, MLflow) and goes"
    " with `kubectl delete -k`. Models in the registry stay."
)


def remove(*, context: str | None, namespace: str | None, yes: bool, force: bool) -> None:
    """Say what will be done, ask, do it, and print each thing done.

    Args:
        context: Context of the kubeconfig; None takes the pod's cluster or the current context.
        namespace: The namespace; None takes the pod's own, outside of a pod that of our manifests.
        yes: Do not ask.
        force: Go on although a rollout is, or may be, under way.

    Raises:
        ConfigError: If there is no cluster, or nobody can be asked.
        BackendError: If a rollout is under way, or the cluster does not answer or refuses.
    """
    connection = connect(context)
    where = namespace or (connection.namespace if connection.in_cluster else NAMESPACE)
    with KubernetesApi(connection) as api:
        intended = plan(api, where, force=force)
        if not intended:
            typer.echo(f"nothing of headgate's is left in namespace {where} of {api.server}")
            return
        typer.echo(f"In namespace {where} of {api.server}:")
        typer.echo("\n".join(f"  {line}" for line in intended))
        typer.echo(STAYS)
        if not (yes or _agreed()):
            typer.echo("nothing was changed")
            return
        typer.echo("\n".join(uninstall(api, where, force=force)))


def plan(api: KubernetesApi, namespace: str, *, force: bool) -> list[str]:
    """Say what uninstalling would do.

    Args:
        api: The cluster.
        namespace: The namespace that models are served in.
        force: Whether a rollout that is under way may be cut off.

    Returns:
        One line for each object; empty if there is nothing to do.

    Raises:
        BackendError: If a rollout is under way and may not be cut off, or nobody can tell any more
            what an adopted route was.
    """
    routes, lines = api.list(HTTP_ROUTE, namespace=namespace), []
    for manifest in filter(is_marked, routes):
        _require_rest(manifest, force=force)
        lines.append(_route(manifest))
    kept = referred(routes)
    for kind in KINDS:
        for found in api.list(kind, namespace=namespace, labels=SERVERS):
            name = found["metadata"]["name"]
            what = f"{kind.kind} {namespace}/{name}"
            stays = f"keep {what}, which {kept[name]} refers to" if name in kept else ""
            lines.append(stays or f"delete {what}")
    leases = [one["metadata"]["name"] for one in api.list(LEASE, namespace=namespace, labels=OURS)]
    ours = [name for name in leases if name.startswith(lease_name(""))]
    return [*lines, *(f"delete Lease {namespace}/{name}" for name in ours)]


def _require_rest(manifest: Manifest, *, force: bool) -> None:
    # Before anybody is asked; the removal itself looks again.
    if force:
        return
    why = unrest(manifest)
    if why:
        raise BackendError(f"{why}; let it end, roll it back, or add --force")


def _route(manifest: Manifest) -> str:
    if is_created(manifest):
        hosts = ", ".join(manifest["spec"].get("hostnames") or ["every host name"])
        return f"delete {name_of(manifest)}, which answers for {hosts}"
    lost = ", and what others changed in it since is lost" if is_edited(manifest) else ""
    return f"put {name_of(manifest)} back as it was before headgate adopted it{lost}"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here, this is no terminal; add --yes")
    try:
        return typer.confirm("Go on?", default=False)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise KeyboardInterrupt from None
