"""The supervisor's HTTP API: what the components see of the local world.

It stands where the Kubernetes API stands on a cluster: compare-and-swap writes, 409 on a stale
revision, a bearer token on every call.
"""

import hmac
from typing import TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.adapters.local.core import Core
from headgate.adapters.local.traffic_plan import TrafficPlan
from headgate.errors import ConfigError, DataError, HeadgateError, NoDataError
from headgate.ports import ConflictError, DeploymentSpec, Route

T = TypeVar("T")


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """A driver's sign of life."""

    rollout_id: str
    epoch: int


class TokenRequired:
    """Answers 401 to every request without the bearer token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Wrap an application.

        Args:
            app: The application.
            token: The secret.
        """
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an authorised request on."""
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
        else:
            answer = JSONResponse({"error": "BackendError", "message": "token refused"}, 401)
            await answer(scope, receive, send)


def control_api(core: Core, *, token: str) -> ASGIApp:
    """Build the API.

    Args:
        core: What it controls.
        token: Bearer token that every request must carry.

    Returns:
        An ASGI application.
    """
    api = _Api(core)
    app = Starlette(
        routes=[
            Path("/route", api.get_route, methods=["GET"]),
            Path("/route", api.put_route, methods=["PUT"]),
            Path("/heartbeat", api.put_heartbeat, methods=["PUT"]),
            Path("/guard", api.get_guard, methods=["GET"]),
            Path("/deployments", api.get_deployments, methods=["GET"]),
            Path("/deployments/{name}", api.get_deployment, methods=["GET"]),
            Path("/deployments/{name}", api.put_deployment, methods=["PUT"]),
            Path("/deployments/{name}", api.delete_deployment, methods=["DELETE"]),
            Path("/metrics/{name}", api.get_metrics, methods=["GET"]),
            Path("/labels/{name}", api.get_labels, methods=["GET"]),
            Path("/traffic", api.get_traffic, methods=["GET"]),
            Path("/traffic", api.put_traffic, methods=["PUT"]),
            Path("/events", api.get_events, methods=["GET"]),
            Path("/processes", api.get_processes, methods=["GET"]),
        ],
        exception_handlers={HeadgateError: _error},
    )
    return TokenRequired(app, token)


class _Api:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def get_route(self, _: Request) -> Response:
        route = self._core.route
        return _answer(None, 204) if route is None else _answer(route)

    async def put_route(self, request: Request) -> Response:
        return _answer(await self._core.write_route(await _body(request, Route)))

    async def put_heartbeat(self, request: Request) -> Response:
        beat = await _body(request, Beat)
        self._core.guard.beat(beat.rollout_id, epoch=beat.epoch)
        return _answer(None, 204)

    async def get_guard(self, _: Request) -> Response:
        return _answer({"ready": self._core.guard.ready()})

    async def get_deployments(self, _: Request) -> Response:
        return _answer(self._core.servers.statuses())

    async def get_deployment(self, request: Request) -> Response:
        status = self._core.servers.status(request.path_params["name"])
        return _answer(None, 204) if status is None else _answer(status)

    async def put_deployment(self, request: Request) -> Response:
        spec = await _body(request, DeploymentSpec)
        if spec.name != request.path_params["name"]:
            raise ConfigError(f"deployment: the path says {request.url.path}, not {spec.name}")
        return _answer(self._core.servers.deploy(spec))

    async def delete_deployment(self, request: Request) -> Response:
        await self._core.remove(request.path_params["name"])
        return _answer(None, 204)

    async def get_metrics(self, request: Request) -> Response:
        return _answer(await self._core.counters(request.path_params["name"]))

    async def get_labels(self, request: Request) -> Response:
        return _answer(self._core.replay.labels(request.path_params["name"]))

    async def get_traffic(self, _: Request) -> Response:
        return _answer(self._core.replay.record())

    async def put_traffic(self, request: Request) -> Response:
        await self._core.replay.follow(await _body(request, TrafficPlan))
        return _answer(self._core.replay.record())

    async def get_events(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise ConfigError(f"events: after must be a whole number, got {after!r}")
        return _answer(self._core.events.after(int(after)))

    async def get_processes(self, _: Request) -> Response:
        return _answer(self._core.processes())


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{request.url.path}: {error}") from error


def _answer(value: object, status: int = 200) -> Response:
    if status == 204:
        return Response(status_code=204)
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _error(_: Request, error: Exception) -> Response:
    match error:
        case ConflictError():
            status = 409
        case ConfigError():
            status = 400
        case NoDataError():
            status = 404
        case DataError():
            status = 422
        case _:
            status = 503
    content = {
        "error": type(error).__name__,
        "message": str(error),
        "retryable": getattr(error, "retryable", False),
    }
    return JSONResponse(content, status)
