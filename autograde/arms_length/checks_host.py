"""The warm process that a lab's gradings are forked from; it holds the checks, and is trusted."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from autograde.arms_length.channel import CannotCrossError, Channel, ClosedError, Frame
from autograde.arms_length.check_runner import CHECK_SECONDS, Learned
from autograde.arms_length.fork import die_with_parent
from autograde.arms_length.given import GivenCells
from autograde.arms_length.grading import UNREADABLE, SubmissionGrader
from autograde.arms_length.learner_process import HostGoneError, end_all_of
from autograde.arms_length.plan import Submission
from autograde.arms_length.transcripts import Transcripts

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.5
_MOST_TIMES = 2
"""How often its time a submission may take with all attempts."""
_MOST_LEARNED = 150_000_000
"""Bytes of one conversation that is kept."""
_MEMORY_BYTES = 2 << 30
"""What a grading may use beyond what it starts with: a learner's data can be made to be large."""


@dataclass
class _Grading:
    """A grading that is under way.

    Attributes
    ----------
    number, submission
        What is graded, for whom.
    given_up
        Exercises and cells that earlier attempts did not survive, and why.
    process, channel
        The process that grades, and the connection to it.
    began, ends
        When the first attempt began, and when this one must be at its end, on the clock of
        `time.monotonic`.
    working_on, since
        The exercise whose check, or the cell, that it is working on, and since when.
    """

    number: int
    submission: Submission
    given_up: dict[str, str]
    process: int
    channel: Channel
    began: float
    ends: float
    working_on: str = ""
    since: float = 0

    def is_stuck(self, now: float) -> bool:
        """Say whether a check takes longer than it and the learner's code may together."""
        most = 2 * (CHECK_SECONDS + self.submission.call_seconds + _GRACE_SECONDS)
        return bool(self.working_on) and now - self.since > most


class ChecksHost:
    """Grades one lab's submissions, several at a time.

    Parameters
    ----------
    service
        The connection to who asks for grades.
    given
        The lab's given cells, already run.
    control
        The connection to the learners' host.
    """

    def __init__(self, service: Channel, given: GivenCells, control: socket.socket) -> None:
        self.service, self.given, self.control = service, given, control
        self.transcripts = Transcripts()
        self._selector = selectors.DefaultSelector()
        self._gradings: dict[int, _Grading] = {}

    def run(self) -> None:
        """Grade until the other side is gone."""
        self._selector.register(self.service.connection, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in self._selector.select(_POLL_SECONDS if self._gradings else None):
                    if key.fileobj is self.service.connection:
                        request = self.service.receive()
                        submission = Submission.from_data(request["submission"])
                        self._start(request["number"], submission, {}, time.monotonic())
                    else:
                        self._hear(self._gradings[key.fd])
                self._watch()
        except ClosedError:
            return
        finally:
            for grading in list(self._gradings.values()):
                self._end(grading)

    def _start(
        self, number: int, submission: Submission, given_up: dict[str, str], began: float
    ) -> None:
        ours, theirs = socket.socketpair()
        now = time.monotonic()
        # All attempts together: what is not graded by then is not run.
        seconds = min(
            submission.total_seconds, began + _MOST_TIMES * submission.total_seconds - now
        )
        process = os.fork()
        if process == 0:
            ours.close()
            self._grade(submission, given_up, seconds, Channel(theirs))
        theirs.close()
        ends = now + max(0, seconds) + CHECK_SECONDS + _GRACE_SECONDS
        grading = _Grading(number, submission, given_up, process, Channel(ours), began, ends)
        self._gradings[ours.fileno()] = grading
        self._selector.register(ours, selectors.EVENT_READ)

    def _grade(
        self, submission: Submission, given_up: dict[str, str], seconds: float, answer: Channel
    ) -> NoReturn:
        """Grade in the fork, and leave past every handler of the parent's."""
        die_with_parent()
        _limit_memory()
        try:
            grader = SubmissionGrader(
                submission,
                self.given,
                self.control,
                self.transcripts,
                seconds,
                given_up,
                lambda what: answer.send({"working on": what}),
            )
            try:
                result = json.dumps(grader.grade()).encode()
                for conversation in grader.learned:
                    _hand_on(conversation, answer)
                answer.send({"result": result})
            except HostGoneError as error:
                answer.send({"failed": str(error), "host is gone": True})
        finally:
            os._exit(0)

    def _hear(self, grading: _Grading) -> None:
        try:
            reply = grading.channel.receive()
        except (ClosedError, CannotCrossError):
            self._give_up(grading)
            return
        if "working on" in reply:
            grading.working_on, grading.since = reply["working on"], time.monotonic()
            return
        if "learned" in reply:
            key, steps, verdict = reply["learned"]
            heard = [(Frame(header, tuple(buffers)), answer) for header, buffers, answer in steps]
            self.transcripts.learn(key, heard, verdict)
            return
        self._end(grading)
        self.service.send({"number": grading.number} | reply)

    def _watch(self) -> None:
        now = time.monotonic()
        for grading in list(self._gradings.values()):
            if grading.is_stuck(now) or now > grading.ends:
                self._give_up(grading)

    def _give_up(self, grading: _Grading) -> None:
        """Grade anew without the exercise, or the cell, at which a grading died, or hung."""
        self._end(grading)
        what = grading.working_on
        if what and what not in grading.given_up:
            given_up = grading.given_up | {what: UNREADABLE}
            self._start(grading.number, grading.submission, given_up, grading.began)
        else:
            reason = "the grading ended without a result"
            self.service.send({"number": grading.number, "failed": reason})

    def _end(self, grading: _Grading) -> None:
        self._selector.unregister(grading.channel.connection)
        del self._gradings[grading.channel.connection.fileno()]
        grading.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(grading.process, signal.SIGKILL)
        os.waitpid(grading.process, 0)
        end_all_of(grading.process, self.control)


def _hand_on(conversation: Learned, host: Channel) -> None:
    """Tell the host of a conversation, unless it is too long to be worth keeping."""
    key, steps, verdict = conversation
    if sum(asked.size for asked, _ in steps) <= _MOST_LEARNED:
        said = [(asked.header, list(asked.buffers), answer) for asked, answer in steps]
        host.send({"learned": (key, said, verdict)})


def _limit_memory() -> None:
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmData")]
        limit = int(line.split()[1]) * 1024 + _MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
