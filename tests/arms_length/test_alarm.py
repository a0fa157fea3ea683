"""The limit to the work of a check."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable

import pytest

from autograde.arms_length.alarm import TooMuchWorkError, work_limit


def work_forever() -> None:
    while True:
        pass


def work_forever_catching_once() -> None:
    with contextlib.suppress(Exception):
        work_forever()
    work_forever()


@pytest.mark.parametrize("work", [work_forever, work_forever_catching_once])
def test_work_beyond_the_limit_is_ended(work: Callable[[], None]) -> None:
    with work_limit(0.05) as limit, pytest.raises(TooMuchWorkError):
        work()
    assert limit.reached


def test_waiting_is_no_work_and_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with work_limit(0.05) as limit:
        time.sleep(0.2)
    assert not limit.reached
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
