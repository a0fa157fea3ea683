"""The memory of a sandbox is measured whenever it can have become too much, and not much more."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from autograde.sandbox import usage

MEGABYTE = 1 << 20
SIZE = 64 * MEGABYTE
MOST = 32 * MEGABYTE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is always measured")


def fill(content: bytearray) -> None:
    for place in range(0, len(content), 4096):
        content[place] = 1


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[list[psutil.Process]]:
    """Fork a process that works and then waits; yield it when it has worked."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        kept = work()
        os.write(writing, b"done")
        signal.pause()
        os._exit(len(str(kept)))
    try:
        os.close(writing)
        assert os.read(reading, 4) == b"done"
        os.close(reading)
        yield [psutil.Process(process)]
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many processes were measured exactly, each time."""
    counts: list[int] = []
    exact = usage.memory

    def count(processes: list[psutil.Process]) -> int:
        counts.append(len(processes))
        return exact(processes)

    monkeypatch.setattr(usage, "memory", count)
    monkeypatch.setattr(usage, "_EXACT_SECONDS", 1e9)
    return counts


def test_what_cannot_be_too_much_is_not_measured(measured: list[int]) -> None:
    inherited = bytearray(SIZE)
    fill(inherited)
    meter = usage.MemoryMeter()
    with forked(lambda: inherited) as processes:
        assert not meter.exceeds(processes, MOST)
    assert measured == []


def test_new_memory_is_noticed(measured: list[int]) -> None:
    # What it shares with this process counts half, and may be as much as this process holds.
    size = usage.held_by_this_process() + SIZE

    def grab() -> bytearray:
        content = bytearray(size)
        fill(content)
        return content

    meter = usage.MemoryMeter()
    with forked(grab) as processes:
        assert meter.exceeds(processes, MOST)
        assert not meter.exceeds(processes, 2 * size)


def test_memory_that_was_shared_and_no_longer_is_counts(measured: list[int]) -> None:
    """Its size as the system shows it does not change; what it costs does."""
    inherited = bytearray(SIZE)
    fill(inherited)
    meter = usage.MemoryMeter()
    with (
        forked(lambda: fill(inherited)) as first,
        forked(lambda: fill(inherited)) as second,
        forked(lambda: fill(inherited)) as third,
    ):
        processes = first + second + third
        meter.exceeds(processes, MOST)
    assert measured == [3]


def test_it_is_measured_now_and_then_whatever_is_known(
    measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = usage.MemoryMeter()
    monkeypatch.setattr(usage, "_EXACT_SECONDS", -1)
    with forked(lambda: None) as processes:
        assert not meter.exceeds(processes, MOST)
    assert measured == [1]
