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
from headgate.adapters.kubernetes.http_route import name_of, route_of
from headgate.adapters.kubernetes.kinds import OURS
from headgate.adapters.kubernetes.probes import Probes
from headgate.adapters.kubernetes.route_put import put_route
from headgate.adapters.kubernetes.watching import Watched, first_sight
from headgate.adapters.signals import raise_on_terminate
from headgate.errors import BackendError, HeadgateError
from headgate.ports import Clock, ConflictError, Route
from headgate.usecases.guard import guard_step
from headgate.usecases.target import recorded_state

LOG = logging.getLogger("headgate.guard")
STEP_SECONDS = 0.5  # a small part of any sensible heartbeat time-out
READY_SECONDS = 3.0  # a guard that has not looked for this long does not watch
ALIVE_SECONDS = 60.0  # a round takes longer only if it hangs: each request ends after 10 s
PORT = 8081


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
        self._may_write = False
        self._trouble = ""  # as told last
        self._looked_at = self._went_round_at = float("-inf")

    def ready(self) -> bool:
        """Say whether it watches.

        Returns:
            True if it has just looked at every route, and could have acted.
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
        try:
            self._require_rights()
            routes = self._api.list(HTTP_ROUTE, namespace=self._namespace, labels=OURS)
        except HeadgateError as error:
            for watched in self._watched.values():
                watched.blind = True
            return self._tell(str(error))
        names = {manifest["metadata"]["name"] for manifest in routes}
        self._watched = {name: seen for name, seen in self._watched.items() if name in names}
        unreadable: list[str] = []
        failed = [why for manifest in routes if (why := self._try(manifest, unreadable))]
        if not failed:
            self._looked_at = self._clock.monotonic()
        return self._tell("; ".join(unreadable + failed))

    def _try(self, manifest: Manifest, unreadable: list[str]) -> str:
        """Look at one route; trouble with it must not hide the others."""
        self._went_round_at = self._clock.monotonic()  # many that hang are no reason to restart
        try:
            route = route_of(manifest)
        except HeadgateError as error:  # somebody's edit: the guard is as good as before elsewhere
            unreadable.append(str(error))
            return ""
        try:
            self._look(manifest, route)
        except HeadgateError as error:
            watched = self._watched.get(manifest["metadata"]["name"])
            if watched is not None:
                watched.blind = True
            return f"{name_of(manifest)}: {error}"
        return ""

    def _look(self, manifest: Manifest, route: Route) -> None:
        name = manifest["metadata"]["name"]
        state = recorded_state(route)
        if state is None or state.phase.is_final:
            self._watched.pop(name, None)
            return
        lease = self._api.get(LEASE, lease_name(name), namespace=self._namespace)
        now = self._clock.monotonic()
        watched = self._watched.get(name)
        if watched is None or watched.rollout_id != state.rollout_id:
            watched = self._watched[name] = first_sight(lease, state, now=now)
            LOG.info("%s: watching rollout %s", name_of(manifest), state.rollout_id)
        watched.look(lease, state, now=now)
        wanted = guard_step(
            route,
            last_heartbeat_monotonic=watched.beat_at,
            now_monotonic=now,
            now=self._clock.now(),
        )
        if wanted is not None:
            self._act(manifest, wanted)

    def _act(self, manifest: Manifest, wanted: Route) -> None:
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
        if not self._may_write:
            self._may_write = self._api.allowed("update", HTTP_ROUTE, namespace=self._namespace)
        if not self._may_write:
            raise BackendError(
                f"this account may not update {HTTP_ROUTE.resource} in namespace "
                f"{self._namespace} (account {self._api.who()}); apply the RBAC manifests"
            )

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
