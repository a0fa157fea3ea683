"""Ask for grades: starts a lab's warm processes when its first submission comes, and keeps them."""

from __future__ import annotations

import atexit
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import autograde
import course
from autograde.arms_length.channel import Channel, ClosedError
from autograde.arms_length.plan import Submission, given_key
from autograde.sandbox import Limits, Tier, host_command

MOST_WARM_LABS = 4
"""Labs whose processes are kept when nobody uses them; each holds libraries and the lab's data."""

_END_SECONDS = 10


class GradingFailedError(Exception):
    """A submission could not be graded for a reason that is not its own."""


class _LostError(GradingFailedError):
    """The processes that grade have ended, for a reason from outside."""


class _WarmLab:
    """The processes of one lab: a host of learners' code, and a host of checks."""

    def __init__(self, given: list[str], tier: Tier, limits: Limits) -> None:
        ours, self._theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._tier = tier
        self._setup = {"given": given, "tier": str(tier), "limits": asdict(limits)}
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._count = self.users = 0
        self._ended = False
        self._set_up, self._over = threading.Event(), threading.Event()
        self.given: Future[list[list[dict[str, object]]]] = Future()
        # The process ends with the thread that starts it: this one lives as long as it is needed.
        threading.Thread(target=self._live, daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended and (self._process is None or self._process.poll() is None)

    def grade(self, submission: Submission) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        self._set_up.wait()
        with self._lock:
            self._count += 1
            number = self._count
            self._waiting[number] = future
        try:
            # Not under the lock: who listens needs it, and the host may wait to be listened to.
            with self._sending:
                self._channel.send({"number": number, "submission": submission.as_data()})
        except ClosedError:
            with self._lock:
                lost = self._waiting.pop(number, None)
            if lost is not None:
                lost.set_exception(_ended())
        return future

    def begin_to_close(self) -> None:
        """Have the processes end."""
        with contextlib.suppress(OSError):
            self._channel.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the processes."""
        self.begin_to_close()
        self._over.wait(2 * _END_SECONDS)

    def _live(self) -> None:
        """Start the processes and hand each result to who waits for it, until they end."""
        try:
            with self._theirs:
                self._process = self._start()
            self._channel.send(self._setup)
            self._set_up.set()
            self._listen()
        except OSError as error:
            self._end(_LostError(f"the processes that grade a lab did not start: {error}"))
        except ClosedError:
            started = self.given.done()
            code = self._wait()
            reason = "" if started else f"; they did not start (exit code {code})"
            self._end(_LostError(f"the processes that grade this lab have ended{reason}"))
        finally:
            self._set_up.set()
            self._wait()
            self._end(_ended())
            self._over.set()

    def _start(self) -> subprocess.Popen[bytes]:
        packages = Path(course.__file__).parent, Path(autograde.__file__).parent
        # Of this package, what grades and what runs beside a learner's code, never the answer bank.
        readable = [packages[0], packages[1] / "arms_length", packages[1] / "outputs.py"]
        module = "autograde.arms_length.lab_host"
        command = [sys.executable, "-m", module, str(self._theirs.fileno())]
        command, environment = host_command(self._tier, command, readable=readable)
        return subprocess.Popen(
            command,
            env=environment | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(packages[0].parent)},
            pass_fds=[self._theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for who asked for the grades; the hosts end when that one is gone.
            process_group=0,
        )

    def _listen(self) -> None:
        """Hand each result to who waits for it.

        Raises
        ------
        ClosedError
            When the processes are gone.
        """
        self.given.set_result(self._channel.receive()["given"])
        while True:
            reply = self._channel.receive()
            with self._lock:
                future = self._waiting.pop(reply["number"])
            if "failed" in reply:
                kind = _LostError if "host is gone" in reply else GradingFailedError
                future.set_exception(kind(reply["failed"]))
            else:
                result = json.loads(reply["result"])
                result["cells"] = {int(index): x for index, x in result["cells"].items()}
                future.set_result(result)

    def _end(self, error: _LostError) -> None:
        """Tell everybody who waits that there will be no results."""
        # Before anybody hears of it and asks again.
        self._ended = True
        if not self.given.done():
            self.given.set_exception(error)
        with self._lock:
            for future in self._waiting.values():
                future.set_exception(error)
            self._waiting.clear()

    def _wait(self) -> int | None:
        """Wait for the processes' end, and bring it about if it does not come."""
        if self._process is None:
            return None
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class GradingService:
    """Grades submissions of any lab on this machine.

    Parameters
    ----------
    tier
        How learners' code is confined.
    limits
        What one submission may use.
    workers
        How many submissions are graded at the same time.
    """

    def __init__(self, tier: Tier, limits: Limits | None = None, workers: int = 1) -> None:
        self.tier, self.limits = tier, limits or Limits()
        self._labs: OrderedDict[str, _WarmLab] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="grading")
        self._ahead: dict[str, Future[dict[str, Any]]] = {}
        self._closed = False

    def prepare(self, submission: Submission) -> None:
        """Have a submission graded that will be asked for later."""
        if submission.key not in self._ahead:
            self._ahead[submission.key] = self._pool.submit(self._grade, submission)

    def grade(self, submission: Submission) -> dict[str, Any]:
        """Return what `SubmissionGrader.grade` finds, and the tier it was found in.

        Raises
        ------
        GradingFailedError
            If its grading came to no end, or the lab's processes ended from outside, or could not
            be started, twice.
        """
        self.prepare(submission)
        return self._ahead.pop(submission.key).result()

    def given_outputs(self, submission: Submission) -> list[list[dict[str, object]]]:
        """Return what the given cells of a submission's lab show, cell by cell.

        Raises
        ------
        GradingFailedError
            If the lab's processes could not be started.
        """
        with self._lab(submission.given()) as lab:
            return lab.given.result()

    def close(self) -> None:
        """End all processes; what is not graded yet will not be."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            for lab in self._labs.values():
                lab.begin_to_close()
            for lab in self._labs.values():
                lab.close()
            self._labs.clear()

    def _grade(self, submission: Submission) -> dict[str, Any]:
        try:
            result = self._grade_once(submission)
        except _LostError:
            # Something outside has ended the processes: they are started anew, once.
            result = self._grade_once(submission)
        return result | {"tier": str(self.tier)}

    def _grade_once(self, submission: Submission) -> dict[str, Any]:
        with self._lab(submission.given()) as lab:
            return lab.grade(submission).result()

    @contextlib.contextmanager
    def _lab(self, given: list[str]) -> Iterator[_WarmLab]:
        """Lend a lab's processes; of those that nobody uses, the oldest may be ended for it."""
        key = given_key(given)
        with self._lock:
            if self._closed:
                raise _ended()
            lab = self._labs.pop(key, None)
            if lab is None or not lab.alive:
                lab = _WarmLab(given, self.tier, self.limits)
            self._labs[key] = lab
            lab.users += 1
            idle = [key for key, lab in self._labs.items() if not lab.users]
            surplus = idle[: max(0, len(self._labs) - MOST_WARM_LABS)]
            dropped = [self._labs.pop(key) for key in surplus]
        try:
            for old in dropped:
                old.close()
            yield lab
        finally:
            with self._lock:
                lab.users -= 1


_shared: dict[tuple[Tier, Limits, int], GradingService] = {}


def shared_service(tier: Tier, limits: Limits, workers: int = 1) -> GradingService:
    """Return this process's service; it is closed when the process ends."""
    key = (tier, limits, workers)
    if key not in _shared:
        _shared[key] = GradingService(*key)
        atexit.register(_shared[key].close)
    return _shared[key]


def _ended() -> _LostError:
    return _LostError("the processes that grade this lab have ended")


__all__ = ["GradingFailedError", "GradingService", "shared_service"]
