"""Run small jobs, each in a process forked from this one.

A forked job starts in a millisecond with everything that this process has computed, and whatever it
does to its memory, or to itself, stays with it.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


class JobFailedError(Exception):
    """A job that ended without a result; the text says how."""


@dataclass
class _Running:
    index: int
    process: int
    started: float
    received: bytearray


def run_forked(
    jobs: Sequence[Callable[[], object]], *, workers: int = 2, seconds: float = 60
) -> Iterator[tuple[int, object]]:
    """Run jobs in forked processes and yield each one's index and result as it ends.

    Parameters
    ----------
    jobs
        Functions without arguments, whose results can be pickled.
    workers
        How many run at the same time.
    seconds
        After this time a job is killed.

    Yields
    ------
    index, result
        The result is a `JobFailedError` for a job that raised, died, or was killed.
    """
    waiting = list(reversed(list(enumerate(jobs))))
    selector = selectors.DefaultSelector()
    try:
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < workers:
                index, job = waiting.pop()
                _start(selector, index, job)
            yield from _collect(selector, seconds)
    finally:
        for key in list(selector.get_map().values()):
            os.kill(key.data.process, signal.SIGKILL)
            _end(selector, key)


def _start(selector: selectors.BaseSelector, index: int, job: Callable[[], object]) -> None:
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _serve(job, writing)
    os.close(writing)
    running = _Running(index, process, time.monotonic(), bytearray())
    selector.register(reading, selectors.EVENT_READ, running)


def _serve(job: Callable[[], object], writing: int) -> None:
    """Run a job in the child and leave, past every handler and ``finally`` of the parent's."""
    status = 1
    try:
        result: object
        try:
            result = job()
        except Exception as error:
            result = JobFailedError(f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(result, stream)
        status = 0
    finally:
        os._exit(status)


def _collect(selector: selectors.BaseSelector, seconds: float) -> Iterator[tuple[int, object]]:
    for key, _ in selector.select(timeout=0.2):
        chunk = os.read(key.fd, 1 << 20)
        if chunk:
            key.data.received += chunk
            continue
        running = key.data
        _end(selector, key)
        if running.received:
            yield running.index, pickle.loads(bytes(running.received))
        else:
            yield running.index, JobFailedError("the process died")
    for key in list(selector.get_map().values()):
        if time.monotonic() - key.data.started > seconds:
            os.kill(key.data.process, signal.SIGKILL)
            _end(selector, key)
            yield key.data.index, JobFailedError(f"no end after {seconds:g} s")


def _end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    selector.unregister(key.fd)
    os.close(key.fd)
    os.waitpid(key.data.process, 0)
