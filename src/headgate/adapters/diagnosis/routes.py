"""Checks of the HTTPRoutes: those that headgate keeps, and those that it is told to adopt."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from headgate.adapters.diagnosis.backends import Trouble, backend_troubles, has_traffic
from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem
from headgate.adapters.diagnosis.site import Site, condition, words
from headgate.adapters.kubernetes.api import HTTP_ROUTE, LEASE, Manifest
from headgate.adapters.kubernetes.heartbeat import GUARD, lease_name
from headgate.adapters.kubernetes.http_route import our_rule, route_of
from headgate.adapters.kubernetes.route_ownership import ADOPT, is_marked, is_ours
from headgate.errors import BackendError
from headgate.ports import WEIGHT_PARTS, Route
from headgate.rollout import Phase, State
from headgate.usecases.deploy import dns_label
from headgate.usecases.target import recorded_state

GRACE_SECONDS = 10.0  # clocks differ; the guard, which acts, goes by its own alone


def look_at_routes(site: Site, *, now: Callable[[], datetime] | None = None) -> list[Finding]:
    """Look at every HTTPRoute that headgate keeps, and every one that the settings name.

    Args:
        site: Where to look.
        now: The time; None asks this machine.

    Returns:
        One finding or more for each route.
    """
    at = (now or _utc_now)()
    ours = [r for r in site.api.list(HTTP_ROUTE, namespace=site.namespace) if is_marked(r)]
    found = [finding for route in ours for finding in _kept(site, route, at)]
    known = {route["metadata"]["name"] for route in ours}
    named = site.settings.routes if site.settings else {}
    for model, name in sorted(named.items()):
        if name not in known:
            found.append(_to_adopt(site, model, name))
    return found or [note(Group.ROUTES, "routes", "none yet: deploying a model makes one")]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _kept(site: Site, manifest: Manifest, at: datetime) -> Iterator[Finding]:
    name = f"route {manifest['metadata']['name']}"
    look = f"{site.kubectl_here} get httproute {manifest['metadata']['name']} -o yaml"
    troubles = [*_at_the_gateway(manifest, look), *backend_troubles(site, manifest)]
    for trouble in troubles:
        made = problem if trouble.loses else note
        yield made(Group.ROUTES, name, trouble.seen, trouble.remedy)
    try:
        route = route_of(manifest)
    except BackendError as error:
        yield problem(Group.ROUTES, name, str(error), look)
        return
    finding = _rollout(site, manifest, route, at)
    if finding is not None:
        yield finding
    elif not any(trouble.loses for trouble in troubles):
        yield ok(Group.ROUTES, name, _split(route))


def _at_the_gateway(manifest: Manifest, look: str) -> Iterator[Trouble]:
    """Say what makes a gateway answer for itself, and what its controller has against the route."""
    for rule in manifest["spec"].get("rules") or ():
        refs = rule.get("backendRefs") or []
        if refs and not has_traffic(refs):
            seen = f"all weights are 0: {', '.join(ref['name'] for ref in refs)}"
            yield Trouble(True, seen, "run roll_back or shift_traffic for the model")
    parents = manifest.get("status", {}).get("parents") or ()
    if not parents:
        yield Trouble(True, "no gateway has taken it", look)
    for parent in parents:
        for kind in ("Accepted", "ResolvedRefs"):
            entry = condition(parent, kind)
            # What cannot be resolved is named by the Services themselves, with their weights.
            if entry and entry["status"] == "False" and entry.get("reason") != "BackendNotFound":
                yield Trouble(True, f"gateway {parent['parentRef']['name']}: {words(entry)}", look)


def _split(route: Route) -> str:
    if not route.backends:
        return "holds the place; the first rollout gives it traffic"
    shown = [f"{b.deployment} {b.weight * 100 / WEIGHT_PARTS:g} %" for b in route.backends]
    return ", ".join(shown)


def _rollout(site: Site, manifest: Manifest, route: Route, at: datetime) -> Finding | None:
    """Say how the rollout stands; None if there is none, or it ended."""
    name = f"route {manifest['metadata']['name']}"
    state = recorded_state(route)
    if state is None and route.state is not None:
        seen = "its recorded rollout is not one of this version of headgate"
        remedy = "run roll_back for the model, with the version of headgate that wrote it"
        return problem(Group.ROUTES, name, seen, remedy)
    if state is None or state.phase.is_final:
        return None
    if state.phase is Phase.CONTESTED:
        seen = f"contested: {state.reason}; {_split(route)}"
        remedy = "agree on who sets the weights, then run roll_back for the model"
        return problem(Group.ROUTES, name, seen, remedy)
    return _unfinished(site, name, manifest, state, _split(route), at)


def _unfinished(
    site: Site, name: str, manifest: Manifest, state: State, split: str, at: datetime
) -> Finding:
    silent = _silent_seconds(site, manifest["metadata"]["name"], state, at)
    if silent is not None and silent <= state.heartbeat_timeout_seconds + GRACE_SECONDS:
        return note(Group.ROUTES, name, f"a rollout is running: {split}")
    since = "never gave a sign of life" if silent is None else f"is silent for {silent:.0f} s"
    seen = f"unfinished rollout {state.rollout_id}: its driver {since}; {split}"
    remedy = f"{site.kubectl_here} logs deployment/{GUARD}, then run roll_back for the model"
    return problem(Group.ROUTES, name, seen, remedy)


def _silent_seconds(site: Site, route: str, state: State, at: datetime) -> float | None:
    lease = site.api.get(LEASE, lease_name(route), namespace=site.namespace)
    spec = (lease or {}).get("spec") or {}
    if spec.get("holderIdentity") != state.rollout_id or not spec.get("renewTime"):
        return None
    return (at - datetime.fromisoformat(spec["renewTime"])).total_seconds()


def _to_adopt(site: Site, model: str, name: str) -> Finding:
    title = f"route {name}"
    found = site.api.get(HTTP_ROUTE, name, namespace=site.namespace)
    if found is None:
        seen = f"named for {model} in the settings, and not there"
        remedy = f"create it, or take {model} out of `routes` in the settings"
        return problem(Group.ROUTES, title, seen, remedy)
    try:
        is_ours(found, model=dns_label(model))
    except BackendError as error:
        remedy = f"if it is yours: {site.kubectl_here} annotate httproute {name} {ADOPT}=true"
        return problem(Group.ROUTES, title, str(error).partition(";")[0], remedy)
    if our_rule(found) is None:
        seen = "has several rules or none, and none of them is named headgate"
        remedy = f"{site.kubectl_here} edit httproute {name}, and name the rule that it may weigh"
        return problem(Group.ROUTES, title, seen, remedy)
    return ok(Group.ROUTES, title, f"is adopted when {model} is deployed")
