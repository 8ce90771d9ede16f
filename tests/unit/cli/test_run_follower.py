import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.adapters.kfp_server import RUN_ID, PipelinesServer, Script, look

from headgate.adapters.kfp_client import PipelineServer, Run, Task
from headgate.adapters.memory import ManualClock
from headgate.cli.progress import Progress
from headgate.cli.run_follower import (
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
    RunFollower,
    curl_options,
    verdict,
)
from headgate.errors import BackendError

STEPS = frozenset({"ingest-table", "train-model", "deploy-model", "shift-traffic", "roll-back"})
CANARY = {"deploy_model": "SUCCEEDED", "shift_traffic": "SUCCEEDED"}
PROMOTED = look("SUCCEEDED", condition_1="SKIPPED", **CANARY)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def follow(script, clock):
    """Follow what the script says; returns the verdict and what was printed."""
    server = PipelinesServer(script)
    file = io.StringIO()

    def run(*looks, seconds: float = 1000.0, options: str = ""):
        script.looks[:] = looks
        with PipelineServer(server.url) as client:
            follower = RunFollower(
                client,
                RUN_ID,
                steps=STEPS,
                progress=Progress(Console(file=file, width=200, highlight=False)),
                namespace="us",
                curl_options=options,
                clock=clock,
            )
            return follower.follow(seconds)

    run.printed = file.getvalue
    yield run
    server.stop()


def test_a_promoted_run_gives_one_line_a_step_and_the_verdict(follow) -> None:
    assert follow(
        look("PENDING"),
        look("RUNNING", root_driver="SUCCEEDED", ingest_table="RUNNING"),
        look("RUNNING", ingest_table="SUCCEEDED", train_model="RUNNING", executor="RUNNING"),
        look("RUNNING", ingest_table="SUCCEEDED", train_model="SUCCEEDED"),
        look(
            "SUCCEEDED",
            ingest_table="SUCCEEDED",
            train_model="SUCCEEDED",
            condition_1="SKIPPED",
            **CANARY,
        ),
    )
    lines = [" ".join(line.split()) for line in follow.printed().splitlines()]
    assert lines[0].startswith("run ")
    assert lines[1:] == [
        "✓ ingest table 5.0 s",
        "✓ train model 5.0 s",
        "✓ deploy model 5.0 s",
        "✓ shift traffic 5.0 s",
        "promoted: the new version has all traffic",
    ]


def test_a_run_whose_gates_said_no_is_not_promoted(follow) -> None:
    assert not follow(look("SUCCEEDED", condition_1="SKIPPED", train_model="SUCCEEDED"))
    assert "not promoted: a gate did not pass" in follow.printed()


def test_a_run_that_was_rolled_back_is_not_promoted(follow) -> None:
    assert not follow(look("SUCCEEDED", condition_1="SUCCEEDED", roll_back="SUCCEEDED", **CANARY))
    assert "not promoted: the canary was taken back" in follow.printed()


def test_the_tasks_of_a_run_may_be_behind_its_state(follow, clock) -> None:
    behind = look("SUCCEEDED", deploy_model="SUCCEEDED", shift_traffic="RUNNING")
    assert follow(behind, behind, PROMOTED)
    assert clock.elapsed < SETTLE_SECONDS


def test_a_run_whose_tasks_say_nothing_is_no_promotion(follow, clock) -> None:
    with pytest.raises(BackendError, match="its tasks do not tell whether the model was promoted"):
        follow(look("SUCCEEDED"))
    assert clock.elapsed >= SETTLE_SECONDS


@pytest.mark.parametrize("broken", ["train_model", "train_model_driver"])
def test_a_run_that_failed_names_the_step_and_its_pods(follow, broken) -> None:
    failed = look("FAILED", **{"ingest_table": "SUCCEEDED", broken: "FAILED", "root": "FAILED"})
    with pytest.raises(BackendError) as caught:
        follow(look("FAILED", ingest_table="SUCCEEDED"), failed)
    message = str(caught.value)
    assert f"run {RUN_ID} ended as FAILED at train-model" in message
    assert f"kubectl get pods -n us -l pipeline/runid={RUN_ID}" in message
    if broken == "train_model":
        assert "✗ train model" in follow.printed()


def test_a_run_that_somebody_stopped_is_an_error(follow) -> None:
    with pytest.raises(BackendError, match="ended as CANCELED"):
        follow(look("CANCELED"))


def test_a_server_that_is_busy_is_asked_again(follow) -> None:
    assert follow(503, 503, look("RUNNING"), 503, PROMOTED)
    assert follow.printed().count("asking again") == 2


def test_a_server_that_stays_away_ends_the_following_only(follow, clock) -> None:
    with pytest.raises(BackendError, match=r"answers 503 .*; run .* goes on: .*; stop it there"):
        follow(503)
    assert PATIENCE_SECONDS <= clock.elapsed < PATIENCE_SECONDS + 10


def test_a_refusal_ends_the_following_at_once(follow, clock) -> None:
    with pytest.raises(BackendError, match=r"asks for a login.* goes on"):
        follow(look("RUNNING"), 401)
    assert clock.elapsed < 10


def test_following_ends_after_its_time_and_the_run_goes_on(follow, clock) -> None:
    with pytest.raises(BackendError, match=r"not at its end after 60 s; run .* goes on"):
        follow(look("RUNNING"), seconds=60)
    assert clock.elapsed >= 60


def test_an_interrupt_says_that_the_run_goes_on_and_how_to_stop_it(follow, clock) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    clock.on_sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        follow(look("RUNNING"))
    assert f"run {RUN_ID} goes on" in follow.printed()
    assert "curl -X POST http://127.0.0.1" in follow.printed()
    assert f"/apis/v2beta1/runs/{RUN_ID}:terminate" in follow.printed()


def test_a_step_is_shown_once_a_state(follow) -> None:
    running = look("RUNNING", train_model="RUNNING")
    follow(running, running, look("RUNNING", train_model="SUCCEEDED"), PROMOTED)
    assert follow.printed().count("train model") == 1


def test_a_canary_without_its_end_is_no_verdict() -> None:
    tasks = (
        Task(name="condition-1", state="SKIPPED"),
        Task(name="deploy-model", state="SUCCEEDED"),
        Task(name="shift-traffic", state="RUNNING"),
    )
    assert verdict(Run(state="SUCCEEDED", tasks=tasks)) is None


def test_a_rollback_that_runs_is_no_verdict() -> None:
    tasks = (
        Task(name="condition-1", state="SKIPPED"),
        Task(name="shift-traffic", state="SUCCEEDED"),
        Task(name="roll-back", state="RUNNING"),
    )
    assert verdict(Run(state="SUCCEEDED", tasks=tasks)) is None


def test_a_server_that_asks_for_a_token_can_be_told_to_stop_the_run(follow) -> None:
    options = curl_options(token_file=Path("my dir/token"), ca_cert=Path("ca.pem"))
    with pytest.raises(BackendError) as caught:
        follow(look("RUNNING"), seconds=0.5, options=options)
    assert (
        """curl -H "Authorization: Bearer $(cat 'my dir/token')" --cacert ca.pem -X POST http://"""
        in str(caught.value)
    )
    assert curl_options(token_file=None, ca_cert=None) == ""
