"""Checks of the cluster itself: who answers, and the namespace."""

from headgate.adapters.diagnosis.asking import version_of
from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem
from headgate.adapters.diagnosis.site import NAMESPACE as NAMESPACE_NAME
from headgate.adapters.diagnosis.site import Site
from headgate.adapters.kubernetes.api import NAMESPACE

TESTED = ("1.34",)  # the minor versions that the end-to-end tests run on
ENFORCE = "pod-security.kubernetes.io/enforce"


def look_at_server(site: Site) -> list[Finding]:
    """Ask the API server for its version and for our name.

    Args:
        site: Where to look.

    Returns:
        One finding on the server, one on its version.
    """
    version = version_of(site.connection)
    who = site.api.who()
    seen = f"{site.shown}{f', as {who}' if who else ''}"
    return [ok(Group.CLUSTER, "API server", seen), _version(version)]


def look_at_namespace(site: Site) -> list[Finding]:
    """Look for the namespace, and the Pod Security level that it enforces.

    Args:
        site: Where to look.

    Returns:
        One finding on the namespace; one on its level if it is there.
    """
    found = site.api.get(NAMESPACE, site.namespace)
    if found is None:
        seen = f"there is no namespace {site.namespace}"
        return [problem(Group.CLUSTER, "namespace", seen, _make(site))]
    if found["metadata"].get("deletionTimestamp"):
        remedy = f"{site.kubectl} describe namespace {site.namespace}, and wait until it is gone"
        seen = f"{site.namespace} is being deleted"
        return [problem(Group.CLUSTER, "namespace", seen, remedy)]
    level = (found["metadata"].get("labels") or {}).get(ENFORCE, "")
    return [ok(Group.CLUSTER, "namespace", f"{site.namespace} exists"), _level(site, level)]


def _make(site: Site) -> str:
    if site.is_kind and site.namespace == NAMESPACE_NAME:
        return site.install
    kubectl, name = site.kubectl, site.namespace
    return f"{kubectl} create namespace {name}, and apply an overlay there (or --namespace NAME)"


def _version(version: str) -> Finding:
    if any(version.startswith(f"v{tested}.") for tested in TESTED):
        return ok(Group.CLUSTER, "Kubernetes", f"{version}, a version that is tested")
    seen = f"{version}; the tests run on {' and '.join(TESTED)} only"
    return note(Group.CLUSTER, "Kubernetes", seen)


def _level(site: Site, level: str) -> Finding:
    name = "Pod Security"
    if level in {"restricted", "baseline"}:
        return ok(Group.CLUSTER, name, f"{level} is enforced; our pods meet restricted")
    shown = f"only {level} is enforced" if level else "no level is enforced"
    remedy = f"{site.kubectl} label namespace {site.namespace} {ENFORCE}=restricted --overwrite"
    return note(Group.CLUSTER, name, f"{shown}; our pods meet restricted", remedy)
