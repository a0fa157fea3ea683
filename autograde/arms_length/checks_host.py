"""The warm process that a lab's gradings are forked from; it holds the checks, and is trusted.

``python -m autograde.arms_length.checks_host DESCRIPTOR`` is started by the grading service. It
starts the learners' host in its sandbox, runs the lab's given cells for the checks meanwhile, and
then grades submissions as they come, each in a fork of its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import autograde
import course
from autograde.arms_length.channel import CannotCrossError, Channel, ClosedError, Frame
from autograde.arms_length.check_runner import CHECK_SECONDS, Learned
from autograde.arms_length.fork import die_with_parent
from autograde.arms_length.given import GivenCells
from autograde.arms_length.grading import UNREADABLE, SubmissionGrader
from autograde.arms_length.learner_process import HostGoneError, end_all_of
from autograde.arms_length.plan import Submission
from autograde.arms_length.shell import start_shell
from autograde.arms_length.transcripts import Transcripts
from autograde.sandbox import Tier, host_command

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.5
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
        Exercises that earlier attempts did not survive, and why.
    process, channel
        The process that grades, and the connection to it.
    ends
        When it must be at its end, on the clock of `time.monotonic`.
    working_on, since
        The exercise whose check it is working on, and since when.
    """

    number: int
    submission: Submission
    given_up: dict[str, str]
    process: int
    channel: Channel
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
                        self._start(request["number"], submission, {})
                    else:
                        self._hear(self._gradings[key.fd])
                self._watch()
        except ClosedError:
            return
        finally:
            for grading in list(self._gradings.values()):
                self._end(grading)

    def _start(self, number: int, submission: Submission, given_up: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        process = os.fork()
        if process == 0:
            ours.close()
            self._grade(submission, given_up, Channel(theirs))
        theirs.close()
        ends = time.monotonic() + submission.total_seconds + CHECK_SECONDS + _GRACE_SECONDS
        grading = _Grading(number, submission, given_up, process, Channel(ours), ends)
        self._gradings[ours.fileno()] = grading
        self._selector.register(ours, selectors.EVENT_READ)

    def _grade(self, submission: Submission, given_up: dict[str, str], answer: Channel) -> NoReturn:
        """Grade in the fork, and leave past every handler of the parent's."""
        die_with_parent()
        _limit_memory()
        try:
            grader = SubmissionGrader(
                submission,
                self.given,
                self.control,
                self.transcripts,
                given_up,
                lambda exercise: answer.send({"working on": exercise}),
            )
            try:
                result = json.dumps(grader.grade()).encode()
                for conversation in grader.learned:
                    _hand_on(conversation, answer)
                answer.send({"result": result})
            except HostGoneError as error:
                answer.send({"failed": str(error)})
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
        outcome = {name: reply[name] for name in ("result", "failed") if name in reply}
        self.service.send({"number": grading.number} | outcome)

    def _watch(self) -> None:
        now = time.monotonic()
        for grading in list(self._gradings.values()):
            if grading.is_stuck(now) or now > grading.ends:
                self._give_up(grading)

    def _give_up(self, grading: _Grading) -> None:
        """Grade anew without the exercise at which a grading died, or hung."""
        self._end(grading)
        exercise = grading.working_on
        if exercise and exercise not in grading.given_up:
            given_up = grading.given_up | {exercise: UNREADABLE}
            self._start(grading.number, grading.submission, given_up)
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


def start_learner_host(
    given: list[str], tier: Tier, limits: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], Channel, socket.socket]:
    """Start the host of the learners' processes in its sandbox.

    Returns
    -------
    process, setup, control
        Its process; a channel on which it will say that it is ready; the connection for orders.
    """
    setup, theirs = socket.socketpair()
    control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    packages = Path(course.__file__).parent, Path(autograde.__file__).parent
    # Of this package, what runs beside a learner's code, and never the answer bank.
    readable = [packages[0], packages[1] / "__init__.py"]
    readable += [packages[1] / name for name in ("arms_length", "sandbox")]
    with theirs, their_control:
        descriptors = [theirs.fileno(), their_control.fileno()]
        module = "autograde.arms_length.learner_host"
        command = [sys.executable, "-m", module, *map(str, descriptors)]
        command, environment = host_command(tier, command, readable=readable)
        process = subprocess.Popen(
            command,
            env=environment | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(packages[0].parent)},
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
    channel = Channel(setup)
    channel.send({"given": given, "tier": str(tier), "limits": limits})
    return process, channel, control


def main() -> None:
    """Warm up, say so, and grade."""
    service = Channel(socket.socket(fileno=int(sys.argv[1])))
    request = service.receive()
    process, setup, control = start_learner_host(
        request["given"], Tier(request["tier"]), request["limits"]
    )
    given = GivenCells(start_shell(), request["given"])
    try:
        setup.receive()
    except ClosedError:
        service.send({"failed": f"the sandbox did not start (it ended with {process.wait()})"})
        return
    gc.collect()
    gc.freeze()
    service.send({"ready": True, "given": [run.outputs for run in given.runs]})
    try:
        ChecksHost(service, given, control).run()
    finally:
        control.close()
        process.wait(timeout=10)


if __name__ == "__main__":
    main()
