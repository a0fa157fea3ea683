"""Progress: what was passed stays passed, through crashes, two notebooks and refused writes."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from course.checks.verdict import Status, Verdict
from course.progress import (
    PROGRESS_FILE,
    read_progress,
    record_check,
    record_hint,
    record_solution,
)

LAB = "m0_practice/doubling"


def verdict(check: str = "double", status: Status = Status.PASSED, points: float = 2) -> Verdict:
    earned = points if status is Status.PASSED else 0
    return Verdict(check, status, earned, points, "Doubles")


def lines(root: Path) -> list[str]:
    return (root / PROGRESS_FILE).read_text().splitlines()


def test_nothing_is_known_at_first(tmp_path: Path) -> None:
    progress = read_progress(tmp_path)
    assert (progress.labs, progress.remark) == ({}, "")
    assert progress.lab(LAB).points == 0
    assert not (tmp_path / "workspace").exists()


def test_a_pass_is_never_taken_back(tmp_path: Path) -> None:
    for status in (Status.FAILED, Status.PASSED, Status.FAILED):
        assert record_check(LAB, verdict(status=status), tmp_path) is None
    check = read_progress(tmp_path).lab(LAB).checks["double"]
    assert (check.passed, check.points) == (True, 2)
    assert check.when.endswith("+00:00")


def test_what_is_no_news_is_not_written(tmp_path: Path) -> None:
    for status in (Status.NOT_STARTED, Status.BROKEN, Status.DEFERRED):
        record_check(LAB, verdict(status=status), tmp_path)
    assert read_progress(tmp_path).labs == {}
    for _ in range(3):
        record_check(LAB, verdict(), tmp_path)
        record_hint(LAB, "double", 2, tmp_path)
        record_hint(LAB, "double", 1, tmp_path)
        record_solution(LAB, "double", tmp_path)
    assert len(lines(tmp_path)) == 3
    lab = read_progress(tmp_path).lab(LAB)
    assert (lab.points, lab.hints, lab.solutions) == (2, {"double": 2}, {"double"})


def _pass_many(root: Path, who: int) -> None:
    for number in range(40):
        assert record_check(LAB, verdict(f"check_{who}_{number}", points=1), root) is None


def test_two_notebooks_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_pass_many, args=(tmp_path, who)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    progress = read_progress(tmp_path)
    assert progress.remark == ""
    assert progress.lab(LAB).points == 120


def test_a_line_that_a_crash_cut_off_costs_only_itself(tmp_path: Path) -> None:
    record_check(LAB, verdict("first"), tmp_path)
    with open(tmp_path / PROGRESS_FILE, "a") as stream:
        stream.write('{"lab": "m0_practice/doubling", "che')
    assert record_check(LAB, verdict("second"), tmp_path) is None
    progress = read_progress(tmp_path)
    assert set(progress.lab(LAB).checks) == {"first", "second"}
    assert "1 line of it had to be left out" in progress.remark


@pytest.mark.parametrize(
    "damage",
    [
        "not json",
        "[1, 2]",
        "3",
        '{"lab": 3, "when": "now", "solution": "x"}',
        '{"lab": "a", "when": "now", "check": "b", "passed": true, "points": "many"}',
        '{"lab": "a", "when": "now", "check": "b", "passed": true, "points": NaN}',
        '{"lab": "a", "when": "now"}',
        "[" * 100_000,
        "\xff\x00",
    ],
)
def test_damage_is_said_and_the_rest_counts(tmp_path: Path, damage: str) -> None:
    record_check(LAB, verdict(), tmp_path)
    path = tmp_path / PROGRESS_FILE
    path.write_bytes(damage.encode("latin-1") + b"\n" + path.read_bytes())
    progress = read_progress(tmp_path)
    assert progress.lab(LAB).points == 2
    assert set(progress.labs) == {LAB}
    assert "is damaged" in progress.remark


def test_a_folder_in_its_place_is_a_sentence(tmp_path: Path) -> None:
    """No user can write there, root included."""
    (tmp_path / PROGRESS_FILE).mkdir(parents=True)
    assert "cannot be read (is a directory" in read_progress(tmp_path).remark
    for said in (
        record_check(LAB, verdict(), tmp_path),
        record_hint(LAB, "double", 1, tmp_path),
        record_solution(LAB, "double", tmp_path),
    ):
        assert said is not None
        assert "could not be added to your progress (is a directory" in said


def test_a_file_in_the_place_of_the_workspace_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("not a folder")
    assert "not a directory" in read_progress(tmp_path).remark
    assert "could not be added" in (record_check(LAB, verdict(), tmp_path) or "")


def test_a_full_disk_is_a_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel writes what there is room for: here half of the line."""
    record_check(LAB, verdict("first"), tmp_path)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr("os.write", lambda handle, data: write(handle, data[: len(data) // 2]))
        said = record_check(LAB, verdict("second"), tmp_path)
    assert "no space left on device" in (said or "")
    assert read_progress(tmp_path).lab(LAB).has_passed("first")
    assert record_check(LAB, verdict("second"), tmp_path) is None
    assert read_progress(tmp_path).lab(LAB).has_passed("second")


def test_each_line_is_data(tmp_path: Path) -> None:
    record_check(LAB, verdict(), tmp_path)
    [line] = lines(tmp_path)
    record = json.loads(line)
    assert (record["lab"], record["check"], record["passed"]) == (LAB, "double", True)
