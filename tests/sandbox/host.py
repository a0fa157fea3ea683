"""A host of sandboxes for tests: takes attempts as source text on its input, one JSON per line.

``host.py launch TIER PATH…`` starts itself as a host; ``host.py plain`` runs attempts unconfined.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from autograde.sandbox import Limits, Sandbox, Tier, host_command, spawn


def launch(tier: str, readable: list[str]) -> None:
    """Become a host."""
    command, environment = host_command(
        Tier(tier),
        [sys.executable, __file__, "serve", tier],
        readable=[Path(__file__), *map(Path, readable)],
    )
    # Under test this package is not installed.
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    os.execvpe(command[0], command, environment)


def attempt(request: dict) -> dict:
    """Run an attempt here and return its value, or its error."""
    namespace: dict[str, Callable] = {}
    try:
        exec(request["code"], namespace)
        return {"value": namespace[request["name"]](*request["arguments"])}
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}


def answering(request: dict, line: socket.socket) -> Callable[[], None]:
    """Return what runs in the sandbox."""

    def run() -> None:
        line.sendall(json.dumps(attempt(request)).encode() + b"\n")
        if request.get("stays"):
            time.sleep(600)

    return run


def begin(request: dict, tier: Tier) -> tuple[Sandbox, socket.socket]:
    """Spawn a sandbox for an attempt."""
    ours, theirs = socket.socketpair()
    sandbox = spawn(
        answering(request, theirs),
        tier=tier,
        limits=Limits(**request.get("limits", {})),
        keep=[theirs.fileno()],
        slot=request.get("slot", 0),
    )
    theirs.close()
    ours.setblocking(False)
    return sandbox, ours


def finish(sandbox: Sandbox, line: socket.socket, *, at_answer: bool) -> dict:
    """Wait for an answer, and unless that is enough, for the sandbox's end."""
    said = b""
    outcome: dict = {}
    while True:
        ended = sandbox.ended()
        with suppress(BlockingIOError):
            said += line.recv(1 << 20)
        if ended or (at_answer and said.endswith(b"\n")):
            break
        if reason := sandbox.excess():
            outcome["excess"] = reason
            sandbox.kill()
        time.sleep(0.02)
    outcome |= json.loads(said) if said.endswith(b"\n") else {}
    return outcome | {"exit_code": sandbox.exit_code, "failure": sandbox.failure()}


def like_this() -> int:
    """Count the processes that come of this host: forks keep its command line."""
    mine = psutil.Process().cmdline()
    found = 0
    for process in psutil.process_iter():
        try:
            found += process.cmdline() == mine and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
    return found


def serve(tier: Tier) -> None:
    """Answer requests until there are no more."""
    staying: list[tuple[Sandbox, socket.socket]] = []
    for text in sys.stdin:
        request = json.loads(text)
        if request["do"] == "plain":
            answer = attempt(request)
        elif request["do"] == "run":
            answer = finish(*begin(request, tier), at_answer=False)
        elif request["do"] == "start":
            staying.append(begin(request | {"stays": True}, tier))
            answer = finish(*staying[-1], at_answer=True)
        elif request["do"] == "stop":
            sandbox, line = staying.pop()
            sandbox.kill()
            sandbox.kill()
            line.close()
            answer = {"exit_code": sandbox.exit_code}
        else:
            answer = {"count": like_this(), "process": os.getpid()}
        print(json.dumps(answer), flush=True)


def plain() -> None:
    """Answer requests in this process, which nothing confines."""
    for text in sys.stdin:
        print(json.dumps(attempt(json.loads(text))), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["launch", tier, *readable]:
            launch(tier, readable)
        case ["serve", tier]:
            serve(Tier(tier))
        case ["plain"]:
            plain()
