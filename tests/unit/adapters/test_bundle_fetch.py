"""Fetching a bundle, from servers on loopback that misbehave in one way each."""

import base64
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headgate.adapters.bundle_fetch import (
    ANSWER_SECONDS,
    MAX_BYTES,
    TOTAL_SECONDS,
    artifact_url,
    authorization_header,
    fetch_bundle,
)
from headgate.adapters.bundles import bundle_sha256, read_bundle
from headgate.adapters.memory import ManualClock
from headgate.errors import BackendError, ConfigError, DataError

FILES = ("bundle.json", "model.onnx")


class Server:
    """Serves the files of a folder under /registry; `script` answers before they do."""

    def __init__(self, folder, context=None):
        self.folder, self.script, self.asked = folder, [], []
        server = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_GET(self):
                server.asked.append((self.path, self.headers.get("Authorization")))
                if server.script:
                    server.script.pop(0)(self)
                    return
                body = (server.folder / self.path.rpartition("/")[2]).read_bytes()
                answer(self, 200, body)

            def log_message(self, *_):
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}/registry"
        if context is not None:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            self.url = f"https://127.0.0.1:{self.port}/registry"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class Hurried(ManualClock):
    """Each look at it takes some seconds."""

    def __init__(self, seconds):
        super().__init__()
        self._seconds = seconds

    def monotonic(self):
        self.elapsed += self._seconds
        return self.elapsed


def answer(handler, status, body=b"", *, announced=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if announced is not False:
        handler.send_header("Content-Length", str(announced or len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def says(status, body=b"", **options):
    return lambda handler: answer(handler, status, body, **options)


def hang_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def serve(tiny_bundle):
    started = []

    def start(context=None):
        started.append(Server(tiny_bundle, context))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def checksum(tiny_bundle):
    return bundle_sha256(tiny_bundle)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def clock(pauses):
    return ManualClock(on_sleep=pauses.append)


@pytest.mark.parametrize(
    ("registry_uri", "source"),
    [
        ("http://mlflow:5000", "mlflow-artifacts:/1/models/m-7/artifacts"),
        ("http://mlflow:5000/", "mlflow-artifacts:/1/models/m-7/artifacts/"),
        ("http://mlflow:5000", "mlflow-artifacts://elsewhere:80/1/models/m-7/artifacts"),
        ("http://mlflow:5000", "mlflow-artifacts:///1/models/m-7/artifacts"),
    ],
)
def test_an_artifact_of_the_server_has_a_url(registry_uri, source):
    assert artifact_url(registry_uri, source) == (
        "http://mlflow:5000/api/2.0/mlflow-artifacts/artifacts/1/models/m-7/artifacts"
    )


def test_the_registry_may_have_a_path_and_the_artifact_a_space():
    assert artifact_url("https://host/mlflow", "mlflow-artifacts:/a b/c%20d") == (
        "https://host/mlflow/api/2.0/mlflow-artifacts/artifacts/a%20b/c%20d"
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "s3://bucket/1/models/m-7",
        "file:///data/1",
        "/data/1",
        "models:/m-7",
        "mlflow-artifacts:",
    ],
)
def test_artifacts_that_no_server_hands_out_have_a_remedy(source):
    with pytest.raises(ConfigError, match=rf"'{source}', allowed is .* --serve-artifacts"):
        artifact_url("http://mlflow:5000", source)


@pytest.mark.parametrize(
    "uri",
    ["", "mlflow:5000", "sqlite:////x.db", "ftp://h", "http://", "http://h/a b", "http://h?x"],
)
def test_a_registry_that_is_no_server_is_a_configuration_error(uri):
    with pytest.raises(ConfigError, match=r"registry_uri .*: allowed are http://host/path"):
        artifact_url(uri, "mlflow-artifacts:/1")


def test_credentials_do_not_belong_into_a_url(checksum):
    with pytest.raises(ConfigError, match=r"//\*\*\*@host.*MLFLOW_TRACKING_PASSWORD") as caught:
        artifact_url("http://me:secret@host", "mlflow-artifacts:/1")
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="bundle URL 'http"):
        fetch_bundle("http://me:secret@host/1", sha256=checksum)


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, ""),
        ({"MLFLOW_TRACKING_TOKEN": "abc\n"}, "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "me"}, ""),
    ],
)
def test_credentials_are_those_of_mlflow(environment, header):
    assert authorization_header(environment) == header


def test_a_user_with_a_password_comes_before_a_token():
    found = authorization_header(
        {
            "MLFLOW_TRACKING_USERNAME": "me",
            "MLFLOW_TRACKING_PASSWORD": "s:ü",
            "MLFLOW_TRACKING_TOKEN": "abc",
        }
    )
    assert base64.b64decode(found.removeprefix("Basic ")).decode() == "me:s:ü"


@pytest.mark.parametrize("token", ["a\nb", "ü"])
def test_a_token_that_is_no_header_is_refused_and_not_shown(token):
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_TOKEN holds") as caught:
        authorization_header({"MLFLOW_TRACKING_TOKEN": token})
    assert token not in str(caught.value)


def test_a_fetched_bundle_is_the_one_in_the_folder(server, checksum, tiny_bundle):
    found = fetch_bundle(server.url + "/", sha256=checksum)
    assert found == read_bundle(tiny_bundle)
    assert server.asked == [(f"/registry/{name}", None) for name in FILES]


def test_another_bundle_is_refused_with_both_checksums(server, checksum, pauses, clock):
    with pytest.raises(DataError, match=rf"{server.url}: .* {checksum}, expected is 000000"):
        fetch_bundle(server.url, sha256="0" * 64, clock=clock)
    assert pauses == []


def test_a_missing_file_is_named_and_not_asked_for_again(server, checksum, clock):
    server.script = [says(404, b'{"error_code":\n "RESOURCE_DOES_NOT_EXIST"}')]
    with pytest.raises(DataError, match=r"bundle.json: HTTP 404 .*RESOURCE_DOES_NOT_EXIST") as it:
        fetch_bundle(server.url, sha256=checksum, clock=clock)
    assert len(server.asked) == 1
    assert "\n" not in str(it.value)


@pytest.mark.parametrize(
    "trouble",
    [says(503), says(429), says(408), hang_up],
    ids=["unavailable", "too many", "too late", "hung up"],
)
def test_trouble_that_passes_is_waited_for(server, checksum, clock, pauses, trouble):
    server.script = [trouble, trouble]
    assert fetch_bundle(server.url, sha256=checksum, clock=clock).sha256 == checksum
    assert pauses == [0.2, 0.4]


def test_a_body_that_ends_early_is_fetched_again(server, checksum, clock, pauses):
    server.script = [says(200, b'{"name":', announced=50)]
    assert fetch_bundle(server.url, sha256=checksum, clock=clock).sha256 == checksum
    assert pauses == [0.2]


def test_a_server_that_is_down_is_given_up_long_before_a_transfer_would_be(checksum, clock, pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/registry"
        with pytest.raises(BackendError, match=r"refused.*; gave up after 20 s") as caught:
            fetch_bundle(url, sha256=checksum, clock=clock)
    assert caught.value.retryable
    assert ANSWER_SECONDS - 3 < sum(pauses) < ANSWER_SECONDS


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final_and_names_what_it_may_lack(server, checksum, clock, pauses, status):
    server.script = [says(status, b"Invalid Host header")]
    with pytest.raises(BackendError, match=r"Invalid Host header; .*_TOKEN.*--allowed-hosts") as it:
        fetch_bundle(server.url, sha256=checksum, clock=clock)
    assert (it.value.retryable, pauses) == (False, [])


def test_another_refusal_is_final_as_well(server, checksum, clock, pauses):
    server.script = [says(400, b"no")]
    with pytest.raises(BackendError, match="HTTP 400 Bad Request no") as caught:
        fetch_bundle(server.url, sha256=checksum, clock=clock)
    assert (caught.value.retryable, pauses) == (False, [])


def test_a_file_that_is_announced_as_too_large_is_not_read(server, checksum, clock):
    server.script = [says(200, b"{", announced=MAX_BYTES["bundle.json"] + 1)]
    with pytest.raises(DataError, match="has 1048577 bytes, allowed are 1048576"):
        fetch_bundle(server.url, sha256=checksum, clock=clock)


def test_a_file_without_end_is_cut_off(server, checksum, clock):
    server.script = [says(200, bytes(2 * MAX_BYTES["bundle.json"]), announced=False)]
    with pytest.raises(DataError, match="more than the 1048576 bytes"):
        fetch_bundle(server.url, sha256=checksum, clock=clock)


def test_a_file_that_comes_too_slowly_is_given_up(server, checksum):
    server.script = [says(200, bytes(MAX_BYTES["bundle.json"]))]
    with pytest.raises(
        BackendError, match=r"only \d+ of 1048576 .*; gave up after 100 s"
    ) as caught:
        fetch_bundle(server.url, sha256=checksum, clock=Hurried(TOTAL_SECONDS / 3))
    assert caught.value.retryable


def test_a_file_that_comes_slowly_but_steadily_has_time(server, checksum):
    clock = Hurried(ANSWER_SECONDS / 2)
    assert fetch_bundle(server.url, sha256=checksum, clock=clock).sha256 == checksum
    assert ANSWER_SECONDS < clock.elapsed < TOTAL_SECONDS


def test_trouble_after_a_good_answer_is_waited_for_longer(server, checksum, clock, pauses):
    server.script = [says(200, b'{"name":', announced=50), *[says(503)] * 10]
    assert fetch_bundle(server.url, sha256=checksum, clock=clock).sha256 == checksum
    assert ANSWER_SECONDS < sum(pauses) < TOTAL_SECONDS


def test_credentials_reach_the_server(server, checksum):
    fetch_bundle(server.url, sha256=checksum, authorization="Bearer t")
    assert {header for _, header in server.asked} == {"Bearer t"}


def test_credentials_follow_a_redirect_on_the_same_server(server, checksum):
    server.script = [says(302, Location="/moved/bundle.json")]
    fetch_bundle(server.url, sha256=checksum, authorization="Bearer t")
    assert server.asked[:2] == [
        ("/registry/bundle.json", "Bearer t"),
        ("/moved/bundle.json", "Bearer t"),
    ]


def test_credentials_do_not_follow_to_another_server(serve, checksum, clock):
    server, other = serve(), serve()
    server.script = [says(302, Location=f"{other.url}/bundle.json")]
    with pytest.raises(BackendError, match=r"HTTP 302 points at 127.0.0.1, where") as caught:
        fetch_bundle(server.url, sha256=checksum, authorization="Bearer t", clock=clock)
    assert (caught.value.retryable, other.asked) == (False, [])


def test_without_credentials_every_redirect_is_followed(serve, checksum):
    server, other = serve(), serve()
    server.script = [says(307, Location=f"{other.url}/bundle.json")]
    assert fetch_bundle(server.url, sha256=checksum).sha256 == checksum
    assert len(other.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/bundle.json"])
def test_a_redirect_leads_nowhere_but_to_http(server, checksum, clock, target):
    server.script = [says(302, Location=target)] * 12
    with pytest.raises(BackendError, match=r"127.0.0.1"):
        fetch_bundle(server.url, sha256=checksum, clock=clock)


@pytest.fixture
def certificate(tmp_path):
    """A certificate that nobody but its owner trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    today = dt.datetime.now(tz=dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def encrypted(serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serve(context)


def test_an_authority_of_ones_own_is_trusted_by_the_usual_variable(
    encrypted, certificate, checksum, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch_bundle(encrypted.url, sha256=checksum).sha256 == checksum


def test_a_certificate_that_nobody_trusts_has_a_remedy(encrypted, checksum, clock, pauses):
    with pytest.raises(BackendError, match=r"self-signed certificate; .*SSL_CERT_FILE") as caught:
        fetch_bundle(encrypted.url, sha256=checksum, clock=clock)
    assert (caught.value.retryable, pauses) == (False, [])
