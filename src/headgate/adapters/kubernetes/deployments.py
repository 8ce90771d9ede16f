"""Model servers on a cluster: one Deployment, and what goes with it, per model version."""

import logging
from typing import Protocol

from headgate.adapters.bundle_fetch import artifact_url
from headgate.adapters.kubernetes.api import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    HORIZONTAL_POD_AUTOSCALER,
    POD,
    POD_DISRUPTION_BUDGET,
    POD_TEMPLATE,
    SERVICE,
    KubernetesApi,
    Manifest,
    kind_of,
)
from headgate.adapters.kubernetes.http_route import annotations, labels
from headgate.adapters.kubernetes.kinds import OURS
from headgate.adapters.kubernetes.pod_status import deployment_status
from headgate.adapters.kubernetes.predictor_objects import (
    NAME,
    SHA256,
    TEMPLATE,
    labels_of,
    predictor_objects,
)
from headgate.adapters.kubernetes.settings import Settings
from headgate.errors import BackendError, ConfigError
from headgate.ports import ConflictError, DeploymentSpec, DeploymentStatus, Route

LOG = logging.getLogger(__name__)
# The server that takes the traffic goes last, what only looks after it first.
REMOVAL = (HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, SERVICE, DEPLOYMENT)


class OwnedRoute(Protocol):
    """What deployments need of the route of their model."""

    def ensure(self) -> None:
        """Create or adopt the route."""

    def read(self) -> Route | None:
        """Read it."""


class ClusterDeployments:
    """Implements `headgate.ports.Deployments`."""

    def __init__(
        self, api: KubernetesApi, *, namespace: str, settings: Settings, route: OwnedRoute
    ) -> None:
        """Keep the settings; nothing is asked yet.

        Args:
            api: The cluster.
            namespace: Where the deployments are.
            settings: Where pods find the registry, and how many pods there are.
            route: The route of the model; who owns it is settled before anything runs.
        """
        self._api, self._namespace = api, namespace
        self._settings, self._route = settings, route

    def deploy(self, spec: DeploymentSpec) -> DeploymentStatus:
        """Make what is missing of a deployment; what is there is left untouched.

        A Deployment that is down for good and has no weight is made anew: an image that was loaded
        since, or a template that was repaired, would else be looked at in minutes or never.

        Args:
            spec: What shall run.

        Returns:
            Its status right now.

        Raises:
            ConfigError: If the registry serves no artifacts, or the PodTemplate lacks something.
            BackendError: If a name is taken by something else, or the cluster refuses.
        """
        wanted = predictor_objects(
            spec,
            template=self._template(),
            replicas=self._settings.replicas,
            bundle_url=self._bundle_url(spec),
            namespace=self._namespace,
        )
        missing = [manifest for manifest in wanted if not self._is_there(manifest, spec)]
        # All checks come first, so that a refusal leaves the cluster as it was.
        for manifest in missing:
            self._api.apply(manifest, dry_run=True)
        self._route.ensure()
        broken = self._broken(spec)
        if broken:
            (deployment,) = (manifest for manifest in wanted if kind_of(manifest) == DEPLOYMENT)
            self._api.apply(deployment, dry_run=True)
            self._api.delete(DEPLOYMENT, spec.name, namespace=self._namespace, uid=broken)
            missing.append(deployment)
        for manifest in missing:
            self._api.apply(manifest)
        if missing:
            LOG.info("deployment %s starts", spec.name)
        status = self.status(spec.name)
        if status is None:
            raise ConflictError(f"Deployment {self._called(spec.name)} was deleted just now")
        return status

    def status(self, name: str) -> DeploymentStatus | None:
        """Look at a deployment.

        Args:
            name: Its name.

        Returns:
            Its status, or None if there is no such deployment of ours.

        Raises:
            BackendError: If the cluster does not answer or refuses.
        """
        if "/" in name:  # a backend of somebody else, behind a route that we share
            return None
        deployment = self._api.get(DEPLOYMENT, name, namespace=self._namespace)
        if deployment is None or not _is_ours(deployment, name):
            return None
        return self._judge(deployment)

    def remove(self, name: str) -> None:
        """Delete a deployment's objects; those of others, and missing ones, are left alone.

        Args:
            name: Its name.

        Raises:
            ConflictError: If it still has weight.
            BackendError: If the cluster does not answer or refuses.
        """
        weight = self._weight(name)
        if weight > 0:
            raise ConflictError(f"deployment {name} still has weight {weight}")
        if "/" in name:
            return
        for kind in REMOVAL:
            found = self._api.get(kind, name, namespace=self._namespace)
            if found is not None and _is_ours(found, name):
                # By uid: between the look and the deletion another may have taken the name.
                uid = found["metadata"]["uid"]
                self._api.delete(kind, name, namespace=self._namespace, uid=uid)
        LOG.info("deployment %s removed", name)

    def _judge(self, deployment: Manifest) -> DeploymentStatus:
        name = deployment["metadata"]["name"]
        of_service = {"kubernetes.io/service-name": name}
        return deployment_status(
            deployment,
            pods=self._api.list(POD, namespace=self._namespace, labels={NAME: name}),
            slices=self._api.list(ENDPOINT_SLICE, namespace=self._namespace, labels=of_service),
        )

    def _broken(self, spec: DeploymentSpec) -> str:
        """Find the uid of a Deployment of ours that may be made anew; "" if there is none."""
        deployment = self._api.get(DEPLOYMENT, spec.name, namespace=self._namespace)
        if deployment is None or not _is_ours(deployment, spec.name):
            return ""
        if not self._judge(deployment).reason or self._weight(spec.name) > 0:
            return ""
        return str(deployment["metadata"]["uid"])

    def _weight(self, name: str) -> int:
        route = self._route.read()
        return 0 if route is None else route.weight(name)

    def _template(self) -> Manifest:
        found = self._api.get(POD_TEMPLATE, TEMPLATE, namespace=self._namespace)
        if found is None:
            raise ConfigError(
                f"PodTemplate {self._called(TEMPLATE)} is missing; install headgate there: "
                "kubectl apply -k manifests/overlays/..."
            )
        return found

    def _bundle_url(self, spec: DeploymentSpec) -> str:
        if not spec.source:
            raise ConfigError(
                f"{spec.model} version {spec.version} has no address that a pod could fetch it "
                "from: a cluster needs a registry with an http(s):// address that serves its "
                "artifacts (mlflow server --serve-artifacts), not one in a file"
            )
        return artifact_url(self._settings.registry_uri, spec.source)

    def _is_there(self, wanted: Manifest, spec: DeploymentSpec) -> bool:
        """Tell whether an object exists; refuse one that is another than the wanted."""
        kind = kind_of(wanted)
        found = self._api.get(kind, spec.name, namespace=self._namespace)
        if found is None:
            return False
        called = f"{kind.kind} {self._called(spec.name)}"
        if "deletionTimestamp" in found["metadata"]:
            raise ConflictError(f"{called} is being deleted; try again when it is gone")
        if not labels_of(spec).items() <= labels(found).items():
            raise BackendError(
                f"{called}: the name is taken by something that headgate did not make for "
                f"{spec.model} version {spec.version}; delete or rename it"
            )
        sha256 = annotations(found).get(SHA256)
        if kind == DEPLOYMENT and sha256 != spec.sha256:
            raise BackendError(
                f"{called}: the name is taken by another bundle (sha256 {sha256}, wanted "
                f"{spec.sha256}); remove it first"
            )
        return True

    def _called(self, name: str) -> str:
        return f"{self._namespace}/{name}"


def _is_ours(found: Manifest, name: str) -> bool:
    return {**OURS, NAME: name}.items() <= labels(found).items()
