"""The route of a model on a cluster: one HTTPRoute."""

from contextlib import suppress

from headgate.adapters.kubernetes.api import HTTP_ROUTE, SERVICE, KubernetesApi, Manifest
from headgate.adapters.kubernetes.http_route import (
    backend_refs,
    is_empty,
    labels,
    name_of,
    our_rule,
    owned_names,
    points_to,
    route_of,
    with_route,
)
from headgate.adapters.kubernetes.kinds import MANAGED_BY, MODEL
from headgate.adapters.kubernetes.route_ownership import (
    adopted,
    is_created,
    is_ours,
    new_route,
    with_owned,
)
from headgate.adapters.kubernetes.route_put import put_route
from headgate.adapters.kubernetes.settings import Settings
from headgate.errors import BackendError, ConfigError
from headgate.ports import ConflictError, Route
from headgate.usecases.deploy import dns_label

ATTEMPTS = 3  # to create or adopt, against others who do the same
REMEMBERED = 8  # revisions whose objects are kept for the write that follows


class HttpRouteRouter:
    """Implements `TrafficRouter` of `headgate.ports`."""

    def __init__(
        self, api: KubernetesApi, *, namespace: str, model: str, settings: Settings
    ) -> None:
        """Work out which HTTPRoute it is; nothing is sent yet.

        Args:
            api: The cluster.
            namespace: The namespace that models are served in.
            model: Registered model.
            settings: Gateway, domain, and the names of routes to adopt.
        """
        self._api, self._namespace, self._settings = api, namespace, settings
        self._title, self._model = model, dns_label(model)
        self._seen: dict[str, Manifest] = {}
        self.name = settings.routes.get(model, self._model)  # of the HTTPRoute

    def ensure(self) -> None:
        """Create the route without any backend, or adopt the one that its owner offers.

        Calling it again changes nothing. It comes before anything is started, so that trouble about
        who owns the route shows first.

        Raises:
            ConfigError: If the settings name a route that does not exist, or a route to adopt has
                several rules and none is named `headgate`.
            BackendError: If the route belongs to somebody else or to another model.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(ConflictError):  # somebody made or changed it just now: look again
                return self._ensure()
        return self._ensure()

    def read(self) -> Route | None:
        """Read the route.

        In an adopted route, a backendRef that its owner has pointed at a Service of ours counts as
        ours, so that they can send the first version its traffic and leave the rest to us.

        Returns:
            The route, or None if there is none or nothing was written to it yet.

        Raises:
            BackendError: If it belongs to somebody else, or the cluster does not answer.
        """
        manifest = self._get()
        if manifest is None:
            return None
        route = self._remember(manifest)
        return None if is_empty(route) else route

    def write(self, route: Route) -> Route:
        """Replace weights and state in one PUT.

        Args:
            route: What shall be; its revision is that of the route it replaces ("" creates).

        Returns:
            The route with its new revision.

        Raises:
            ConfigError: If there is none, and the settings say that there is.
            ConflictError: If somebody wrote since.
            BackendError: If weights or state are not allowed, or the cluster does not answer.
        """
        base = self._base(route.revision)
        if base is not None:
            return self._remember(put_route(self._api, base, route))
        return self._remember(self._api.create(with_route(self._new(), route)))

    def _ensure(self) -> None:
        manifest = self._api.get(HTTP_ROUTE, self.name, namespace=self._namespace)
        if manifest is None:
            self._api.create(self._new())
        elif not is_ours(manifest, model=self._model):
            owned = self._own_services(manifest)
            self._api.replace(adopted(manifest, model=self._model, owned=owned))

    def _own_services(
        self, manifest: Manifest, *, known: frozenset[str] = frozenset()
    ) -> list[str]:
        """Find the backendRefs that the route's owner has pointed at Services that we made."""
        if our_rule(manifest) is None:
            return []
        names = [ref["name"] for ref in backend_refs(manifest)]
        ours = {MANAGED_BY: "headgate", MODEL: self._model}
        found = []
        for name in names:
            if name in known or names.count(name) > 1 or not self._points_to(manifest, name):
                continue
            service = self._api.get(SERVICE, name, namespace=self._namespace)
            if service is not None and ours.items() <= labels(service).items():
                found.append(name)
        return found

    @staticmethod
    def _points_to(manifest: Manifest, name: str) -> bool:
        return any(points_to(manifest, ref, name) for ref in backend_refs(manifest))

    def _new(self) -> Manifest:
        if self._title in self._settings.routes:  # a slip of the pen, and not a route to make
            raise ConfigError(
                f"settings.routes names HTTPRoute {self.name} for model {self._title}, which does "
                f"not exist in namespace {self._namespace}; create it, or take the entry out"
            )
        return new_route(
            self.name, namespace=self._namespace, model=self._model, settings=self._settings
        )

    def _get(self) -> Manifest | None:
        manifest = self._api.get(HTTP_ROUTE, self.name, namespace=self._namespace)
        if manifest is not None and not is_ours(manifest, model=self._model):
            raise BackendError(f"{name_of(manifest)} is not adopted yet; deploy_model does that")
        if manifest is None or is_created(manifest):
            return manifest
        found = self._own_services(manifest, known=owned_names(manifest))
        return with_owned(manifest, found)

    def _remember(self, manifest: Manifest) -> Route:
        route = route_of(manifest)
        self._seen[route.revision] = manifest
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return route

    def _base(self, revision: str) -> Manifest | None:
        """Find the object that a write builds on; None if it has to be created."""
        if revision in self._seen:
            return self._seen[revision]
        manifest = self._get()
        if manifest is None and not revision:
            return None
        stored = None if manifest is None else self._remember(manifest)
        if stored is not None and (stored.revision == revision or _is_place(stored, revision)):
            return manifest
        raise ConflictError(
            f"HTTPRoute {self._namespace}/{self.name}: revision {revision!r} was replaced by "
            f"{'nothing' if stored is None else repr(stored.revision)}; read it again"
        )


def _is_place(stored: Route, revision: str) -> bool:
    return not revision and is_empty(stored)
