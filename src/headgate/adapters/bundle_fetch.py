"""Fetch a bundle from a registry's server into memory, with the standard library alone.

The predictor does this: its image holds no HTTP client, and its root cannot be written.
"""

import base64
import contextlib
import logging
import re
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from headgate import __version__
from headgate.adapters.bundles import GRAPH_FILE, RECORD_FILE, Bundle, parse_bundle
from headgate.adapters.clock import SystemClock
from headgate.adapters.mlflow_uri import redacted
from headgate.errors import BackendError, ConfigError, DataError, HeadgateError

if TYPE_CHECKING:  # the ports bring what a predictor does not need
    from headgate.ports import Clock

LOG = logging.getLogger(__name__)
ROUTE = "api/2.0/mlflow-artifacts/artifacts"  # where an MLflow server serves artifacts
# More than any bundle of tables has; a server that sends without end must not fill the memory.
MAX_BYTES = {RECORD_FILE: 2**20, GRAPH_FILE: 2**29}
# Without a first good answer within so long it is given up; whoever started us tries again.
ANSWER_SECONDS = 20.0
# For both files with all retries: half a gigabyte over a slow line takes its time. The start-up
# probe allows two minutes, and the model has yet to be loaded.
TOTAL_SECONDS = 100.0
SILENT_SECONDS = 10.0  # a server that says nothing for so long is asked again
FIRST_PAUSE_SECONDS = 0.2  # doubled after each try, up to
LONGEST_PAUSE_SECONDS = 3.0
CHUNK_BYTES = 2**16
SHOWN_BYTES = 400  # of what a server says about an error
# No credentials (a URL ends up in process lists and logs), no query, no fragment.
FOLDER = re.compile(r"https?://[^\s/?#@]+(/[!-~]*)?", re.ASCII)
AGAIN = frozenset({408, 429})  # and everything from 500 on


def artifact_url(registry_uri: str, source: str) -> str:
    """Return where the server of a registry serves a folder of artifacts.

    Args:
        registry_uri: `http://…` or `https://…` of the server, as seen from who will fetch.
        source: `mlflow-artifacts:/path`, or `mlflow-artifacts://host/path`, whose host is not
            looked at: a server may be called otherwise where it is seen from elsewhere.

    Returns:
        The URL of the folder.

    Raises:
        ConfigError: If the artifacts are not served by the server, or `registry_uri` is no such
            URI or holds credentials.
    """
    parts = urlsplit(source)
    path = unquote(parts.path).strip("/")
    if parts.scheme != "mlflow-artifacts" or not path:
        raise ConfigError(
            f"the bundle lies in {redacted(source)!r}, allowed is mlflow-artifacts:/path, which the"
            " registry's server hands out; run it with --serve-artifacts and register the model"
            " anew (an experiment from before keeps its place, delete or rename it)"
        )
    return f"{_checked(registry_uri, 'registry_uri')}/{ROUTE}/{quote(path)}"


def authorization_header(environment: Mapping[str, str]) -> str:
    """Return the credentials that MLflow's own client would send.

    Args:
        environment: May hold `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or
            `MLFLOW_TRACKING_TOKEN`; space around them is dropped, files of secrets often end in it.

    Returns:
        Value of the header `Authorization`; "" without credentials.

    Raises:
        ConfigError: If the token has characters that no header can carry.
    """
    user, password, token = (
        environment.get(f"MLFLOW_TRACKING_{name}", "").strip()
        for name in ("USERNAME", "PASSWORD", "TOKEN")
    )
    if user and password:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    if not (token.isascii() and token.isprintable()):
        raise ConfigError("MLFLOW_TRACKING_TOKEN holds a control character or one beyond ASCII")
    return f"Bearer {token}" if token else ""


def fetch_bundle(
    url: str, *, sha256: str, authorization: str = "", clock: "Clock | None" = None
) -> Bundle:
    """Fetch the two files of a bundle; what is checked is what is used.

    Broken connections, silence of 10 s, and answers 408, 429 and 5xx are tried again: for 20 s
    until the first good answer, and for 100 s with all that is transferred.
    Proxies and certificates are the system's: `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`.

    Args:
        url: `http://…` or `https://…` of the folder.
        sha256: What `bundle_sha256` must say of the files.
        authorization: Value of the header `Authorization`, "" for none; it is sent to no other
            server, wherever a redirect points.
        clock: For waiting and for the limit; None takes the machine's.

    Returns:
        The bundle.

    Raises:
        ConfigError: If the URL is of another kind or holds credentials.
        DataError: If a file is missing or too large, the checksum is another one, or `bundle.json`
            is not one.
        BackendError: If the server does not answer in time (retryable), or refuses.
    """
    folder = _checked(url, "bundle URL")
    source = _Source(authorization, clock or SystemClock())
    contents = {
        name: source.read(f"{folder}/{name}", limit=limit) for name, limit in MAX_BYTES.items()
    }
    return parse_bundle(contents, where=folder, sha256=sha256)


class _Source:
    """A server, and the time that is left to ask it."""

    def __init__(self, authorization: str, clock: "Clock") -> None:
        self._clock, self._begun = clock, clock.monotonic()
        self._limit = ANSWER_SECONDS
        self._headers = {"User-Agent": f"headgate/{__version__}"}
        if authorization:
            self._headers["Authorization"] = authorization
        self._opener = OpenerDirector()  # the usual one would open files and FTP as well
        for handler in (
            ProxyHandler(),
            HTTPHandler(),
            HTTPSHandler(),
            HTTPDefaultErrorHandler(),
            HTTPErrorProcessor(),
            UnknownHandler(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def read(self, url: str, *, limit: int) -> bytes:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._once(url, limit)
            except BackendError as error:
                if not error.retryable:
                    raise
                if self._left() <= pause:
                    message = f"{error}; gave up after {self._limit:g} s"
                    raise BackendError(message, retryable=True) from error
                LOG.warning("%s; next try in %g s", error, pause)
            self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _once(self, url: str, limit: int) -> bytes:
        request = Request(url, headers=self._headers)  # noqa: S310 - `_checked` let http(s) through
        try:
            with self._opener.open(request, timeout=self._silence()) as answer:
                self._limit = TOTAL_SECONDS
                return self._body(answer, url, limit)
        except HTTPError as error:
            with error:
                raise _refusal(url, error) from error
        except (OSError, HTTPException) as error:
            raise _broken(url, error) from error

    def _body(self, answer: Any, url: str, limit: int) -> bytes:  # noqa: ANN401 - untyped in urllib
        announced: int | None = answer.length
        body = bytearray()
        if announced is not None and announced > limit:
            raise DataError(f"{url}: has {announced} bytes, allowed are {limit}")
        while chunk := answer.read1(CHUNK_BYTES):
            body += chunk
            if len(body) > limit:
                raise DataError(f"{url}: has more than the {limit} bytes that are allowed")
            if self._left() <= 0:
                message = f"{url}: only {len(body)} of {announced or 'unknown'} bytes came"
                raise BackendError(message, retryable=True)
        if announced is not None and len(body) < announced:
            message = f"{url}: the connection ended after {len(body)} of {announced} bytes"
            raise BackendError(message, retryable=True)
        return bytes(body)

    def _left(self) -> float:
        return self._begun + self._limit - self._clock.monotonic()

    def _silence(self) -> float:
        return max(min(SILENT_SECONDS, self._left()), FIRST_PAUSE_SECONDS)


class _Redirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if req.has_header("Authorization") and not _same_server(req.full_url, newurl):
            said = f"points at {urlsplit(newurl).hostname}, where the credentials are not sent"
            raise HTTPError(req.full_url, code, said, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _same_server(one: str, other: str) -> bool:
    old, new = urlsplit(one), urlsplit(other)
    same = (new.scheme, new.port) == (old.scheme, old.port) or new.scheme == "https"
    return same and new.hostname == old.hostname


def _checked(url: str, what: str) -> str:
    if FOLDER.fullmatch(url) is None or "?" in url or "#" in url:
        raise ConfigError(
            f"{what} {redacted(url)!r}: allowed are http://host/path and https://host/path;"
            " credentials are taken from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
            " MLFLOW_TRACKING_TOKEN"
        )
    return url.rstrip("/")


def _refusal(url: str, error: HTTPError) -> HeadgateError:
    said = f"{url}: HTTP {error.code} {error.reason}"
    with contextlib.suppress(OSError, HTTPException):
        said += f" {' '.join(error.read(SHOWN_BYTES).decode(errors='replace').split())}".rstrip()
    match error.code:
        case 404:
            return DataError(f"{said}; a bundle holds {' and '.join(MAX_BYTES)}")
        case 401 | 403:
            return BackendError(
                f"{said}; credentials are taken from MLFLOW_TRACKING_USERNAME and"
                " MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and an MLflow server answers"
                " only to the names in its --allowed-hosts"
            )
        case code:
            return BackendError(said, retryable=code in AGAIN or code >= 500)


def _broken(url: str, error: Exception) -> BackendError:
    reason = getattr(error, "reason", None)  # of an URLError
    if isinstance(reason, ssl.SSLCertVerificationError):
        trust = "name the file with your own authority's certificates in SSL_CERT_FILE"
        return BackendError(f"{url}: {reason.verify_message}; {trust}")
    return BackendError(
        f"{url}: no answer ({reason or error or type(error).__name__})", retryable=True
    )
