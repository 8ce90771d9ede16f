"""All checks in order. What fails, hangs or cannot be seen becomes a finding, never a traceback."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from headgate.adapters.diagnosis.finding import Finding, Group, State, problem, unknown
from headgate.adapters.diagnosis.gateway_api import (
    look_at_class,
    look_at_definitions,
    look_at_gateway,
)
from headgate.adapters.diagnosis.installation import (
    look_at_guard,
    look_at_images,
    look_at_settings,
    look_at_template,
)
from headgate.adapters.diagnosis.machine import look_at_machine
from headgate.adapters.diagnosis.patience import within
from headgate.adapters.diagnosis.permissions import look_at_permissions
from headgate.adapters.diagnosis.place import look_at_namespace, look_at_server
from headgate.adapters.diagnosis.registry import look_at_registry
from headgate.adapters.diagnosis.routes import look_at_routes
from headgate.adapters.diagnosis.site import Site, load_client
from headgate.errors import BackendError, HeadgateError

FIND_SECONDS = 8.0  # for a kubeconfig whose login plugin hangs
FIRST_SECONDS = 6.0  # for the first answer: a cluster that is away is soon named
CHECK_SECONDS = 10.0
HOW_TO_REACH = "make kind, or choose another cluster: kubectl config get-contexts"
GONE = "not checked: the cluster stopped answering"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    group: Group
    name: str
    look: Callable[[Site], Sequence[Finding]]
    in_namespace: bool = True  # whether it says nothing where the namespace does not exist


NAMESPACE = _Check(group=Group.CLUSTER, name="namespace", look=look_at_namespace)
CHECKS = (
    _Check(
        group=Group.GATEWAY_API, name="definitions", look=look_at_definitions, in_namespace=False
    ),
    _Check(group=Group.GATEWAY_API, name="gateway class", look=look_at_class),
    _Check(group=Group.GATEWAY_API, name="gateway", look=look_at_gateway),
    _Check(group=Group.INSTALLATION, name="settings", look=look_at_settings),
    _Check(group=Group.INSTALLATION, name="predictor template", look=look_at_template),
    _Check(group=Group.INSTALLATION, name="guard", look=look_at_guard),
    _Check(group=Group.INSTALLATION, name="images", look=look_at_images),
    _Check(group=Group.REGISTRY, name="MLflow", look=look_at_registry),
    _Check(group=Group.PERMISSIONS, name="RBAC", look=look_at_permissions, in_namespace=False),
    _Check(group=Group.ROUTES, name="routes", look=look_at_routes),
)


def diagnose(find: Callable[[], Site], *, images: Sequence[str]) -> list[Finding]:
    """Look at this machine and at a cluster. Nothing is changed.

    It takes a few seconds; about ten if the cluster does not answer.

    Args:
        find: Finds the cluster; may raise `ConfigError`.
        images: The images that this tree would run.

    Returns:
        What was found, group by group.
    """
    with ThreadPoolExecutor(1) as pool:
        machine = pool.submit(look_at_machine, images)
        cluster = list(_look_at_cluster(find))
        found = machine.result()
    if any(finding.group is Group.CLUSTER and finding.state is State.OK for finding in cluster):
        # What is missing here is only needed to build images and to make a cluster.
        found = [_as_note(finding) for finding in found]
    return [*found, *cluster]


def _as_note(finding: Finding) -> Finding:
    return replace(finding, state=State.NOTE) if finding.state is State.PROBLEM else finding


def _look_at_cluster(find: Callable[[], Site]) -> Iterator[Finding]:
    load_client()  # beyond the patience: on a busy machine it takes longer than any cluster
    site = None
    try:
        site = within(FIND_SECONDS, find)
        found = _first(site)
    except HeadgateError as error:
        yield problem(Group.CLUSTER, "API server", _away(site, error), HOW_TO_REACH)
        yield from _unchecked((NAMESPACE, *CHECKS), "not checked: no cluster")
        return
    yield from found
    there = list(_findings(NAMESPACE, site))
    yield from there
    if any(finding.state is State.PROBLEM for finding in there):
        missing = [check for check in CHECKS if check.in_namespace]
        yield from _all(site, [check for check in CHECKS if not check.in_namespace])
        yield from _unchecked(missing, f"not checked: no namespace {site.namespace}")
    else:
        yield from _all(site, CHECKS)


def _first(site: Site) -> list[Finding]:
    return within(FIRST_SECONDS, lambda: look_at_server(site))


def _away(site: Site | None, error: HeadgateError) -> str:
    if site is None:
        return str(error)
    # A server that was asked but never answered is not named by the error.
    where = f"context {site.context}" if site.api.server in str(error) else site.shown
    return f"{where}: {error}"


def _all(site: Site, checks: Sequence[_Check]) -> Iterator[Finding]:
    for index, check in enumerate(checks):
        found = list(_findings(check, site))
        yield from found
        if any(finding.seen.startswith(GONE) for finding in found):
            yield from _unchecked(checks[index + 1 :], GONE)
            return


def _findings(check: _Check, site: Site) -> Sequence[Finding]:
    try:
        return within(CHECK_SECONDS, lambda: check.look(site))
    except BackendError as error:
        if error.retryable:
            return [unknown(check.group, check.name, f"{GONE}: {error}")]
        return [_refused(check, error)]
    except HeadgateError as error:
        return [unknown(check.group, check.name, f"not checked: {error}")]


def _refused(check: _Check, error: BackendError) -> Finding:
    # What follows is the remedy of whoever needs the object for more than looking at it.
    seen = str(error).partition(";")[0]
    return unknown(check.group, check.name, f"not seen: {seen}")


def _unchecked(checks: Sequence[_Check], why: str) -> Iterator[Finding]:
    for check in checks:
        yield unknown(check.group, check.name, why)
