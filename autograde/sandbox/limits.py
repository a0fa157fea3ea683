"""How much one sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one submission's sandbox may use, all of its processes together.

    Attributes
    ----------
    memory_bytes
        Memory beyond what the host process held when the sandbox was spawned.
    processes
        Processes and threads at a time.
    cpu_seconds
        Processor time.
    wall_seconds
        Time since the sandbox was spawned.
    file_bytes
        Size of any one file.
    disk_bytes
        All files in its folders together, ``/tmp`` and ``/dev/shm`` included.
    open_files
        Open files of each process.
    """

    memory_bytes: int = 1 << 30
    processes: int = 32
    cpu_seconds: int = 240
    wall_seconds: float = 300
    file_bytes: int = 64 << 20
    disk_bytes: int = 64 << 20
    open_files: int = 128
