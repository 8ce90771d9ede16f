"""Every port in memory: for tests, simulations and examples. They keep the ports' contracts.

Each fake raises the errors queued in its `faults` (one per call, oldest first; None lets one call
through) before it does anything, so that a test can say which call fails.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from headgate.errors import BackendError, NoDataError
from headgate.ports.cluster import DeploymentSpec, DeploymentStatus
from headgate.ports.evidence import LabelCounters, PodCounters
from headgate.ports.registry import ModelVersion
from headgate.ports.routing import WEIGHT_PARTS, ConflictError, Route

MAX_STATE_BYTES = 100 * 1024  # an annotation may hold 256 KiB; others need room as well


@dataclass(kw_only=True)
class Faults:
    """Errors that the next calls raise, oldest first; None lets one call through."""

    faults: list[Exception | None] = field(default_factory=list)

    def _call(self) -> None:
        error = self.faults.pop(0) if self.faults else None
        if error is not None:
            raise error


@dataclass(kw_only=True)
class MemoryRouter(Faults):
    """A route with compare-and-swap; `history` holds every route ever written.

    `lost_answers` works as `faults` does, but after the write: it was stored, the answer is lost.
    """

    route: Route | None = None
    history: list[Route] = field(default_factory=list)
    lost_answers: list[Exception | None] = field(default_factory=list)
    _writing: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def read(self) -> Route | None:
        """Read the route.

        Returns:
            The route, or None if nothing was written yet.
        """
        self._call()
        return self.route

    def write(self, route: Route) -> Route:
        """Replace weights and state if `route.revision` is the stored one.

        Args:
            route: What shall be.

        Returns:
            The route with its new revision.

        Raises:
            ConflictError: If the stored revision is another one.
            BackendError: If the weights do not sum to 10,000 or the state is not small JSON.
        """
        self._call()
        with self._writing:
            was, stored = route.revision, "" if self.route is None else self.route.revision
            if was != stored:
                raise ConflictError(f"route: revision {was!r} was replaced by {stored!r}")
            _check_weights(route)
            # Through JSON and back, as every real store does: tuples come back as lists.
            revision, state = str(len(self.history) + 1), json.loads(_state_text(route.state))
            self.route = written = replace(route, revision=revision, state=state)
            self.history.append(written)
        lost = self.lost_answers.pop(0) if self.lost_answers else None
        if lost is not None:
            raise lost
        return written


def _check_weights(route: Route) -> None:
    weights = [backend.weight for backend in route.backends]
    if len({backend.deployment for backend in route.backends}) < len(weights):
        raise BackendError(f"route: a deployment stands twice in {list(route.backends)}")
    if sum(weights) != WEIGHT_PARTS or min(weights) < 0:
        raise BackendError(f"route: weights must sum to {WEIGHT_PARTS}, got {weights}")


def _state_text(state: Mapping[str, object] | None) -> str:
    try:
        text = json.dumps(None if state is None else dict(state), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BackendError(f"route: state has no JSON form ({error})") from error
    if len(text) > MAX_STATE_BYTES:
        raise BackendError(f"route: state of {len(text)} bytes, allowed are {MAX_STATE_BYTES}")
    return text


class ManualClock:
    """A clock that moves only when somebody sleeps; `on_sleep` sees each wait's seconds."""

    def __init__(
        self, *, start: float = 1_750_000_000.0, on_sleep: Callable[[float], None] | None = None
    ) -> None:
        """Start at a wall time, with the monotonic clock at 0.

        Args:
            start: Wall time in seconds since 1970; the default is a day in 2025.
            on_sleep: Called with the seconds after each sleep: there the world moves on.
        """
        self.start = start
        self.elapsed = 0.0
        self.on_sleep = on_sleep

    def now(self) -> float:
        """Read the wall clock.

        Returns:
            Seconds since 1970-01-01 UTC.
        """
        return self.start + self.elapsed

    def monotonic(self) -> float:
        """Read the monotonic clock.

        Returns:
            Seconds slept so far.
        """
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Move the clock on.

        Args:
            seconds: How far; less than 0 counts as 0.
        """
        self.elapsed += max(seconds, 0.0)
        if self.on_sleep is not None:
            self.on_sleep(seconds)


@dataclass(kw_only=True)
class MemoryMetrics(Faults):
    """Counters per deployment and pod; tests add to them or replace them."""

    pods: dict[str, tuple[PodCounters, ...]] = field(default_factory=dict)

    def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Return what was set.

        Args:
            deployment: Name of the deployment.

        Returns:
            Its pods.

        Raises:
            NoDataError: If it has none.
        """
        self._call()
        found = self.pods.get(deployment, ())
        if not found:
            raise NoDataError(f"no pod of {deployment} can be scraped")
        return found

    def add(self, deployment: str, *, requests: int, errors: int = 0, slow: int = 0) -> None:
        """Count answers of a deployment's first pod, which is made if there is none.

        Args:
            deployment: Name of the deployment.
            requests: Answers.
            errors: Bad ones among them.
            slow: Slow ones among them.
        """
        first, *others = self.pods.get(deployment) or (
            PodCounters(pod=f"{deployment}-0", started="boot-1", requests=0, errors=0, slow=0),
        )
        grown = replace(
            first,
            requests=first.requests + requests,
            errors=first.errors + errors,
            slow=first.slow + slow,
        )
        self.pods[deployment] = (grown, *others)


@dataclass(kw_only=True)
class MemoryLabels(Faults):
    """Labelled answers per deployment."""

    counts: dict[str, LabelCounters] = field(default_factory=dict)

    def labels(self, deployment: str) -> LabelCounters:
        """Return what was counted.

        Args:
            deployment: Name of the deployment.

        Returns:
            Its counts; zeros if there are none.
        """
        self._call()
        return self.counts.get(deployment, LabelCounters(labelled=0, wrong=0))

    def add(self, deployment: str, *, labelled: int, wrong: int = 0) -> None:
        """Count labelled answers.

        Args:
            deployment: Name of the deployment.
            labelled: Answers whose label arrived.
            wrong: Wrong ones among them.
        """
        old = self.counts.get(deployment, LabelCounters(labelled=0, wrong=0))
        self.counts[deployment] = LabelCounters(
            labelled=old.labelled + labelled, wrong=old.wrong + wrong
        )


@dataclass(kw_only=True)
class MemoryHeartbeat(Faults):
    """Remembers every beat."""

    beats: list[tuple[str, int]] = field(default_factory=list)

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """Remember a beat.

        Args:
            rollout_id: The rollout.
            epoch: The epoch the driver acts on.
        """
        self._call()
        self.beats.append((rollout_id, epoch))


@dataclass(kw_only=True)
class MemoryGuard(Faults):
    """A guard that is ready, or is not."""

    is_ready: bool = True

    def ready(self) -> bool:
        """Say whether a guard watches.

        Returns:
            What was set.
        """
        self._call()
        return self.is_ready


@dataclass(kw_only=True)
class MemoryDeployments(Faults):
    """Deployments that are ready at once; with a router, weight protects from removal."""

    running: dict[str, DeploymentStatus] = field(default_factory=dict)
    specs: dict[str, DeploymentSpec] = field(default_factory=dict)
    router: MemoryRouter | None = None

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Start a deployment, or attach to the one of that name.

        Args:
            spec: What shall run.

        Returns:
            Its status.

        Raises:
            BackendError: If the name is taken by another specification.
        """
        self._call()
        if self.specs.get(spec.name, spec) != spec:
            raise BackendError(f"deployment {spec.name} exists with another specification")
        self.specs[spec.name] = spec
        fresh = DeploymentStatus(name=spec.name, version=spec.version, ready=True, restarts=0)
        return self.running.setdefault(spec.name, fresh)

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None.
        """
        self._call()
        return self.running.get(name)

    def remove(self, name: str) -> None:
        """Stop a deployment; one that does not exist is fine.

        Args:
            name: Its name.

        Raises:
            ConflictError: If it still has weight.
        """
        self._call()
        route = None if self.router is None else self.router.route
        if route is not None and route.weight(name) > 0:
            raise ConflictError(f"deployment {name} still has weight {route.weight(name)}")
        self.running.pop(name, None)
        self.specs.pop(name, None)


@dataclass(kw_only=True)
class MemoryRegistry(Faults):
    """Versions and aliases in two dictionaries."""

    versions: dict[tuple[str, str], ModelVersion] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)

    def register(
        self,
        name: str,
        version: str,
        *,
        uri: str = "",
        sha256: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Add a version.

        Args:
            name: Registered model.
            version: Its version.
            uri: Folder of the bundle.
            sha256: Of the bundle.
            tags: Tags of the version.

        Returns:
            The version.
        """
        made = ModelVersion(name=name, version=version, uri=uri, sha256=sha256, tags=tags or {})
        self.versions[name, version] = made
        return made

    def version(self, name: str, version: str) -> ModelVersion:
        """Look up one version.

        Args:
            name: Registered model.
            version: Its version.

        Returns:
            The version.

        Raises:
            BackendError: If there is no such version.
        """
        self._call()
        try:
            return self.versions[name, version]
        except KeyError:
            known = [v for n, v in self.versions if n == name]
            raise BackendError(
                f"no version {version!r} of model {name!r}; there are {known}"
            ) from None

    def by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Look up the version of an alias.

        Args:
            name: Registered model.
            alias: The alias.

        Returns:
            The version, or None.
        """
        self._call()
        version = self.aliases.get((name, alias))
        return None if version is None else self.versions[name, version]

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version.

        Args:
            name: Registered model.
            alias: The alias.
            version: The version.

        Raises:
            BackendError: If there is no such version.
        """
        self.version(name, version)
        self.aliases[name, alias] = version

    def delete_alias(self, name: str, alias: str) -> None:
        """Drop an alias; one that does not exist is fine.

        Args:
            name: Registered model.
            alias: The alias.
        """
        self._call()
        self.aliases.pop((name, alias), None)
