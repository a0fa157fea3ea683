"""A submission's process at work, with the copies of it that the checks talk to."""

from __future__ import annotations

import secrets
import socket
import time
from dataclasses import dataclass
from typing import Any

from autograde.arms_length.channel import Channel, ClosedError, Frame, TooSlowError, pack
from autograde.arms_length.learner_process import LearnerProcess, StoppedError, next_number
from autograde.arms_length.plan import Cell, Submission
from autograde.arms_length.transcripts import Budget

_ONE_COPY = -1
_MOST_TO_GO = 5
"""Seconds for the one copy to go to another place."""


@dataclass
class Lent:
    """A copy of the learner's process that the checks talk to.

    Attributes
    ----------
    channel
        The connection to it.
    defined
        Once it was asked: what it has bound the exercises' names to, as questions and answers.
    """

    channel: Channel
    defined: list[tuple[Frame, Frame]] | None = None


class LearnerAtWork:
    """The learner's process with the copies put aside, brought back to where it was if it ends.

    A copy is a fork, which takes 30 ms with all that follows from it. Where the learner's cells
    only define, one copy serves all checks, and goes back to the names as they were where a check
    stands. What a check's calls change beyond names is then there for the checks further down, as
    it is in a notebook that is run from the top.
    """

    def __init__(self, submission: Submission, control: socket.socket, deadline: float) -> None:
        self.submission, self.control, self.deadline = submission, control, deadline
        self.copies: set[int] = set()
        """The numbers of the copies that were put aside."""
        self._one_copy = submission.only_defines()
        self._shared: Channel | None = None
        self._lent: dict[int, Lent] = {}
        self._spoilt: set[int] = set()
        self._done: list[tuple[Cell | int, int]] = []
        self._process: LearnerProcess | None = None

    def run(self, cell: Cell, reached: int) -> dict[str, Any]:
        """Run a cell; one that does not come to its end ends the process.

        Raises
        ------
        StoppedError
            If it did not.
        """
        try:
            reply = self._ready().run(cell.source, reached=reached, seconds=self._seconds())
        except StoppedError:
            self.end()
            raise
        self._done.append((cell, reached))
        return reply

    def put_aside(self, copy: int, reached: int) -> None:
        """Have a copy of the process as it is now, for the checks that stand here."""
        self.copies.add(copy)
        self._done.append((copy, reached))
        if self._process is not None:
            try:
                self._put_aside(copy, reached)
            except StoppedError:
                self.end()

    def lent(self, copy: int, budget: Budget) -> Lent:
        """Return a copy that has been asked what it defines.

        Raises
        ------
        StoppedError, ClosedError, TooSlowError
            If it gives no answer.
        """
        if copy in self._spoilt or (copy not in self._lent and not self._one_copy):
            self.end()
            self._ready()
        if self._one_copy and copy not in self._lent:
            self._go_to(copy)
        if copy not in self._lent:
            raise StoppedError("ended the Python process")
        lent = self._lent[copy]
        if lent.defined is None:
            # The answers are not looked at here, where nothing would end what they can cost.
            lent.defined = []
            for name in self.submission.exercises:
                question = pack({"do": "look up", "name": name})
                budget.send(lent.channel, question)
                lent.defined.append((question, budget.receive(lent.channel)))
        return lent

    def spoil(self, copy: int) -> None:
        """Take a copy for useless: the next one who wants it gets another."""
        self._spoilt |= self.copies if self._one_copy else {copy}

    def drop(self, copy: int | None) -> None:
        """End a copy that is no longer needed."""
        lent = self._lent.pop(copy, None)
        self._done = [(what, reached) for what, reached in self._done if what != copy]
        if lent is not None and self._process is not None and not self._one_copy:
            try:
                self._process.take_back(copy, lent.channel)
            except StoppedError:
                self.end()

    def excess(self) -> str:
        """Say why the host has stopped the process, or nothing."""
        return self._process.excess() if self._process is not None else ""

    def end(self) -> None:
        """End the process and all copies."""
        if self._process is not None:
            for lent in self._lent.values():
                lent.channel.close()
            self._process.kill()
        self._process = self._shared = None
        self._lent.clear()
        self._spoilt.clear()

    def _put_aside(self, copy: int, reached: int) -> None:
        if self._one_copy:
            self._process.mark(copy, reached)
        else:
            self._lent[copy] = Lent(self._process.lend(copy, reached))

    def _go_to(self, place: int) -> None:
        """Have the one copy be as it would be if it had been put aside at a place."""
        for _ in range(2):
            process = self._ready()
            if self._shared is None:
                self._shared = process.lend(_ONE_COPY, 0)
            if self._comes_to(place):
                self._lent[place] = Lent(self._shared)
                return
            self.end()
        raise StoppedError("left its process without a proper answer")

    def _comes_to(self, place: int) -> bool:
        """Send the one copy to a place, and say whether it says that it is there.

        What else it says until then are answers too many to the last exercise's checks, which the
        next one's must not get for theirs.
        """
        there = secrets.token_hex(8)
        reply = pack({"outcome": "value", "value": there})
        deadline = time.monotonic() + min(_MOST_TO_GO, self._seconds())
        try:
            self._shared.send({"do": "go to", "place": place, "say": there})
            while self._shared.receive_frame(deadline=deadline).digest != reply.digest:
                pass
        except (TooSlowError, ClosedError):
            return False
        return True

    def _ready(self) -> LearnerProcess:
        """Return the process; a new one is brought to where the last one was."""
        if self._process is None:
            self._process = LearnerProcess(self.control, next_number())
            self._process.write(self.submission.files)
            self._bring_back()
        return self._process

    def _bring_back(self) -> None:
        """Run again what had run, and put the copies aside again."""
        for what, reached in list(self._done):
            try:
                if isinstance(what, Cell):
                    self._process.run(what.source, reached=reached, seconds=self._seconds())
                else:
                    self._put_aside(what, reached)
            except StoppedError:
                # It ended once and now it does not: leave it out, so that this comes to an end.
                self._done.remove((what, reached))
                self.end()
                if time.monotonic() > self.deadline:
                    raise
                self._ready()
                return

    def _seconds(self) -> float:
        left = self.deadline - time.monotonic()
        return min(self.submission.call_seconds, max(1.0, left))
