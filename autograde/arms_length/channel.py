"""A pipe for values between two processes, neither of which need trust the other's bytes."""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from typing import Any

from autograde.arms_length.codec import CannotCrossError, Message, Reference, decode, encode

LARGEST_HEADER = 64_000_000
LARGEST_MESSAGE = 512_000_000
"""Bytes; what a peer announces beyond this ends the connection."""

_LENGTH = struct.Struct("!I")


class ClosedError(Exception):
    """The other side is gone, or sent what is no message."""


class TooSlowError(Exception):
    """The other side did not answer in time."""


class Channel:
    """One end of a connection over which values are sent."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.connection.setblocking(True)

    def send(self, value: object, reference: Reference | None = None) -> None:
        """Send a value.

        Raises
        ------
        CannotCrossError
            If it is no data; nothing has been sent then.
        ClosedError
            If the other side is gone.
        """
        message = encode(value, reference)
        header = message.header()
        try:
            self.connection.sendall(_LENGTH.pack(len(header)))
            self.connection.sendall(header)
            for buffer in message.buffers:
                self.connection.sendall(buffer)
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
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > LARGEST_HEADER:
            raise ClosedError("the other side announced too much")
        try:
            header = json.loads(self._read(length, deadline))
            tree, sizes = header["tree"], header["sizes"]
            total = sum(sizes)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ClosedError("the other side sent what is no message") from None
        if any(type(size) is not int or size < 0 for size in sizes) or total > LARGEST_MESSAGE:
            raise ClosedError("the other side announced too much")
        buffers = [self._read(size, deadline) for size in sizes]
        return decode(Message(tree, buffers), reference)

    def close(self) -> None:
        """Close this end."""
        self.connection.close()

    def _read(self, size: int, deadline: float | None) -> bytes:
        content = bytearray()
        while len(content) < size:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.connection], [], [], left)[0]:
                    raise TooSlowError("no answer in time")
            try:
                chunk = self.connection.recv(min(size - len(content), 1 << 20))
            except OSError as error:
                raise ClosedError("the other side is gone") from error
            if not chunk:
                raise ClosedError("the other side is gone")
            content += chunk
        return bytes(content)


__all__ = ["CannotCrossError", "Channel", "ClosedError", "TooSlowError"]
