"""Grade one submission: its cells run in a learner's process, its checks here.

This is the trusted side. No code of the submission ever runs in this process; what comes from it
comes as data.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from autograde.arms_length.alarm import work_limit
from autograde.arms_length.channel import Channel, ClosedError, Frame, TooSlowError, pack
from autograde.arms_length.checks import Learner, LearnerGoneError
from autograde.arms_length.fork import in_a_fork
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_process import (
    HostGoneError,
    LearnerProcess,
    StoppedError,
    next_number,
)
from autograde.arms_length.plan import Cell, Kind, Submission
from autograde.arms_length.transcripts import (
    Budget,
    NotRepeatableError,
    RecordedLine,
    Step,
    Transcripts,
)
from autograde.outputs import clean_outputs
from course.checks.verdict import Status, Verdict, run_check

CHECK_SECONDS = 20
"""Seconds of this process's own work on one check; a learner's answer can be made to cost work."""

_GRACE_SECONDS = 5
TOO_MUCH_WORK = "The check gave up on this answer: it takes too much work to look at."

MOST_SHOWN = 20_000_000
"""Characters of all outputs of a notebook; those of further cells are left out."""
UNREADABLE = "gave an answer that could not be looked at"

Learned = tuple[bytes, list[Step], dict[str, Any] | None]
"""A conversation for the record: the check's key, the questions and answers, the verdict."""


class SubmissionGrader:
    """Grades one submission; make one for each.

    First all of the learner's cells run, in order; wherever checks stand, a copy of their process
    is put aside as it is there. Then the checks talk to the copies. So no cell can show what a
    check has asked: all that the learner will see of the cells has been said by then.

    Parameters
    ----------
    submission
        What there is to grade.
    given
        The lab's given cells, run in this process.
    control
        The connection to the host of the learners' processes.
    transcripts
        The conversations that are known; not changed here.
    given_up
        Exercises that are not to be looked at, and why: an earlier attempt did not survive them.
    tell
        Called with the exercise whose check is about to be worked on here.
    """

    def __init__(
        self,
        submission: Submission,
        given: GivenCells,
        control: socket.socket,
        transcripts: Transcripts,
        given_up: dict[str, str] | None = None,
        tell: Callable[[str], None] = lambda exercise: None,
    ) -> None:
        self.submission, self.given = submission, given
        self.transcripts = transcripts
        self._tell = tell
        self.results: dict[int, dict[str, Any]] = {}
        self.notes = [f"`{name}` {reason}." for name, reason in (given_up or {}).items()]
        self.learned: list[Learned] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self.spared = 0
        self._deadline = time.monotonic() + submission.total_seconds
        self._stopped: dict[str, str] = dict(given_up or {})
        self._raised: dict[str, str] = {}
        self._budgets: dict[str, Budget] = {}
        self._shown = 0
        self._learner = _LearnerAtWork(submission, control, self._deadline)

    def grade(self) -> dict[str, Any]:
        """Grade the submission and return what came of it, as plain data.

        Returns
        -------
        dict
            ``cells``: by index, a cell's ``outputs``, a check's ``verdict``, or the ``error`` (name
            and text) that stands in its place; ``notes``: sentences on what was stopped;
            ``seconds``: seconds that each exercise's own code took; ``spared``: how many checks
            were answered from the record.
        """
        try:
            self._run_cells()
            self._run_checks()
        finally:
            self._learner.end()
        return {
            "cells": self.results,
            "notes": self.notes,
            "seconds": dict(self.seconds),
            "spared": self.spared,
        }

    def _run_cells(self) -> None:
        """Run the learner's cells, and put a copy of their process aside where checks stand."""
        plays = self.submission.needs_plays()
        reached, aside = 0, False
        for cell in self.submission.cells:
            if cell.kind is Kind.GIVEN:
                reached += 1
            elif cell.kind is Kind.LEARNER or (cell.kind is Kind.PLAY and plays):
                self._run(cell, reached)
            if cell.kind is Kind.CHECK and not aside:
                self._learner.put_aside(cell.index, reached)
            if cell.kind is not Kind.PLAY or plays:
                aside = cell.kind is Kind.CHECK

    def _run(self, cell: Cell, reached: int) -> None:
        """Run a cell of the learner's."""
        if self._left() <= 0:
            self.results[cell.index] = _error("NotRun", self._used_up())
            return
        started = time.monotonic()
        try:
            reply = self._learner.run(cell, reached)
        except StoppedError as stopped:
            self._give_up(cell, str(stopped))
            return
        finally:
            self.seconds[cell.exercise] += time.monotonic() - started
        outputs = clean_outputs(reply["outputs"])
        self._shown += len(json.dumps(outputs))
        self.results[cell.index] = {"outputs": outputs if self._shown < MOST_SHOWN else []}
        self._raised.pop(cell.exercise, None)
        error = reply.get("error")
        if error:
            parts = [str(part)[:500] for part in error] if type(error) is list else ["Exception"]
            self._raised[cell.exercise] = ": ".join(parts[:2])

    def _run_checks(self) -> None:
        """Run the checks, each on the copy that was put aside where it stands."""
        self.given.rewind()
        reached, copy = 0, None
        for cell in self.submission.cells:
            if cell.kind is Kind.GIVEN:
                reached += 1
            if cell.kind is not Kind.CHECK:
                continue
            if cell.index in self._learner.copies:
                self._learner.drop(copy)
                copy = cell.index
            try:
                self._check(cell, copy, reached)
            except HostGoneError:
                raise
            except Exception:
                # Whatever an answer can do to what looks at it, it costs the exercise only.
                self._learner.spoil(copy)
                self._give_up(cell, UNREADABLE)

    def _check(self, cell: Cell, copy: int, reached: int) -> None:
        """Run a check on a copy of the learner's process."""
        reason = self._reason_not_to_run(cell)
        if reason:
            self.results[cell.index] = _error("NotRun", reason)
            return
        self._tell(cell.exercise)
        budget = self._budgets.setdefault(cell.exercise, Budget(self.submission.call_seconds))
        budget.left = min(budget.left, max(1.0, self._left()))
        before = budget.left
        try:
            verdict = self._verdict(cell, copy, reached, budget)
        except (StoppedError, ClosedError, TooSlowError, LearnerGoneError) as gone:
            self._learner.spoil(copy)
            self._give_up(cell, self._why(gone))
            return
        finally:
            self._tell("")
            self.seconds[cell.exercise] += before - budget.left
        if verdict.status is Status.NOT_STARTED and cell.exercise in self._raised:
            text = f"The cell of `{cell.exercise}` does not run: {self._raised[cell.exercise]}"
            verdict = replace(verdict, status=Status.FAILED, message=text)
        self.results[cell.index] = {"verdict": verdict.as_dict()}

    def _verdict(self, cell: Cell, copy: int, reached: int, budget: Budget) -> Verdict:
        """Return a check's verdict: from the record, or else by running it."""
        lent = self._learner.lent(copy, budget)
        key = _key(cell, reached, lent.defined)
        held: list[tuple[Frame, Frame]] = []
        if self.transcripts.repeats(key):
            known = self._follow(key, lent.channel, budget, held)
            if known is not None:
                self.spared += 1
                return Verdict(**known | {"status": Status(known["status"])})
        try:
            verdict, steps = self._in_a_fork(cell, reached, lent, budget, held)
        except NotRepeatableError:
            self.learned.append((key, [], None))
            # The copy has been asked what this run of the check does not ask: take another.
            self._learner.spoil(copy)
            lent = self._learner.lent(copy, budget)
            verdict, _ = self._in_a_fork(cell, reached, lent, budget, [])
            return verdict
        if verdict.message != TOO_MUCH_WORK:
            self.learned.append((key, steps, verdict.as_dict()))
        return verdict

    def _in_a_fork(
        self,
        cell: Cell,
        reached: int,
        lent: _Lent,
        budget: Budget,
        held: list[tuple[Frame, Frame]],
    ) -> tuple[Verdict, list[Step]]:
        """Run a check in a process of its own.

        Whatever the check, or an answer, does to the lab's given objects ends with it, so that a
        check's verdict depends on nothing but what the learner's side has said to this check.
        """
        line = RecordedLine(lent.channel, budget, [*lent.defined, *held])
        seconds = CHECK_SECONDS + budget.left + _GRACE_SECONDS
        outcome = in_a_fork(lambda: self._outcome(cell, reached, line), seconds)
        budget.left = min(budget.left, outcome["left"])
        if outcome["trouble"] == "other question":
            raise NotRepeatableError
        if outcome["trouble"]:
            raise LearnerGoneError("", slow=outcome["trouble"] == "slow")
        status = Status(outcome["verdict"]["status"])
        verdict = Verdict(**outcome["verdict"] | {"status": status})
        steps = [
            (Frame(header, tuple(buffers)), answer) for header, buffers, answer in outcome["steps"]
        ]
        return verdict, steps[len(lent.defined) :]

    def _outcome(self, cell: Cell, reached: int, line: RecordedLine) -> dict[str, Any]:
        """Run a check and return what came of it, as plain data."""
        learner = _Watched(line, line.budget.seconds)
        verdict = self._run_check(cell, reached, line, learner)
        return {
            "verdict": verdict.as_dict(),
            "trouble": learner.trouble,
            "left": line.budget.left,
            "steps": [
                (asked.header, list(asked.buffers), answer) for asked, answer in line.steps()
            ],
        }

    def _follow(
        self, key: bytes, channel: Channel, budget: Budget, held: list[tuple[Frame, Frame]]
    ) -> dict[str, Any] | None:
        """Ask the known questions as long as the answers are known, too; return a verdict."""
        node = self.transcripts.beginning(key)
        while node is not None and node.verdict is None:
            channel.send_frame(node.question)
            answer = budget.receive(channel)
            held.append((node.question, answer))
            node = node.after.get(answer.digest)
        return node.verdict if node is not None else None

    def _run_check(
        self, cell: Cell, reached: int, line: RecordedLine, learner: _Watched
    ) -> Verdict:
        """Run a check against stand-ins for what the learner defined."""
        names = self.given.shell.user_ns
        self.given.advance(reached)
        for name in self.submission.exercises:
            names.pop(name, None)
        with work_limit(CHECK_SECONDS) as limit:
            names |= learner.names(self.submission.exercises)
            verdict = run_check(cell.source, names, name=cell.check, points=cell.points)
        if limit.reached:
            return replace(verdict, status=Status.FAILED, points=0, message=TOO_MUCH_WORK)
        return verdict

    def _give_up(self, cell: Cell, reason: str) -> None:
        """Say in a cell, and in a note, why it came to no end; its exercise is over."""
        exercise = cell.exercise or cell.check
        what = f"`{exercise}`" if exercise else "a cell"
        if exercise:
            self._stopped[exercise] = reason
        self.results[cell.index] = _error("Stopped", f"Stopped: {what} {reason}.")
        self.notes.append(f"{what[0].upper()}{what[1:]} {reason}.")

    def _why(self, gone: Exception) -> str:
        """Say how the learner's code left a check without an answer."""
        if isinstance(gone, StoppedError):
            return str(gone)
        if isinstance(gone, TooSlowError) or getattr(gone, "slow", False):
            return f"ran for more than {self.submission.call_seconds:g} s and was stopped"
        return self._learner.excess() or "ended the Python process"

    def _reason_not_to_run(self, cell: Cell) -> str | None:
        if self._left() <= 0:
            return self._used_up()
        if cell.exercise in self._stopped:
            return f"Not run: `{cell.exercise}` {self._stopped[cell.exercise]}."
        return None

    def _used_up(self) -> str:
        return f"Not run: the notebook used up its {self.submission.total_seconds:g} s."

    def _left(self) -> float:
        return self._deadline - time.monotonic()


@dataclass
class _Lent:
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


class _LearnerAtWork:
    """The learner's process with the copies put aside, brought back to where it was if it ends."""

    def __init__(self, submission: Submission, control: socket.socket, deadline: float) -> None:
        self.submission, self.control, self.deadline = submission, control, deadline
        self.copies: dict[int, int] = {}
        """By the number of a copy: how many given cells stand above it."""
        self._lent: dict[int, _Lent] = {}
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
        self.copies[copy] = reached
        self._done.append((copy, reached))
        if self._process is not None:
            try:
                self._lent[copy] = _Lent(self._process.lend(copy, reached))
            except StoppedError:
                self.end()

    def lent(self, copy: int, budget: Budget) -> _Lent:
        """Return a copy that has been asked what it defines.

        Raises
        ------
        StoppedError, ClosedError, TooSlowError
            If it gives no answer.
        """
        if copy in self._spoilt or copy not in self._lent:
            self.end()
            self._ready()
        if copy not in self._lent:
            raise StoppedError("ended the Python process")
        lent = self._lent[copy]
        if lent.defined is None:
            # The answers are not looked at here, where nothing would end what they can cost.
            lent.defined = []
            for name in self.submission.exercises:
                question = pack({"do": "look up", "name": name})
                lent.channel.send_frame(question)
                lent.defined.append((question, budget.receive(lent.channel)))
        return lent

    def spoil(self, copy: int) -> None:
        """Take a copy for useless: the next one who wants it gets another."""
        self._spoilt.add(copy)

    def drop(self, copy: int | None) -> None:
        """End a copy that is no longer needed."""
        lent = self._lent.pop(copy, None)
        self._done = [(what, reached) for what, reached in self._done if what != copy]
        if lent is not None and self._process is not None:
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
        self._process = None
        self._lent.clear()
        self._spoilt.clear()

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
                    self._lent[what] = _Lent(self._process.lend(what, reached))
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


class _Watched(Learner):
    """The learner's process during a check: what went wrong with it is kept.

    A check may catch exceptions, so the trouble is kept here rather than read off the verdict.
    """

    def __init__(self, line: RecordedLine, seconds: float) -> None:
        super().__init__(line, seconds=seconds)
        self.trouble = ""

    def _exchange(self, request: dict[str, object]) -> dict[str, Any]:
        try:
            return super()._exchange(request)
        except NotRepeatableError:
            self.trouble = self.trouble or "other question"
            raise
        except LearnerGoneError as gone:
            self.trouble = self.trouble or ("slow" if gone.slow else "gone")
            raise


def _key(cell: Cell, reached: int, defined: list[tuple[Frame, Frame]]) -> bytes:
    """Return what tells a check, on what the learner defines, from any other."""
    whole = hashlib.sha256(f"{cell.check}\0{cell.points}\0{reached}\0".encode())
    whole.update(cell.source.encode())
    for question, answer in defined:
        whole.update(question.digest + answer.digest)
    return whole.digest()


def _error(name: str, text: str) -> dict[str, Any]:
    return {"error": [name, text]}


__all__ = ["Learned", "SubmissionGrader"]
