"""The predictor that fetches its bundle from a registry's server, as a pod does."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headgate.adapters.bundles import bundle_sha256

pytestmark = pytest.mark.live
FAULTY = Path(__file__).parents[2] / "examples" / "faulty_predictor.py"
PREDICTOR = ("-m", "headgate.serving")
WAIT_SECONDS = 30.0


@contextmanager
def process(*options: str, command=PREDICTOR) -> Iterator[subprocess.Popen[str]]:
    arguments = ["--version", "7", "--deployment", "canary", "--port", "0", *options]
    started = subprocess.Popen(
        [sys.executable, *command, *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def ended(*options: str) -> tuple[int, list[str]]:
    with process(*options) as started:
        _, log = started.communicate(timeout=WAIT_SECONDS)
        return started.returncode, log.splitlines()


def predict(started: subprocess.Popen[str]) -> tuple[int, str]:
    """Ask where the first line of its log says that it listens."""
    address = started.stderr.readline().split()[-1]
    with contextlib.closing(http.client.HTTPConnection(address, timeout=WAIT_SECONDS)) as opened:
        opened.request("POST", "/predict", json.dumps({"age": 20, "gender": "f"}))
        answer = opened.getresponse()
        return answer.status, answer.read().decode()


def test_what_it_fetched_is_what_it_serves(served_bundle, tiny_bundle):
    with process("--bundle-url", served_bundle, "--sha256", bundle_sha256(tiny_bundle)) as started:
        status, answer = predict(started)
    assert (status, json.loads(answer)["label"]) == (200, ">50K")


def test_a_custom_server_fetches_through_the_same_option(served_bundle, tiny_bundle):
    options = ["--bundle-url", served_bundle, "--sha256", bundle_sha256(tiny_bundle)]
    with process(*options, "--fail-share", "1", command=(str(FAULTY),)) as started:
        assert predict(started)[0] == 500


def test_another_bundle_than_the_expected_one_is_named_in_one_line(served_bundle, tiny_bundle):
    code, log = ended("--bundle-url", served_bundle, "--sha256", "0" * 64)
    assert (code, len(log)) == (1, 1)
    assert f"the bundle has sha256 {bundle_sha256(tiny_bundle)}, expected is 000" in log[0]


def test_a_folder_without_a_bundle_is_named_in_one_line(served_bundle):
    code, log = ended("--bundle-url", f"{served_bundle}/none", "--sha256", "0" * 64)
    assert (code, len(log)) == (1, 1)
    assert f"headgate.serving: {served_bundle}/none/bundle.json: HTTP 404" in log[0]


def test_credentials_come_from_the_environment(served_bundle, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "two\nlines")
    code, log = ended("--bundle-url", served_bundle, "--sha256", "0" * 64)
    assert (code, len(log)) == (1, 1)
    assert "MLFLOW_TRACKING_TOKEN holds a control character" in log[0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "one of the arguments --bundle --bundle-url is required"),
        (["--bundle", "x", "--bundle-url", "http://x"], "not allowed with argument --bundle"),
    ],
)
def test_a_bundle_comes_from_one_place(options, complaint):
    code, log = ended(*options, "--sha256", "0" * 64)
    assert code == 2
    assert complaint in log[-1]


def test_sigterm_ends_it_while_it_still_waits_for_the_registry():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with process("--bundle-url", url, "--sha256", "0" * 64) as started:
            silent.settimeout(WAIT_SECONDS)
            with silent.accept()[0]:
                started.send_signal(signal.SIGTERM)
                assert started.wait(timeout=4) == 128 + signal.SIGTERM
