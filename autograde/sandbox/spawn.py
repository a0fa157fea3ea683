"""Fork a confined process from the host, watch it and end it."""

from __future__ import annotations

import functools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from autograde.sandbox import landlock, namespaces, rlimits, seccomp, usage, warden
from autograde.sandbox.host import forget_readable, readable_paths
from autograde.sandbox.limits import Limits
from autograde.sandbox.places import Places
from autograde.sandbox.tier import Tier

_READY = b"ready"
_LONGEST_FAILURE = 1000
_NICENESS = 5
_MEGABYTE = 1 << 20
_MOST_FILES = 16384
_SECONDS_TO_END = 10
_PAUSE_SECONDS = 0.002


@dataclass
class Sandbox:
    """A confined process, as its host sees it.

    Attributes
    ----------
    process
        The process to wait for.
    exit_code
        None before the sandbox ended; then its exit code, or the negative number of the signal that
        ended it.
    """

    process: int
    exit_code: int | None = field(init=False, default=None)
    _limits: Limits
    _report: int
    _folder: Path | None
    _said: bytes = field(init=False, default=b"")
    _started: float = field(init=False, default_factory=time.monotonic)
    _memory: usage.MemoryMeter = field(init=False, default_factory=usage.MemoryMeter)

    def excess(self) -> str | None:
        """Return why the sandbox must be stopped, or None; to be asked a few times a second."""
        limits = self._limits
        if time.monotonic() - self._started > limits.wall_seconds:
            return f"ran for more than {limits.wall_seconds:g} s"
        processes = usage.tree(self.process)
        if self._memory.exceeds(processes, limits.memory_bytes):
            return f"used more than {limits.memory_bytes // _MEGABYTE} MB of memory"
        if usage.processor_seconds(processes) > limits.cpu_seconds:
            return f"used more than {limits.cpu_seconds:g} s of processor time"
        if self._folder is not None:
            return self._excess_without_namespaces(self._folder, processes)
        return None

    def failure(self) -> str | None:
        """Return why the process could not be confined, in which case nothing was run in it."""
        self._hear()
        if self._said == _READY or (not self._said and self.exit_code is None):
            return None
        return self._said.decode(errors="replace") or "it ended before it was confined"

    def ended(self) -> bool:
        """Whether the sandbox has ended; nothing of it is left then."""
        if self.exit_code is None:
            self._reap(os.WNOHANG)
        return self.exit_code is not None

    def kill(self) -> None:
        """End the sandbox with all of its processes, and wait until they are gone."""
        if self.ended():
            return
        if self._folder is None:
            os.kill(self.process, signal.SIGKILL)
            self._reap(0)
        else:
            self._tell_warden(self._folder)

    def _excess_without_namespaces(
        self, folder: Path, processes: list[usage.Process]
    ) -> str | None:
        limits = self._limits
        # The warden is one of them.
        if len(processes) - 1 > limits.processes:
            return f"started more than {limits.processes} processes"
        if usage.disk(folder, processes, most_files=_MOST_FILES) > limits.disk_bytes:
            return f"wrote more than {limits.disk_bytes // _MEGABYTE} MB of files"
        return None

    def _tell_warden(self, folder: Path) -> None:
        os.kill(self.process, warden.STOP)
        latest = time.monotonic() + _SECONDS_TO_END
        while not self.ended():
            if time.monotonic() > latest:
                for process in reversed(usage.tree(self.process)):
                    warden.send(process.pid, signal.SIGKILL)
                self._reap(0)
                warden.remove(folder)
            time.sleep(_PAUSE_SECONDS)

    def _reap(self, options: int) -> None:
        process, status = os.waitpid(self.process, options)
        if not process:
            return
        code = os.waitstatus_to_exitcode(status)
        if self._folder is not None and code > warden.SIGNALLED:
            code = warden.SIGNALLED - code
        self.exit_code = code
        self._hear()
        os.close(self._report)
        self._report = -1

    def _hear(self) -> None:
        if self._report < 0 or self._said:
            return
        try:
            self._said = os.read(self._report, _LONGEST_FAILURE)
        except BlockingIOError:
            return


def spawn(
    run: Callable[[], None],
    *,
    tier: Tier,
    limits: Limits,
    keep: Sequence[int] = (),
    slot: int = 0,
) -> Sandbox:
    """Fork a confined process that runs a function and ends.

    Call it from a thread that lives as long as the sandbox: without namespaces, a sandbox ends when
    the thread that spawned it does.

    Parameters
    ----------
    run
        Runs in the sandbox. Its working folder is private, empty and writable; its standard streams
        lead nowhere; when it returns or raises, the sandbox ends with all of its processes.
    tier
        The tier for which `host_command` started this host.
    limits
        What the sandbox may use.
    keep
        File descriptors that it keeps; every other is closed in it.
    slot
        A number that no other sandbox of this host has at the same time.

    Returns
    -------
    Sandbox
        Whatever happens in the sandbox, nothing is raised here.

    Raises
    ------
    OSError
        If the system has no process left, or this host was not started for this tier.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    kept = [*keep, writing]
    try:
        if tier is Tier.NAMESPACES:
            folder = None
            process = _spawn_in_namespaces(run, limits, kept, slot)
        else:
            folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
            process = _spawn_under_warden(run, tier, limits, kept, slot, folder)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Sandbox(process, limits, reading, folder)


def _spawn_in_namespaces(
    run: Callable[[], None], limits: Limits, keep: Sequence[int], slot: int
) -> int:
    # Compiled once, here, and not in each sandbox.
    seccomp.namespaces_filter()

    def confine() -> None:
        readable = readable_paths()
        namespaces.confine(limits, slot=slot, readable=readable)
        namespaces.PLACES.move_in()
        namespaces.seal()

    process = namespaces.fork()
    if process == 0:
        _live(run, confine, keep)
    return process


def _spawn_under_warden(
    run: Callable[[], None],
    tier: Tier,
    limits: Limits,
    keep: Sequence[int],
    slot: int,
    folder: Path,
) -> int:
    places = Places(work=folder / "work", home=folder / "home", temporary=folder / "tmp")
    user = namespaces.slot_user(slot) if os.geteuid() == 0 else os.geteuid()
    places.make(user)
    processes = usage.users_tasks(user) + limits.processes
    if tier is Tier.LANDLOCK:
        landlock.prepare()

    def confine() -> None:
        readable = readable_paths()
        if tier is Tier.LANDLOCK:
            landlock.confine(slot=slot)
        rlimits.limit_resources(limits, processes=processes)
        places.move_in()
        if tier is Tier.LANDLOCK:
            landlock.seal(places, readable)

    host = os.getpid()
    process = os.fork()
    if process == 0:
        warden.watch_over(functools.partial(_live, run, confine, keep), folder, host)
    return process


def _live(run: Callable[[], None], confine: Callable[[], None], keep: Sequence[int]) -> NoReturn:
    """Confine this process, run the function and leave, past every handler of the host's.

    The last file to keep is where to say that the process is confined, or why it can't be.
    """
    status = 1
    report = keep[-1]
    try:
        try:
            _detach(keep)
            confine()
            forget_readable()
        except BaseException as error:
            os.write(report, str(error).encode()[:_LONGEST_FAILURE])
            raise
        os.write(report, _READY)
        os.close(report)
        run()
        status = 0
    finally:
        os._exit(status)


def _detach(keep: Sequence[int]) -> None:
    """Let go of all that this process has from the host: its files, signals and session."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.setsid()
    os.nice(_NICENESS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    _close_all_but({0, 1, 2, *keep})
    for descriptor in keep:
        os.set_inheritable(descriptor, False)


def _close_all_but(keep: set[int]) -> None:
    lowest = 0
    for descriptor in sorted(keep):
        # An empty range from 0 would close everything.
        if lowest < descriptor:
            os.closerange(lowest, descriptor)
        lowest = descriptor + 1
    os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))
