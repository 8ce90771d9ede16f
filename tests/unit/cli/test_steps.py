"""A pipeline's process: its log becomes events and one named error."""

import stat
import sys

import pytest

from headgate.cli import steps
from headgate.cli.steps import PipelineProcess, StepEvent
from headgate.errors import BackendError, DataError

HEALTHY = """
print("12:00 - INFO - Executing task \\x1b[96m'train-model'\\x1b[0m")
print('    headgate-rollout {"event": "look", "t": 1}')
print("12:01 - INFO - Task \\x1b[96m'train-model'\\x1b[0m finished with status SUCCESS")
"""
NAMED = """
print("12:00 - INFO - Executing task 'ingest-table'")
print("    headgate.errors.DataError: column 'x' holds 3")
print("12:01 - ERROR - Task 'ingest-table' finished with status FAILURE")
raise SystemExit(1)
"""
UNNAMED = """
print("12:00 - INFO - Executing task 'ingest-table'")
print("    ValueError: math domain error")
print("12:01 - ERROR - Task 'ingest-table' finished with status FAILURE")
raise SystemExit(1)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script in the place of the worker."""

    processes = []

    def started(script: str) -> tuple[list[object], PipelineProcess]:
        worker = tmp_path / "worker.py"
        worker.write_text(script)
        monkeypatch.setattr(steps, "WORKER", (sys.executable, str(worker)))
        process = PipelineProcess("promotion", {"cluster_token": "s3cret"}, folder=tmp_path)
        processes.append(process)
        events = []
        while process.running:
            event = process.next_event(timeout=5)
            if event is not None:
                events.append(event)
        return events, process

    yield started
    for process in processes:
        process.stop()


def test_steps_and_rollout_events_come_in_order(run):
    events, process = run(HEALTHY)
    assert process.error() is None
    kinds = [(e.step, e.status) if isinstance(e, StepEvent) else e["event"] for e in events]
    assert kinds == [("train-model", "started"), "look", ("train-model", "succeeded")]


def test_a_named_error_keeps_its_class_and_says_the_step(run):
    _, process = run(NAMED)
    error = process.error()
    assert type(error) is DataError
    assert str(error) == "ingest-table: column 'x' holds 3"


def test_an_error_without_a_name_is_shown_with_the_path_of_the_log(run, tmp_path):
    _, process = run(UNNAMED)
    error = process.error()
    assert type(error) is BackendError
    assert str(error) == f"ingest-table: ValueError: math domain error; see {tmp_path / 'log.txt'}"


def test_a_killed_pipeline_says_that_it_may_have_been_killed(run):
    _, process = run("import os; os.kill(os.getpid(), 9)")
    assert "it may have been killed" in str(process.error())


def test_files_that_hold_the_token_are_private(run, tmp_path):
    run(HEALTHY)
    for name in ("pipeline.json", "log.txt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_stopping_twice_is_fine(run):
    _, process = run(HEALTHY)
    process.stop()
    process.stop()
