"""The real images as the cluster runs them: unprivileged, with a read-only root.

They are the images of this tree, which `make images` builds; no cluster is needed.
"""

import ast
import contextlib
import functools
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.runtime_chain import Chain, it_ran

from headgate import __version__
from headgate.adapters.bundles import bundle_sha256
from headgate.cli.component_docs import discover
from headgate.cli.image_engine import unpacked_size
from headgate.cli.images import tree, tree_images
from headgate_components._image import RUNTIME_IMAGE, content_checksum

SHELLS = discover()
IMAGES = {image.name: image.reference for image in tree_images(tree())}
UID = 65532
TMP = "/tmp"  # noqa: S108 - in a container
RESTRICTED = (
    *("--read-only", f"--tmpfs={TMP}"),
    *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
)
DOCKER = shutil.which("docker") or "docker"
COMPILERS = "gcc g++ cc c++ clang make ld as cargo rustc go"
MOST_BYTES = {"headgate-python": 1.1e9, "headgate-predictor": 0.3e9}  # unpacked, as on a node
# Each line is `name value`; one container an image tells everything.
LOOK = f"""
echo "user $(id -u) $(id -g) $(id -un)"
echo ok >{TMP}/file && echo "tmp $(cat {TMP}/file)"
touch /file 2>/dev/null && echo "root writable" || echo "root refused"
echo "home $HOME"
for tool in {COMPILERS}; do
  if command -v "$tool" >/dev/null; then echo "tool $tool"; fi
done
test -s "$SSL_CERT_FILE" -a -s "$REQUESTS_CA_BUNDLE" && echo "certificates ok"
python3 -c '
import importlib.util, os, numpy
print("pip", importlib.util.find_spec("pip"))
print("compiled", os.path.exists(numpy.__spec__.cached))'
echo "revision $HEADGATE_REVISION"
"""


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [DOCKER, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done


def shell_in(image: str, script: str) -> str:
    run = ("run", "--rm", "--network=none", *RESTRICTED, "--entrypoint", "sh")
    return docker(*run, image, "-c", script).stdout


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    missing = [
        reference
        for reference in IMAGES.values()
        if docker("image", "inspect", reference, check=False).returncode
    ]
    if missing:
        pytest.fail(f"run `make images`: no {', '.join(missing)}", pytrace=False)


def config(found: str) -> dict:
    return json.loads(docker("inspect", found).stdout)[0]


@pytest.fixture(params=IMAGES)
def name(request) -> str:
    return request.param


@pytest.fixture
def image(name) -> str:
    return IMAGES[name]


@pytest.fixture(scope="module")
def told() -> Callable[[str], list[str]]:
    """What an image says of itself when it runs; asked once."""
    return functools.cache(lambda image: shell_in(image, LOOK).splitlines())


def test_it_runs_as_an_unprivileged_user_that_has_a_name(image, told) -> None:
    assert f"user {UID} {UID} headgate" in told(image)


def test_it_can_write_to_tmp_and_to_nothing_else(image, told) -> None:
    assert {"tmp ok", "root refused", f"home {TMP}"} <= set(told(image))


def test_it_holds_no_compiler(image, told) -> None:
    assert [line for line in told(image) if line.startswith("tool ")] == []


def test_its_python_cannot_install_anything(image, told) -> None:
    assert "pip None" in told(image)


def test_its_packages_are_compiled_because_nobody_can_do_it_later(image, told) -> None:
    assert "compiled True" in told(image)


def test_certificates_come_from_the_system(image, told) -> None:
    assert "certificates ok" in told(image)


def test_the_runtime_image_knows_the_code_that_it_was_made_of(told) -> None:
    revision = config(RUNTIME_IMAGE)["Config"]["Labels"]["org.opencontainers.image.revision"]
    assert f"revision {revision}" in told(RUNTIME_IMAGE)


def test_its_labels_say_what_it_is(name, image) -> None:
    labels = config(image)["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == name
    assert labels[f"{prefix}version"] == __version__
    assert labels[f"{prefix}licenses"] == "Apache-2.0"
    assert all(labels[f"{prefix}{key}"] for key in ("description", "revision", "base.name"))


def test_its_label_has_the_checksum_of_the_sources_that_are_in_its_tag(image) -> None:
    content = config(image)["Config"]["Labels"]["dev.headgate.content"]
    assert content == content_checksum(tree()) or "HEADGATE_IMAGE_TAG" in os.environ


@pytest.mark.parametrize("limited", MOST_BYTES)
def test_it_is_as_small_as_promised(limited) -> None:
    size = unpacked_size(IMAGES[limited])
    assert size is not None
    assert size <= MOST_BYTES[limited]


def imported_modules() -> set[str]:
    """What the bodies of the components import of headgate, and what the cluster runs."""
    trees = (ast.parse((shell.folder / "component.py").read_text()) for shell in SHELLS.values())
    nodes = [
        node for tree_ in trees for node in ast.walk(tree_) if isinstance(node, ast.ImportFrom)
    ]
    found = {node.module for node in nodes if node.module and node.module.startswith("headgate.")}
    return found | {"headgate.adapters.kubernetes.guard"}


def test_the_runtime_image_imports_what_every_component_imports() -> None:
    code = f"import {', '.join(sorted(imported_modules()))}"
    assert shell_in(RUNTIME_IMAGE, f'python3 -c "{code}" && echo ok') == "ok\n"


class Server:
    """A container that answers on a port of this machine."""

    def __init__(self, image: str, *arguments: str, options: Sequence[str], port: int) -> None:
        self.began = time.monotonic()
        run = ("run", "--detach", *RESTRICTED, *options, f"--publish=127.0.0.1::{port}")
        self.container = docker(*run, image, *arguments).stdout.strip()
        published = docker("port", self.container, str(port)).stdout.split()[0]
        self.port = int(published.rpartition(":")[2])

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Return status, model version and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET" if body is None else "POST", path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("x-model-version", ""), answer.read()

    def is_ready(self, path: str) -> bool:
        try:
            return self.ask(path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait(self, path: str, *, seconds: float) -> None:
        while not self.is_ready(path):
            waited = time.monotonic() - self.began
            assert waited < seconds, docker("logs", self.container).stderr
            time.sleep(0.1)

    def stop(self) -> int:
        docker("stop", "--time=20", self.container)
        return config(self.container)["State"]["ExitCode"]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started = []

    def start(image: str, *arguments: str, options: Sequence[str], port: int) -> Server:
        started.append(Server(image, *arguments, options=options, port=port))
        return started[-1]

    yield start
    for server in started:
        docker("rm", "--force", server.container)


def test_the_predictor_serves_a_bundle_within_five_seconds(tiny_bundle, serve) -> None:
    arguments = ["--host=0.0.0.0", "--bundle=/bundle", f"--sha256={bundle_sha256(tiny_bundle)}"]
    arguments += ["--version=7", "--deployment=adult-v7"]
    mounted = (f"--volume={tiny_bundle}:/bundle:ro",)
    server = serve(IMAGES["headgate-predictor"], *arguments, options=mounted, port=8080)
    server.wait("/v2/health/ready", seconds=5.0)
    _, version, body = server.ask("/predict", json.dumps({"age": 20, "gender": "f"}).encode())
    assert version == "7"
    assert json.loads(body)["label"] == ">50K"  # the sigmoid of 0.1 * 20 is above one half
    assert server.stop() == 0


def test_the_predictor_refuses_a_bundle_with_another_checksum(tiny_bundle) -> None:
    arguments = ["--bundle=/bundle", f"--sha256={'0' * 64}", "--version=7", "--deployment=adult-v7"]
    run = ("run", "--rm", *RESTRICTED, f"--volume={tiny_bundle}:/bundle:ro")
    done = docker(*run, IMAGES["headgate-predictor"], *arguments, check=False)
    assert done.returncode == 1
    assert "headgate.serving: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_registry_answers(serve) -> None:
    volume = (f"--tmpfs=/data:uid={UID},gid={UID}",)
    server = serve(IMAGES["headgate-mlflow"], options=volume, port=5000)
    server.wait("/health", seconds=60.0)


class ImageRuntime:
    """Runs a component's command in its image, as a pod would; a folder is all that they share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
        self._open()
        options = ("--network=none", *RESTRICTED, f"--volume={self.folder}:{self.folder}")
        return docker(
            *("run", "--rm", *options, f"--workdir={folder}", RUNTIME_IMAGE), *command, check=False
        )

    def close(self) -> None:
        """Give the files that the containers wrote to whoever runs the tests."""
        own = ("--user=0", "--network=none", f"--volume={self.folder}:{self.folder}")
        whose = ("--entrypoint=chown", RUNTIME_IMAGE, "-R", f"{os.getuid()}:{os.getgid()}")
        docker("run", "--rm", *own, *whose, str(self.folder))

    def _open(self) -> None:
        """Let the containers' user write where this one made files and folders."""
        for path in (self.folder, *self.folder.rglob("*")):
            if path.stat().st_uid == os.getuid():
                path.chmod(0o777 if path.is_dir() else 0o666)


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    runtime = ImageRuntime(folder)
    yield Chain(SHELLS, runtime, folder)
    runtime.close()


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_the_compiled_command_runs_in_its_image(shell, chain) -> None:
    assert shell.component.component_spec.implementation.container.image == RUNTIME_IMAGE
    it_ran(shell, chain.step(shell.name))
