"""The client of the local world: the ports of a rollout over the supervisor's HTTP API."""

from typing import NoReturn, Self, TypeVar

import httpx
import msgspec

from headgate.adapters.local.route_store import check_state
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.errors import BackendError, ConfigError, DataError, HeadgateError, NoDataError
from headgate.ports import (
    ConflictError,
    DeploymentSpec,
    DeploymentStatus,
    LabelCounters,
    PodCounters,
    Route,
)
from headgate.rollout.plan import SETTLE_SECONDS
from headgate.usecases.deploy import READY_TIMEOUT_SECONDS

TIMEOUT_SECONDS = 10.0  # a write waits up to 5 s for the proxy
TRAFFIC_SECONDS = 40.0  # the generator imports and encodes its rows first
_NAMED: dict[str, type[HeadgateError]] = {
    kind.__name__: kind for kind in (ConfigError, DataError, NoDataError)
}

T = TypeVar("T")


class LocalCluster:
    """Router, metrics, labels, heartbeat, guard and deployments of one local world.

    Implements `TrafficRouter`, `MetricSource`, `LabelSource`, `Heartbeat`, `GuardStatus` and
    `Deployments` of `headgate.ports`; every method raises `BackendError` if the supervisor does not
    answer or refuses the token.
    """

    ready_timeout_seconds = READY_TIMEOUT_SECONDS
    settle_seconds = SETTLE_SECONDS

    def __init__(self, url: str, token: str) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Address of the supervisor, as `World.url`.
            token: Its bearer token, as `World.token`.

        Raises:
            ConfigError: If there is no address.
        """
        if not url:
            raise ConfigError("cluster_url is empty; give the address of a running local world")
        self._url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,  # a proxy of the environment must not see the token
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read(self) -> Route | None:
        """Read the route.

        Returns:
            The route, or None if there is none yet.
        """
        return self._call("GET", "/route", Route)

    def write(self, route: Route) -> Route:
        """Replace weights and state; returns when the proxy deals by the new weights.

        Args:
            route: What shall be; its revision is that of the route it replaces ("" creates).

        Returns:
            The route with its new revision.

        Raises:
            ConflictError: If the stored revision is another one.
            BackendError: If weights or state are not allowed, a deployment cannot take weight yet,
                or the proxy refused.
        """
        check_state(route.state)
        return self._need("PUT", "/route", Route, json=route)

    def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Scrape a deployment's server, and ask the proxy what that server did not answer.

        Args:
            deployment: Its name.

        Returns:
            The server's entry first; then, if there were any, one of the proxy with the requests
            that timed out, were reset, overflowed or found no server, all of them errors and slow.

        Raises:
            NoDataError: If it cannot be scraped.
        """
        return self._need("GET", f"/metrics/{deployment}", tuple[PodCounters, ...])

    def labels(self, deployment: str) -> LabelCounters:
        """Count the labels that have arrived.

        Args:
            deployment: Name of the deployment.

        Returns:
            Its counts; zeros if there are none.
        """
        return self._need("GET", f"/labels/{deployment}", LabelCounters)

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """Tell the guard that the driver is alive.

        Args:
            rollout_id: The rollout.
            epoch: The epoch in the route's state.
        """
        self._send("PUT", "/heartbeat", json={"rollout_id": rollout_id, "epoch": epoch})

    def ready(self) -> bool:
        """Ask whether the guard watches.

        Returns:
            True if it does.
        """
        return self._need("GET", "/guard", dict[str, bool])["ready"]

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Start a model server, or attach to the one that runs under that name.

        Args:
            spec: What shall run.

        Returns:
            Its status right now.

        Raises:
            ConfigError: If the name is not allowed.
            ConflictError: If the name is taken by another specification.
        """
        return self._need("PUT", f"/deployments/{spec.name}", DeploymentStatus, json=spec)

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None if there is no such deployment.
        """
        return self._call("GET", f"/deployments/{name}", DeploymentStatus)

    def deployments(self) -> list[DeploymentStatus]:
        """Return the status of every deployment, oldest first."""
        return self._need("GET", "/deployments", list[DeploymentStatus])

    def remove(self, name: str) -> None:
        """Stop a deployment; one that does not exist is fine.

        Args:
            name: Its name.

        Raises:
            ConflictError: If it has weight.
        """
        self._send("DELETE", f"/deployments/{name}")

    def set_traffic(self, plan: TrafficPlan) -> None:
        """Replay rows through the proxy; with only the rate changed, nothing is interrupted.

        Args:
            plan: What, how fast; rate 0 pauses.

        Raises:
            ConfigError: If the plan is not allowed.
            BackendError: If the generator does not start.
        """
        self._send("PUT", "/traffic", json=plan, timeout=TRAFFIC_SECONDS)

    def traffic(self) -> dict[str, object]:
        """Return totals of the traffic.

        Returns:
            `running`, `rate`, `rate_achieved`, `sent`, `ok`, `lost`, `in_flight` and `deployments`.
            Lost is a request without any answer or with one of the proxy itself, so that `sent` is
            `ok` + `lost` + `in_flight` + the client and server errors of all names but "".
            Deployments are, per name ("" is the proxy itself), `requests`, `client_errors`,
            `server_errors`, `labelled`, `wrong`, `first_at`, `last_at` (unix seconds),
            `latency_p50_ms`, `latency_p95_ms`.
        """
        return self._need("GET", "/traffic", dict[str, object])

    def events(self, *, after: int = 0) -> list[dict[str, object]]:
        """Return recent changes of state.

        Args:
            after: Number of the last change already seen.

        Returns:
            Newer changes, oldest first: `number`, `at` (unix seconds), `kind`, `message`.
        """
        return self._need("GET", f"/events?after={after}", list[dict[str, object]])

    def processes(self) -> dict[str, object]:
        """Return process ids.

        Returns:
            `supervisor`, `proxy`, `proxy_restarts`, `traffic` (or None), `deployments` by name.
        """
        return self._need("GET", "/processes", dict[str, object])

    def _need(self, method: str, path: str, kind: type[T], *, json: object = None) -> T:
        found = self._call(method, path, kind, json=json)
        if found is None:
            raise BackendError(f"{method} {self._url}{path}: an empty answer")
        return found

    def _call(self, method: str, path: str, kind: type[T], *, json: object = None) -> T | None:
        answer = self._send(method, path, json=json)
        if answer.status_code == 204:
            return None
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise BackendError(f"{method} {self._url}{path}: not understood ({error})") from error

    def _send(
        self, method: str, path: str, *, json: object = None, timeout: float = TIMEOUT_SECONDS
    ) -> httpx.Response:
        content = None if json is None else msgspec.json.encode(json)
        try:
            answer = self._http.request(method, path, content=content, timeout=timeout)
        except httpx.TransportError as error:
            raise BackendError(
                f"the local supervisor at {self._url} does not answer ({type(error).__name__});"
                " check that `headgate run` is still running and see its logs/supervisor.log",
                retryable=True,
            ) from error
        if answer.is_error:
            _raise(answer)
        return answer


def _raise(answer: httpx.Response) -> NoReturn:
    """Raise the error that the supervisor named."""
    try:
        record = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.MsgspecError:
        record = {}
    message = str(record.get("message", f"{answer.url}: answer {answer.status_code}"))
    match record.get("error"):
        case "ConflictError":
            raise ConflictError(message)
        case str(name) if name in _NAMED:
            raise _NAMED[name](message)
        case _:
            raise BackendError(message, retryable=record.get("retryable") is True)
