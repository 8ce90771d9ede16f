import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from headgate.cli.kind.commands import Commands
from headgate.errors import BackendError


def python(code):
    return (sys.executable, "-c", code)


@pytest.fixture
def commands():
    return Commands()


def test_what_a_command_printed_is_returned(commands):
    assert commands.run(*python("print(7)"), seconds=60) == "7\n"


def test_a_command_reads_the_text_that_it_is_given(commands):
    assert commands.run(*python("print(input())"), seconds=60, text="seven") == "seven\n"


def test_a_failure_ends_with_the_last_lines_that_say_something(commands):
    code = "import sys; sys.exit('\\n'.join([*'abcdefg', '', '  h  ']))"
    with pytest.raises(BackendError, match=r"failed with exit code 1: d / e / f / g / h$"):
        commands.run(*python(code), seconds=60)


def test_a_command_that_fails_in_silence_is_told_as_that(commands):
    with pytest.raises(BackendError, match="exit code 3: it said nothing"):
        commands.run(*python("raise SystemExit(3)"), seconds=60)


def test_a_program_that_is_not_there_is_named(commands):
    with pytest.raises(BackendError, match="no-such-program is not on PATH"):
        commands.run("no-such-program", seconds=60)


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(commands, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    grandchild = f"held = open({str(fifo)!r}, 'w'); import signal; signal.pause()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with pytest.raises(BackendError, match=r"did not end within 0.5 s"):
        commands.run(*python(code), seconds=0.5)
    assert os.read(reader, 1) == b""  # comes when nobody holds the other end any more
    os.close(reader)


def test_giving_up_ends_what_runs_and_starts_nothing_more(commands, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    code = f"open({str(tmp_path / 'fifo')!r}, 'w').close(); import signal; signal.pause()"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(commands.attempt, *python(code), seconds=60)
        (tmp_path / "fifo").read_text()  # returns when the command is there
        commands.abort()
        assert running.result().code == -signal.SIGTERM
    with pytest.raises(BackendError, match="was not started"):
        commands.run(*python("print(7)"), seconds=60)
