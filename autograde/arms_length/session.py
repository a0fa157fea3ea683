"""The learner's side of one submission: runs its cells, and lends them to the checks.

This is the process in which a stranger's code runs. It holds the lab's given cells and that code,
nothing else: no check, no path to one, no other submission.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from autograde.arms_length.channel import CannotCrossError, Channel, ClosedError
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner import serve


def serve_submission(channel: Channel, given: GivenCells) -> None:
    """Run cells as they are sent, until the other side is gone.

    The requests are ``write`` (a file beside the notebook), ``run`` (a cell), ``serve`` (a copy of
    this process, as it is now, answers the checks on the connection that follows), ``stop`` (a copy
    ends) and ``mark`` (the names, as they are now, are kept for copies to go back to). The checks
    talk to copies only, so that a function that ends its process ends a copy only, and what a check
    does is not seen by the cells further down.
    """
    given.rewind()
    # Modules beside the notebook can be imported, and take the place of no other.
    sys.path.append(os.getcwd())
    copies: dict[int, int] = {}
    places: dict[int, dict[str, object]] = {}
    while True:
        try:
            request = channel.receive()
        except ClosedError:
            return
        if request["do"] == "write":
            _write(request["name"], request["content"])
        elif request["do"] == "run":
            _reply(channel, _run(given, request))
        elif request["do"] == "mark":
            given.advance(request["reached"])
            places[request["place"]] = dict(given.shell.user_ns)
        elif request["do"] == "serve":
            given.advance(request["reached"])
            copies[request["copy"]] = _serve_in_a_copy(channel, given, places)
        elif request["do"] == "stop" and request["copy"] in copies:
            copy = copies.pop(request["copy"])
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)


def _write(name: str, content: bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _run(given: GivenCells, request: dict[str, Any]) -> dict[str, object]:
    given.advance(request["reached"])
    run = given.shell.run(request["source"])
    return {"outputs": run.outputs, "error": list(run.error) if run.error else None}


def _reply(channel: Channel, reply: dict[str, object]) -> None:
    """Send what came of a cell as one text, which the other side can read without building more."""
    try:
        channel.send(json.dumps(reply))
    except (CannotCrossError, TypeError, ValueError):
        channel.send(json.dumps({"outputs": [], "error": reply["error"]}))


def _serve_in_a_copy(
    channel: Channel, given: GivenCells, places: dict[int, dict[str, object]]
) -> int:
    _, [descriptor], _, _ = socket.recv_fds(channel.connection, 1, 1)
    with socket.socket(fileno=descriptor) as connection:
        copy = os.fork()
        if copy == 0:
            channel.close()
            _answer(connection, given, places)
    return copy


def _answer(
    connection: socket.socket, given: GivenCells, places: dict[int, dict[str, object]]
) -> NoReturn:
    try:
        serve(Channel(connection), given.shell.user_ns, places)
    finally:
        os._exit(0)
