"""A namespace of a cluster as the place that serves one model."""

from functools import cached_property
from typing import NoReturn, Self

from headgate.adapters.kubernetes.api import KubernetesApi
from headgate.adapters.kubernetes.deployments import ClusterDeployments
from headgate.adapters.kubernetes.heartbeat import GuardDeployment, LeaseHeartbeat
from headgate.adapters.kubernetes.metrics import PodMetrics
from headgate.adapters.kubernetes.router import HttpRouteRouter
from headgate.adapters.kubernetes.settings import Settings, read_settings
from headgate.errors import BackendError, ConfigError
from headgate.ports import DeploymentSpec, DeploymentStatus, PodCounters, Route

# A node may have to be added, and has to pull the image: minutes, where one machine takes seconds.
READY_SECONDS = 300.0


class KubernetesPlace:
    """Router, metrics, heartbeat, guard and deployments of one model in one namespace.

    Implements all ports that a rollout needs, but for labels, which have no source here yet. The
    settings of the namespace are read when something first needs them; so every method raises
    `ConfigError` if they are missing or wrong, and `BackendError` if the cluster does not answer or
    refuses.
    """

    ready_timeout_seconds = READY_SECONDS

    def __init__(
        self,
        api: KubernetesApi,
        *,
        namespace: str,
        model: str,
        slow_above_ms: float | None = None,
    ) -> None:
        """Name the parts; nothing is asked yet.

        Args:
            api: The cluster; closed when this place is left as a context.
            namespace: Where the model is served.
            model: Registered model.
            slow_above_ms: Bound above which an answer is slow; None takes the one that each
                deployment was made with.
        """
        self._api, self._namespace, self._model = api, namespace, model
        self._metrics = PodMetrics(api, namespace=namespace, slow_above_ms=slow_above_ms)
        self._guard = GuardDeployment(api, namespace)

    def __enter__(self) -> Self:
        """Return the place itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._api.close()

    @property
    def settle_seconds(self) -> float:
        """How long the Gateway may take to follow a new weight, by the settings."""
        return self._settings.gateway.settle_seconds

    def read(self) -> Route | None:
        """Read the route.

        Returns:
            The route, or None if there is none yet.
        """
        return self._router.read()

    def write(self, route: Route) -> Route:
        """Replace weights and state in one write, if nobody wrote since `route.revision`.

        Args:
            route: What shall be.

        Returns:
            The route with its new revision.

        Raises:
            ConflictError: If the stored revision is another one.
            BackendError: If a deployment cannot take weight yet, or weights are not allowed.
        """
        self._check_ready(route)
        return self._router.write(route)

    def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Scrape all pods of a deployment.

        Args:
            deployment: Its name.

        Returns:
            One entry per pod that answered.

        Raises:
            NoDataError: If none answered.
        """
        return self._metrics.counters(deployment)

    def labels(self, deployment: str) -> NoReturn:
        """Refuse: nobody counts labels on a cluster yet.

        Args:
            deployment: Its name.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"rollout.wrong_answers of {deployment} needs labels, which have no source on a "
            "cluster yet; set wrong_answers to null in the rollout section of the problem"
        )

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """Tell the guard that the driver is alive.

        Args:
            rollout_id: The rollout.
            epoch: The epoch in the route's state.
        """
        self._heartbeat.beat(rollout_id, epoch=epoch)

    def ready(self) -> bool:
        """Ask whether a guard watches.

        Returns:
            True if one does.
        """
        return self._guard.ready()

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Start a model server, or attach to the one that runs under that name.

        Args:
            spec: What shall run.

        Returns:
            Its status right now.

        Raises:
            BackendError: If the name, or the route, belongs to somebody else.
        """
        return self._deployments.deploy(spec)

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None if there is no such deployment of ours.
        """
        return self._deployments.status(name)

    def remove(self, name: str) -> None:
        """Delete a deployment; one that does not exist is fine.

        Args:
            name: Its name.

        Raises:
            ConflictError: If it has weight.
        """
        self._deployments.remove(name)

    @cached_property
    def _settings(self) -> Settings:
        return read_settings(self._api, self._namespace)

    @cached_property
    def _router(self) -> HttpRouteRouter:
        return HttpRouteRouter(
            self._api, namespace=self._namespace, model=self._model, settings=self._settings
        )

    @cached_property
    def _heartbeat(self) -> LeaseHeartbeat:
        return LeaseHeartbeat(self._api, namespace=self._namespace, route=self._router.name)

    @cached_property
    def _deployments(self) -> ClusterDeployments:
        return ClusterDeployments(
            self._api, namespace=self._namespace, settings=self._settings, route=self._router
        )

    def _check_ready(self, proposed: Route) -> None:
        """Refuse weight for a deployment that has none and could not answer."""
        before = self._router.read()
        for backend in proposed.backends:
            # Whoever has weight already may get more, ready or not: a roll-back is never refused.
            fresh = before is None or before.weight(backend.deployment) == 0
            foreign = "/" in backend.deployment
            if backend.weight > 0 and fresh and not foreign and not self._takes(backend.deployment):
                raise BackendError(
                    f"route: {backend.deployment} is not ready and cannot take weight",
                    retryable=True,
                )

    def _takes(self, deployment: str) -> bool:
        status = self._deployments.status(deployment)
        return status is not None and status.ready
