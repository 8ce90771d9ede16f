"""A server on loopback that answers like the API server of Kubeflow Pipelines, as far as we ask."""

import json
import re
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

API = "/apis/v2beta1"
RUN_ID = "5ad2f1a6-6f7e-4c55-9a57-3f2d1e0f7a10"
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@dataclass
class Script:
    """What the server knows, and what it was told.

    `looks` are the states of the run, one a look; the last one stays. A look that is a number is
    answered with that status. `refusal` is the answer to everything.
    """

    many_users: bool = False
    accepts: str = ""  # the token; "" asks for none
    prefix: str = ""
    refusal: tuple[int, str] | None = None
    looks: list[Any] = field(default_factory=list)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    quicker: bool = False  # somebody creates the experiment just before
    runs: list[dict[str, Any]] = field(default_factory=list)


class PipelinesServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script, *, tls: tuple[Path, Path] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}{self.script.prefix}"

    def handle_error(self, request, client_address) -> None:
        """Say nothing of clients that turn away, as those that do not trust the certificate."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: PipelinesServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, method: str) -> None:
        script = self.server.script
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        if script.refusal is not None:
            return self._send(*script.refusal)
        if not parts.path.startswith(script.prefix + API):
            return self._send(404, "404 page not found")
        if script.accepts and self.headers.get("authorization") != f"Bearer {script.accepts}":
            return self._send(401, '{"code": 16, "message": "Unauthenticated"}')
        path = parts.path.removeprefix(script.prefix + API)
        status, answer = self._route(method, path, parse_qs(parts.query), body)
        return self._send(status, answer if isinstance(answer, str) else json.dumps(answer))

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any):
        script = self.server.script
        match (method, path):
            case ("GET", "/healthz"):
                return 200, {"multi_user": True} if script.many_users else {}
            case ("GET", "/experiments"):
                return self._experiments(query)
            case ("POST", "/experiments"):
                return self._create(body)
            case ("POST", "/runs"):
                return self._start(body)
            case ("GET", _) if re.fullmatch(f"/runs/{RUN_ID}", path):
                look = script.looks[0]
                del script.looks[: len(script.looks) > 1]
                return (
                    (look, "busy") if isinstance(look, int) else (200, {"run_id": RUN_ID, **look})
                )
        return 404, {"code": 5, "message": "Not Found"}

    def _experiments(self, query: dict[str, list[str]]):
        script = self.server.script
        if not script.many_users and "namespace" in query:
            return 400, {"code": 3, "message": "In single-user mode there are no namespaces"}
        (predicate,) = json.loads(query["filter"][0])["predicates"]
        assert (predicate["operation"], predicate["key"]) == (1, "display_name")
        found = [
            one
            for one in script.experiments
            if one["display_name"] == predicate["stringValue"]
            and one.get("namespace") == query.get("namespace", [None])[0]
        ]
        return 200, {"experiments": found, "total_size": len(found)} if found else {}

    def _create(self, body: dict[str, Any]):
        script = self.server.script
        if not script.many_users and "namespace" in body:
            return 400, {"code": 3, "message": "In single-user mode there are no namespaces"}
        made = {"experiment_id": f"e{len(script.experiments)}", **body}
        script.experiments.append(made)
        if script.quicker:
            return 409, {"code": 6, "message": "Already exist error"}
        return 200, made

    def _start(self, body: dict[str, Any]):
        # The real server reads both documents by these definitions, and refuses all else.
        documents = body["pipeline_spec"]
        json_format.ParseDict(documents["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(documents["platform_spec"], pipeline_spec_pb2.PlatformSpec())
        self.server.script.runs.append(body)
        return 200, {"run_id": RUN_ID, "state": "PENDING"}

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", text)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def look(state: str, **tasks: str) -> dict[str, Any]:
    """Return a run as the server shows it; `a_b` is task `a-b`, all tasks take 5 s."""
    ended = (START + timedelta(seconds=5)).isoformat()
    details = [
        {
            "run_id": RUN_ID,
            "task_id": f"t{number}",
            "display_name": name.replace("_", "-"),
            "state": task,
            "start_time": START.isoformat(),
            "end_time": ended if task in {"SUCCEEDED", "FAILED"} else "1970-01-01T00:00:00Z",
            "child_tasks": [{"pod_name": "x"}],
        }
        for number, (name, task) in enumerate(tasks.items())
    ]
    # The real server lists tasks without name and state as well.
    return {"state": state, "run_details": {"task_details": [*details, {"run_id": RUN_ID}]}}


def certificate(folder: Path, *, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Make a certificate that signs itself, for one address; return its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.crt", folder / "server.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
