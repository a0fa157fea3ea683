"""Limits that the kernel holds each process to."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from autograde.sandbox.limits import Limits

_ADDRESS_SPACE_FOR_NOTHING = 16 << 30
"""What libraries reserve and never fill; bounds the page tables that no process is charged for."""


def limit_resources(limits: Limits, *, processes: int) -> None:
    """Limit this process and each that it starts.

    Parameters
    ----------
    limits
        What the sandbox may use; what it holds now is not counted.
    processes
        Bound on the processes and threads of its user.
    """
    wanted = {
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_NPROC": processes,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_RTPRIO": 0,
    }
    if sys.platform == "linux":
        wanted["RLIMIT_DATA"] = _held("VmData") + limits.memory_bytes
        wanted["RLIMIT_AS"] = _held("VmSize") + limits.memory_bytes + _ADDRESS_SPACE_FOR_NOTHING
    for name, value in wanted.items():
        if hasattr(resource, name):
            _limit(getattr(resource, name), value)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except ValueError:
        # macOS refuses to bound some of them.
        if sys.platform == "linux":
            raise


def _held(field: str) -> int:
    """Return a size in bytes from this process's status."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
