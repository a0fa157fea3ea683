"""A learner's confined process, as the checks' side sees and uses it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import socket
import time
from typing import Any

from autograde.arms_length.channel import (
    Channel,
    ClosedError,
    Frame,
    TooSlowError,
)

NOT_CONFINED = "not confined: "
"""How the host begins its word that a process did not start, since it could not be confined."""

MOST_OUTPUT = 8_000_000
"""Bytes of a cell's outputs; a process that keeps to its bounds sends less."""

_STATUS_SECONDS = 2.0
_SEND_SECONDS = 10
_MOST_OF_ONE = 10_000
_numbers = itertools.count()


class StoppedError(Exception):
    """A learner's process came to an end before its time; the text says how, after its name."""


class HostGoneError(Exception):
    """The host of the learners' processes is gone: nothing that a submission should cause."""


class LearnerProcess:
    """One submission's process.

    Parameters
    ----------
    control
        The connection to the host that starts it.
    number
        A number that no other process of this host has.
    """

    def __init__(self, control: socket.socket, number: int) -> None:
        self._control, self._number = control, number
        ours, theirs = socket.socketpair()
        self._status, status = os.pipe()
        try:
            self._order({"start": number}, [theirs.fileno(), status])
        finally:
            theirs.close()
            os.close(status)
        self.channel = Channel(ours, send_seconds=_SEND_SECONDS)

    def write(self, files: dict[str, bytes]) -> None:
        """Put files beside the notebook."""
        for name, content in files.items():
            self._send({"do": "write", "name": name, "content": content})

    def run(self, source: str, *, reached: int, seconds: float) -> dict[str, Any]:
        """Run a cell and return its outputs, and its error if it raised one.

        Parameters
        ----------
        source
            The cell's code.
        reached
            How many given cells stand above it.
        seconds
            How long it may run.

        Raises
        ------
        StoppedError
            If it did not come to its end.
        """
        self._send({"do": "run", "source": source, "reached": reached})
        try:
            frame = self.channel.receive_frame(deadline=time.monotonic() + seconds)
            reply = _read_text(frame) if frame.size <= MOST_OUTPUT else None
        except TooSlowError:
            raise StoppedError(f"ran for more than {seconds:g} s and was stopped") from None
        except ClosedError:
            raise StoppedError(self.end()) from None
        if type(reply) is not dict or not isinstance(reply.get("outputs"), list):
            raise StoppedError("left its process without a proper answer")
        return reply

    def mark(self, place: int, reached: int) -> None:
        """Have the names kept as they are now, for a copy to go back to.

        Parameters
        ----------
        place
            A number for this point.
        reached
            How many given cells stand above it.

        Raises
        ------
        StoppedError
            If the process has ended.
        """
        self._send({"do": "mark", "place": place, "reached": reached})

    def lend(self, copy: int, reached: int) -> Channel:
        """Return a connection to a copy of the process as it is now, for the checks to call.

        Parameters
        ----------
        copy
            A number for the copy.
        reached
            How many given cells stand above it.

        Raises
        ------
        StoppedError
            If the process has ended.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._send({"do": "serve", "copy": copy, "reached": reached})
            try:
                socket.send_fds(self.channel.connection, [b"f"], [theirs.fileno()])
            except OSError:
                raise StoppedError(self.end()) from None
        return Channel(ours, send_seconds=_SEND_SECONDS)

    def take_back(self, copy: int, lent: Channel) -> None:
        """End a copy."""
        lent.close()
        self._send({"do": "stop", "copy": copy})

    def end(self) -> str:
        """Say how the process came to its end, if it was its host that stopped it."""
        return self.excess(_STATUS_SECONDS) or "ended the Python process"

    def excess(self, seconds: float = 0.25) -> str:
        """Say why the host has stopped the process, or nothing if it has not.

        Raises
        ------
        HostGoneError
            If the process never ran, since it could not be confined.
        """
        if not select.select([self._status], [], [], seconds)[0]:
            return ""
        reason = os.read(self._status, 1_000).decode()
        if reason.startswith(NOT_CONFINED):
            raise HostGoneError(f"a learner's process was {reason}")
        return f"{reason} and was stopped" if reason else ""

    def kill(self) -> None:
        """End the process and all that it started."""
        self.channel.close()
        os.close(self._status)
        self._order({"kill": self._number}, [])

    def _send(self, request: dict[str, object]) -> None:
        try:
            self.channel.send(request)
        except ClosedError:
            raise StoppedError(self.end()) from None

    def _order(self, order: dict[str, int], descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        except OSError as error:
            raise HostGoneError("the host of the sandboxes has ended") from error


def _read_text(frame: Frame) -> Any:
    """Return the JSON in a frame that holds one text; None for anything else."""
    try:
        text = json.loads(frame.header)["tree"]
        return json.loads(text) if type(text) is str else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def next_number() -> int:
    """Return a number for a learner's process that no other grading's has."""
    return os.getpid() * _MOST_OF_ONE + next(_numbers)


def end_all_of(grading: int, control: socket.socket) -> None:
    """Have the host end whatever a grading, which is a process, has left behind."""
    with contextlib.suppress(OSError):
        socket.send_fds(control, [json.dumps({"end": grading}).encode()], [])


def is_of(number: int, grading: int) -> bool:
    """Say whether a number was given out by a grading."""
    return number // _MOST_OF_ONE == grading
