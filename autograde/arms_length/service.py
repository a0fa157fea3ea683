"""Ask for grades: starts a lab's warm processes when its first submission comes, and keeps them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from autograde.arms_length.channel import Channel, ClosedError
from autograde.arms_length.plan import Submission, given_key
from autograde.sandbox import Limits, Tier

MOST_WARM_LABS = 4
"""Labs whose processes are kept; each pair holds the libraries and the lab's data."""

_NUMERIC_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_END_SECONDS = 10


class GradingFailedError(Exception):
    """A submission could not be graded for a reason that is not its own."""


class _WarmLab:
    """The processes of one lab: the checks' host, and below it the learners'."""

    def __init__(self, given: list[str], tier: Tier, limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        module = "autograde.arms_length.checks_host"
        # One numeric thread: a fork must find none, and a grade must not depend on the machine.
        threads = dict.fromkeys(_NUMERIC_THREADS, "1")
        backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                env=os.environ | threads | backend | {"PYTHONHASHSEED": "0"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for who asked for the grades; the hosts end when that one is gone.
                process_group=0,
            )
        self._channel = Channel(ours)
        self._channel.send({"given": given, "tier": str(tier), "limits": asdict(limits)})
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._count = 0
        self._ended = False
        self.given: Future[list[list[dict[str, object]]]] = Future()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended and self._process.poll() is None

    def grade(self, submission: Submission) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
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

    def close(self) -> None:
        """End the processes."""
        with contextlib.suppress(OSError):
            self._channel.connection.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        """Hand each result to who waits for it; for a thread of its own."""
        try:
            first = self._channel.receive()
            if "failed" in first:
                self.given.set_exception(GradingFailedError(str(first["failed"])))
            else:
                self.given.set_result(first["given"])
            while True:
                reply = self._channel.receive()
                with self._lock:
                    future = self._waiting.pop(reply["number"])
                if "failed" in reply:
                    future.set_exception(GradingFailedError(reply["failed"]))
                else:
                    result = json.loads(reply["result"])
                    result["cells"] = {int(index): x for index, x in result["cells"].items()}
                    future.set_result(result)
        except ClosedError:
            pass
        # Before anybody hears of it and asks again.
        self._ended = True
        if not self.given.done():
            self.given.set_exception(_ended())
        with self._lock:
            for future in self._waiting.values():
                future.set_exception(_ended())
            self._waiting.clear()


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
            If the lab's processes ended from outside, or could not be started, twice.
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
        return self._lab(submission.given()).given.result()

    def close(self) -> None:
        """End all processes; what is not graded yet will not be."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            for lab in self._labs.values():
                lab.close()
            self._labs.clear()

    def _grade(self, submission: Submission) -> dict[str, Any]:
        try:
            result = self._lab(submission.given()).grade(submission).result()
        except GradingFailedError:
            # Something outside has ended the processes: they are started anew, once.
            result = self._lab(submission.given()).grade(submission).result()
        return result | {"tier": str(self.tier)}

    def _lab(self, given: list[str]) -> _WarmLab:
        key = given_key(given)
        with self._lock:
            if self._closed:
                raise _ended()
            lab = self._labs.pop(key, None)
            if lab is None or not lab.alive:
                lab = _WarmLab(given, self.tier, self.limits)
            self._labs[key] = lab
            while len(self._labs) > MOST_WARM_LABS:
                _, oldest = self._labs.popitem(last=False)
                oldest.close()
            return lab


_shared: dict[tuple[Tier, Limits, int], GradingService] = {}


def shared_service(tier: Tier, limits: Limits, workers: int = 1) -> GradingService:
    """Return this process's service; it is closed when the process ends."""
    key = (tier, limits, workers)
    if key not in _shared:
        _shared[key] = GradingService(*key)
        atexit.register(_shared[key].close)
    return _shared[key]


def _ended() -> GradingFailedError:
    return GradingFailedError("the processes that grade this lab have ended")


__all__ = ["GradingFailedError", "GradingService", "shared_service"]
