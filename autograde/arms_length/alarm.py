"""A limit to the work that this process does on something."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


class TooMuchWorkError(Exception):
    """Raised wherever the process is when the limit is reached."""


@dataclass
class Limit:
    """Whether the limit has been reached."""

    reached: bool = False


@contextlib.contextmanager
def work_limit(seconds: float, limit: Limit | None = None) -> Iterator[Limit]:
    """Raise `TooMuchWorkError` after this process has worked for some seconds of its own time.

    Time spent waiting does not count. For the main thread.

    Parameters
    ----------
    seconds
        How long it may work.
    limit
        Where to say that the limit has been reached; a new one if there is none.
    """
    limit = limit or Limit()

    def ring(number: int, frame: FrameType | None) -> None:
        limit.reached = True
        raise TooMuchWorkError(f"more than {seconds:g} s of work")

    before = signal.signal(signal.SIGPROF, ring)
    # It rings again each second, since what it interrupts may catch all exceptions.
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
