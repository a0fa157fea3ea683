"""What the processes of a sandbox use."""

from __future__ import annotations

import math
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from psutil import Process

_DEEPEST = 64
_EXACT_SECONDS = 2.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512
"""Bytes in what a file system counts as a block."""


def tree(process: int) -> list[Process]:
    """Return a process and its descendants, as far as they live."""
    try:
        root = Process(process)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def held_by_this_process() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(Process().memory_info().rss)


def memory(processes: list[Process]) -> int:
    """Return the memory of processes in bytes, each shared page counted once where that can be."""
    return sum(_memory(process) for process in processes)


class MemoryMeter:
    """Says whether processes forked from this one hold too much memory.

    To measure it exactly takes Linux 10 ms for each process of the size of the course's. What can
    have come since the last time is bounded by what is quick to read: a page is new to a process by
    a fault, or adds to what is resident. So it is measured when this bound says that it may matter,
    and every other second.
    """

    def __init__(self) -> None:
        # At its beginning, a process holds no more than the one that it is forked from.
        self._exact = self._held = held_by_this_process()
        self._measured = time.monotonic()
        self._marks: dict[tuple[int, int], tuple[int, int]] = {}

    def exceeds(self, processes: list[Process], most: float) -> bool:
        """Say whether processes hold more than some bytes beyond what this one held."""
        most += self._held
        marks = dict(filter(None, map(_marks, processes)))
        due = sys.platform != "linux" or time.monotonic() - self._measured > _EXACT_SECONDS
        if not due and self._exact + sum(map(self._growth, marks.items())) <= most:
            return False
        self._exact, self._marks = memory(processes), marks
        self._measured = time.monotonic()
        return self._exact > most

    def _growth(self, marks: tuple[tuple[int, int], tuple[int, int]]) -> int:
        """Return how many bytes a process can have got at most since it was measured."""
        process, (faults, resident) = marks
        faults_then, resident_then = self._marks.get(process, (0, self._held // _PAGE))
        return (faults - faults_then + max(0, resident - resident_then)) * _PAGE


def processor_seconds(processes: list[Process]) -> float:
    """Return the processor time of processes, and of their children that have ended."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return total


def users_tasks(user: int) -> int:
    """Return how many processes and threads a user has on this machine."""
    tasks = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == user:
                tasks += process.num_threads()
    return tasks


def disk(folder: Path, processes: list[Process], *, most_files: int) -> float:
    """Return the bytes of the files in a folder, and of removed ones that are still open.

    Parameters
    ----------
    folder
        Where to look.
    processes
        Whose open files to look at.
    most_files
        With more files and folders than this, or deeper ones than 64, the answer is infinity.
    """
    sizes: dict[tuple[int, int], int] = {}
    waiting = [(str(folder), 0)]
    while waiting:
        here, depth = waiting.pop()
        with suppress(OSError), os.scandir(here) as entries:
            for entry in entries:
                with suppress(OSError):
                    _note(sizes, entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
                # Deep ones have paths too long to be looked at.
                if len(sizes) > most_files or depth > _DEEPEST:
                    return math.inf
    for process in processes:
        _note_removed(sizes, process.pid)
    return sum(sizes.values())


def _note(sizes: dict[tuple[int, int], int], status: os.stat_result) -> None:
    sizes[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK


def _note_removed(sizes: dict[tuple[int, int], int], process: int) -> None:
    # There is none on macOS; on Linux, a sandbox's processes are this user's.
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{process}/fd"):
            with suppress(OSError):
                status = os.stat(entry.path)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    _note(sizes, status)


def _memory(process: Process) -> int:
    if sys.platform != "linux":
        with suppress(psutil.Error):
            return int(process.memory_info().rss)
        return 0
    folder = Path("/proc", str(process.pid))
    # It may end at any time, between two looks as well.
    with suppress(OSError):
        try:
            # A process's share of each page.
            return sum(_sizes(folder / "smaps_rollup", ("Pss", "SwapPss")))
        except PermissionError:
            return sum(_sizes(folder / "status", ("RssAnon", "RssShmem", "VmSwap")))
    return 0


def _marks(process: Process) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return what tells a process from others, with its page faults and its resident pages."""
    try:
        text = Path("/proc", str(process.pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    # As proc(5) counts them from 1; the second, a name, may hold anything.
    fields = ["", "", *text.rpartition(")")[2].split()]
    minor, major, started, resident = (int(fields[number - 1]) for number in (10, 12, 22, 24))
    return (process.pid, started), (minor + major, resident)


def _sizes(path: Path, names: tuple[str, ...]) -> Iterator[int]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name in names:
            yield int(value.split()[0]) * 1024
