"""Grade on a cluster: the same service, its work done by the workers of a Dask scheduler.

A submission is a job of its own, named by what it holds, and does not depend on where or how often
it runs: Dask may run it again when a worker is lost, and the grade is the same.
"""

from __future__ import annotations

import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from autograde.arms_length.plan import Submission, given_key
from autograde.arms_length.service import (
    GradingFailedError,
    GradingService,
    shared_service,
)
from autograde.arms_length.versions import differences, versions
from autograde.sandbox import Limits, choose_tier

if TYPE_CHECKING:
    from distributed import Future

WORKER_SECONDS = 10
"""How long a cluster without workers is waited for."""
RETRIES = 3
"""How often a job is sent out again when its worker is lost."""


class ClusterService:
    """Grades submissions of any lab on the workers of a cluster.

    Each worker needs this course and the libraries in the same versions as here, and a sandbox.

    Parameters
    ----------
    address
        Address of the scheduler, as in ``tcp://10.0.0.1:8786``.
    limits
        What one submission may use.

    Raises
    ------
    GradingFailedError
        If Dask is not installed, or there is no scheduler at the address, or it has no workers.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise GradingFailedError(
                "Grading on a cluster needs Dask: pip install 'ml-system-design-course[cluster]'."
            ) from None
        try:
            self._client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise GradingFailedError(
                f"There is no Dask scheduler at {address} ({error})."
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            self._client.close()
            raise GradingFailedError(
                f"The Dask scheduler at {address} has no workers; start one with "
                f"`dask worker {address}` where this course is installed."
            ) from None
        self.limits = limits
        self._ahead: dict[str, Future] = {}
        self._given: dict[str, list[list[dict[str, object]]]] = {}

    def prepare(self, submission: Submission) -> None:
        """Have a submission graded that will be asked for later."""
        if submission.key not in self._ahead:
            self._ahead[submission.key] = self._client.submit(
                _grade,
                submission.as_data(),
                asdict(self.limits),
                versions(),
                key=f"grade-{submission.key}",
                retries=RETRIES,
            )

    def grade(self, submission: Submission) -> dict[str, Any]:
        """Return what `SubmissionGrader.grade` finds, and the tier it was found in.

        Raises
        ------
        GradingFailedError
            If the cluster lost the job, more often than it is sent out again.
        """
        self.prepare(submission)
        return self._result(self._ahead.pop(submission.key))

    def given_outputs(self, submission: Submission) -> list[list[dict[str, object]]]:
        """Return what the given cells of a submission's lab show, cell by cell."""
        key = given_key(submission.given())
        if key not in self._given:
            future = self._client.submit(
                _given_outputs,
                submission.as_data(),
                asdict(self.limits),
                versions(),
                key=f"given-{key}",
                retries=RETRIES,
            )
            self._given[key] = self._result(future)
        return self._given[key]

    def close(self) -> None:
        """Leave the cluster; what is not graded yet will not be."""
        self._client.close()

    def _result(self, future: Future) -> Any:
        try:
            return future.result()
        except GradingFailedError:
            raise
        except Exception as error:  # Dask hands on what a worker raised, of any kind
            raise GradingFailedError(f"the cluster could not grade it ({error})") from error


def _grade(
    submission: dict[str, Any], limits: dict[str, Any], wanted: dict[str, str]
) -> dict[str, Any]:
    """Grade a submission on a worker."""
    return _service(limits, wanted).grade(Submission.from_data(submission))


def _given_outputs(
    submission: dict[str, Any], limits: dict[str, Any], wanted: dict[str, str]
) -> list[list[dict[str, object]]]:
    return _service(limits, wanted).given_outputs(Submission.from_data(submission))


def _service(limits: dict[str, Any], wanted: dict[str, str]) -> GradingService:
    """Return the worker's service, if it grades as the machine does that asks.

    Raises
    ------
    GradingFailedError
        If it has other versions.
    """
    from distributed import get_worker

    other = differences(wanted)
    if other:
        raise GradingFailedError(f"the worker on {socket.gethostname()} has {other}")
    threads = get_worker().state.nthreads
    return shared_service(choose_tier(), Limits(**limits), threads)
