"""The container engine, as far as building images needs it; failures name their remedy."""

import json
import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from headgate.errors import BackendError

ANSWER_SECONDS = 30.0  # for a question; a build takes as long as the network does
TAIL = 15  # last lines of a build that failed
GET_DOCKER = "install Docker Engine or Docker Desktop (https://docs.docker.com/engine/install/)"
START_DOCKER = "start it (Linux: sudo systemctl start docker; macOS: open -a Docker)"
JOIN_DOCKER = "let your account use it (sudo usermod -aG docker $USER, then log in again)"
# What the classic builder and BuildKit say when they begin an instruction.
STEP = re.compile(r"(?:Step (?P<classic>\d+/\d+ : .+)|#\d+ (?P<kit>\[[^\]]*\d+/\d+\] .+))")
REMEDIES = {
    r"no space left on device": "the disk of the engine is full; `docker system df` shows what is "
    "there, `docker system prune` removes what nobody uses",
    r"DO NOT MATCH THE HASHES": "a downloaded package is not the one that the lock names; if "
    "PIP_INDEX_URL points to a mirror, it has to serve the original files",
    r"CERTIFICATE_VERIFY_FAILED|x509: ": "a certificate of the network is not known; put it as "
    "*.crt into images/certificates/ (for the engine itself: see its own documentation)",
    r"name resolution|NewConnectionError|Network is unreachable|Could not find a version|"
    r"Connection timed out|Could not resolve": "the build does not reach the package index; set "
    "HTTP_PROXY and HTTPS_PROXY, or PIP_INDEX_URL to an index that it reaches",
    r"pull access denied|manifest unknown|manifest for .* not found|failed to resolve|"
    r"Get \"https://|registry": "the base image cannot be had; pull it, or name one that "
    "is there with `make images BASE_IMAGE=NAME`",
}


class BuildError(BackendError):
    """A build failed."""

    def __init__(self, message: str, tail: Sequence[str]) -> None:
        """Keep the last lines.

        Args:
            message: Which image, why, and where the log is.
            tail: Last lines of the log.
        """
        super().__init__(message)
        self.tail = tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image of the engine."""

    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an image is built."""

    reference: str  # full name of the image
    context: Path
    file: Path  # Containerfile
    arguments: Mapping[str, str]  # build arguments
    passed_on: Sequence[str]  # names of build arguments whose values are in the environment


def check_engine() -> None:
    """Make sure that the engine answers.

    Raises:
        BackendError: If there is no docker, if it does not run or this account may not use it.
    """
    done = _ask("version", "--format", "{{.Server.Version}}")
    if done.returncode == 0:
        return
    said = _last_line(done.stderr or done.stdout)
    if "permission denied" in said.lower():
        raise BackendError(f"this account may not use the Docker engine ({said}); {JOIN_DOCKER}")
    raise BackendError(
        f"the Docker engine does not answer ({said}); {START_DOCKER}, or point DOCKER_HOST to one "
        "that runs"
    )


def find(reference: str) -> Found | None:
    """Look for an image in the engine.

    Args:
        reference: Its full name.

    Returns:
        The image, or None if the engine does not have it.

    Raises:
        BackendError: If the engine does not say.
    """
    done = _ask("image", "inspect", reference)
    if done.returncode != 0:
        if "no such image" in done.stderr.lower():
            return None
        raise BackendError(f"docker does not say whether {reference} is there: {done.stderr}")
    found = json.loads(done.stdout)[0]
    return Found(id=str(found["Id"]), labels=found["Config"].get("Labels") or {})


def unpacked_size(reference: str) -> int | None:
    """Measure how much room an image takes on a node; takes a second.

    The engine's own number will not do: where containerd keeps the images it counts packed layers.

    Args:
        reference: Its full name.

    Returns:
        Bytes of its files; None if the engine cannot run it, as an image of another platform.
    """
    # Root, because some folders are nobody else's; it sees nothing but the image.
    run = ("run", "--rm", "--network=none", "--read-only", "--user=0", "--entrypoint=du")
    try:
        done = _ask(*run, reference, "-sxb", "/")
    except BackendError:
        return None  # no reason to fail: the image is built
    size = done.stdout.partition("\t")[0]
    return int(size) if done.returncode == 0 and size.isdigit() else None


def remove(reference: str) -> None:
    """Take the name of an image away; its layers stay for the next build.

    Args:
        reference: Its full name.
    """
    _ask("image", "rm", "--no-prune", reference)


def build(recipe: Recipe, *, log: Path, on_step: Callable[[str], None]) -> None:
    """Build an image.

    Args:
        recipe: How.
        log: Where everything goes that the engine says.
        on_step: Told of each instruction that begins.

    Raises:
        BuildError: If the build fails; with the remedy where the cause is known.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=TAIL)
    with log.open("w", encoding="utf-8") as file, _started(_command(recipe)) as (process, lines):
        for line in lines:
            file.write(line)
            tail.append(line.rstrip())
            step = STEP.match(line)
            if step:
                on_step(step["classic"] or step["kit"])
        code = process.wait()
    if code != 0:
        said = "\n".join(tail)
        known = [f"{remedy}; " for cause, remedy in REMEDIES.items() if re.search(cause, said)]
        cause = known[0] if known else ""
        message = f"{recipe.reference} was not built: {cause}the whole log is {log}"
        raise BuildError(message, list(tail))


def _command(recipe: Recipe) -> list[str]:
    command = ["docker", "build", "--file", str(recipe.file), "--tag", recipe.reference]
    for name, value in recipe.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    for name in recipe.passed_on:  # without the value, which may be a secret
        command += ["--build-arg", name]
    return [*command, str(recipe.context)]


@contextmanager
def _started(command: list[str]) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    """Start a build in a group of its own, so that an interrupt ends all of it."""
    # Plain lines; and no attestations beside the image, which `kind load` does not understand.
    settings = {"BUILDKIT_PROGRESS": "plain", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    with subprocess.Popen(
        command,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        process_group=0,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield process, process.stdout
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def _ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["docker", *arguments],  # noqa: S607 - the user's own
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWER_SECONDS,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise BackendError(f"docker is not on PATH; {GET_DOCKER}") from error
    except subprocess.TimeoutExpired as error:
        raise BackendError(
            f"the Docker engine did not answer within {ANSWER_SECONDS:g} s; {START_DOCKER}"
        ) from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
