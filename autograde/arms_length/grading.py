"""Grade one submission: its cells run in a learner's process, its checks here.

This is the trusted side. No code of the submission ever runs in this process; what comes from it
comes as data.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograde.arms_length.channel import ClosedError, TooSlowError
from autograde.arms_length.check_runner import CheckRunner, Learned
from autograde.arms_length.checks import LearnerGoneError
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_at_work import LearnerAtWork
from autograde.arms_length.learner_process import HostGoneError, StoppedError
from autograde.arms_length.plan import Cell, Kind, Submission
from autograde.arms_length.transcripts import Budget, NotRepeatableError, Transcripts
from autograde.outputs import clean_outputs
from course.checks.verdict import Status, Verdict

MOST_SHOWN = 20_000_000
"""Characters of all outputs of a notebook; those of further cells are left out."""
UNREADABLE = "gave an answer that could not be looked at"


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
    seconds
        How long it may take.
    given_up
        Exercises, and cells by number, that are not to be looked at, and why: an earlier attempt
        did not survive them.
    tell
        Called with the exercise whose check, or the cell, that is about to be worked on here.
    """

    def __init__(
        self,
        submission: Submission,
        given: GivenCells,
        control: socket.socket,
        transcripts: Transcripts,
        seconds: float,
        given_up: dict[str, str] | None = None,
        tell: Callable[[str], None] = lambda what: None,
    ) -> None:
        self.submission, self.given = submission, given
        self._tell = tell
        self.results: dict[int, dict[str, Any]] = {}
        self.notes: list[str] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self._deadline = time.monotonic() + seconds
        self._given_up = dict(given_up or {})
        self._stopped: dict[str, str] = {}
        self._raised: dict[str, str] = {}
        self._budgets: dict[str, Budget] = {}
        self._shown = 0
        self._learner = LearnerAtWork(submission, control, self._deadline)
        self._runner = CheckRunner(given, submission.exercises, transcripts)

    @property
    def learned(self) -> list[Learned]:
        """Conversations that are new."""
        return self._runner.learned

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
            "spared": self._runner.spared,
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
        name = f"cell {cell.index}"
        if name in self._given_up:
            self._give_up(cell, self._given_up.pop(name))
            return
        self._tell(name)
        started = time.monotonic()
        try:
            reply = self._learner.run(cell, reached)
        except StoppedError as stopped:
            self._give_up(cell, str(stopped))
            return
        finally:
            self.seconds[cell.exercise] += time.monotonic() - started
        self._show(cell, reply)

    def _show(self, cell: Cell, reply: dict[str, Any]) -> None:
        """Keep what a cell has shown, and what it raised."""
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
        if cell.exercise in self._given_up:
            self._give_up(cell, self._given_up.pop(cell.exercise))
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
        """Return a check's verdict."""
        for _ in range(2):
            lent = self._learner.lent(copy, budget)
            with contextlib.suppress(NotRepeatableError):
                return self._runner.verdict(cell, reached, lent, budget)
            # The copy has been asked what this run of the check does not ask: take another.
            self._learner.spoil(copy)
        raise NotRepeatableError

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


def _error(name: str, text: str) -> dict[str, Any]:
    return {"error": [name, text]}


__all__ = ["UNREADABLE", "SubmissionGrader"]
