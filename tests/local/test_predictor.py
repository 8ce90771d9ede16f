"""The predictor as it runs: a process of its own, real sockets, real signals."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headgate.adapters.bundles import bundle_sha256
from headgate.adapters.scraping import pod_counters
from headgate.serving.server import FINISH_SECONDS, KEEP_ALIVE_SECONDS

pytestmark = pytest.mark.live
FAULTY = Path(__file__).parents[2] / "examples" / "faulty_predictor.py"
ROW = json.dumps({"age": 20, "gender": "f"})
READY_SECONDS = 30.0


class Running:
    """A server process on a socket that this process opened."""

    def __init__(self, command: list[str], bundle: Path, *options: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        arguments = ["--bundle", str(bundle), "--version", "7", "--deployment", "canary"]
        arguments += ["--sha256", bundle_sha256(bundle), "--fd", str(descriptor), *options]
        self.process = subprocess.Popen(
            [sys.executable, *command, *arguments],
            pass_fds=[descriptor],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.listener.close()  # only the server holds it now

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_SECONDS)

    def ask(self, path: str, body: str | None = None) -> tuple[int, str]:
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET" if body is None else "POST", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=READY_SECONDS)
        return self.process.returncode, log


@pytest.fixture
def start(tiny_bundle):
    running = []

    def run(*options, command=("-m", "headgate.serving")):
        running.append(Running(list(command), tiny_bundle, *options))
        assert running[-1].ask("/v2/health/ready")[0] == 200  # waits in the socket's queue
        return running[-1]

    yield run
    for one in running:
        one.process.kill()
        one.process.communicate()


def test_a_process_answers_counts_and_ends_on_sigterm(start):
    server = start("--slow-above-ms", "250")
    status, answer = server.ask("/predict", ROW)
    assert (status, json.loads(answer)["label"]) == (200, ">50K")
    page = server.ask("/metrics")[1]
    assert pod_counters(page, pod="p", started="s", slow_above_ms=250.0).requests == 1
    code, log = server.stop()
    assert code == 0
    assert "draining" in log
    assert "POST" not in log  # no access log


def test_a_connection_is_used_again(start):
    server = start()
    with contextlib.closing(server.connect()) as connection:
        for _ in range(3):
            connection.request("POST", "/predict", ROW)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("connection")) == (200, None)
            answer.read()


class Caller(threading.Thread):
    """Asks on one connection, as a proxy does, until the server closes it after an answer."""

    def __init__(self, server: Running) -> None:
        super().__init__()
        self.connection = server.connect()
        self.answered = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        closed = False
        try:
            while not closed:
                self.connection.request("POST", "/predict", ROW)
                answer = self.connection.getresponse()
                answer.read()
                self.answered += answer.status == 200
                closed = answer.getheader("connection") == "close"
        except (http.client.HTTPException, OSError) as error:
            self.failure = error


def test_no_request_is_lost_when_the_server_is_told_to_stop(start):
    server = start()
    callers = [Caller(server) for _ in range(4)]
    for caller in callers:
        caller.start()
    while min(caller.answered for caller in callers) < 20:
        time.sleep(0.01)
    assert server.stop()[0] == 0
    for caller in callers:
        caller.join(timeout=READY_SECONDS)
    assert [caller.failure for caller in callers] == [None] * 4


def test_a_request_that_has_begun_is_answered_after_sigterm(start):
    server = start("--drain-seconds", "0.1")
    body = ROW.encode()
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port)) as opened:
        opened.sendall(head + body[:5])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.6)  # longer than the drain
        opened.sendall(body[5:])
        answer = b""
        while chunk := opened.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200")
    assert server.process.wait(timeout=READY_SECONDS) == 0


def test_while_it_drains_it_says_that_it_is_not_ready_but_answers(start):
    server = start("--drain-seconds", "3")
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 2
    while server.ask("/v2/health/ready")[0] == 200:
        assert time.monotonic() < deadline
    assert server.ask("/v2/health/ready") == (503, '{"ready":false}')
    assert server.ask("/predict", ROW)[0] == 200
    server.process.send_signal(signal.SIGTERM)  # the second one ends it at once
    assert server.process.wait(timeout=2.5) == 0


def test_an_idle_connection_is_kept_longer_than_proxies_keep_it_and_ends_with_the_drain(start):
    assert KEEP_ALIVE_SECONDS > 3600  # the longest that a proxy holds one unless told otherwise
    server = start("--drain-seconds", "0.1")
    with contextlib.closing(server.connect()) as idle:
        idle.request("POST", "/predict", ROW)
        assert idle.getresponse().read()
        began = time.monotonic()
        assert server.stop()[0] == 0
        assert time.monotonic() - began < FINISH_SECONDS / 2
        assert idle.sock.recv(1) == b""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headgate.serving", "--version", "7", "--deployment", "canary"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, timeout=READY_SECONDS
    )


def test_another_bundle_than_the_expected_one_is_not_served(tiny_bundle):
    found = run("--bundle", str(tiny_bundle), "--sha256", "0" * 64, "--port", "0")
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert f"the bundle has sha256 {bundle_sha256(tiny_bundle)}, expected is 000" in found.stderr


def test_a_socket_that_cannot_be_used_is_said_in_one_line(tiny_bundle):
    checksum = bundle_sha256(tiny_bundle)
    found = run("--bundle", str(tiny_bundle), "--sha256", checksum, "--fd", "77")
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1)
    assert "cannot listen" in found.stderr


def test_without_a_socket_it_opens_its_own(tiny_bundle):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = str(probe.getsockname()[1])
    found = [sys.executable, "-m", "headgate.serving", "--version", "7", "--deployment", "canary"]
    found += ["--bundle", str(tiny_bundle), "--sha256", bundle_sha256(tiny_bundle), "--port", port]
    process = subprocess.Popen(found, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert f"canary version 7 on 127.0.0.1:{port}" in process.stderr.readline()
    finally:
        process.kill()
        process.communicate()


def test_the_faulty_predictor_fails_its_share_and_the_metrics_see_it(start):
    server = start("--fail-share", "0.2", command=(str(FAULTY),))
    statuses = [server.ask("/predict", ROW)[0] for _ in range(200)]
    failed = statuses.count(500)
    assert set(statuses) == {200, 500}
    assert 20 <= failed <= 60  # binomial(200, 0.2): outside with probability 6e-4
    page = server.ask("/metrics")[1]
    found = pod_counters(page, pod="p", started="s", slow_above_ms=100.0)
    assert (found.requests, found.errors) == (200, failed)


def test_the_faulty_predictor_swaps_two_fields(start):
    server = start("--swap", "age,gender", command=(str(FAULTY),))
    status, answer = server.ask("/predict", ROW)
    assert status == 400  # the text came in the number's place
    assert 'feature age is "f"' in json.loads(answer)["error"]
    assert server.ask("/predict", "[")[0] == 400
    assert server.ask("/v2/health/live")[0] == 200
