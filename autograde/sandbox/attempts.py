"""Attempts to get out of a sandbox, by which a machine's sandbox is tried.

``python -m autograde.sandbox.attempts TIER TARGETS`` makes them, as a host, and prints a line of
JSON for each.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from autograde.sandbox.limits import Limits
from autograde.sandbox.spawn import spawn
from autograde.sandbox.tier import Tier

LIMITS = Limits(
    memory_bytes=256 << 20, processes=16, cpu_seconds=20, wall_seconds=15, disk_bytes=32 << 20
)
"""What a sandbox may use while attempts are made in it."""

_MEGABYTE = 1 << 20
_LONG_SECONDS = 60
_PAUSE_SECONDS = 0.05
_SUCCEEDED = b"succeeded"


@dataclass(frozen=True)
class Targets:
    """What the attempts aim at, all of it the user's own.

    Attributes
    ----------
    secret
        A file.
    folder
        A folder that everybody may write to.
    port
        Where a server listens on this machine.
    process
        A process.
    """

    secret: str
    folder: str
    port: int
    process: int


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes
    ----------
    aim
        What it tries, in words.
    make
        Tries it, and raises where it can't.
    by_limits
        Whether limits alone claim to hold it.
    seconds
        After this time without success it has failed.
    """

    aim: str
    make: Callable[[Targets], None]
    by_limits: bool = False
    seconds: float = LIMITS.wall_seconds


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: whether the sandbox held, None if it wasn't made, and how."""

    aim: str
    held: bool | None
    how: str


def _read(targets: Targets) -> None:
    Path(targets.secret).read_bytes()


def _write(targets: Targets) -> None:
    Path(targets.folder, f"written-{os.getpid()}").write_text("x")


def _connect(targets: Targets) -> None:
    with socket.create_connection(("127.0.0.1", targets.port), timeout=5) as line:
        # A sandbox may have a network of its own, in which nobody answers.
        if not line.recv(1):
            raise ConnectionError("nobody answered")


def _look(targets: Targets) -> None:
    if not Path(f"/proc/{targets.process}/cmdline").read_bytes():
        raise ProcessLookupError("it shows nothing")


def _signal(targets: Targets) -> None:
    os.kill(targets.process, 0)


def _become_root(targets: Targets) -> None:
    os.setuid(0)


def _take_memory(targets: Targets) -> None:
    bytearray(b"x") * (512 * _MEGABYTE)


def _take_memory_in_children(targets: Targets) -> None:
    children = []
    for _ in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            content = bytearray(b"x") * (100 * _MEGABYTE)
            time.sleep(_LONG_SECONDS)
            os._exit(len(content) % 2)
    time.sleep(_LONG_SECONDS)


def _start_processes(targets: Targets) -> None:
    for _ in range(40):
        if os.fork() == 0:
            time.sleep(_LONG_SECONDS)
            os._exit(0)
    time.sleep(1)


def _fill_disk(targets: Targets) -> None:
    for number in range(48):
        Path(f"file{number}").write_bytes(b"x" * _MEGABYTE)
    time.sleep(2)


def _stay(targets: Targets) -> None:
    time.sleep(_LONG_SECONDS)


ATTEMPTS = (
    Attempt("read a file of yours", _read),
    Attempt("write to a folder of yours", _write),
    Attempt("reach a server on this machine", _connect),
    Attempt("look at a process of yours", _look),
    Attempt("send it a signal", _signal),
    Attempt("become root", _become_root),
    Attempt("take too much memory", _take_memory, by_limits=True),
    Attempt("take it in several processes", _take_memory_in_children, by_limits=True),
    Attempt("start too many processes", _start_processes, by_limits=True),
    Attempt("fill the disk", _fill_disk, by_limits=True),
    Attempt("run for ever", _stay, by_limits=True, seconds=2),
)


def claims(tier: Tier, attempt: Attempt) -> bool:
    """Whether a tier claims to hold what an attempt aims at."""
    return tier is not Tier.LIMITS or attempt.by_limits


def make(attempt: Attempt, tier: Tier, targets: Targets) -> Outcome:
    """Make an attempt in a sandbox of its own."""
    ours, theirs = socket.socketpair()

    def run() -> None:
        try:
            attempt.make(targets)
            theirs.sendall(_SUCCEEDED)
        except Exception as error:
            text = getattr(error, "strerror", None) or str(error) or type(error).__name__
            theirs.sendall(text.encode())

    limits = Limits(**asdict(LIMITS) | {"wall_seconds": attempt.seconds})
    with ours:
        with theirs:
            sandbox = spawn(run, tier=tier, limits=limits, keep=[theirs.fileno()])
        stopped = None
        while not sandbox.ended():
            if stopped := sandbox.excess():
                sandbox.kill()
                break
            time.sleep(_PAUSE_SECONDS)
        if failure := sandbox.failure():
            return Outcome(attempt.aim, None, failure)
        if stopped:
            return Outcome(attempt.aim, True, f"stopped: it {stopped}")
        said = ours.recv(1000)
    if not said:
        return Outcome(attempt.aim, True, f"ended: {_ending(sandbox.exit_code)}")
    return Outcome(attempt.aim, said != _SUCCEEDED, said.decode())


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


if __name__ == "__main__":
    for each in ATTEMPTS:
        outcome = make(each, Tier(sys.argv[1]), Targets(**json.loads(sys.argv[2])))
        print(json.dumps(asdict(outcome)), flush=True)
