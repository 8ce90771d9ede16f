"""Kubeflow Pipelines over HTTP: start a run, look at it; every refusal says what to do.

Plain REST of v2beta1 and not `kfp.Client`: that one takes namespace and cookies of whatever server
was used last from a file in the home folder, knows no time-outs, and shows stack traces for half a
minute where nothing answers.
"""

import ipaddress
import json
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

import httpx
import msgspec

from headgate.adapters.kfp_refusals import API, another, refused, short, unreachable
from headgate.errors import BackendError, ConfigError

TIMEOUT_SECONDS = 15.0
SUBMIT_SECONDS = 60.0  # the server compiles the pipeline before it answers
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
EQUALS = 1  # of the filter's operations

T = TypeVar("T")


class _Options(TypedDict, total=False):
    query: Mapping[str, str]
    body: object
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of a run as the server knows it: a step, a condition, or what drives one."""

    name: str
    state: str  # PENDING, RUNNING, SUCCEEDED, SKIPPED, FAILED, ...; "" if the server says none
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long it took; 0 if that is not known."""
        if self.started is None or self.ended is None:
            return 0.0
        return max((self.ended - self.started).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run at one moment."""

    state: str
    tasks: tuple[Task, ...] = ()
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether the run changes no more; its tasks may be behind by seconds."""
        return self.state in ENDED


class PipelineServer:
    """One server of Kubeflow Pipelines.

    Every method raises `BackendError`: retryable if the server does not answer or is overloaded,
    else with the remedy. No write is ever repeated here.
    """

    def __init__(
        self, host: str, *, token_file: Path | None = None, ca_cert: Path | None = None
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            host: Address of the API server or of the dashboard, with http:// or https://.
            token_file: File with a bearer token, read anew for every request: tokens expire.
            ca_cert: Certificate of the authority that signed the server's; PEM.

        Raises:
            ConfigError: If the address is none, or a file cannot be read.
        """
        self.host = _address(host)
        self._http = httpx.Client(
            base_url=self.host + API,
            auth=None if token_file is None else _TokenFile(token_file),
            verify=True if ca_cert is None else _trust(ca_cert),
            timeout=TIMEOUT_SECONDS,
            trust_env=not _is_loopback(self.host),  # no proxy leads to a forwarded port
        )

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def serves_many(self) -> bool:
        """Ask whether namespaces keep users apart.

        Returns:
            True if every experiment needs a namespace.
        """
        return self._call("GET", "/healthz", _Health).multi_user or False

    def experiment(self, name: str, *, namespace: str = "") -> str:
        """Find an experiment, or create it.

        Args:
            name: Its name.
            namespace: Its namespace; "" for a server of one user.

        Returns:
            Its id.

        Raises:
            ConfigError: If it is archived.
        """
        found = self._experiment(name, namespace)
        if found is None:
            wanted = {"display_name": name} | ({"namespace": namespace} if namespace else {})
            answer = self._send("POST", "/experiments", body=wanted)
            if answer.status_code == httpx.codes.CONFLICT:  # somebody was quicker
                found = self._experiment(name, namespace)
            found = found or self._decoded(answer, _Experiment)
        if found.storage_state == "ARCHIVED":
            raise ConfigError(
                f"--experiment: {name!r} is archived; restore it in the dashboard, or name another"
            )
        return found.experiment_id

    def start(
        self,
        documents: tuple[dict[str, Any], dict[str, Any]],
        arguments: Mapping[str, Any],
        *,
        name: str,
        experiment: str,
    ) -> str:
        """Start a run.

        Args:
            documents: Specification of the pipeline, and its settings for Kubernetes.
            arguments: The pipeline's parameters.
            name: What the dashboard calls the run.
            experiment: Id of the experiment.

        Returns:
            The run's id.
        """
        wanted = {
            "display_name": name,
            "experiment_id": experiment,
            "pipeline_spec": {"pipeline_spec": documents[0], "platform_spec": documents[1]},
            "runtime_config": {"parameters": dict(arguments)},
        }
        try:
            return self._call("POST", "/runs", _Run, body=wanted, seconds=SUBMIT_SECONDS).run_id
        except BackendError as error:
            if not isinstance(error.__cause__, httpx.ReadTimeout):
                raise
            raise BackendError(
                f"{error}; the run may have started all the same: see {self.host}"
            ) from error

    def run(self, run_id: str) -> Run:
        """Look at a run.

        Args:
            run_id: Its id.
        """
        found = self._call("GET", f"/runs/{run_id}", _Run)
        details = found.run_details.task_details if found.run_details else None
        return Run(
            state=found.state or "",
            error=short(found.error.message or "") if found.error else "",
            tasks=tuple(
                Task(
                    name=one.display_name,
                    state=one.state or "",
                    started=one.start_time,
                    ended=one.end_time,
                )
                for one in details or ()
                if one.display_name  # the server lists tasks without a name, too
            ),
        )

    def run_address(self, run_id: str) -> str:
        """Return where the dashboard shows a run."""
        return f"{self.host}/#/runs/details/{run_id}"

    def stop_address(self, run_id: str) -> str:
        """Return what to POST to in order to end a run."""
        return f"{self.host}{API}/runs/{run_id}:terminate"

    def _experiment(self, name: str, namespace: str) -> "_Experiment | None":
        predicate = {"operation": EQUALS, "key": "display_name", "stringValue": name}
        query = {"filter": json.dumps({"predicates": [predicate]})}
        if namespace:
            query["namespace"] = namespace
        listed = self._call("GET", "/experiments", _Experiments, query=query).experiments
        return listed[0] if listed else None

    def _call(self, method: str, path: str, kind: type[T], **options: Unpack[_Options]) -> T:
        return self._decoded(self._send(method, path, **options), kind)

    def _send(self, method: str, path: str, **options: Unpack[_Options]) -> httpx.Response:
        try:
            return self._http.request(
                method,
                path,
                params=options.get("query"),
                json=options.get("body"),
                timeout=options.get("seconds", TIMEOUT_SECONDS),
            )
        except httpx.RequestError as error:
            raise unreachable(self.host, error) from error

    def _decoded(self, answer: httpx.Response, kind: type[T]) -> T:
        if not answer.is_success:
            raise refused(self.host, answer, with_token=self._http.auth is not None)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise another(self.host) from error


class _TokenFile(httpx.Auth):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._token()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._token()}"
        yield request

    def _token(self) -> str:
        text = _file(self._path, what="--token-file").strip()
        if not text or not text.isascii() or len(text.split()) > 1:
            raise ConfigError(f"--token-file {self._path}: holds no token; needed: one word")
        return text


# The answers, as far as they are read. Every value may be missing.


class _Health(msgspec.Struct):
    multi_user: bool | None = None


class _Experiment(msgspec.Struct):
    experiment_id: str
    storage_state: str | None = None


class _Experiments(msgspec.Struct):
    experiments: list[_Experiment] | None = None


class _Error(msgspec.Struct):
    message: str | None = None


class _Task(msgspec.Struct):
    display_name: str | None = None
    state: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class _Details(msgspec.Struct):
    task_details: list[_Task] | None = None


class _Run(msgspec.Struct):
    run_id: str
    state: str | None = None
    error: _Error | None = None
    run_details: _Details | None = None


def _address(host: str) -> str:
    parts = urlsplit(host)
    try:
        parts.port  # noqa: B018 - raises if it is no number
    except ValueError as error:
        raise ConfigError(f"--host is {host!r}: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ConfigError(
            f"--host is {host!r}; needed: an address with http:// or https://, as in"
            " http://localhost:8888 or https://kubeflow.example.com/pipeline"
        )
    if parts.username or parts.password:
        raise ConfigError("--host holds a password; give a token with --token-file")
    try:
        httpx.URL(host)
    except httpx.InvalidURL as error:
        raise ConfigError(f"--host is {host!r}: {short(str(error))}") from error
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(address: str) -> bool:
    name = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _trust(path: Path) -> ssl.SSLContext:
    text = _file(path, what="--ca-cert")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"--ca-cert {path}: holds no certificate in PEM form") from error
    return context


def _file(path: Path, *, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{what} {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what} {path}: is no text file") from error
