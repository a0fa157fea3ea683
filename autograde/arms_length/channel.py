"""A pipe for values between two processes, neither of which need trust the other's bytes."""

from __future__ import annotations

import hashlib
import json
import select
import socket
import struct
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograde.arms_length.codec import CannotCrossError, Message, Reference, decode, encode

LARGEST_HEADER = 32_000_000
LARGEST_MESSAGE = 256_000_000
"""Bytes; what a peer announces beyond this ends the connection."""

_LENGTH = struct.Struct("!I")
_PAUSE_SECONDS = 0.01


class ClosedError(Exception):
    """The other side is gone, or sent what is no message."""


class TooSlowError(Exception):
    """The other side did not answer in time."""


@dataclass(frozen=True)
class Frame:
    """A value as the bytes that cross: a header of JSON, and the contents of its arrays."""

    header: bytes
    buffers: tuple[bytes, ...]

    @cached_property
    def digest(self) -> bytes:
        """What tells this value from any other."""
        whole = hashlib.sha256(self.header)
        for buffer in self.buffers:
            whole.update(buffer)
        return whole.digest()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.header) + sum(map(len, self.buffers))


def pack(value: object, reference: Reference | None = None) -> Frame:
    """Turn a value into bytes.

    Raises
    ------
    CannotCrossError
        If the value, or something in it, is no data.
    """
    message = encode(value, reference)
    return Frame(message.header(), tuple(message.buffers))


def unpack(frame: Frame, reference: Reference | None = None) -> Any:
    """Turn bytes back into a value.

    Raises
    ------
    ClosedError
        If the header is no message.
    CannotCrossError
        If the message holds no value.
    """
    tree, _ = _read_header(frame.header)
    return decode(Message(tree, list(frame.buffers)), reference)


class Channel:
    """One end of a connection over which values are sent.

    Parameters
    ----------
    connection
        The connection.
    send_seconds
        After this time for one piece of a message the other side counts as gone; None to wait.
    """

    def __init__(self, connection: socket.socket, *, send_seconds: int | None = None) -> None:
        self.connection, self.send_seconds = connection, send_seconds
        self.connection.setblocking(True)
        if send_seconds is not None:
            limit = struct.pack("ll", send_seconds, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, value: object, reference: Reference | None = None) -> None:
        """Send a value.

        Raises
        ------
        CannotCrossError
            If it is no data; nothing has been sent then.
        ClosedError
            If the other side is gone.
        """
        self.send_frame(pack(value, reference))

    def send_frame(self, frame: Frame) -> None:
        """Send a value that has been turned into bytes.

        Raises
        ------
        ClosedError
            If the other side is gone.
        """
        try:
            self._write(_LENGTH.pack(len(frame.header)))
            self._write(frame.header)
            for buffer in frame.buffers:
                self._write(buffer)
        except OSError as error:
            raise ClosedError("the other side is gone") from error

    def receive(self, reference: Reference | None = None, *, deadline: float | None = None) -> Any:
        """Wait for a value and return it.

        Parameters
        ----------
        reference
            Gives the object for a reference that was sent.
        deadline
            On the clock of `time.monotonic`.

        Raises
        ------
        ClosedError
            If the other side is gone, or what it sent is no message.
        TooSlowError
            If there was no whole message by the deadline.
        CannotCrossError
            If the message holds no value.
        """
        return unpack(self.receive_frame(deadline=deadline), reference)

    def receive_frame(self, *, deadline: float | None = None) -> Frame:
        """Wait for a value and return its bytes, not yet looked at.

        Raises
        ------
        ClosedError
            If the other side is gone, or what it sent is no message.
        TooSlowError
            If there was no whole message by the deadline.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > LARGEST_HEADER:
            raise ClosedError("the other side announced too much")
        header = self._read(length, deadline)
        sizes = _read_header(header)[1]
        return Frame(header, tuple(self._read(size, deadline) for size in sizes))

    def close(self) -> None:
        """Close this end."""
        self.connection.close()

    def _read(self, size: int, deadline: float | None) -> bytes:
        content = bytearray()
        while len(content) < size:
            try:
                chunk = self._receive(min(size - len(content), 1 << 20), deadline)
            except OSError as error:
                raise ClosedError("the other side is gone") from error
            if not chunk:
                raise ClosedError("the other side is gone")
            content += chunk
        return bytes(content)

    def _receive(self, most: int, deadline: float | None) -> bytes:
        """Return what has come, waiting for something until the deadline."""
        if deadline is None:
            return self.connection.recv(most)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.connection], [], [], left)[0]:
                raise TooSlowError("no answer in time")
            try:
                return self.connection.recv(most, socket.MSG_DONTWAIT)
            except BlockingIOError:  # out-of-band data makes it seem that there is something
                time.sleep(_PAUSE_SECONDS)

    def _write(self, content: bytes) -> None:
        """Send bytes; the other side may not take forever by taking little at a time."""
        if self.send_seconds is None:
            self.connection.sendall(content)
            return
        left, ends = memoryview(content), time.monotonic() + self.send_seconds
        while left:
            if time.monotonic() > ends:
                raise TimeoutError("the other side takes too little")
            left = left[self.connection.send(left) :]


def _read_header(header: bytes) -> tuple[object, list[int]]:
    """Return a message's tree and the sizes of its buffers."""
    try:
        content = json.loads(header)
        tree, sizes = content["tree"], content["sizes"]
        total = sum(sizes)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ClosedError("the other side sent what is no message") from None
    if any(type(size) is not int or size < 0 for size in sizes) or total > LARGEST_MESSAGE:
        raise ClosedError("the other side announced too much")
    return tree, sizes


__all__ = [
    "CannotCrossError",
    "Channel",
    "ClosedError",
    "Frame",
    "TooSlowError",
    "pack",
    "unpack",
]
