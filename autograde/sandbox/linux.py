"""Calls of the Linux kernel that Python 3.11 has no function for."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from functools import cache

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


@cache
def libc() -> ctypes.CDLL:
    """Return the C library, which keeps ``errno`` for `check`."""
    return ctypes.CDLL(None, use_errno=True)


def check(outcome: int, what: str) -> int:
    """Return what a C function returned.

    Raises
    ------
    OSError
        If it says that the call failed.
    """
    if outcome < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return outcome


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    check(libc().unshare(flags), "unshare")


def enter(namespace: int, kind: int) -> None:
    """Enter the namespace that a file descriptor stands for."""
    check(libc().setns(namespace, kind), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount a file system, or change how one is mounted."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    outcome = libc().mount(*words, ctypes.c_ulong(flags), os.fsencode(options) or None)
    check(outcome, f"mount {target}")


def set_dumpable() -> None:
    """Let this process open its own files in /proc, which a change of user forbids."""
    _prctl(_PR_SET_DUMPABLE, 1)


def adopt_orphans() -> None:
    """Make orphans among this process's descendants its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_at_death_of_parent(number: int) -> None:
    """Have a signal sent to this process when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, number)


def forbid_new_privileges() -> None:
    """Make set-user-id programs and file capabilities powerless, for good."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def clear_bounding_set() -> None:
    """Bar every capability from ever being gained by running a program."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError as error:
            # The kernel knows no more.
            if error.errno == errno.EINVAL:
                return
            raise


def drop_capabilities() -> None:
    """Give up every capability that this process holds."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    check(libc().capset(header, (ctypes.c_uint32 * 6)()), "capset")


def bring_loopback_up() -> None:
    """Switch on the loopback interface of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        request = struct.pack("16sH22x", b"lo", 0)
        name, flags = struct.unpack("16sH22x", fcntl.ioctl(connection, _SIOCGIFFLAGS, request))
        request = struct.pack("16sH22x", name, flags | _IFF_UP)
        fcntl.ioctl(connection, _SIOCSIFFLAGS, request)


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    check(libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero), f"prctl {option}")
