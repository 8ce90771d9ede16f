"""`headgate run` as a user sees it, and what is left when something dies in the middle."""

import json
import shutil
import signal
import socket
import sys
from pathlib import Path

import jsonschema
import pytest
from tests.local.run_support import (
    ROOT,
    canary_is_live,
    headgate,
    kill,
    last_decision,
    processes,
    route,
    start_release,
    until,
    weights,
    write_problem,
)

pytestmark = pytest.mark.live
SAME_PREDICTOR = (sys.executable, "-m", "headgate.serving")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A folder whose first run has promoted a champion."""
    folder = tmp_path_factory.mktemp("run")
    problem, out = write_problem(folder), folder / "out"
    return problem, out, headgate("run", problem, "--out", out)


@pytest.fixture
def served(first):
    problem, out, done = first
    assert done.returncode == 0, done.stderr
    yield problem, out
    assert processes(str(out)) == []


def test_a_first_model_that_beats_the_majority_class_is_promoted(first):
    _, out, done = first
    assert done.returncode == 0, done.stdout + done.stderr
    decision = last_decision(out)
    schema = json.loads((ROOT / "schemas" / "decision.schema.json").read_text())
    jsonschema.validate(decision, schema)
    assert decision["promoted"] is True
    assert decision["models"]["candidate"]["version"] == "1"
    assert "adult-small" in (out / "report.html").read_text()
    assert processes(str(out)) == []


def test_what_is_not_a_terminal_gets_plain_lines(first):
    _, _, done = first
    assert "\x1b" not in done.stdout
    assert "train model" in done.stdout
    assert str(first[1] / "report.html") in done.stdout


def test_a_second_run_judges_the_same_model_against_the_champion_and_registers_nothing_twice(
    served,
):
    problem, out = served
    done = headgate("run", problem, "--out", out)
    assert done.returncode == 10, done.stdout + done.stderr
    decision = last_decision(out)
    assert decision["verdict"] == "INSUFFICIENT"
    assert decision["models"]["candidate"]["version"] == "1"
    assert decision["models"]["champion"]["version"] == "1"


def test_a_folder_in_use_is_refused_and_the_run_in_it_goes_on(served):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR)
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    second = headgate("run", problem, "--out", out)
    assert second.returncode == 2
    assert "is in use by process" in second.stderr
    running.communicate()
    assert running.returncode in {0, 10}


def test_ctrl_c_takes_the_traffic_back_and_leaves_nothing_running(served):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR, "--slow-above-ms", "102")
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130, stderr
    assert route(out)["state"]["phase"] == "ROLLED_BACK"
    assert weights(out) == {"adult-small-v1": 10_000}
    assert last_decision(out)["reason"].startswith("interrupted")


def test_a_driver_killed_with_9_leaves_no_traffic_on_the_canary(served):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR, "--slow-above-ms", "103")
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    kill(processes("shift_traffic", "executor_main", str(out)))
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 4
    assert "shift-traffic" in stderr
    assert route(out)["state"]["phase"] == "ROLLED_BACK"
    assert weights(out) == {"adult-small-v1": 10_000}


def test_a_parent_killed_with_9_leaves_nothing_running_and_the_next_run_serves_the_champion(
    served,
):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR, "--slow-above-ms", "104")
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    running.kill()
    running.communicate()
    until(lambda: processes(str(out)) == [], what="the end of every process")
    again = start_release(problem, out, sys.executable, "-c", "raise SystemExit('no such model')")
    _, stderr = again.communicate(timeout=60)
    assert again.returncode == 4
    assert "no such model" in stderr
    assert weights(out) == {"adult-small-v1": 10_000}


def test_a_canary_killed_in_the_middle_is_a_failure_of_the_canary(served):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR, "--slow-above-ms", "105")
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    canary = route(out)["state"]["canary"]["deployment"]
    kill(processes("--deployment", canary, str(out)))
    running.communicate(timeout=60)
    assert running.returncode == 10
    assert last_decision(out)["rollout"]["verdict"] == "FAIL"


def test_a_proxy_killed_in_the_middle_is_no_failure_of_the_canary(served):
    problem, out = served
    running = start_release(problem, out, *SAME_PREDICTOR, "--slow-above-ms", "106")
    until(lambda: canary_is_live(out), what="live traffic on the canary")
    kill(processes("envoy", str(out), "--service-node"))
    running.communicate(timeout=120)
    decision = last_decision(out)
    assert decision["rollout"]["verdict"] != "FAIL", decision["reason"]
    assert len(weights(out)) == 1


def test_a_port_in_use_is_backend_trouble(served):
    problem, out = served
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = headgate("run", problem, "--out", out, "--port", port)
    assert done.returncode == 4
    assert str(port) in done.stderr


def test_a_registry_that_is_broken_is_backend_trouble_and_says_where_it_is(served, tmp_path: Path):
    problem, out = served
    shutil.copytree(out, tmp_path / "out")
    database = tmp_path / "out" / "world" / "registry" / "mlflow.db"
    database.write_bytes(b"not a database any more")
    done = headgate("run", problem, "--out", tmp_path / "out")
    assert done.returncode == 4, done.stderr
    assert "mlflow.db" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert processes(str(tmp_path / "out")) == []


def test_a_folder_of_another_model_is_refused(served, tmp_path: Path):
    problem, out = served
    other = tmp_path / "problem.yaml"
    write_problem(tmp_path)
    other.write_text(problem.read_text().replace("name: adult-small", "name: other"))
    done = headgate("run", other, "--out", out)
    assert done.returncode == 2
    assert "belongs to a model with name = 'adult-small'" in done.stderr
