"""What checks and learners' code have said to each other, so as not to work it out again.

A check is a function of what it gets from the learner's side: with the same answers to its
questions it asks the same next question, and comes to the same verdict. So its conversations form
a tree: a question, for each answer that has been given to it the next question, at the end a
verdict. A submission whose answers have been heard before is graded by asking the known questions
and following the branches; its code still runs, the check's own work is spared. At the first answer
that is new the check is run, with the answers so far read to it from the record.

Answers are told apart by all of their bytes, and verdicts come from runs of the check alone. A
check that asks another question after the same answers is no such function: it is then run in full
each time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from autograde.arms_length.channel import (
    CannotCrossError,
    Channel,
    Frame,
    Reference,
    TooSlowError,
    pack,
    unpack,
)

MOST_BYTES = 500_000_000
"""Bytes of questions that are kept for a lab."""

LIGHT_HEADER = 200_000
LIGHT_ANSWER = 8_000_000
"""Bytes; what is more can be made to take much memory, and not to give it back."""

Step = tuple[Frame, bytes]
"""A question, and the digest of the answer to it."""


class NotRepeatableError(Exception):
    """A check asked something else than it did before after the same answers."""


@dataclass
class _Node:
    """A point in a check's conversations: what it asks next, or its verdict."""

    question: Frame | None = None
    verdict: dict[str, Any] | None = None
    after: dict[bytes, _Node] = field(default_factory=dict)


class Transcripts:
    """The conversations of a lab's checks that are known."""

    def __init__(self) -> None:
        self._roots: dict[bytes, _Node] = {}
        self._unrepeatable: set[bytes] = set()
        self._questions: dict[bytes, Frame] = {}
        self._bytes = 0

    def beginning(self, key: bytes) -> _Node | None:
        """Return where a check's conversations begin, if there has been one."""
        return self._roots.get(key)

    def repeats(self, key: bytes) -> bool:
        """Say whether nothing is known against a check's being repeatable."""
        return key not in self._unrepeatable

    def learn(self, key: bytes, steps: list[Step], verdict: dict[str, Any] | None) -> None:
        """Keep a conversation; without a verdict, that the check can't be repeated."""
        if verdict is None:
            self._unrepeatable.add(key)
            self._roots.pop(key, None)
            return
        if self._bytes > MOST_BYTES or not self.repeats(key):
            return
        node = self._roots.setdefault(key, _Node())
        for question, answer in steps:
            other = node.question is not None and node.question.digest != question.digest
            if other or node.verdict is not None:
                self.learn(key, [], None)
                return
            node.question = self._one_copy(question)
            node = node.after.setdefault(answer, _Node())
        if node.question is not None or node.verdict not in (None, verdict):
            self.learn(key, [], None)
            return
        node.verdict = verdict

    def _one_copy(self, question: Frame) -> Frame:
        if question.digest not in self._questions:
            self._questions[question.digest] = question
            self._bytes += question.size
        return self._questions[question.digest]


class Budget:
    """Seconds that may be spent waiting for the learner's code."""

    def __init__(self, seconds: float) -> None:
        self.seconds = self.left = seconds

    def send(self, channel: Channel, frame: Frame) -> None:
        """Send a frame at the budget's expense.

        Raises
        ------
        ClosedError
            If the other side is gone, or does not take it.
        """
        with self._spending():
            channel.send_frame(frame)

    def receive(self, channel: Channel) -> Frame:
        """Wait for a frame at the budget's expense.

        Raises
        ------
        TooSlowError
            If the budget is used up.
        """
        with self._spending():
            return channel.receive_frame(deadline=time.monotonic() + self.left)

    @contextlib.contextmanager
    def _spending(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.left = max(0.0, self.left - (time.monotonic() - started))


class HeavyError(Exception):
    """An answer is heavier than what is to be looked at here."""


class RecordedLine:
    """A line to the learner's side on which some of the conversation has been held already.

    Parameters
    ----------
    channel, budget
        The connection, and the time that may be waited on it.
    held
        Questions and answers that have crossed the connection already.
    light
        Whether answers of more than `LIGHT_HEADER` or `LIGHT_ANSWER` bytes are left unread.
    """

    def __init__(
        self,
        channel: Channel,
        budget: Budget,
        held: list[tuple[Frame, Frame]] | None = None,
        *,
        light: bool = False,
    ) -> None:
        self.channel, self.budget, self.light = channel, budget, light
        self.held = list(held or [])
        self._repeated = 0
        self._asked: Frame | None = None

    def again(self) -> RecordedLine:
        """Return the line for the same conversation from the start, whatever the answers weigh."""
        return RecordedLine(self.channel, self.budget, self.held)

    def ask(self, question: Frame) -> Frame:
        """Ask a question that is known, and return the answer as it came.

        Raises
        ------
        TooSlowError, ClosedError
            If there is no answer.
        """
        self.budget.send(self.channel, question)
        self.held.append((question, self.budget.receive(self.channel)))
        return self.held[-1][1]

    def send(self, value: object, reference: Reference | None = None) -> None:
        """Send a value, unless it is a question that has been asked.

        Raises
        ------
        NotRepeatableError
            If another question has been asked at this point.
        """
        question = pack(value, reference)
        self._asked = question
        if self._repeated < len(self.held):
            if self.held[self._repeated][0].digest != question.digest:
                raise NotRepeatableError
            return
        self.budget.send(self.channel, question)

    def receive(self, reference: Reference | None = None, *, deadline: float | None = None) -> Any:
        """Return the answer, from the record or from the learner's side.

        Raises
        ------
        TooSlowError, ClosedError, CannotCrossError
            As `Channel.receive` does; the budget takes the place of the deadline.
        HeavyError
            If the answer is not light and it has to be.
        """
        if self._repeated == len(self.held):
            if self._asked is None:
                raise TooSlowError("nothing was asked")
            self.held.append((self._asked, self.budget.receive(self.channel)))
        answer = self.held[self._repeated][1]
        self._repeated += 1
        self._asked = None
        if self.light and (len(answer.header) > LIGHT_HEADER or answer.size > LIGHT_ANSWER):
            raise HeavyError
        return unpack(answer, reference)

    def steps(self) -> list[Step]:
        """Return the whole conversation, for the record."""
        return [(question, answer.digest) for question, answer in self.held]


__all__ = [
    "Budget",
    "CannotCrossError",
    "HeavyError",
    "NotRepeatableError",
    "RecordedLine",
    "Step",
    "Transcripts",
]
