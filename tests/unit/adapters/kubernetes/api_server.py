"""A small API server on loopback: objects by path, with revisions, refusals and outages on demand.

It knows the kinds of `headgate.adapters.kubernetes.kinds` and speaks as the real one does where
headgate depends on it; what the real one checks or fills in beyond that is for the tests on a real
cluster.

    with ApiServer() as server, server.api() as api:
        server.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}})
        server.refuse("PUT", "/services/", 403)
"""

import json
import threading
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3

from headgate.adapters.kubernetes.api import KINDS, Connection, Kind, KubernetesApi, kind_of

USER = "system:serviceaccount:serving:tester"
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Refused(Exception):  # noqa: N818 - not an error of the test
    """An answer other than 2xx."""

    def __init__(self, status: int, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"kind": "Status", "code": status, "message": message, "details": details}


@dataclass
class Fault:
    method: str  # "" means any
    part: str  # of the path
    status: int  # 0: hang up without an answer, -1: do it, then hang up
    times: int
    message: str


class ApiServer:
    """Holds objects by path; `namespace` is where manifests without one go."""

    def __init__(self, namespace: str = "serving") -> None:
        self.namespace = namespace
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []  # method and path, in order of arrival
        self.denied: set[tuple[str, str]] = set()  # verb and resource.group, for access reviews
        self.unknown: set[str] = set()  # plurals of kinds that are not installed
        self.missing: set[str] = set()  # namespaces that do not exist
        self.pages: dict[str, str] = {}  # "POD:PORT/path" through the proxy, "/path" directly
        self.before_write: Callable[[str, str], None] | None = None  # called with method and path
        self.faults: list[Fault] = []
        self._revision = 0
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self, *, in_cluster: bool = False) -> KubernetesApi:
        return KubernetesApi(
            Connection(
                server=self.url,
                pool=urllib3.PoolManager(),
                authorization=lambda: "Bearer secret",
                namespace=self.namespace,
                in_cluster=in_cluster,
            )
        )

    # What tests say of the world.

    def put(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Store an object, whatever was there."""
        with self._lock:
            return self._store(self._path_of(manifest), deepcopy(manifest))

    def object(self, kind: Kind, name: str) -> dict[str, Any] | None:
        with self._lock:
            found = self.objects.get(kind.path(namespace=self.namespace, name=name))
            return deepcopy(found)

    def refuse(
        self, method: str, part: str, status: int, *, times: int = 1, message: str = ""
    ) -> None:
        """Answer the next requests of a method ("" means any) whose path holds `part` like this."""
        self.faults.append(Fault(method, part, status, times, message))

    def hang_up(self, method: str = "", part: str = "", *, times: int = 1_000_000) -> Fault:
        """Close the connection instead; take the fault out of `faults` to end the outage."""
        self.refuse(method, part, 0, times=times)
        return self.faults[-1]

    def lose_answer(self, method: str, part: str) -> None:
        """Do what the next request asks, but do not tell."""
        self.refuse(method, part, -1)

    # What it does.

    def answer(self, method: str, target: str, body: Any) -> Any:
        """Return a JSON value or a text, or raise `Refused`; None hangs up."""
        split = urlsplit(target)
        path, query = unquote(split.path), {k: v[0] for k, v in parse_qs(split.query).items()}
        with self._lock:
            self.requests.append((method, path))
            fault = self._fault(method, path)
            if fault is not None and fault.status > 0:
                raise _refusal(fault, method, path)
            if fault is not None and fault.status == 0:
                return None
            if path in self.pages:
                return self.pages[path]
            if self.before_write is not None and method != "GET":
                self.before_write(method, path)
            done = self._do(method, path, query, body)
            return None if fault is not None else deepcopy(done)

    def _do(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if "/proxy/" in path:
            return self._proxy(path)
        if path.endswith("reviews"):
            return {"status": self._review(path, body)}
        kind, name = self._parse(path)
        if method == "GET":
            return self._existing(path, kind, name) if name else self._list(kind, path, query)
        return self._write(method, path, kind, name, query, body)

    def _write(
        self, method: str, path: str, kind: Kind, name: str, query: dict[str, str], body: Any
    ) -> Any:
        match method:
            case "POST":
                return self._create(f"{path}/{body['metadata']['name']}", kind, body)
            case "PUT":
                return self._replace(path, kind, name, body)
            case "PATCH":
                return self._patch(path, query, body)
            case _:
                return self._delete(path, kind, name, body)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in {"", method} and fault.part in path:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _path_of(self, manifest: dict[str, Any]) -> str:
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace", self.namespace)
        return kind_of(manifest).path(namespace=namespace, name=metadata["name"])

    def _store(self, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        old = self.objects.get(path, {"metadata": {"uid": str(uuid.uuid4())}})
        metadata = manifest.setdefault("metadata", {})
        if "/namespaces/" in path:
            metadata["namespace"] = _namespace(path)
        metadata["uid"] = old["metadata"]["uid"]
        metadata["resourceVersion"] = old["metadata"].get("resourceVersion", "")
        if manifest != old:  # a write that changes nothing leaves the revision
            self._revision += 1
            metadata["resourceVersion"] = str(self._revision)
        self.objects[path] = manifest
        return manifest

    def _parse(self, path: str) -> tuple[Kind, str]:
        for kind in KINDS:
            if kind.plural in self.unknown:
                continue
            root = kind.path(namespace=_namespace(path) if kind.namespaced else None)
            if path == root or path.startswith(f"{root}/"):
                return kind, path[len(root) + 1 :]
        raise Refused(404, "the server could not find the requested resource")

    def _existing(self, path: str, kind: Kind, name: str) -> dict[str, Any]:
        if path not in self.objects:
            message = f'{kind.resource} "{name}" not found'
            raise Refused(404, message, name=name, group=kind.group, kind=kind.plural)
        return self.objects[path]

    def _list(self, kind: Kind, path: str, query: dict[str, str]) -> dict[str, Any]:
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
        everywhere = kind.namespaced and "/namespaces/" not in path
        found = [
            manifest
            for place, manifest in sorted(self.objects.items())
            if (kind_of(manifest) == kind if everywhere else place.rpartition("/")[0] == path)
            and wanted.items() <= manifest["metadata"].get("labels", {}).items()
        ]
        first = int(query.get("continue", "0"))
        last = first + int(query.get("limit", "500"))
        rest = {"continue": str(last)} if last < len(found) else {}
        heads = {"apiVersion", "kind"}  # left out of the items, as for built-in kinds
        items = [{k: v for k, v in m.items() if k not in heads} for m in found[first:last]]
        return {"metadata": rest, "items": items}

    def _create(self, path: str, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
        where = _namespace(path)
        if where in self.missing:
            raise Refused(404, f'namespaces "{where}" not found', name=where, kind="namespaces")
        if path in self.objects:
            raise Refused(409, f'{kind.resource} "{body["metadata"]["name"]}" already exists')
        return self._store(path, body)

    def _replace(self, path: str, kind: Kind, name: str, body: dict[str, Any]) -> dict[str, Any]:
        stored = self._existing(path, kind, name)["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion", stored) != stored:
            raise Refused(409, f'"{name}": the object has been modified; try again')
        return self._store(path, body)

    def _patch(self, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        merged = _merge(deepcopy(self.objects.get(path, {})), body)
        return merged if "dryRun" in query else self._store(path, merged)

    def _delete(self, path: str, kind: Kind, name: str, body: Any) -> dict[str, Any]:
        uid = self._existing(path, kind, name)["metadata"]["uid"]
        if (body or {}).get("preconditions", {}).get("uid", uid) != uid:
            raise Refused(409, f'the UID in the precondition does not match that of "{name}"')
        del self.objects[path]
        return {"kind": "Status", "status": "Success"}

    def _review(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("selfsubjectreviews"):
            return {"userInfo": {"username": USER}}
        asked = body["spec"]["resourceAttributes"]
        resource = f"{asked['resource']}.{asked['group']}".rstrip(".")
        return {"allowed": (asked["verb"], resource) not in self.denied}

    def _proxy(self, path: str) -> str:
        pod, _, page = path.split("/pods/")[1].partition("/proxy/")
        if f"{pod}/{page}" not in self.pages:
            raise Refused(503, "error trying to reach service: connection refused")
        return self.pages[f"{pod}/{page}"]


def _refusal(fault: Fault, method: str, path: str) -> Refused:
    if fault.status != 403 or fault.message:
        return Refused(fault.status, fault.message or "refused by the test")
    plural = next((kind.plural for kind in KINDS if f"/{kind.plural}" in path), "things")
    return Refused(403, f'User "{USER}" cannot {VERBS[method]} resource "{plural}"')


def _namespace(path: str) -> str | None:
    _, found, rest = path.partition("/namespaces/")
    return rest.partition("/")[0] if found else None


def _merge(old: Any, new: Any) -> Any:
    """Merge as RFC 7386 does."""
    if not isinstance(new, dict):
        return new
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                status, found = 200, server.answer(self.command, self.path, body)
            except Refused as refused:
                status, found = refused.status, refused.body
            if found is None:
                self.close_connection = True
                return
            data = (found if isinstance(found, str) else json.dumps(found)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self._answer

        def log_message(self, *_: object) -> None:
            pass

    return Handler
