"""Child processes of the supervisor, each in a session of its own.

None outlives a supervisor that stops, whether asked to or because its owner is gone. If it is
killed with -9 the children die with it on Linux (PR_SET_PDEATHSIG). macOS has no such signal: there
Envoy and the model servers outlive it, only the traffic generator sees its pipe close.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

TAIL_LINES = 5
TAIL_CHARACTERS = 600
STOP_SECONDS = 2.0  # between SIGTERM and SIGKILL
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: nothing may be imported or allocated between fork and exec.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


async def spawn(
    command: Sequence[str], *, log: IO[bytes], fds: Sequence[int] = (), piped: bool = False
) -> Process:
    """Start a child that dies with this process; after kill -9 of this process on Linux alone.

    Call it from the main thread: Linux ties the death signal to the thread that forks.

    Args:
        command: Program and arguments.
        log: Receives what it prints.
        fds: Descriptors that it inherits.
        piped: Give it pipes for stdin and stdout; only stderr goes to the log then.

    Returns:
        The child, leader of a session of its own.

    Raises:
        OSError: If the program cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if piped else log,
        stderr=log,
        pass_fds=tuple(fds),
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )


def _die_with_parent() -> None:
    # Runs between fork and exec.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def stop(process: Process, *, seconds: float = STOP_SECONDS) -> None:
    """End a child and its group: SIGTERM, then SIGKILL; nothing if it has ended already.

    Args:
        process: A child that `spawn` started.
        seconds: How long it may take after SIGTERM; 0 kills at once.
    """
    if process.returncode is not None:
        return
    if seconds > 0:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
    kill_group(process)
    await process.wait()


def kill_group(process: Process) -> None:
    """Kill what is left of a child's group; after its end only at once, before its id is reused.

    Args:
        process: A child that `spawn` started; it may have ended this moment, its children not.
    """
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # the latter on macOS, for zombies
        return


def exit_text(code: int) -> str:
    """Say how a process ended.

    Args:
        code: Its return code; negative for a signal.

    Returns:
        For example "exited with code 3" or "was killed by SIGKILL".
    """
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def tail(path: Path, *, start: int = 0) -> str:
    """Read the last lines of a log as one line of text.

    Args:
        path: The log.
        start: Byte at which to begin.

    Returns:
        The last lines, joined by " | "; "no output" if there are none.
    """
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    kept = [line.strip() for line in lines if line.strip()][-TAIL_LINES:]
    return " | ".join(kept)[-TAIL_CHARACTERS:] or "no output"


def listening_socket() -> socket.socket:
    """Open a listening socket on a free loopback port.

    Returns:
        The socket; connections made before somebody accepts wait in its queue.
    """
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; otherwise an answer of
    # two writes waits 40 ms for a delayed acknowledgement.
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.bind(("127.0.0.1", 0))
    opened.listen(1024)
    return opened
