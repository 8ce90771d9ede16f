"""What Kubeflow Pipelines, or the way to it, says no with: each a line with the remedy."""

import httpx

from headgate.errors import BackendError

API = "/apis/v2beta1"
SHOWN_CHARACTERS = 300
CODES = httpx.codes
BUSY = frozenset({CODES.REQUEST_TIMEOUT, CODES.TOO_MANY_REQUESTS})
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure")
OTHER_NAME = ("Hostname mismatch", "IP address mismatch")
NO_NAME = ("Name or service not known", "name resolution", "nodename nor servname", "getaddrinfo")
FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline 8888"
CREATE_TOKEN = "kubectl create token NAME -n NAMESPACE --audience pipelines.kubeflow.org"  # noqa: S105


def unreachable(host: str, error: httpx.RequestError) -> BackendError:
    """Explain why there was no answer.

    Args:
        host: Address of the server.
        error: What the client raised.

    Returns:
        The error; trouble with TLS is not retryable.
    """
    if isinstance(error, httpx.TimeoutException):
        return BackendError(f"{host} does not answer in time", retryable=True)
    text = short(str(error)) or type(error).__name__
    tls = "SSL" in text or "certificate" in text.lower()
    return BackendError(f"{host} cannot be reached ({text}); {_way(text)}", retryable=not tls)


def _way(text: str) -> str:
    if any(part in text for part in NO_TLS):
        return "it speaks no TLS; write --host with http://"
    if any(part in text for part in OTHER_NAME):
        return "its certificate is for another name; use that name in --host"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "give the certificate of the authority that signed its own with --ca-cert"
    if any(part in text for part in NO_NAME):
        return "this machine knows no such host; is --host right, and is this its network?"
    return (
        "is --host right? For a cluster without a public address:"
        f" {FORWARD}, then --host http://localhost:8888"
    )


def refused(host: str, answer: httpx.Response, *, with_token: bool) -> BackendError:
    """Explain an answer that is no success.

    Args:
        host: Address of the server.
        answer: What it said.
        with_token: Whether the request carried a token.

    Returns:
        The error; retryable if the server is overloaded or broken.
    """
    status, said = answer.status_code, _said(answer)
    if status == CODES.UNAUTHORIZED or answer.is_redirect:
        return BackendError(_login(host, with_token=with_token))
    if status == CODES.FORBIDDEN:
        return BackendError(
            f"{host} does not allow this ({said}); is --namespace yours, and may the account of"
            " --token-file use pipelines there?"
        )
    if "HTTP request to an HTTPS server" in said or "HTTP request was sent to HTTPS" in said:
        return BackendError(f"{host} speaks TLS; write --host with https://")
    if status == CODES.NOT_FOUND and not _is_of_the_api(answer):
        return another(host)
    again = status >= CODES.INTERNAL_SERVER_ERROR or status in BUSY
    return BackendError(f"{host} answers {status} ({said})", retryable=again)


def another(host: str) -> BackendError:
    """Explain an answer that Kubeflow Pipelines would not give.

    Args:
        host: Address of the server.
    """
    return BackendError(
        f"{host} answers, but is no Kubeflow Pipelines (nothing of it under {API}); a full"
        " Kubeflow has it at an address that ends in /pipeline"
    )


def short(text: str) -> str:
    """Return a text on one line, cut where it gets long.

    Args:
        text: Any text.
    """
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}..."


def _login(host: str, *, with_token: bool) -> str:
    if with_token:
        return (
            f"{host} does not accept the token of --token-file: expired, or made for another"
            f" audience; make a new one, as with: {CREATE_TOKEN}"
        )
    return (
        f"{host} asks for a login; give a token that it accepts with --token-file, as made with:"
        f" {CREATE_TOKEN}"
    )


def _is_of_the_api(answer: httpx.Response) -> bool:
    try:
        return "code" in answer.json()
    except (ValueError, TypeError):
        return False


def _said(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return short(answer.text) or answer.reason_phrase
    text = body.get("message") or body.get("error") if isinstance(body, dict) else body
    return short(str(text))
