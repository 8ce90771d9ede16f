"""Run a registered model version, and wait until it can take traffic."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress

from headgate.errors import BackendError
from headgate.ports import Clock, Deployments, DeploymentSpec, DeploymentStatus, ModelVersion

# A server imports its runtime and loads its model in seconds; a busy machine takes longer.
READY_TIMEOUT_SECONDS = 90.0
LOOK_SECONDS = 0.1  # grows, so that a long wait does not keep the place busy with questions
LOOK_GROWTH = 1.2
LONGEST_LOOK_SECONDS = 1.0

LABEL = re.compile("[a-z]([a-z0-9-]*[a-z0-9])?")  # of RFC 1035: what names a Service
OTHERS = re.compile("[^a-z0-9]+")


def dns_label(text: str, limit: int = 40) -> str:
    """Turn a name into a DNS label (RFC 1035: a-z, 0-9 and inner dashes, a letter first).

    Args:
        text: Any name.
        limit: Most characters that the label may have, at least 10; what is appended to it later
            needs room within the 63 of a DNS label.

    Returns:
        The text itself if it is such a label. Else the nearest one with a dash and 6 digits of the
        text's SHA-256 appended, so that different names stay different.
    """
    if len(text) <= limit and LABEL.fullmatch(text):
        return text
    near = OTHERS.sub("-", text.lower()).strip("-")
    if not near[:1].isalpha():
        near = f"m-{near}"
    digits = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{near[: limit - 7].rstrip('-')}-{digits}"


def deployment_spec(
    version: ModelVersion, *, command: Sequence[object], slow_above_ms: float
) -> DeploymentSpec:
    """Say what shall run for a model version.

    Each version, and each other command for it, has a deployment of its own: the same input gives
    the same name, so that a repeated step attaches to what its first attempt started.

    Args:
        version: The registered version.
        command: Command of the model server; empty means the predictor. Every part is taken as
            text, because numbers in a list lose their type on the way through a pipeline.
        slow_above_ms: Bound above which an answer is slow.

    Returns:
        The specification; its name is `<model>-v<version>`, the model as a DNS label, with 8 digits
        of the command's SHA-256 appended if there is a command.
    """
    parts = tuple(str(part) for part in command)
    name = f"{dns_label(version.name)}-v{version.version}"
    if parts:
        name += f"-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"
    return DeploymentSpec(
        name=name,
        model=version.name,
        version=version.version,
        uri=version.uri,
        sha256=version.sha256,
        source=version.source,
        command=parts,
        slow_above_ms=slow_above_ms,
    )


def deploy_and_wait(
    spec: DeploymentSpec,
    *,
    deployments: Deployments,
    clock: Clock,
    timeout_seconds: float = READY_TIMEOUT_SECONDS,
) -> DeploymentStatus:
    """Start a deployment, or attach to it, and wait until it is ready.

    A deployment that is not ready and gives a reason has failed; one that is still starting gives
    none. One that was not there before and does not become ready is removed again: nothing that
    failed is left to start over for ever.

    Args:
        spec: What shall run.
        deployments: Where it runs.
        clock: For the waiting.
        timeout_seconds: How long it may take.

    Returns:
        Its status, ready.

    Raises:
        BackendError: If it failed, vanished or is not ready in time; the message holds the reason,
            or what it waited for.
    """
    known = deployments.status(spec.name) is not None
    deadline = clock.monotonic() + timeout_seconds
    try:
        status: DeploymentStatus | None = deployments.deploy(spec)
        return _until_ready(status, spec, deployments=deployments, clock=clock, deadline=deadline)
    except BackendError:
        if not known:
            with suppress(BackendError):  # what went wrong first is what the caller must hear of
                deployments.remove(spec.name)
        raise


def _until_ready(
    status: DeploymentStatus | None,
    spec: DeploymentSpec,
    *,
    deployments: Deployments,
    clock: Clock,
    deadline: float,
) -> DeploymentStatus:
    begin, pause = clock.monotonic(), LOOK_SECONDS
    while status is not None and not status.ready:
        if status.reason:
            raise BackendError(f"deployment {spec.name}: {status.reason}")
        if clock.monotonic() >= deadline:
            waiting = f": {status.waiting}" if status.waiting else ""
            raise BackendError(
                f"deployment {spec.name} was not ready within {deadline - begin:.0f} s"
                f" ({status.restarts} restarts){waiting}",
                retryable=True,
            )
        clock.sleep(pause)
        pause = min(pause * LOOK_GROWTH, LONGEST_LOOK_SECONDS)
        status = deployments.status(spec.name)
    if status is None:
        raise BackendError(f"deployment {spec.name} was removed while it started", retryable=True)
    return status
