"""The class command on a Dask cluster: the same grades, and no harm in losing a worker."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from batches import CRASHES, DOUBLE, HALVE, HALVE_ROUNDED, SchoolClass, assert_gone

from autograde.arms_length.service import GradingFailedError

distributed = pytest.importorskip(
    "distributed", reason="distributed, of the extra `cluster`, is not installed"
)

GOOD = {"double": DOUBLE, "halve": HALVE}
SLOW = f"import time\n\ntime.sleep(4)\n\n\n{DOUBLE}"
DEADLINE_SECONDS = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """Two worker processes and their scheduler, on this machine only."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


def hand_in(course: SchoolClass) -> dict[str, float]:
    """Have a class hand in, and return the points that it is to get."""
    course.hand_in("ana", **GOOD)
    course.hand_in("ben", double=DOUBLE, halve=HALVE_ROUNDED)
    course.hand_in("cem", double=CRASHES, halve=HALVE)
    course.hand_in("dan", double=SLOW)
    return {"ana": 6, "ben": 4, "cem": 3, "dan": 3}


def test_a_cluster_finds_the_same_grades_and_survives_the_loss_of_a_worker(
    cluster: object, tmp_path: Path
) -> None:
    course, here = SchoolClass(tmp_path / "course"), SchoolClass(tmp_path / "here")
    points = hand_in(course)
    grading = course.begin("--dask", cluster.scheduler_address)
    pid = busy_worker(cluster)
    family = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    code, printed = grading.finish()
    assert code == 0
    assert "4 graded in" in printed
    assert course.points() == points
    assert_gone(family)

    hand_in(here)
    assert here.grade("--workers", "2").returncode == 0
    assert course.dump() == here.dump()

    # The cluster as it is after the loss grades the next class as well.
    course.hand_in("ben", **GOOD)
    outcome = course.grade("--dask", cluster.scheduler_address)
    assert "1 graded in" in outcome.stdout
    assert course.points() == points | {"ben": 6}


def busy_worker(cluster: object) -> int:
    """Wait until a learner's code runs on the cluster, and return the process of its worker."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        while time.monotonic() < deadline:
            for address, jobs in client.processing().items():
                pid = client.run(os.getpid, workers=[address]).get(address) if jobs else None
                if pid and psutil.Process(pid).children(recursive=True):
                    return pid
            time.sleep(0.05)
    raise AssertionError("no worker got anything to grade")


def test_an_address_without_a_scheduler_is_said(tmp_path: Path) -> None:
    course = SchoolClass(tmp_path / "course")
    course.hand_in("ana", **GOOD)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        outcome = course.grade("--dask", address)
    assert outcome.returncode == 2
    [sentence] = outcome.stderr.splitlines()
    assert sentence.startswith(f"There is no Dask scheduler at {address}")
    assert course.rows()["ana"].missing == "not graded yet"


def test_a_cluster_without_workers_is_said(tmp_path: Path) -> None:
    course = SchoolClass(tmp_path / "course")
    course.hand_in("ana", **GOOD)
    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        outcome = course.grade("--dask", cluster.scheduler_address)
    assert outcome.returncode == 2
    assert "has no workers" in outcome.stderr


def test_a_worker_with_other_versions_refuses(cluster: object) -> None:
    from autograde.arms_length import cluster as module
    from autograde.arms_length.versions import versions

    wanted = versions() | {"numpy": "1.0"}
    client = distributed.Client(cluster.scheduler_address, set_as_default=False)
    try:
        future = client.submit(module._service, {}, wanted, pure=False)
        with pytest.raises(GradingFailedError, match=r"has numpy .* instead of 1\.0"):
            future.result()
    finally:
        client.close()
