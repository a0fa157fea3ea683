"""Grade one submission: its cells run in a learner's process, its checks here.

This is the trusted side. No code of the submission ever runs in this process; what comes from it
comes as data.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograde.arms_length.alarm import work_limit
from autograde.arms_length.channel import Channel, ClosedError, Frame, TooSlowError
from autograde.arms_length.checks import Learner, LearnerGoneError
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_process import LearnerProcess, StoppedError, next_number
from autograde.arms_length.plan import Cell, Kind, Submission
from autograde.arms_length.transcripts import (
    Budget,
    NotRepeatableError,
    RecordedLine,
    Step,
    Transcripts,
)
from course.checks.verdict import Status, Verdict, run_check

CHECK_SECONDS = 60
"""Seconds of this process's own work on one check; a learner's answer can be made to cost work."""

TOO_MUCH_WORK = "The check gave up on this answer: it takes too much work to look at."

Learned = tuple[bytes, list[Step], dict[str, Any] | None]
"""A conversation for the record: the check's key, the questions and answers, the verdict."""


class SubmissionGrader:
    """Grades one submission; make one for each.

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
        self.submission, self.given, self.control = submission, given, control
        self._tell = tell
        self.transcripts = transcripts
        self.results: dict[int, dict[str, Any]] = {}
        self.notes = [f"`{name}` {reason}." for name, reason in (given_up or {}).items()]
        self.learned: list[Learned] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self.spared = 0
        self._stopped: dict[str, str] = dict(given_up or {})
        self._raised: dict[str, str] = {}
        self._ended: list[tuple[Cell, int]] = []
        self._budgets: dict[str, Budget] = {}
        self._reached = 0
        self._process: LearnerProcess | None = None
        self._lent: Channel | None = None
        self._defined: list[tuple[Frame, Frame]] = []
        self._deadline = time.monotonic() + submission.total_seconds

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
        self.given.rewind()
        plays = self.submission.needs_plays()
        try:
            for cell in self.submission.cells:
                if cell.kind is Kind.GIVEN:
                    self._reached += 1
                    continue
                if cell.kind is not Kind.CHECK:
                    self._take_back()
                if cell.kind is Kind.LEARNER or (cell.kind is Kind.PLAY and plays):
                    self._run(cell)
                elif cell.kind is Kind.CHECK:
                    self._check(cell)
        finally:
            if self._process is not None:
                self._process.kill()
        return {
            "cells": self.results,
            "notes": self.notes,
            "seconds": dict(self.seconds),
            "spared": self.spared,
        }

    def _run(self, cell: Cell) -> None:
        """Run a cell of the learner's."""
        reason = self._reason_not_to_run(cell)
        if reason:
            self.results[cell.index] = _error("NotRun", reason)
            return
        started = time.monotonic()
        seconds = min(self.submission.call_seconds, max(1.0, self._left()))
        try:
            reply = self._learner().run(cell.source, reached=self._reached, seconds=seconds)
        except StoppedError as stopped:
            self._give_up_cell(cell, str(stopped))
            return
        finally:
            self.seconds[cell.exercise] += time.monotonic() - started
        self.results[cell.index] = {"outputs": reply["outputs"]}
        self._ended.append((cell, self._reached))
        self._raised.pop(cell.exercise, None)
        error = reply.get("error")
        if error:
            kind, text = (str(part)[:500] for part in error)
            self._raised[cell.exercise] = f"{kind}: {text}"

    def _check(self, cell: Cell) -> None:
        """Run a check."""
        reason = self._reason_not_to_run(cell)
        if reason:
            self.results[cell.index] = _error("NotRun", reason)
            return
        budget = self._budgets.setdefault(cell.exercise, Budget(self.submission.call_seconds))
        budget.left = min(budget.left, max(1.0, self._left()))
        before = budget.left
        try:
            verdict = self._verdict(cell, budget)
        except (StoppedError, ClosedError, TooSlowError, LearnerGoneError) as gone:
            self._give_up_check(cell, self._why(gone))
            return
        finally:
            self.seconds[cell.exercise] += before - budget.left
        if verdict.status is Status.NOT_STARTED and cell.exercise in self._raised:
            text = f"The cell of `{cell.exercise}` does not run: {self._raised[cell.exercise]}"
            verdict = replace(verdict, status=Status.FAILED, message=text)
        self.results[cell.index] = {"verdict": verdict.as_dict()}

    def _verdict(self, cell: Cell, budget: Budget) -> Verdict:
        """Return a check's verdict: from the record, or else by running it."""
        self._lend(budget)
        key = self._key(cell)
        held: list[tuple[Frame, Frame]] = []
        if self.transcripts.repeats(key):
            known = self._follow(key, budget, held)
            if known is not None:
                self.spared += 1
                return Verdict(**known | {"status": Status(known["status"])})
        line = RecordedLine(self._lent, budget, [*self._defined, *held])
        self._tell(cell.exercise)
        try:
            verdict = self._run_check(cell, line)
        except NotRepeatableError:
            self.learned.append((key, [], None))
            # The learner's side has been asked what this run of the check does not ask: start anew.
            self._take_back()
            self._lend(budget)
            return self._run_check(cell, RecordedLine(self._lent, budget, self._defined))
        if verdict.message != TOO_MUCH_WORK:
            steps = line.steps()[len(self._defined) :]
            self.learned.append((key, steps, verdict.as_dict()))
        return verdict

    def _follow(
        self, key: bytes, budget: Budget, held: list[tuple[Frame, Frame]]
    ) -> dict[str, Any] | None:
        """Ask the known questions as long as the answers are known, too; return a verdict."""
        node = self.transcripts.beginning(key)
        while node is not None and node.verdict is None:
            self._lent.send_frame(node.question)
            answer = budget.receive(self._lent)
            held.append((node.question, answer))
            node = node.after.get(answer.digest)
        return node.verdict if node is not None else None

    def _run_check(self, cell: Cell, line: RecordedLine) -> Verdict:
        """Run a check against stand-ins for what the learner defined."""
        learner = _Watched(line, line.budget.seconds)
        names = self.given.shell.user_ns
        self.given.advance(self._reached)
        for name in self.submission.exercises:
            names.pop(name, None)
        names |= learner.names(self.submission.exercises)
        with work_limit(CHECK_SECONDS) as limit:
            verdict = run_check(cell.source, names, name=cell.check, points=cell.points)
        if learner.trouble is not None:
            raise learner.trouble
        if limit.reached:
            return replace(verdict, status=Status.FAILED, points=0, message=TOO_MUCH_WORK)
        return verdict

    def _lend(self, budget: Budget) -> None:
        """Have a copy of the learner's process to talk to, and know what it defines."""
        if self._lent is not None:
            return
        self._lent = self._learner().lend(self._reached)
        line = RecordedLine(self._lent, budget)
        Learner(line, seconds=budget.seconds).names(self.submission.exercises)
        self._defined = line.held

    def _take_back(self) -> None:
        if self._lent is not None and self._process is not None:
            copy, self._lent = self._lent, None
            try:
                self._process.take_back(copy)
            except StoppedError:
                self._end_process()

    def _key(self, cell: Cell) -> bytes:
        """Return what tells this check, on these names, from any other."""
        whole = hashlib.sha256(f"{cell.check}\0{cell.points}\0{self._reached}\0".encode())
        whole.update(cell.source.encode())
        for question, answer in self._defined:
            whole.update(question.digest + answer.digest)
        return whole.digest()

    def _learner(self) -> LearnerProcess:
        """Return the learner's process; a new one is brought to where the last one was."""
        if self._process is None:
            self._process = LearnerProcess(self.control, next_number())
            self._process.write(self.submission.files)
            self._bring_up()
        return self._process

    def _bring_up(self) -> None:
        for cell, reached in list(self._ended):
            seconds = min(self.submission.call_seconds, max(1.0, self._left()))
            try:
                self._process.run(cell.source, reached=reached, seconds=seconds)
            except StoppedError:
                # It ended once and now it does not: leave it out, so that this comes to an end.
                self._ended.remove((cell, reached))
                self._end_process()
                self._learner()
                return

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process = self._lent = None

    def _give_up_cell(self, cell: Cell, reason: str) -> None:
        self._end_process()
        what = f"`{cell.exercise}`" if cell.exercise else "a cell"
        if cell.exercise:
            self._stopped[cell.exercise] = reason
        self.results[cell.index] = _error("Stopped", f"Stopped: {what} {reason}.")
        self.notes.append(f"{what[0].upper()}{what[1:]} {reason}.")

    def _give_up_check(self, cell: Cell, reason: str) -> None:
        self._take_back()
        self._give_up_cell(replace(cell, exercise=cell.exercise or cell.check), reason)

    def _why(self, gone: Exception) -> str:
        """Say how the learner's code left a check without an answer."""
        if isinstance(gone, StoppedError):
            return str(gone)
        if isinstance(gone, TooSlowError) or getattr(gone, "slow", False):
            return f"ran for more than {self.submission.call_seconds:g} s and was stopped"
        excess = self._process.excess() if self._process is not None else ""
        return excess or "ended the Python process"

    def _reason_not_to_run(self, cell: Cell) -> str | None:
        if self._left() <= 0:
            return f"Not run: the notebook used up its {self.submission.total_seconds:g} s."
        # A copy of an answer's cell further down is what the learner means, and may do better.
        if cell.exercise in self._stopped and cell.kind is Kind.CHECK:
            return f"Not run: `{cell.exercise}` {self._stopped[cell.exercise]}."
        return None

    def _left(self) -> float:
        return self._deadline - time.monotonic()


class _Watched(Learner):
    """The learner's process during a check: what went wrong with it is kept.

    A check may catch exceptions, so the trouble is kept here rather than read off the verdict.
    """

    def __init__(self, line: RecordedLine, seconds: float) -> None:
        super().__init__(line, seconds=seconds)
        self.trouble: Exception | None = None

    def _exchange(self, request: dict[str, object]) -> dict[str, Any]:
        try:
            return super()._exchange(request)
        except (LearnerGoneError, NotRepeatableError) as trouble:
            self.trouble = self.trouble or trouble
            raise


def _error(name: str, text: str) -> dict[str, Any]:
    return {"error": [name, text]}


__all__ = ["Learned", "SubmissionGrader"]
