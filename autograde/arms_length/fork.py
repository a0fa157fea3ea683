"""Do something in a process of its own, and have what came of it as data."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograde.arms_length.channel import (
    CannotCrossError,
    Channel,
    ClosedError,
    TooSlowError,
)

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_FIRST_TO_GO = "900"


class ForkFailedError(Exception):
    """A fork that gave no result; the text says how."""


def in_a_fork(work: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Run a function in a fork of this process and return its result.

    Parameters
    ----------
    work
        The function; its result crosses as data.
    seconds
        After this time the fork is killed.

    Raises
    ------
    ForkFailedError
        If it has not come to its end by then, has died, or its result is no data.
    """
    ours, theirs = socket.socketpair()
    process = os.fork()
    if process == 0:
        try:
            ours.close()
            die_with_parent()
            _be_first_to_go()
            Channel(theirs).send(work())
        finally:
            os._exit(0)
    theirs.close()
    try:
        return Channel(ours).receive(deadline=time.monotonic() + seconds)
    except (TooSlowError, ClosedError, CannotCrossError) as error:
        raise ForkFailedError(str(error)) from error
    finally:
        ours.close()
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def die_with_parent() -> None:
    """Have this process end when its parent does, however that ends; where Linux can do it."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _be_first_to_go() -> None:
    """Ask Linux to end this process before others when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
