"""Run one check: from the record, in this process, or in a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from autograde.arms_length.alarm import Limit, work_limit
from autograde.arms_length.channel import CannotCrossError, Frame
from autograde.arms_length.checks import Learner, LearnerGoneError, change_in_place
from autograde.arms_length.fork import in_a_fork
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_at_work import Lent
from autograde.arms_length.plan import Cell
from autograde.arms_length.transcripts import (
    Budget,
    HeavyError,
    NotRepeatableError,
    RecordedLine,
    Step,
    Transcripts,
)
from course.checks.verdict import Status, Verdict, run_check

CHECK_SECONDS = 20
"""Seconds of this process's own work on one check; a learner's answer can be made to cost work."""
TOO_MUCH_WORK = "The check gave up on this answer: it takes too much work to look at."

_GRACE_SECONDS = 5
_MOST_GROWN = 512 << 20
"""Bytes of data beyond what a grading began with, with which its verdicts are still kept."""

Learned = tuple[bytes, list[Step], dict[str, Any] | None]
"""A conversation for the record: the check's key, the questions and answers, the verdict."""


class CheckRunner:
    """Runs the checks of one submission.

    A verdict must depend on nothing but what the learner's side has said to this check, or it could
    not be kept for others. So a check runs with the lab's given objects as they are after the given
    cells above it, whatever checks ran before: what an answer changes in an argument is put back
    after the check, and where that can't be done, the check runs in a process of its own.

    Parameters
    ----------
    given
        The lab's given cells, run in this process.
    exercises
        Names of the exercises.
    transcripts
        The conversations that are known; not changed here.
    """

    def __init__(self, given: GivenCells, exercises: list[str], transcripts: Transcripts) -> None:
        self.given, self.exercises, self.transcripts = given, exercises, transcripts
        self.learned: list[Learned] = []
        self.spared = 0
        self._interrupted = False
        self._began_with = _data_bytes()
        self._unrepeatable: set[bytes] = set()

    def verdict(self, cell: Cell, reached: int, lent: Lent, budget: Budget) -> Verdict:
        """Return a check's verdict: from the record, or else by running it.

        Parameters
        ----------
        cell
            The check.
        reached
            How many given cells stand above it.
        lent
            The copy of the learner's process that it talks to.
        budget
            How long it may wait for the learner's code.

        Raises
        ------
        NotRepeatableError
            If it asks something else than it did before after the same answers; `lent` has then
            been asked what this run does not ask.
        LearnerGoneError, ClosedError, TooSlowError
            If the learner's code gives no answer.
        BrokenOffError
            If an answer could not be taken in.
        """
        key = _key(cell, reached, lent.defined)
        line = RecordedLine(lent.channel, budget, lent.defined, light=True)
        if key in self._unrepeatable or not self.transcripts.repeats(key):
            return self._run_in_a_fork(cell, reached, line.again())[0]
        known = self._follow(key, line)
        if known is not None:
            self.spared += 1
            return _as_verdict(known)
        try:
            verdict, steps = self._run(cell, reached, line)
        except NotRepeatableError:
            self._unrepeatable.add(key)
            self.learned.append((key, [], None))
            raise
        if self._is_whole():
            self.learned.append((key, steps[len(lent.defined) :], verdict.as_dict()))
        return verdict

    def _is_whole(self) -> bool:
        """Say whether this process is as it was but for what verdicts do not depend on.

        A check that was interrupted may have left anything behind; where memory is short, a verdict
        may be for want of it.
        """
        return not self._interrupted and _data_bytes() - self._began_with < _MOST_GROWN

    def _follow(self, key: bytes, line: RecordedLine) -> dict[str, Any] | None:
        """Ask the known questions as long as the answers are known, too; return a verdict."""
        node = self.transcripts.beginning(key)
        while node is not None and node.verdict is None:
            node = node.after.get(line.ask(node.question).digest)
        return node.verdict if node is not None else None

    def _run(self, cell: Cell, reached: int, line: RecordedLine) -> tuple[Verdict, list[Step]]:
        """Run a check in this process if it can be; return its verdict and all that it asked."""
        learner = _Watched(line)
        try:
            verdict = self._run_here(cell, reached, learner)
        except _NeedsAProcessError:  # before the check itself could begin
            return self._run_in_a_fork(cell, reached, line.again())
        if learner.trouble is _Trouble.NEEDS_A_PROCESS:
            return self._run_in_a_fork(cell, reached, line.again())
        _raise(learner.trouble)
        return verdict, line.steps()

    def _run_in_a_fork(
        self, cell: Cell, reached: int, line: RecordedLine
    ) -> tuple[Verdict, list[Step]]:
        """Run a check in a process of its own, in which it may change what it will."""

        def run() -> dict[str, Any]:
            learner = _Watched(line, may_change=True)
            verdict = self._run_here(cell, reached, learner)
            return {
                "verdict": verdict.as_dict(),
                "trouble": learner.trouble,
                "interrupted": self._interrupted,
                "left": line.budget.left,
                "steps": [
                    (asked.header, list(asked.buffers), answer) for asked, answer in line.steps()
                ],
            }

        outcome = in_a_fork(run, CHECK_SECONDS + line.budget.left + _GRACE_SECONDS)
        line.budget.left = min(line.budget.left, outcome["left"])
        self._interrupted = self._interrupted or outcome["interrupted"]
        _raise(_Trouble(outcome["trouble"]))
        steps = [
            (Frame(header, tuple(buffers)), answer) for header, buffers, answer in outcome["steps"]
        ]
        return _as_verdict(outcome["verdict"]), steps

    def _run_here(self, cell: Cell, reached: int, learner: _Watched) -> Verdict:
        """Run a check against stand-ins for what the learner defined."""
        names = self.given.shell.user_ns
        self.given.advance(reached)
        for name in self.exercises:
            names.pop(name, None)
        limit = Limit()
        try:
            with _random_state_kept(), learner.put_back(), work_limit(CHECK_SECONDS, limit):
                names |= learner.names(self.exercises)
                verdict = run_check(cell.source, names, name=cell.check, points=cell.points)
        finally:
            broken = learner.trouble is _Trouble.BROKEN_OFF
            self._interrupted = self._interrupted or limit.reached or broken
        if limit.reached:
            learner.trouble = _Trouble.NONE
            return replace(verdict, status=Status.FAILED, points=0, message=TOO_MUCH_WORK)
        return verdict


class _Trouble(StrEnum):
    """Why a check's run does not count."""

    NONE = ""
    OTHER_QUESTION = "other question"
    NEEDS_A_PROCESS = "needs a process"
    BROKEN_OFF = "broken off"
    SLOW = "slow"
    GONE = "gone"


def _raise(trouble: _Trouble) -> None:
    """Raise what says what kept the learner's side from answering, if anything did."""
    if trouble is _Trouble.OTHER_QUESTION:
        raise NotRepeatableError
    if trouble is _Trouble.BROKEN_OFF:
        raise BrokenOffError
    if trouble:
        raise LearnerGoneError("", slow=trouble is _Trouble.SLOW)


class BrokenOffError(Exception):
    """An answer could not be taken in: for want of memory, or since it took too much work."""


class _NeedsAProcessError(BaseException):
    """A check is about to change something that could not be put back."""


class _Watched(Learner):
    """The learner's process during a check: what went wrong with it is kept.

    A check may catch exceptions, so the trouble is kept here rather than read off the verdict; once
    there is one, nothing more is asked.

    Parameters
    ----------
    line
        The connection to it.
    may_change
        Whether a check may change what can't be put back: its process ends with it.
    """

    def __init__(self, line: RecordedLine, *, may_change: bool = False) -> None:
        super().__init__(line, seconds=line.budget.seconds)
        self.may_change = may_change
        self.trouble = _Trouble.NONE
        self._undo: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def put_back(self) -> Iterator[None]:
        """In the end, give all arguments that were changed their content back."""
        try:
            yield
        finally:
            while self._undo:
                try:
                    self._undo.pop()()
                except Exception:
                    self.trouble = _Trouble.BROKEN_OFF

    def _exchange(self, request: dict[str, object]) -> dict[str, Any]:
        if self.trouble:
            raise LearnerGoneError("Nothing more is asked.")
        try:
            return super()._exchange(request)
        except NotRepeatableError:
            self.trouble = _Trouble.OTHER_QUESTION
            raise
        except LearnerGoneError as gone:
            self.trouble = _Trouble.SLOW if gone.slow else _Trouble.GONE
            raise
        except HeavyError:
            self._stop()
        except (CannotCrossError, _NeedsAProcessError):
            raise
        except BaseException:
            self.trouble = _Trouble.BROKEN_OFF
            raise

    def _change(self, old: object, new: object) -> None:
        if not self.may_change:
            undo = _undo(old)
            if undo is None:
                self._stop()
            self._undo.append(undo)
        super()._change(old, new)

    def _call_back(self, request: dict[str, Any]) -> dict[str, object]:
        # What a function of the check's does with a learner's arguments is not known here.
        if not self.may_change:
            self._stop()
        return super()._call_back(request)

    def _stop(self) -> None:
        self.trouble = _Trouble.NEEDS_A_PROCESS
        raise _NeedsAProcessError


def _undo(value: object) -> Callable[[], None] | None:
    """Return what gives a value the very content back that it has now, or None if nothing can."""
    if isinstance(value, list):
        items = list(value)
        return lambda: value.__setitem__(slice(None), items)
    if isinstance(value, dict):
        entries = value.copy()
        return lambda: (value.clear(), value.update(entries))
    if isinstance(value, np.ndarray):
        numbers = value.copy()
        return lambda: change_in_place(value, numbers)
    if isinstance(value, np.random.Generator):
        state = value.bit_generator.state
        return lambda: setattr(value.bit_generator, "state", state)
    return None


@contextlib.contextmanager
def _random_state_kept() -> Iterator[None]:
    """Leave the random states that a process has only one of as they were."""
    numbers, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002 (models use it)
    try:
        yield
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(pythons)


def _data_bytes() -> int:
    """Return the size of this process's data, where the system tells it."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _as_verdict(data: dict[str, Any]) -> Verdict:
    return Verdict(**data | {"status": Status(data["status"])})


def _key(cell: Cell, reached: int, defined: list[tuple[Frame, Frame]]) -> bytes:
    """Return what tells a check, on what the learner defines, from any other."""
    whole = hashlib.sha256(f"{cell.check}\0{cell.points}\0{reached}\0".encode())
    whole.update(cell.source.encode())
    for question, answer in defined:
        whole.update(question.digest + answer.digest)
    return whole.digest()


__all__ = ["CHECK_SECONDS", "CheckRunner", "Learned"]
