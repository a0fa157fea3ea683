"""What comes in on a file does not signal the processes of others, where Landlock lets it."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from autograde.sandbox import linux, seccomp

F_SETSIG, F_SETOWN_EX, F_OWNER_PID = 10, 15, 1
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902
DENIED = 77

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")


def own(line: socket.socket, process: int) -> None:
    fcntl.fcntl(line, fcntl.F_SETOWN, process)


def own_by_structure(line: socket.socket, process: int) -> None:
    fcntl.fcntl(line, F_SETOWN_EX, struct.pack("ii", F_OWNER_PID, process))


def own_by_file_request(line: socket.socket, process: int) -> None:
    fcntl.ioctl(line, FIOSETOWN, array.array("i", [process]))


def own_by_socket_request(line: socket.socket, process: int) -> None:
    fcntl.ioctl(line, SIOCSPGRP, array.array("i", [process]))


WAYS = (own, own_by_structure, own_by_file_request, own_by_socket_request)
Way = Callable[[socket.socket, int], None]


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this user's."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def attack(way: Way, process: int, *, filtered: bool) -> int:
    """Have input to a child of this process signal another; return how the child ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        if filtered:
            linux.forbid_new_privileges()
            seccomp.load(seccomp.own_signals_filter(os.getpid()))
        one, other = socket.socketpair()
        way(one, process)
        fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
        other.send(b"x")
        code = 0
    except PermissionError:
        code = DENIED
    finally:
        os._exit(code)


@pytest.mark.parametrize("way", WAYS)
def test_input_signals_nobody_else(way: Way, victim: subprocess.Popen[bytes]) -> None:
    assert attack(way, victim.pid, filtered=True) == DENIED
    assert victim.poll() is None
    assert attack(way, victim.pid, filtered=False) == 0
    assert victim.wait(20) == -signal.SIGIO


def test_no_other_signal_is_chosen(victim: subprocess.Popen[bytes]) -> None:
    def choose(line: socket.socket, process: int) -> None:
        fcntl.fcntl(line, F_SETSIG, signal.SIGKILL)

    assert attack(choose, victim.pid, filtered=False) == 0
    assert attack(choose, victim.pid, filtered=True) == DENIED
