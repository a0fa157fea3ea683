"""Filters of system calls, compiled by libseccomp."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from autograde.sandbox import linux

LIBRARY = "libseccomp.so.2"

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_OPTIMIZE, _BINARY_TREE = 8, 2
_INT = 0xFFFFFFFF
"""The part of an argument that the kernel reads where it expects an int."""

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_TIOCSTI = 0x5412
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902
_SHARED_ANONYMOUS = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER_SIZES = (socket.SO_SNDBUF, socket.SO_RCVBUF, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE)
_FAMILIES = range(64)
_DATAGRAM, _TYPE_MASK = 2, 0xF
_CLONE_NAMESPACES = (
    linux.CLONE_NEWNS,
    linux.CLONE_NEWCGROUP,
    linux.CLONE_NEWUTS,
    linux.CLONE_NEWIPC,
    linux.CLONE_NEWUSER,
    linux.CLONE_NEWPID,
    linux.CLONE_NEWNET,
)

_OTHER_PROCESSES = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd "
    "move_pages migrate_pages perf_event_open get_robust_list"
)
_KERNEL = (
    "bpf userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key "
    "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff "
    "quotactl quotactl_fd acct settimeofday clock_settime clock_adjtime adjtimex syslog vhangup "
    "lookup_dcookie nfsservctl fanotify_init personality iopl ioperm modify_ldt sethostname "
    "setdomainname mbind set_mempolicy set_mempolicy_home_node"
)
_MOUNTS = (
    "mount umount2 pivot_root chroot setns unshare fsopen fsconfig fsmount fspick open_tree "
    "move_mount mount_setattr open_by_handle_at name_to_handle_at mknod mknodat"
)
# What holds memory or messages that no process is charged for, or that processes share by number.
_UNACCOUNTED = (
    "memfd_create memfd_secret shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd "
    "msgrcv msgctl mq_open mq_unlink"
)
# What works on processes or files of the same user anywhere, whatever Landlock allows.
_SAME_USER = (
    "setpriority ioprio_set sched_setaffinity sched_setscheduler sched_setparam sched_setattr "
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat "
    "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat"
)
_SIGNALS = "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo"


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@dataclass(frozen=True)
class _Rule:
    call: str
    error: int = errno.EPERM
    when: tuple[tuple[int, int, int, int], ...] = field(default=())
    """Argument, operator and its one or two operands; all must hold."""


def is_there() -> bool:
    """Whether the library that compiles filters is installed."""
    try:
        _library()
    except OSError:
        return False
    return True


@cache
def namespaces_filter() -> bytes:
    """Compile the filter for a process that has namespaces of its own."""
    rules = list(_everywhere())
    families = {1, 2, 10, 16}
    rules += [_no_family(family) for family in _FAMILIES if family not in families]
    # Of netlink only protocol 0, by which C libraries list network interfaces.
    rules.append(
        _Rule("socket", errno.EAFNOSUPPORT, ((0, _MASKED_EQUAL, _INT, 16), (2, _NOT_EQUAL, 0, 0)))
    )
    return _compile(rules)


@cache
def landlock_filter(*, shares_user: bool, may_truncate: bool) -> bytes:
    """Compile the filter for a process that sees the machine's processes and network.

    Parameters
    ----------
    shares_user
        Whether files and processes of others belong to the process's own user.
    may_truncate
        Whether Landlock governs truncation by path.
    """
    rules = list(_everywhere())
    rules += [_no_family(family) for family in _FAMILIES if family != 1]
    # A datagram can be sent to any socket's path without connecting first.
    for call in ("socket", "socketpair"):
        rules.append(_Rule(call, when=((1, _MASKED_EQUAL, _TYPE_MASK, _DATAGRAM),)))
    rules += _rules("connect")
    if shares_user:
        rules += _rules(_SAME_USER)
        rules.append(_Rule("prlimit64", when=((0, _NOT_EQUAL, 0, 0),)))
    if not may_truncate:
        rules += _rules("truncate")
    return _compile(rules)


def own_signals_filter(process: int) -> bytes:
    """Compile the filter that lets a process signal nobody but itself."""
    rules = [_Rule(call, when=((0, _NOT_EQUAL, process, 0),)) for call in _SIGNALS.split()]
    rules += _rules("pidfd_send_signal")
    # What comes in on a file sends a signal to its owner, whoever that is.
    rules += [_no_option("fcntl", option) for option in (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)]
    rules += [_no_option("ioctl", request) for request in (_FIOSETOWN, _SIOCSPGRP)]
    return _compile(rules)


def load(program: bytes) -> None:
    """Put this process and its descendants under a compiled filter, for good."""
    size = 8
    filter_ = _Program(len(program) // size, program)
    outcome = linux.libc().prctl(
        _PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(filter_), 0, 0
    )
    linux.check(outcome, "seccomp")


def _rules(*groups: str) -> list[_Rule]:
    return [_Rule(call) for group in groups for call in group.split()]


def _everywhere() -> Iterable[_Rule]:
    yield from _rules(_OTHER_PROCESSES, _KERNEL, _MOUNTS, _UNACCOUNTED)
    yield from _new_namespaces()
    yield from _shared_memory_and_buffers()
    yield _no_option("ioctl", _TIOCSTI)
    # Each session gets a share of the processor of its own: it succeeds and does nothing.
    yield _Rule("setsid", 0)


def _shared_memory_and_buffers() -> Iterable[_Rule]:
    """Refuse what holds memory that is in no process's size."""
    # Once such pages are let go of, they are resident nowhere and still there.
    yield _Rule("mmap", when=((3, _MASKED_EQUAL, _SHARED_ANONYMOUS, _SHARED_ANONYMOUS),))
    level = (1, _MASKED_EQUAL, _INT, socket.SOL_SOCKET)
    for option in _BUFFER_SIZES:
        yield _Rule("setsockopt", when=(level, (2, _MASKED_EQUAL, _INT, option)))


def _new_namespaces() -> Iterable[_Rule]:
    for flag in _CLONE_NAMESPACES:
        yield _Rule("clone", when=((0, _MASKED_EQUAL, flag, flag),))
    # Its flags stand in memory, where no filter sees them; C libraries then fall back to clone.
    yield _Rule("clone3", errno.ENOSYS)


def _no_option(call: str, option: int) -> _Rule:
    """Refuse a call on a file descriptor that its second argument says the kind of."""
    return _Rule(call, when=((1, _MASKED_EQUAL, _INT, option),))


def _no_family(family: int) -> _Rule:
    return _Rule("socket", errno.EAFNOSUPPORT, ((0, _MASKED_EQUAL, _INT, family),))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    return library


def _compile(rules: Iterable[_Rule]) -> bytes:
    library = _library()
    context = library.seccomp_init(_ALLOW)
    try:
        # Older versions of the library don't know this; their filters work as well.
        library.seccomp_attr_set(context, _OPTIMIZE, _BINARY_TREE)
        for rule in rules:
            _add(library, context, rule)
        with open(os.memfd_create("filter"), "w+b") as file:
            _succeed(library.seccomp_export_bpf(context, file.fileno()), "export")
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: int, rule: _Rule) -> None:
    number = library.seccomp_syscall_resolve_name(rule.call.encode())
    # Calls that this processor or this library does not know.
    if number < 0:
        return
    comparisons = (_Comparison * len(rule.when))(*(_Comparison(*item) for item in rule.when))
    outcome = library.seccomp_rule_add_array(
        context, _ERRNO | rule.error, number, len(rule.when), comparisons
    )
    _succeed(outcome, rule.call)


def _succeed(outcome: int, what: str) -> None:
    if outcome < 0:
        raise OSError(-outcome, f"libseccomp, {what}: {os.strerror(-outcome)}")
