"""A whole class of the real labs of module 3, by nbgrader's commands: what `make class` plays."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from autograde import classroom
from autograde.report import GradeRow, grade_rows

MODULE = "m3_data"


def labs_of(rows: list[GradeRow], student: str) -> dict[str, GradeRow]:
    return {row.lab: row for row in rows if row.student == student}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a class that has been played once."""
    folder = tmp_path_factory.mktemp("class")
    assert classroom.main([MODULE], folder) == 0
    return folder


@pytest.fixture(scope="module")
def rows(played: Path) -> list[GradeRow]:
    return grade_rows(played, MODULE)


def test_the_solution_earns_all_points_and_no_remarks(rows: list[GradeRow]) -> None:
    for row in labs_of(rows, "ana_all_right").values():
        assert (row.points, row.notes, row.missing) == (row.most_points, [], "")


def test_nothing_done_earns_nothing(rows: list[GradeRow]) -> None:
    assert {row.points for row in labs_of(rows, "chi_nothing_done").values()} == {0}


def test_half_done_lies_between(rows: list[GradeRow]) -> None:
    for row in labs_of(rows, "ben_half_done").values():
        assert 0.2 * row.most_points <= row.points <= 0.7 * row.most_points


def test_plausibly_wrong_answers_lose_points_in_words(played: Path, rows: list[GradeRow]) -> None:
    for lab, row in labs_of(rows, "dev_plausibly_wrong").items():
        assert row.points < 0.6 * row.most_points
        path = played / "feedback" / "dev_plausibly_wrong" / MODULE / f"{lab}.html"
        page = html.unescape(path.read_text(encoding="utf-8"))
        assert page.count("Not yet") >= 8
        assert "AssertionError:" not in page


@pytest.mark.parametrize(
    ("student", "said"),
    [("eva_crashes", "ended the Python process"), ("fay_never_ends", "ran for more than 10 s")],
)
def test_a_crash_or_a_loop_costs_its_exercise(
    rows: list[GradeRow], student: str, said: str
) -> None:
    for row in labs_of(rows, student).values():
        assert 0.6 * row.most_points <= row.points < row.most_points
        assert any(said in note for note in row.notes)


def test_a_cut_off_file_and_an_absent_student_are_named(rows: list[GradeRow]) -> None:
    for row in labs_of(rows, "gus_cut_off_file").values():
        assert row.points == 0
        assert "not JSON" in row.notes[0]
    for row in labs_of(rows, "hal_submits_nothing").values():
        assert row.missing == "nothing submitted"


def test_playing_it_again_changes_nothing(played: Path, rows: list[GradeRow]) -> None:
    paths = [path for path in played.rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in paths}
    assert classroom.main([MODULE], played) == 0
    assert grade_rows(played, MODULE) == rows
    changed = [path for path, stamp in before.items() if path.stat().st_mtime_ns != stamp]
    assert changed == []
