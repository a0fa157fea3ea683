"""The warm process that learners' processes are forked from, each into a sandbox of its own."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from dataclasses import dataclass

from autograde.arms_length.channel import Channel
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_process import NOT_CONFINED, is_of
from autograde.arms_length.session import serve_submission
from autograde.sandbox import Limits, Sandbox, Tier, spawn

_POLL_SECONDS = 0.1
_MOST_CONTROL_BYTES = 1_000

UNWATCHED = "could not be watched"
"""Why a sandbox is ended that could not be looked at."""


@dataclass
class _Confined:
    """A learner's process: its sandbox, and where to say why it was stopped."""

    sandbox: Sandbox
    status: int
    slot: int


class LearnerHost:
    """Starts and ends the sandboxes of one lab's submissions.

    Parameters
    ----------
    given
        The lab's given cells, already run.
    tier, limits
        How submissions are confined.
    control
        A connection for orders, one per message: ``{"start": id}`` with two descriptors (the
        submission's connection, and one to write to why it was stopped), ``{"kill": id}``, and
        ``{"end": grading}`` for all that a grading started.
    """

    def __init__(
        self, given: GivenCells, tier: Tier, limits: Limits, control: socket.socket
    ) -> None:
        self.given, self.tier, self.limits, self.control = given, tier, limits, control
        self._confined: dict[int, _Confined] = {}

    def run(self) -> None:
        """Follow orders until the other side is gone."""
        selector = selectors.DefaultSelector()
        selector.register(self.control, selectors.EVENT_READ)
        try:
            while True:
                waiting = _POLL_SECONDS if self._confined else None
                if selector.select(waiting) and not self._follow():
                    return
                self._watch()
        finally:
            for number in list(self._confined):
                self._end(number, "")

    def _follow(self) -> bool:
        content, descriptors, _, _ = socket.recv_fds(self.control, _MOST_CONTROL_BYTES, 2)
        if not content:
            return False
        order = json.loads(content)
        if "start" in order:
            connection, status = descriptors
            self._start(order["start"], connection, status)
            os.close(connection)
        elif "kill" in order:
            self._end(order["kill"], "")
        else:
            for number in [item for item in self._confined if is_of(item, order["end"])]:
                self._end(number, "")
        return True

    def _start(self, number: int, connection: int, status: int) -> None:
        taken = {confined.slot for confined in self._confined.values()}
        slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)

        def submission() -> None:
            serve_submission(Channel(socket.socket(fileno=connection)), self.given)

        sandbox = spawn(
            submission, tier=self.tier, limits=self.limits, keep=[connection], slot=slot
        )
        self._confined[number] = _Confined(sandbox, status, slot)

    def _watch(self) -> None:
        for number, confined in list(self._confined.items()):
            # Whatever goes wrong in looking at one of them, the others go on.
            try:
                reason = _reason_to_end(confined.sandbox)
            except Exception:
                reason = UNWATCHED
            if reason is not None:
                self._end(number, reason)

    def _end(self, number: int, reason: str) -> None:
        confined = self._confined.pop(number, None)
        if confined is None:
            return
        confined.sandbox.kill()
        with contextlib.suppress(OSError):  # nobody may be waiting for it any more
            os.write(confined.status, reason.encode())
        os.close(confined.status)


def _reason_to_end(sandbox: Sandbox) -> str | None:
    """Return why a sandbox is to be ended, empty if it ended by itself; None if it goes on."""
    reason = sandbox.excess()
    if not reason and not sandbox.ended():
        return None
    failure = sandbox.failure()
    return f"{NOT_CONFINED}{failure}" if failure else reason or ""
