"""Jupyter servers that tests start: on this machine only, and stopped when the test ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

START_SECONDS, STOP_SECONDS = 60, 60
_STARTED = re.compile(r"(http://(?:localhost|127\.0\.0\.1):\d+)(/\S*)\?token=(\w+)")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    base
        Where it is: scheme, host and port.
    opens
        The page that it opens for its user.
    token
        What a request must carry.
    """

    base: str
    opens: str
    token: str

    def address(self, page: str) -> str:
        """Return the address of a page, with the token."""
        return f"{self.base}{page}?token={self.token}"


def free_port() -> int:
    """Return a port that no program listens on, other than those that a learner's server tries."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    """Run a Jupyter server until the block ends.

    Parameters
    ----------
    command
        What starts it.
    folder
        Where it is started.
    environment
        Its environment variables.
    """
    # Into a file: a pipe that nobody reads stops the server once it is full.
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            ends = time.monotonic() + START_SECONDS
            server = _announced(process, Path(log.name), ends)
            _wait_until_listening(server, ends)
            yield server
        finally:
            _stop(process, Path(log.name))


def _announced(process: subprocess.Popen[bytes], log: Path, ends: float) -> Server:
    """Wait until a server says where it is."""
    while time.monotonic() < ends:
        ended = process.poll() is not None
        said = log.read_text(errors="replace")
        if found := _STARTED.search(said):
            return Server(*found.groups())
        if ended:
            break
        time.sleep(0.05)
    raise AssertionError(f"Jupyter did not say where it is:\n{said}")


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask a server to stop its kernels and itself, and make sure that it has."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"Jupyter did not stop:\n{log.read_text(errors='replace')}") from None


def _wait_until_listening(server: Server, ends: float) -> None:
    """Wait for the port, which a server announces before it listens."""
    place = urlsplit(server.base)
    while time.monotonic() < ends:
        try:
            with socket.create_connection((place.hostname, place.port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{server.base} does not listen.")
