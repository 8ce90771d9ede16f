"""The driver's log: lines that people can read and the command line can follow."""

import io

import pytest

from headgate.adapters.memory import ManualClock
from headgate.adapters.rollout_log import RolloutLog, rollout_event


@pytest.fixture
def clock():
    return ManualClock()


def test_changes_are_always_written_and_looks_are_thinned(clock):
    stream = io.StringIO()
    log = RolloutLog(clock, stream=stream)
    for event in ("started", "look", "stage", "look"):
        log({"event": event})
    clock.sleep(0.6)
    log({"event": "look"})
    written = [rollout_event(line)["event"] for line in stream.getvalue().splitlines()]
    assert written == ["started", "stage", "look"]


def test_an_event_survives_what_a_runner_puts_before_it():
    assert rollout_event('    headgate-rollout {"event": "look", "t": 1.5}\n') == {
        "event": "look",
        "t": 1.5,
    }


@pytest.mark.parametrize("line", ["", "hello", "headgate-rollout {broken", "headgate-rollout 3"])
def test_other_lines_hold_no_event(line):
    assert rollout_event(line) is None
