"""The driver's sign of life, and the watchman who reads it."""

from datetime import UTC, datetime

from headgate.adapters.kubernetes.api import DEPLOYMENT, LEASE, KubernetesApi
from headgate.adapters.kubernetes.kinds import OURS

GUARD = "headgate-guard"  # name of its Deployment
EPOCH = "headgate.dev/epoch"


def lease_name(route: str) -> str:
    """Name the Lease of a route.

    Args:
        route: Name of the HTTPRoute.

    Returns:
        Name of its Lease, in the same namespace.
    """
    return f"headgate-{route}"


class LeaseHeartbeat:
    """Implements `Heartbeat` of `headgate.ports`; one request per beat."""

    def __init__(self, api: KubernetesApi, *, namespace: str, route: str) -> None:
        """Keep where to beat; nothing is sent yet.

        Args:
            api: The cluster.
            namespace: Namespace of the route.
            route: Name of the HTTPRoute.
        """
        self._api, self._namespace, self._name = api, namespace, lease_name(route)

    def beat(self, rollout_id: str, *, epoch: int) -> None:
        """Renew the Lease, and make it if there is none.

        Args:
            rollout_id: The rollout.
            epoch: The epoch in the route's state that the driver acts on.

        Raises:
            BackendError: If it was not recorded.
        """
        self._api.apply(
            {
                "apiVersion": LEASE.api_version,
                "kind": LEASE.kind,
                "metadata": {
                    "name": self._name,
                    "namespace": self._namespace,
                    "labels": dict(OURS),
                    "annotations": {EPOCH: str(epoch)},
                },
                "spec": {
                    "holderIdentity": rollout_id,
                    # For people, and so that each beat differs: the guard goes by its own clock.
                    "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                },
            }
        )


class GuardDeployment:
    """Implements `GuardStatus` of `headgate.ports`."""

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        """Keep where to look; nothing is sent yet.

        Args:
            api: The cluster.
            namespace: The namespace that models are served in.
        """
        self._api, self._namespace = api, namespace

    def ready(self) -> bool:
        """Ask whether a guard watches.

        Returns:
            True if a pod of its Deployment is ready; it is while it can read the routes.

        Raises:
            BackendError: If the cluster does not answer or refuses.
        """
        found = self._api.get(DEPLOYMENT, GUARD, namespace=self._namespace)
        return found is not None and (found.get("status") or {}).get("readyReplicas", 0) > 0
