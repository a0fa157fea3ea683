"""Confinement by Landlock: a process that may use few files, and no other process."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from autograde.sandbox import linux, seccomp
from autograde.sandbox.host import system_paths
from autograde.sandbox.namespaces import become, slot_user
from autograde.sandbox.places import Places

# The same on every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHARACTER_DEVICE, _MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_ALL_TCP = 1 << 0 | 1 << 1
_ABSTRACT_SOCKETS_AND_SIGNALS = 1 << 0 | 1 << 1
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many of the rights to files each version of the interface knows."""
_KNOWS_TRUNCATE, _KNOWS_TCP, _KNOWS_SCOPES = 3, 4, 6

# Not /dev/zero: mapped as shared, it is memory that no process is charged for.
_READABLE = (
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
)


@cache
def version() -> int:
    """Return the version of the kernel's Landlock interface, 0 where there is none."""
    return max(0, linux.libc().syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))


def prepare() -> None:
    """Compile, once for all sandboxes of this host, what they share."""
    _filter()


def confine(*, slot: int) -> None:
    """Make this process an unprivileged one; `seal` must follow."""
    # Where the machine's memory runs out, it is the first to go.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if os.geteuid() == 0:
        become(slot_user(slot), slot_user(slot))
    # Its warden and all that it started end it at the latest when the host ends.
    linux.signal_at_death_of_parent(signal.SIGKILL)


def seal(places: Places, readable: Sequence[Path]) -> None:
    """Give up every right but to read the readable paths, and to write to the sandbox's folders."""
    linux.drop_capabilities()
    linux.set_dumpable()
    linux.forbid_new_privileges()
    _restrict_files([*system_paths(), *map(Path, _READABLE), *readable], places)
    if version() < _KNOWS_SCOPES:
        seccomp.load(seccomp.own_signals_filter(os.getpid()))
    seccomp.load(_filter())


def _filter() -> bytes:
    return seccomp.landlock_filter(
        shares_user=os.geteuid() != 0, may_truncate=version() >= _KNOWS_TRUNCATE
    )


def _restrict_files(readable: Iterable[Path], places: Places) -> None:
    known = (1 << _RIGHTS_BY_VERSION[min(version(), max(_RIGHTS_BY_VERSION))]) - 1
    rules = _create(known)
    try:
        for path in readable:
            _allow(rules, path, _READ & known)
        _allow(rules, Path(os.devnull), (_READ | _WRITE_FILE) & known)
        devices = _MAKE_CHARACTER_DEVICE | _MAKE_BLOCK_DEVICE | _DEVICE_CONTROL
        for folder in (places.work, places.home, places.temporary):
            _allow(rules, folder, known & ~devices)
        linux.check(linux.libc().syscall(_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    finally:
        os.close(rules)


def _create(known: int) -> int:
    fields = [known]
    if version() >= _KNOWS_TCP:
        fields.append(_ALL_TCP)
    if version() >= _KNOWS_SCOPES:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    outcome = linux.libc().syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    return linux.check(outcome, "landlock_create_ruleset")


def _allow(rules: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(f"/proc/self/fd/{opened}"):
                rights &= _FILE_RIGHTS
            attributes = struct.pack("=Qi", rights, opened)
            outcome = linux.libc().syscall(_ADD_RULE, rules, _PATH_BENEATH, attributes, 0)
            linux.check(outcome, f"landlock_add_rule {path}")
        finally:
            os.close(opened)
