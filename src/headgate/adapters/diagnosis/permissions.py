"""Checks of what an account may do: every verb that deploying, shifting and rolling back need."""

from collections.abc import Mapping
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


def look_at_permissions(site: Site) -> list[Finding]:
    """Ask the API server about every verb that the components use.

    Args:
        site: Where to look, and for whom.

    Returns:
        One finding, which names all that is missing.
    """
    rights = [_Right(kind, verb) for kind, verbs in NEEDED.items() for verb in verbs]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        granted = list(pool.map(lambda right: _granted(site, right), rights))
    missing: dict[Kind, list[str]] = {}
    for right, has in zip(rights, granted, strict=True):
        if not has:
            missing.setdefault(right.kind, []).append(right.verb)
    who = SERVICE_ACCOUNT_PREFIX + site.account if site.account else site.api.who()
    name = who or "this account"
    if not missing:
        seen = f"{name} may do all that deploying, shifting and rolling back need"
        return [ok(Group.PERMISSIONS, "RBAC", seen)]
    seen = f"{name} may not, in {site.namespace}: {_listed(missing)}"
    return [problem(Group.PERMISSIONS, "RBAC", seen, _remedy(site, who, missing))]


def _granted(site: Site, right: _Right) -> bool:
    kind = right.kind
    attributes = {"verb": right.verb, "group": kind.group, "resource": kind.plural}
    if kind.namespaced:
        attributes["namespace"] = site.namespace
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


def _remedy(site: Site, who: str, missing: Mapping[Kind, list[str]]) -> str:
    subject = f"--user={who or 'NAME'}"
    if who.startswith(SERVICE_ACCOUNT_PREFIX):
        subject = f"--serviceaccount={who.removeprefix(SERVICE_ACCOUNT_PREFIX)}"
    steps = []
    if any(kind.namespaced for kind in missing):
        steps.append(
            f"{site.kubectl_here} create rolebinding headgate-deployer-extra"
            f" --role=headgate-deployer {subject}"
        )
    if GATEWAY_CLASS in missing:
        steps.append(
            f"{site.kubectl} create clusterrolebinding headgate-gatewayclasses-extra"
            f" --clusterrole=headgate-gatewayclasses {subject}"
        )
    return "as an administrator: " + " && ".join(steps)
