"""Checks of this machine: what `make images` and `make kind` need here.

A cluster that answers can be used without any of it, so `diagnose` makes notes of these problems
then.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from headgate.adapters.diagnosis.finding import Finding, Group, note, ok, problem, unknown

TOOL_SECONDS = 6.0  # a daemon that hangs must not keep a person waiting
INSTALL_DOCKER = "install Docker Engine: https://docs.docker.com/engine/install/"
INSTALL_KIND = "install kind: https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
INSTALL_KUBECTL = "install kubectl: https://kubernetes.io/docs/tasks/tools/"
START_DOCKER = "sudo systemctl start docker (macOS: open -a Docker)"
JOIN_DOCKER = "sudo usermod -aG docker $USER, then log in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said; `code` is None if it did not end in time."""

    code: int | None
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """Its last words, for people."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else "no message"


def look_at_machine(
    images: Sequence[str], *, path: str | None = None, seconds: float = TOOL_SECONDS
) -> list[Finding]:
    """Look at Docker, kind, kubectl and the images in the engine, all at once.

    Args:
        images: Names with tags of the images that this tree would run.
        path: Folders to look for commands in, as in PATH; None takes PATH.
        seconds: Patience with each command.

    Returns:
        What was found.
    """
    tools = _Tools(os.environ.get("PATH", "") if path is None else path, seconds)
    checks: list[Callable[[], Iterable[Finding]]] = [
        lambda: _docker(tools, images),
        lambda: [_kind(tools)],
        lambda: [_kubectl(tools)],
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        return [finding for found in pool.map(lambda check: check(), checks) for finding in found]


class _Tools:
    """Run commands found in given folders, with little patience."""

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds

    def run(self, name: str, *arguments: str) -> Said | None:
        """Run a command; None if there is no such command."""
        found = shutil.which(name, path=self._path)
        if found is None:
            return None
        try:
            done = subprocess.run(  # noqa: S603 - arguments are ours
                [found, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Said(code=None, out="", err=f"no answer within {self._seconds:g} s")
        except OSError as error:
            return Said(code=127, out="", err=str(error))
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def _docker(tools: _Tools, images: Sequence[str]) -> list[Finding]:
    said = tools.run("docker", "version", "--format", "{{.Server.Version}}")
    if said is None:
        missing = problem(Group.MACHINE, "docker", "no docker on PATH", INSTALL_DOCKER)
        return [missing, _images_unknown("no docker")]
    if said.code != 0:
        return [_silent_docker(said), _images_unknown("docker does not answer")]
    version = said.out.strip()
    engine = ok(Group.MACHINE, "docker", f"engine {version} answers")
    return [engine, _images(tools, images)]


def _silent_docker(said: Said) -> Finding:
    text = said.last_line
    if said.code is None:
        return problem(Group.MACHINE, "docker", f"the daemon gives {text}", START_DOCKER)
    if "permission denied" in f"{said.err}{said.out}".lower():
        seen = "this account may not open the daemon's socket"
        return problem(Group.MACHINE, "docker", seen, JOIN_DOCKER)
    return problem(Group.MACHINE, "docker", f"the daemon does not answer: {text}", START_DOCKER)


def _images(tools: _Tools, images: Sequence[str]) -> Finding:
    if not images:
        return _images_unknown("this installation has no tree that says which images")
    missing = []
    for image in images:  # by name: a list shows names of Docker's own registry without it
        said = tools.run("docker", "image", "inspect", "--format", "{{.Id}}", image)
        if said is not None and said.code != 0 and "no such image" in said.err.lower():
            missing.append(image)
        elif said is None or said.code != 0:
            return _images_unknown(f"docker does not say whether {image} is there")
    if missing:
        listed = ", ".join(sorted(missing))
        return problem(Group.MACHINE, "images", f"not built: {listed}", "make images")
    return ok(Group.MACHINE, "images", f"in the engine: {', '.join(images)}")


def _images_unknown(why: str) -> Finding:
    return unknown(Group.MACHINE, "images", f"not checked: {why}")


def _kind(tools: _Tools) -> Finding:
    said = tools.run("kind", "version")
    if said is None:
        return problem(Group.MACHINE, "kind", "no kind on PATH", INSTALL_KIND)
    if said.code is None:
        return unknown(Group.MACHINE, "kind", f"gives {said.last_line}")
    words = said.out.split()
    if said.code != 0 or len(words) < 2:
        return problem(Group.MACHINE, "kind", f"does not run: {said.last_line}", INSTALL_KIND)
    return ok(Group.MACHINE, "kind", words[1])


def _kubectl(tools: _Tools) -> Finding:
    said = tools.run("kubectl", "version", "--client", "-o", "json")
    if said is None:
        return problem(Group.MACHINE, "kubectl", "no kubectl on PATH", INSTALL_KUBECTL)
    if said.code is None:
        return unknown(Group.MACHINE, "kubectl", f"gives {said.last_line}")
    if said.code != 0:
        return problem(Group.MACHINE, "kubectl", f"does not run: {said.last_line}", INSTALL_KUBECTL)
    try:
        return ok(
            Group.MACHINE, "kubectl", str(json.loads(said.out)["clientVersion"]["gitVersion"])
        )
    except (ValueError, KeyError, TypeError):
        return note(Group.MACHINE, "kubectl", f"its version cannot be read: {said.last_line}")
