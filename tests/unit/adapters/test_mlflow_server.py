"""The registry behind HTTP: a server that answers the look-ups as MLflow 3.17 does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.adapters.bundle_fetch import artifact_url, fetch_bundle
from headgate.adapters.bundles import bundle_sha256, read_bundle
from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.errors import BackendError

ROUTES = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
SOURCE = "mlflow-artifacts:/1/models/m-1/artifacts"


class Server:
    """One registered version, `champion`, whose artifacts are the files of a folder."""

    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.tags = [{"key": "headgate.sha256", "value": bundle_sha256(bundle)}]
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(urlsplit(self.path).path)
                status, body = server.answer(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.send_response(503)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, target: str) -> tuple[int, bytes]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/api/3.0/mlflow/server-info":  # as with a bucket that only the server reaches
            return 200, b'{"multipart_downloads_enabled": true}'
        if path == ARTIFACTS:
            files = [{"path": file.name, "is_dir": False} for file in self.bundle.iterdir()]
            return 200, json.dumps({"files": files}).encode()
        if path.startswith(ARTIFACTS):
            return 200, (self.bundle / Path(path).name).read_bytes()
        condition = query.get("filter", [""])[0]
        model = {"name": "adult", "aliases": [{"alias": "champion", "version": "4"}]}
        version = {"name": "adult", "version": "4", "source": SOURCE, "tags": self.tags}
        answers = {
            "registered-models/search": {"registered_models": [model] * ("'adult'" in condition)},
            "registered-models/get": {"registered_model": model},
            "model-versions/search": {"model_versions": [version] * ("= 4" in condition)},
            "model-versions/get-download-uri": {"artifact_uri": SOURCE},
        }
        found = answers.get(path.removeprefix(ROUTES))
        return (200, json.dumps(found).encode()) if found is not None else (503, b"{}")


@pytest.fixture
def server(tiny_bundle):
    made = Server(tiny_bundle)
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


@pytest.fixture
def registry(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return MlflowRegistry(server.url, cache=tmp_path / "cache")


def test_a_bundle_of_a_server_is_downloaded_once_and_checked(registry, server, tiny_bundle) -> None:
    found = registry.by_alias("adult", "champion")
    assert (found.version, found.sha256) == ("4", bundle_sha256(tiny_bundle))
    assert found.source == SOURCE
    assert (Path(found.uri) / "model.onnx").read_bytes() == (
        tiny_bundle / "model.onnx"
    ).read_bytes()
    assert Path(found.uri).is_relative_to(registry.cache)
    assert registry.version("adult", "4") == found
    assert len([path for path in server.asked if path.endswith("/model.onnx")]) == 1


def test_a_predictor_can_fetch_what_the_registry_names(registry, server, tiny_bundle) -> None:
    found = registry.by_alias("adult", "champion")
    fetched = fetch_bundle(artifact_url(server.url, found.source), sha256=found.sha256)
    assert fetched == read_bundle(tiny_bundle)


def test_what_a_server_does_not_know_is_none_or_named(registry) -> None:
    assert registry.by_alias("adult", "candidate") is None
    assert registry.by_alias("unknown", "champion") is None
    with pytest.raises(BackendError, match="adult has no version '5'"):
        registry.version("adult", "5")


def test_a_download_of_other_bytes_is_refused(registry, server) -> None:
    server.tags[0]["value"] = "0" * 64
    with pytest.raises(BackendError, match="registered was 0000"):
        registry.by_alias("adult", "champion")
    assert list(registry.cache.iterdir()) == []


@pytest.mark.parametrize("tag", ["", "../../elsewhere", "A" * 64])
def test_a_version_that_headgate_did_not_register_is_refused(registry, server, tag) -> None:
    server.tags[0]["value"] = tag
    with pytest.raises(BackendError, match="needed are 64 hexadecimal digits"):
        registry.version("adult", "4")
    assert not registry.cache.exists()


def test_a_server_in_trouble_is_a_retryable_error(registry) -> None:
    with pytest.raises(BackendError, match="cannot point adult@champion") as caught:
        registry.set_alias("adult", "champion", "4")
    assert caught.value.retryable
