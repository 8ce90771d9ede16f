"""The predictor: bare ASGI, because a framework costs more time than a prediction does."""

from collections.abc import Callable

from headgate import __version__
from headgate.adapters.inference import Engine, RowAnswerer
from headgate.errors import DataError
from headgate.serving import asgi
from headgate.serving.asgi import App, Receive, Scope, Send
from headgate.serving.open_inference import OpenInference

Handler = Callable[[bytes], bytes]  # request body -> answer body; DataError becomes a 400


def predictor(engine: Engine, *, version: str, deployment: str) -> App:
    """Return the application that answers for one model.

    `POST /predict` takes named features; `/v2/...` is the Open Inference Protocol. Input that is
    wrong is answered with 400 and a message that says what is allowed; an answer 5xx means that
    the server is broken.

    Args:
        engine: Predicts.
        version: Version of the model.
        deployment: Name of the deployment.

    Returns:
        An ASGI application, warm: its first answer is as fast as any other. Put `instrument`
        around it.
    """
    rows = RowAnswerer(engine, version=version, deployment=deployment)
    rows.warm()
    return _Predictor(_routes(engine, rows, version=version))


class _Predictor:
    def __init__(self, routes: dict[str, tuple[str, Handler]]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"])
        if route is None:
            known = sorted(self._routes)
            await asgi.answer(send, 404, asgi.error(f"no {scope['path']}; there are {known}"))
            return
        method, handler = route
        if scope["method"] != method:
            headers = [*asgi.JSON, (b"allow", method.encode())]
            message = f"{scope['method']} {scope['path']}; allowed is {method}"
            await asgi.answer(send, 405, asgi.error(message), headers)
            return
        status = 200
        try:
            body = handler(await asgi.read_body(receive))
        except asgi.ClientGoneError:
            return
        except asgi.BodyTooLargeError:
            allowed = f"the body is too large, allowed are {asgi.MAX_BODY_BYTES} bytes"
            status, body = 413, asgi.error(allowed)
        except DataError as error:
            status, body = 400, asgi.error(str(error))
        await asgi.answer(send, status, body)


def _routes(engine: Engine, rows: RowAnswerer, *, version: str) -> dict[str, tuple[str, Handler]]:
    protocol = OpenInference(engine, version=version)
    metadata = protocol.metadata()
    server = b'{"name":"headgate","version":"%s","extensions":[]}' % __version__.encode()
    routes: dict[str, tuple[str, Handler]] = {
        "/predict": ("POST", rows.answer),
        "/v2": ("GET", lambda _: server),
        "/v2/health/live": ("GET", lambda _: b'{"live":true}'),
        "/v2/health/ready": ("GET", lambda _: b'{"ready":true}'),
    }
    model = f"/v2/models/{engine.record.name}"
    for prefix in (model, f"{model}/versions/{version}"):
        routes[prefix] = ("GET", lambda _: metadata)
        routes[f"{prefix}/ready"] = ("GET", lambda _: b'{"ready":true}')
        routes[f"{prefix}/infer"] = ("POST", protocol.infer)
    return routes
