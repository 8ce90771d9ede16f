"""The predictor runs where there is only what the extra `serve` asks for, as in its image."""

import contextlib
import http.client
import json
import subprocess

import pytest

from headgate.adapters.bundles import bundle_sha256

# What headgate itself asks for, and what other parts of it do.
ABSENT = ["pandas", "scipy", "sklearn", "httpx", "requests", "yaml", "onnx", "mlflow", "kubernetes"]


@pytest.fixture
def start(serving, tmp_path):
    """Start `python -m headgate.serving` and wait for the line that says where it listens."""
    with contextlib.ExitStack() as running:

        def run(*options):
            command = [str(serving.bin / "python3"), "-m", "headgate.serving", "--port", "0"]
            command += ["--version", "7", "--deployment", "canary", *options]
            process = subprocess.Popen(
                command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE
            )
            running.callback(process.communicate)
            running.callback(process.kill)
            line = process.stderr.readline().decode()
            assert "canary version 7 on " in line, line + process.stderr.read().decode()
            return process, line.split()[-1]

        yield run


def ask(address, path, body=None):
    with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()


def test_the_environment_holds_nothing_that_serving_does_not_need(serving, tmp_path) -> None:
    code = f"""
import importlib.util as look
assert all(look.find_spec(name) for name in ("onnxruntime", "msgspec", "headgate"))
print([name for name in {ABSENT} if look.find_spec(name)])
"""
    done = serving.run(["python3", "-I", "-c", code], folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_predictor_fetches_its_bundle_and_answers(start, served_bundle, tiny_bundle) -> None:
    process, address = start("--bundle-url", served_bundle, "--sha256", bundle_sha256(tiny_bundle))
    assert json.loads(ask(address, "/predict", b'{"age": 20}'))["label"] == ">50K"
    assert json.loads(ask(address, "/v2/models/adult"))["versions"] == ["7"]
    assert b"headgate_requests_total" in ask(address, "/metrics")
    process.terminate()
    assert process.wait() == 0
