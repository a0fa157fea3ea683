"""A process above a sandbox without namespaces, which leaves nothing of it behind.

Orphans below it become its children, so what the sandbox consists of is known at any time: the
warden's descendants. It ends them when the sandbox's first process ends, when told to, and when the
host is gone.
"""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from autograde.sandbox import linux, usage

STOP = signal.SIGTERM
SIGNALLED = 128
"""A warden's exit code beyond this is the number of the signal that ended the sandbox."""

_PAUSE_SECONDS = 0.002


class _StopError(BaseException):
    """The warden was told to stop."""


def watch_over(live: Callable[[], NoReturn], folder: Path, host: int) -> NoReturn:
    """Fork a process below this one and, when it is over, end all that came of it.

    Parameters
    ----------
    live
        Runs in the new process, and does not return.
    folder
        What to remove in the end.
    host
        The process that forked the warden.
    """
    code = SIGNALLED + signal.SIGKILL
    first = 0
    try:
        signal.signal(STOP, _stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.setsid()
        if sys.platform == "linux":
            linux.adopt_orphans()
            linux.signal_at_death_of_parent(STOP)
        if os.getppid() == host:
            first = os.fork()
            if first == 0:
                signal.signal(STOP, signal.SIG_DFL)
                live()
            os.closerange(0, os.sysconf("SC_OPEN_MAX"))
            code = _wait_for(first)
    except _StopError:
        pass
    finally:
        signal.signal(STOP, signal.SIG_IGN)
        _end_all(first)
        remove(folder)
        os._exit(code)


def remove(folder: Path) -> None:
    """Remove a folder, whatever its owner did to what is in it."""
    # Each folder below is first brought to the top: what is nested deep takes programs very long.
    token = secrets.token_hex(8)
    numbers = itertools.count()
    waiting = [folder]
    emptied = []
    while waiting:
        here = waiting.pop()
        emptied.append(here)
        with suppress(OSError):
            here.chmod(stat.S_IRWXU)
            for entry in list(os.scandir(here)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, stat.S_IRWXU)
                    waiting.append(folder / f"{token}-{next(numbers)}")
                    os.rename(entry.path, waiting[-1])
                else:
                    os.unlink(entry.path)
    for empty in reversed(emptied):
        with suppress(OSError):
            empty.rmdir()


def send(process: int, number: int) -> None:
    """Send a signal to a process, if it still lives."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def _stop(number: int, frame: object) -> NoReturn:
    raise _StopError


def _wait_for(first: int) -> int:
    while True:
        process, status = os.waitpid(-1, 0)
        if process == first:
            code = os.waitstatus_to_exitcode(status)
            return SIGNALLED - code if code < 0 else code


def _end_all(first: int) -> None:
    while True:
        # Stopped ones start no others while the rest is being found.
        stopped: set[int] = set()
        while found := {process.pid for process in usage.tree(os.getpid())[1:]} - stopped:
            for process in found:
                send(process, signal.SIGSTOP)
            stopped |= found
        for process in stopped:
            send(process, signal.SIGKILL)
        if sys.platform != "linux" and first:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(first, signal.SIGKILL)
        if not _reap_some():
            return


def _reap_some() -> bool:
    """Take leave of the children that ended; tell whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    time.sleep(_PAUSE_SECONDS)
    return True
