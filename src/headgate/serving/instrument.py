"""Count every answer, whoever gave it, and say who answered."""

import logging
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from headgate.serving import asgi
from headgate.serving.asgi import App, Message, Receive, Scope, Send

LOG = logging.getLogger("headgate.serving")
# Seconds; from a fast prediction to a request that a proxy gives up on. The plan's bound is added.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
PAGE = [(b"content-type", CONTENT_TYPE_LATEST.encode())]


def instrument(
    app: App,
    *,
    model: str,
    version: str,
    deployment: str,
    slow_above_ms: float,
    timer: Callable[[], float] = time.perf_counter,
) -> App:
    """Put metrics around an application; nothing may stand around it that gives answers.

    Adds `GET /metrics` and, to every answer, the headers `x-model-version` and
    `x-headgate-deployment`. POST requests are counted, by code and by duration (from the complete
    headers of the request to the last byte handed to the socket); probes and scrapes are no
    traffic. An exception of `app` is answered, and counted, as 500. A request whose client left
    before it was complete has no answer and is not counted.

    Args:
        app: What answers.
        model: Name of the registered model.
        version: Its version.
        deployment: Name of the deployment.
        slow_above_ms: Bound above which an answer is slow, in milliseconds; becomes a bucket.
        timer: Seconds of a clock that never goes back.

    Returns:
        An ASGI application.
    """
    return _Instrument(
        app, model=model, version=version, deployment=deployment, slow=slow_above_ms, timer=timer
    )


class _Instrument:
    def __init__(
        self,
        app: App,
        *,
        model: str,
        version: str,
        deployment: str,
        slow: float,
        timer: Callable[[], float],
    ) -> None:
        self._app, self._timer = app, timer
        self._who = [
            (b"x-model-version", version.encode()),
            (b"x-headgate-deployment", deployment.encode()),
        ]
        labels = {"model": model, "version": version, "deployment": deployment}
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "headgate_requests",
            "Answers to POST requests, by HTTP status.",
            [*labels, "code"],
            registry=self._registry,
        )
        self._labels = labels
        self._by_code: dict[int, Counter] = {}
        self._count(200)  # a series from the start: a scraper sees 0, not nothing
        self._duration = Histogram(
            "headgate_request_duration_seconds",
            "Time to answer POST requests.",
            list(labels),
            buckets=sorted({*BUCKETS, slow / 1000}),
            registry=self._registry,
        ).labels(**labels)
        started = Gauge(
            "headgate_process_start_time_seconds",
            "When this process began to count, in seconds since 1970.",
            list(labels),
            registry=self._registry,
        )
        started.labels(**labels).set(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._uncounted(scope, receive, send)
            return
        start, status = self._timer(), 0

        async def identified(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += self._who
            await send(message)

        try:
            await self._app(scope, receive, identified)
        except Exception:
            LOG.exception("%s failed", scope["path"])
            if status:  # the answer has begun; the server closes the connection
                self._count(500).inc()
                raise
            await asgi.answer(identified, 500, asgi.error("internal error; see the server's log"))
        if status:
            self._count(status).inc()
            self._duration.observe(self._timer() - start)

    async def _uncounted(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += self._who
            await send(message)

        if scope["path"] == "/metrics" and scope["method"] == "GET":
            await asgi.answer(identified, 200, generate_latest(self._registry), PAGE)
        else:
            await self._app(scope, receive, identified)

    def _count(self, code: int) -> Counter:
        found = self._by_code.get(code)
        if found is None:
            found = self._by_code[code] = self._requests.labels(**self._labels, code=str(code))
        return found
