"""A sandbox that cannot be looked at is ended, and its host goes on."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from autograde.arms_length import learner_host
from autograde.arms_length.learner_host import UNWATCHED, LearnerHost
from autograde.sandbox import Limits, Tier, usage


class Unseen:
    """A sandbox at which one cannot look."""

    def __init__(self) -> None:
        self.killed = False

    def excess(self) -> None:
        raise FileNotFoundError("it has just ended")

    def kill(self) -> None:
        self.killed = True


class Seen(Unseen):
    """A sandbox that runs as it should."""

    def excess(self) -> None:
        return None

    def ended(self) -> bool:
        return False


@contextmanager
def running_host() -> Iterator[socket.socket]:
    """Run a host in a thread, until the block ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(theirs):
        host = LearnerHost(None, Tier.LIMITS, Limits(), theirs)
        thread = threading.Thread(target=host.run, daemon=True)
        thread.start()
        with closing(ours):
            yield ours
        thread.join(20)
        assert not thread.is_alive()


def start(control: socket.socket, number: int) -> int:
    """Order a sandbox; return where is said why it ended."""
    reading, writing = os.pipe()
    with open(os.devnull, "rb") as connection:
        orders = [json.dumps({"start": number}).encode()]
        socket.send_fds(control, orders, [connection.fileno(), writing])
    os.close(writing)
    return reading


def said(reading: int) -> str:
    """Wait for what is said on the end of a sandbox."""
    assert select.select([reading], [], [], 20)[0], "the sandbox was not ended"
    text = os.read(reading, 1000).decode()
    os.close(reading)
    return text


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_host_outlives_a_sandbox_that_cannot_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandboxes = [Seen(), Unseen()]
    waiting = iter(sandboxes)
    monkeypatch.setattr(learner_host, "spawn", lambda *_, **__: next(waiting))
    with running_host() as control:
        good = start(control, 1)
        assert said(start(control, 2)) == UNWATCHED
        assert [sandbox.killed for sandbox in sandboxes] == [False, True]
        control.send(json.dumps({"kill": 1}).encode())
        assert said(good) == ""
    assert sandboxes[0].killed


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it reads Linux's /proc")
@pytest.mark.parametrize("error", [FileNotFoundError, ProcessLookupError])
def test_a_process_that_ends_while_it_is_measured_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """One that hides its pages is looked at twice, and may be gone the second time."""

    def read(path: Path, *_: object, **__: object) -> str:
        raise PermissionError if path.name == "smaps_rollup" else error

    monkeypatch.setattr(Path, "read_text", read)
    assert usage.memory([psutil.Process()]) == 0
