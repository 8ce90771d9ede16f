"""`headgate submit` and `headgate compile` as a user sees them, against a server on loopback."""

import signal
import subprocess
import sys

import pytest
import yaml
from tests.local.run_support import headgate, until, write_problem
from tests.unit.adapters.kfp_server import (
    RUN_ID,
    PipelinesServer,
    Script,
    certificate,
    look,
)

from headgate.adapters.problem_file import parse_problem

pytestmark = pytest.mark.live
PROMOTED = look(
    "SUCCEEDED", condition_1="SKIPPED", deploy_model="SUCCEEDED", shift_traffic="SUCCEEDED"
)


@pytest.fixture
def problem(tmp_path):
    return write_problem(tmp_path, rows=10)


@pytest.fixture
def script():
    return Script(looks=[look("RUNNING", train_model="RUNNING"), PROMOTED])


@pytest.fixture
def server(script):
    started = PipelinesServer(script)
    yield started
    started.stop()


@pytest.fixture
def submit(server, problem):
    def run(*arguments):
        return headgate(
            "submit", problem, "--host", server.url, "--data-volume", "tables", *arguments
        )

    return run


def test_a_promoted_model_is_exit_code_0_and_one_line_a_step(submit, script, server) -> None:
    done = submit("--param", "accelerator_count=1", "--shared-memory", "2Gi")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines() if line]
    assert lines == [
        "━━ adult-small",
        f"run {RUN_ID}: {server.url}/#/runs/details/{RUN_ID}",
        "✓ deploy model 5.0 s",
        "✓ shift traffic 5.0 s",
        "promoted: the new version has all traffic",
    ]
    (sent,) = script.runs
    arguments = sent["runtime_config"]["parameters"]
    assert parse_problem(arguments["problem"]).data.path == "/data/rows.csv"
    assert arguments["registry_uri"] == "http://mlflow.headgate:5000"
    assert arguments["cluster_url"] == "kubernetes://headgate"
    assert arguments["accelerator_count"] == "1"
    settings = sent["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]
    executors = settings["deploymentSpec"]["executors"]
    assert executors["exec-train-model"]["emptyDirMounts"][0]["sizeLimit"] == "2Gi"
    assert executors["exec-ingest-table"]["pvcMount"][0]["mountPath"] == "/data"


def test_a_model_that_is_not_promoted_is_exit_code_10(submit, script) -> None:
    script.looks[:] = [look("SUCCEEDED", condition_1="SKIPPED", decide_promotion="SUCCEEDED")]
    done = submit()
    assert done.returncode == 10, done.stderr
    assert "not promoted: a gate did not pass" in done.stdout


def test_a_run_that_fails_is_exit_code_4_and_one_line(submit, script) -> None:
    script.looks[:] = [look("FAILED", train_model="FAILED")]
    done = submit()
    assert done.returncode == 4
    assert done.stderr.startswith(f"headgate: BackendError: run {RUN_ID} ended as FAILED at train")
    assert done.stderr.count("\n") == 1


def test_a_run_need_not_be_followed(submit, script) -> None:
    script.looks.clear()
    done = submit("--no-follow", "--experiment", "mine")
    assert done.returncode == 0, done.stderr
    assert RUN_ID in done.stdout
    assert script.experiments[0]["display_name"] == "mine"


def test_a_secure_server_of_many_users_takes_token_authority_and_namespace(
    problem, script, tmp_path
) -> None:
    paths = certificate(tmp_path)
    script.many_users, script.accepts = True, "secret"
    (tmp_path / "token").write_text("secret")
    server = PipelinesServer(script, tls=paths)
    options = ["--token-file", tmp_path / "token", "--ca-cert", paths[0], "--no-follow"]
    options += ["--host", server.url, "--data-volume", "tables"]
    assert "--namespace" in headgate("submit", problem, *options).stderr
    done = headgate("submit", problem, *options, "--namespace", "us")
    assert done.returncode == 0, done.stderr
    assert script.experiments[0]["namespace"] == "us"
    assert "secret" not in done.stdout
    server.stop()


def test_a_server_of_one_user_hears_of_no_namespace(submit, script) -> None:
    assert submit("--no-follow", "--namespace", "kubeflow").returncode == 0
    assert "namespace" not in script.experiments[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--param", "train_cpu=two"], "--param train_cpu is 'two'"),
        (["--image-tag", "latest"], "the image tag is 'latest'"),
        (["--timeout", "0"], "--timeout is 0; needed: seconds, more than 0"),
        (["--token-file", "/absent"], "--token-file /absent: cannot be read"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_nothing_is_sent(
    submit, script, arguments, message
) -> None:
    done = submit(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not script.runs
    assert not script.experiments


def test_a_table_on_this_machine_is_refused_before_anything_is_sent(
    server, problem, script
) -> None:
    done = headgate("submit", problem, "--host", server.url)
    assert done.returncode == 2
    assert "a file of this machine" in done.stderr
    assert not script.experiments


def test_ctrl_c_stops_following_and_says_how_to_stop_the_run(server, problem, script) -> None:
    script.looks[:] = [look("RUNNING", train_model="RUNNING")]
    command = [sys.executable, "-m", "headgate.cli.main", "submit", problem, "--host", server.url]
    process = subprocess.Popen(
        [*map(str, command), "--data-volume", "tables"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: bool(script.runs), what="the run's start")
    assert process.stdout is not None
    while RUN_ID not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"no longer followed; run {RUN_ID} goes on" in out
    assert f"curl -X POST {server.url}/apis/v2beta1/runs/{RUN_ID}:terminate" in out
    assert errors == "headgate: interrupted\n"


def test_compile_writes_both_documents_for_a_private_registry(tmp_path) -> None:
    done = headgate(
        "compile", "--out", tmp_path, "--image-registry", "ghcr.io/acme", "--image-tag", "7"
    )
    assert done.returncode == 0, done.stderr
    paths = [tmp_path / "promotion.yaml", tmp_path / "canary.yaml"]
    assert done.stdout.split() == [str(path) for path in paths]
    for path in paths:
        spec, platform = yaml.safe_load_all(path.read_text())
        images = {one["container"]["image"] for one in spec["deploymentSpec"]["executors"].values()}
        assert images == {"ghcr.io/acme/headgate-python:7"}
        assert platform["platforms"]["kubernetes"]
