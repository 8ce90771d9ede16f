"""The guard on a cluster: takes a canary out when nobody watches it any more.

It outlives the drivers of rollouts, in pods of its own. Several may run at once: whoever writes
first wins, the others find a rollout that has ended. Start it with
`python -m headgate.adapters.kubernetes.guard`.
"""

import argparse
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from headgate.adapters.clock import SystemClock
from headgate.adapters.kubernetes.api import (
    EVENT,
    HTTP_ROUTE,
    LEASE,
    KubernetesApi,
    Manifest,
)
from headgate.adapters.kubernetes.heartbeat import lease_name
from headgate.adapters.kubernetes.http_route import name_of, route_of, with_route
from headgate.adapters.kubernetes.probes import Probes
from headgate.adapters.kubernetes.route_ownership import is_marked
from headgate.adapters.kubernetes.route_put import put_route
from headgate.adapters.kubernetes.watching import Watched, first_sight
from headgate.adapters.signals import raise_on_terminate
from headgate.errors import BackendError, HeadgateError
from headgate.ports import Clock, ConflictError, Route
from headgate.rollout import State
from headgate.usecases.guard import guard_step
from headgate.usecases.target import recorded_state

LOG = logging.getLogger("headgate.guard")
STEP_SECONDS = 0.5  # a small part of any sensible heartbeat time-out
READY_SECONDS = 3.0  # a guard that has not looked for this long does not watch
ALIVE_SECONDS = 60.0  # a round takes longer only if it hangs: each request ends after 10 s
PORT = 8081
RIGHTS = (("update", HTTP_ROUTE), ("get", LEASE))  # without these it watches nothing


class Stopped(SystemExit):
    """Somebody asked the guard to end; raised wherever it is."""


class Guard:
    """Looks at all routes of ours in a namespace, again and again."""

    def __init__(self, api: KubernetesApi, namespace: str, clock: Clock) -> None:
        """Keep what it needs; it does not watch yet.

        Args:
            api: The cluster.
            namespace: The namespace that models are served in.
            clock: Time.
        """
        self._api, self._namespace, self._clock = api, namespace, clock
        self._watched: dict[str, Watched] = {}  # by name of the route
        self._edited: list[str] = []  # routes that people must mend; the others are guarded
        self._may_act = False
        self._trouble = ""  # as told last
        self._looked_at = self._went_round_at = float("-inf")

    def ready(self) -> bool:
        """Say whether it watches.

        Returns:
            True if it has just looked at every route, and could have acted. A route that somebody
            edited so that nobody can write to it does not count: it would stop all other models.
        """
        return self._clock.monotonic() - self._looked_at < READY_SECONDS

    def alive(self) -> bool:
        """Say whether it goes round, even if the cluster does not answer.

        Returns:
            False if it hangs.
        """
        return self._clock.monotonic() - self._went_round_at < ALIVE_SECONDS

    def watch(self) -> None:
        """Look until `Stopped` is raised."""
        while True:
            self._went_round_at = self._clock.monotonic()
            self.step()
            self._clock.sleep(STEP_SECONDS)

    def step(self) -> None:
        """Look once at every route, and act where nobody else does."""
        began = self._clock.monotonic()
        try:
            self._require_rights()
            # Not by the label of who manages it: tools that sync take that one back.
            found = self._api.list(HTTP_ROUTE, namespace=self._namespace)
        except HeadgateError as error:
            for watched in self._watched.values():
                watched.miss(now=began)
            return self._tell(str(error))
        routes = [manifest for manifest in found if is_marked(manifest)]
        self._forget_all_but({manifest["metadata"]["name"] for manifest in routes})
        self._edited = []
        failed = [why for manifest in routes if (why := self._try(manifest))]
        if not failed:
            self._looked_at = self._clock.monotonic()
        return self._tell("; ".join(self._edited + failed))

    def _forget_all_but(self, names: set[str]) -> None:
        for name in self._watched.keys() - names:
            watched = self._watched.pop(name)
            where = f"{HTTP_ROUTE.kind} {self._namespace}/{name}"
            LOG.warning(
                "%s: gone, or its labels are; rollout %s is not watched", where, watched.rollout_id
            )

    def _try(self, manifest: Manifest) -> str:
        """Look at one route; trouble with it must not hide the others."""
        began = self._went_round_at = self._clock.monotonic()  # many that hang: no restart
        try:
            route = route_of(manifest)
        except HeadgateError as error:  # somebody's edit: the guard is as good as before elsewhere
            self._edited.append(str(error))
            return ""
        try:
            self._look(manifest, route)
        except HeadgateError as error:
            watched = self._watched.get(manifest["metadata"]["name"])
            if watched is not None:
                watched.miss(now=began)
            return f"{name_of(manifest)}: {error}"
        return ""

    def _look(self, manifest: Manifest, route: Route) -> None:
        name = manifest["metadata"]["name"]
        state = recorded_state(route)
        if state is None and route.state is not None:
            raise BackendError(
                "its recorded rollout is not one of this version of headgate and may be under way; "
                "run the guard of the version that wrote it, or roll the model back with that one"
            )
        if state is None or state.phase.is_final:
            self._watched.pop(name, None)
            return
        watched, trouble = self._listen(manifest, state)
        wanted = guard_step(
            route,
            last_heartbeat_monotonic=watched.beat_at,
            # What was not heard is not silence; the other limits hold without the Lease, too.
            now_monotonic=watched.looked_at,
            now=self._clock.now(),
        )
        if wanted is not None:
            self._act(manifest, wanted)
        if trouble is not None:
            raise trouble

    def _listen(self, manifest: Manifest, state: State) -> tuple[Watched, HeadgateError | None]:
        """Read the heartbeat of a rollout; trouble with that is returned."""
        name, lease, trouble = manifest["metadata"]["name"], None, None
        began = self._clock.monotonic()
        try:
            lease = self._api.get(LEASE, lease_name(name), namespace=self._namespace)
        except HeadgateError as error:
            trouble = error
        now = self._clock.monotonic()
        watched = self._watched.get(name)
        if watched is None or watched.rollout_id != state.rollout_id:
            watched = self._watched[name] = first_sight(lease, state, now=now)
            LOG.info("%s: watching rollout %s", name_of(manifest), state.rollout_id)
        if trouble is None:
            watched.look(lease, state, now=now)
        else:
            watched.miss(now=began)
        return watched, trouble

    def _act(self, manifest: Manifest, wanted: Route) -> None:
        try:
            with_route(manifest, wanted)
        except BackendError as error:  # somebody's edit; asking the server would not help
            self._edited.append(f"{error}; the rollout there cannot be ended")
            return
        try:
            put_route(self._api, manifest, wanted)
        except ConflictError:
            return  # somebody else acted; the next step looks again
        state = recorded_state(wanted)
        reason = "rolled back" if state is None else f"{state.phase.value}: {state.reason}"
        LOG.warning("%s: %s", name_of(manifest), reason)
        self._record(manifest, reason)

    def _record(self, manifest: Manifest, reason: str) -> None:
        try:
            self._api.create(event(manifest, reason, now=self._clock.now()))
        except BackendError as error:  # the log has it anyway
            LOG.info("no event was recorded: %s", error)

    def _require_rights(self) -> None:
        """Ask once whether it could act: a guard that may only look is none."""
        if self._may_act:
            return
        for verb, kind in RIGHTS:
            if not self._api.allowed(verb, kind, namespace=self._namespace):
                raise BackendError(
                    f"this account may not {verb} {kind.resource} in namespace "
                    f"{self._namespace} (account {self._api.who()}); apply the RBAC manifests"
                )
        self._may_act = True

    def _tell(self, trouble: str) -> None:
        """Log trouble when it begins, changes and ends, not at every step."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            LOG.error("cannot guard: %s", trouble)
        else:
            LOG.info("guarding again")


def event(manifest: Manifest, reason: str, *, now: float) -> Manifest:
    """Write down what the guard did, where `kubectl describe` shows it.

    Args:
        manifest: The HTTPRoute.
        reason: What was done, and why.
        now: Seconds since 1970.

    Returns:
        The Event to create.
    """
    metadata, at = manifest["metadata"], datetime.fromtimestamp(now, UTC)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {
            "name": f"{metadata['name']}.{int(now * 1e6):x}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": HTTP_ROUTE.api_version,
            "kind": HTTP_ROUTE.kind,
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata.get("uid", ""),
        },
        "type": "Warning",
        "reason": "CanaryRemoved",
        "message": reason[:1000],
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "source": {"component": "headgate-guard"},
    }


def argument_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="headgate.adapters.kubernetes.guard",
        description="Take a canary out when the driver of its rollout falls silent.",
    )
    parser.add_argument("--namespace", help="namespace to guard; default: the pod's own")
    parser.add_argument("--context", help="context of the kubeconfig, outside of a pod")
    parser.add_argument("--host", default="0.0.0.0", help="address of /ready and /live")  # noqa: S104 - the kubelet asks from outside
    parser.add_argument("--port", type=int, default=PORT, help="port of /ready and /live")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Guard until SIGTERM or SIGINT.

    Args:
        arguments: Command line; None takes the process's own.

    Raises:
        SystemExit: With one line and status 1, if there is no cluster or the port is taken.
    """
    options = argument_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    with raise_on_terminate(Stopped):
        try:
            api = KubernetesApi.connect(context=options.context)
            namespace = options.namespace or api.namespace
            guard = Guard(api, namespace, SystemClock())
            probes = Probes((options.host, options.port), ready=guard.ready, live=guard.alive)
        except (HeadgateError, OSError) as error:
            raise SystemExit(f"headgate.guard: {error}") from error
        LOG.info("guarding %s on %s, probes on port %s", namespace, api.server, probes.port)
        try:
            with probes:
                guard.watch()
        except KeyboardInterrupt:
            raise Stopped from None


if __name__ == "__main__":
    main()
