"""Checks of the model registry: does MLflow answer, and which version."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem, unknown
from headgate.adapters.diagnosis.site import Site
from headgate.adapters.diagnosis.workload import Workload, look_at_workload
from headgate.adapters.kubernetes.api import SERVICE, Manifest
from headgate.adapters.mlflow_uri import redacted
from headgate.errors import NoDataError

SECONDS = 4.0
PORT = 5000
NAME = "MLflow"
# <service>.<namespace>, as pods name a Service of the cluster; <service> alone is of their own.
_IN_CLUSTER = re.compile(r"^(?P<service>[a-z0-9-]+)(\.(?P<namespace>[a-z0-9-]+)(\.svc(\..+)?)?)?$")


@dataclass(frozen=True, slots=True)
class _Place:
    service: str
    namespace: str
    port: int


def look_at_registry(site: Site) -> list[Finding]:
    """Ask the registry whether it is healthy, the way that is open from here.

    `--registry-uri` is asked from this machine. A registry in the cluster is found by the URI of
    the settings, and asked through its pods.

    Args:
        site: Where to look.

    Returns:
        One finding.
    """
    if site.registry_uri:
        return [_asked_from_here(site, site.registry_uri)]
    if site.settings is None:
        return [unknown(Group.REGISTRY, NAME, "not checked: the settings cannot be used")]
    uri = site.settings.registry_uri
    place = _in_cluster(uri, own=site.namespace)
    if place is None:
        return [_outside(uri)]
    return [_inside(site, place)]


def _in_cluster(uri: str, *, own: str) -> _Place | None:
    parts = urlsplit(uri)
    found = _IN_CLUSTER.match(parts.hostname or "")
    # `mlflow.example` is a host name, too: only what has a scheme and port of ours counts as told.
    if found is None or parts.scheme != "http" or found["service"] == "localhost":
        return None
    return _Place(found["service"], found["namespace"] or own, parts.port or 80)


def _outside(uri: str) -> Finding:
    shown = redacted(uri)
    try:
        return _healthy(uri, "")
    except NoDataError as error:
        seen = f"{shown} does not answer here ({error}); predictors ask it from the cluster"
        return unknown(Group.REGISTRY, NAME, seen, "headgate doctor --registry-uri URI")


def _asked_from_here(site: Site, uri: str) -> Finding:
    if urlsplit(uri).scheme not in {"http", "https"}:
        seen = f"{redacted(uri)} is a registry in a file; a cluster needs a server"
        return problem(
            Group.REGISTRY, NAME, seen, "headgate doctor --registry-uri http://HOST:PORT"
        )
    try:
        return _healthy(uri, "")
    except NoDataError as error:
        seen = f"{redacted(uri)} does not answer: {error}"
        return problem(Group.REGISTRY, NAME, seen, _start(site, "mlflow"))


def _healthy(uri: str, what: str) -> Finding:
    base = uri.rstrip("/")
    _get(f"{base}/health")
    return _versioned(f"{what}{redacted(uri)} answers", _get(f"{base}/version"))


def _get(url: str) -> str:
    try:
        with urllib3.PoolManager() as pool:
            found = pool.request("GET", url, timeout=urllib3.Timeout(total=SECONDS), retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise NoDataError(" ".join(str(error).split())) from error
    if found.status != 200:
        raise NoDataError(f"HTTP {found.status}")
    return found.data.decode(errors="replace")


def _inside(site: Site, place: _Place) -> Finding:
    here = f"{place.namespace}/{place.service}"
    service = site.api.get(SERVICE, place.service, namespace=place.namespace)
    if service is None:
        seen = f"there is no Service {here}, which registry_uri names"
        return problem(Group.REGISTRY, NAME, seen, _name_another(site))
    workload = look_at_workload(site.api, place.service, namespace=place.namespace)
    if workload is None:
        seen = f"Service {here} is there, but no Deployment of that name to look into"
        return unknown(Group.REGISTRY, NAME, seen, "headgate doctor --registry-uri URI")
    if not workload.ready:
        seen = f"Deployment {here}: {workload.shown}"
        return problem(Group.REGISTRY, NAME, seen, _restart(site, place, workload))
    return _answering(site, place, workload, service)


def _answering(site: Site, place: _Place, workload: Workload, service: Manifest) -> Finding:
    port = _target_port(service, place.port)
    troubles = []
    for pod in workload.pods:
        try:
            site.api.pod_get(pod, port=port, path="/health")
            version = site.api.pod_get(pod, port=port, path="/version")
        except NoDataError as error:
            troubles.append(str(error))
        else:
            seen = f"{place.namespace}/{place.service} answers in the cluster"
            return _versioned(seen, version)
    seen = "; ".join(troubles) or "it has no pods"
    return problem(Group.REGISTRY, NAME, seen, _logs(site, place))


def _target_port(service: Manifest, port: int) -> int:
    """Port of the pods; a name is taken for the port that MLflow is always given here."""
    entries = [entry for entry in service["spec"].get("ports") or () if entry["port"] == port]
    target = entries[0].get("targetPort", port) if entries else port
    return target if isinstance(target, int) else PORT


def _versioned(seen: str, version: str) -> Finding:
    text = version.strip()
    if re.match(r"3\.\d+", text):
        return ok(Group.REGISTRY, NAME, f"{seen}, version {text}")
    return note(Group.REGISTRY, NAME, f"{seen}; version {text or 'unknown'}, tested is 3")


def _restart(site: Site, place: _Place, workload: Workload) -> str:
    where = f"{site.kubectl} -n {place.namespace}"
    if not workload.wanted:
        return f"{where} scale deployment {place.service} --replicas=1"
    return f"{where} describe pods -l app.kubernetes.io/name={place.service}"


def _logs(site: Site, place: _Place) -> str:
    return f"{site.kubectl} -n {place.namespace} logs deployment/{place.service} --tail=50"


def _start(site: Site, name: str) -> str:
    return f"{site.kubectl_here} rollout status deployment/{name}, or give another --registry-uri"


def _name_another(site: Site) -> str:
    return f"{site.install}, or set registry_uri: {site.kubectl_here} edit configmap headgate"
