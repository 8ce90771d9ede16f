import asyncio
import json

import httpx
import pytest

from headgate.adapters.bundles import read_bundle
from headgate.adapters.inference import Engine
from headgate.serving import instrument, predictor


class Client:
    """Calls an ASGI application without a server."""

    def __init__(self, app) -> None:
        self._app = app

    def request(self, method: str, path: str, **options) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, body: object) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content=content)

    def metrics(self) -> dict[str, float]:
        """Sample values by name and labels, without those that all samples share."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line[0] != "#"]
        samples = {}
        for line in lines:
            name, value = line.rsplit(" ", 1)
            for shared in ('deployment="canary"', 'model="adult"', 'version="7"'):
                name = name.replace(f"{shared},", "").replace(f",{shared}", "").replace(shared, "")
            samples[name.replace("{}", "")] = float(value)
        return samples


@pytest.fixture
def engine(tiny_bundle):
    """P(positive) = sigmoid(0.1 * age); classes <=50K and >50K."""
    return Engine(read_bundle(tiny_bundle))


@pytest.fixture
def bare(engine):
    return predictor(engine, version="7", deployment="canary")


@pytest.fixture
def around():
    """Put the metrics around an application and return a client of the whole."""

    def build(app, *, slow_above_ms=100.0, **options):
        return Client(
            instrument(
                app,
                model="adult",
                version="7",
                deployment="canary",
                slow_above_ms=slow_above_ms,
                **options,
            )
        )

    return build


@pytest.fixture
def client(bare, around):
    return around(bare)
