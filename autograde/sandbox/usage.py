"""What the processes of a sandbox use."""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from psutil import Process

_DEEPEST = 64
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
    try:
        # A process's share of each page.
        return sum(_sizes(folder / "smaps_rollup", ("Pss", "SwapPss")))
    except PermissionError:
        return sum(_sizes(folder / "status", ("RssAnon", "RssShmem", "VmSwap")))
    except OSError:
        return 0


def _sizes(path: Path, names: tuple[str, ...]) -> Iterator[int]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name in names:
            yield int(value.split()[0]) * 1024
