"""Checks of what an account may do: every verb that deploying, shifting and rolling back need."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from headgate.adapters.diagnosis.asking import may
from headgate.adapters.diagnosis.finding import Finding, Group, ok, problem
from headgate.adapters.diagnosis.site import Site
from headgate.adapters.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    GATEWAY,
    GATEWAY_CLASS,
    HORIZONTAL_POD_AUTOSCALER,
    HTTP_ROUTE,
    JOB,
    LEASE,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    SERVICE,
    Kind,
)
from headgate.errors import BackendError

WRITE = ("get", "list", "watch", "create", "update", "patch", "delete")
READ = ("get", "list", "watch")
AT_ONCE = 4  # as many connections as are kept
# What the Role `headgate-deployer` and the ClusterRole `headgate-gatewayclasses` allow.
NEEDED: Mapping[Kind, tuple[str, ...]] = {
    HTTP_ROUTE: WRITE,
    LEASE: WRITE,
    DEPLOYMENT: WRITE,
    SERVICE: WRITE,
    JOB: WRITE,
    POD_DISRUPTION_BUDGET: WRITE,
    HORIZONTAL_POD_AUTOSCALER: WRITE,
    POD: READ,
    ENDPOINT_SLICE: READ,
    EVENT: READ,
    POD_TEMPLATE: ("get",),
    CONFIG_MAP: ("get",),
    GATEWAY: ("get",),
    GATEWAY_CLASS: ("get", "list"),
}
# The Role names these objects; an account that may read them alone may do enough.
NAMED: Mapping[Kind, str] = {POD_TEMPLATE: "headgate-predictor", CONFIG_MAP: "headgate"}
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class _Right:
    kind: Kind
    verb: str
    namespace: str  # where; for kinds of the whole cluster where it is reported


def look_at_permissions(site: Site) -> list[Finding]:
    """Ask the API server about every verb that the components use.

    Args:
        site: Where to look, and for whom.

    Returns:
        One finding, which names all that is missing.
    """
    rights = list(_rights(site, _gateway_namespace(site)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        granted = list(pool.map(lambda right: _granted(site, right), rights))
    missing: dict[str, dict[Kind, list[str]]] = {}
    for right, has in zip(rights, granted, strict=True):
        if not has:
            missing.setdefault(right.namespace, {}).setdefault(right.kind, []).append(right.verb)
    who = SERVICE_ACCOUNT_PREFIX + site.account if site.account else site.api.who()
    name = who or "this account"
    if not missing:
        seen = f"{name} may do all that deploying, shifting and rolling back need"
        return [ok(Group.PERMISSIONS, "RBAC", seen)]
    listed = "; ".join(f"in {where}: {_listed(kinds)}" for where, kinds in missing.items())
    seen = f"{name} may not, {listed}"
    return [problem(Group.PERMISSIONS, "RBAC", seen, _remedy(site, who, missing))]


def _rights(site: Site, gateways: str) -> Iterator[_Right]:
    for kind, verbs in NEEDED.items():
        where = gateways if kind == GATEWAY else site.namespace
        yield from (_Right(kind, verb, where) for verb in verbs)


def _gateway_namespace(site: Site) -> str:
    """Namespace of the Gateway that the settings name; the serving one if they cannot be seen."""
    try:
        return site.settings.gateway.namespace if site.settings else site.namespace
    except BackendError as error:
        if error.retryable:
            raise
        return site.namespace  # what this account may do is told all the same


def _granted(site: Site, right: _Right) -> bool:
    kind = right.kind
    attributes = {"verb": right.verb, "group": kind.group, "resource": kind.plural}
    if kind.namespaced:
        attributes["namespace"] = right.namespace
    if kind in NAMED:
        attributes["name"] = NAMED[kind]
    return may(site.connection, attributes, account=site.account)


def _listed(missing: Mapping[Kind, list[str]]) -> str:
    """List what is missing, resources of the same verbs together."""
    by_verbs: dict[tuple[str, ...], list[str]] = {}
    for kind, verbs in missing.items():
        by_verbs.setdefault(tuple(verbs), []).append(kind.resource)
    return "; ".join(
        f"{'/'.join(verbs)} {', '.join(resources)}" for verbs, resources in by_verbs.items()
    )


def _remedy(site: Site, who: str, missing: Mapping[str, Mapping[Kind, list[str]]]) -> str:
    subject = f"--user={who or 'NAME'}"
    if who.startswith(SERVICE_ACCOUNT_PREFIX):
        subject = f"--serviceaccount={who.removeprefix(SERVICE_ACCOUNT_PREFIX)}"
    here = missing.get(site.namespace, {})
    steps = []
    if any(kind.namespaced for kind in here):
        steps.append(
            f"{site.kubectl_here} create rolebinding headgate-deployer-extra"
            f" --role=headgate-deployer {subject}"
        )
    for namespace in missing.keys() - {site.namespace}:  # where no Role of ours is
        kubectl = f"{site.kubectl} -n {namespace}"
        steps += [
            f"{kubectl} create role headgate-gateway --verb=get --resource={GATEWAY.resource}",
            f"{kubectl} create rolebinding headgate-gateway --role=headgate-gateway {subject}",
        ]
    if GATEWAY_CLASS in here:
        steps.append(
            f"{site.kubectl} create clusterrolebinding headgate-gatewayclasses-extra"
            f" --clusterrole=headgate-gatewayclasses {subject}"
        )
    return "as an administrator: " + " && ".join(steps)
