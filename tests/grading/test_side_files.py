"""Files beside a submitted notebook."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograde.side_files import (
    LARGEST_FILE,
    MOST_FILES,
    read_side_files,
    set_aside_names,
    set_aside_odd_files,
)


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    folder = tmp_path / "submitted" / "ana" / "m0"
    (folder / "data").mkdir(parents=True)
    (folder / "lab.ipynb").write_text("{}")
    (folder / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC")
    (folder / "helper.py").write_text("x = 1")
    (folder / "data" / "rows.csv").write_text("a,b")
    return folder


def test_ordinary_files_are_taken_along(submitted: Path, tmp_path: Path) -> None:
    assert set_aside_odd_files(submitted, tmp_path / "aside") == []
    assert read_side_files(submitted, 1000) == {"data/rows.csv": b"a,b", "helper.py": b"x = 1"}
    assert set_aside_names(tmp_path / "aside") == []


def test_no_more_than_fits_is_taken_along(submitted: Path) -> None:
    assert read_side_files(submitted, 4) == {"data/rows.csv": b"a,b"}


def test_links_and_pipes_are_moved_away_and_named(submitted: Path, tmp_path: Path) -> None:
    secret = tmp_path / "gradebook.db"
    secret.write_text("secret")
    (submitted / "data" / "link.csv").symlink_to(secret)
    (submitted / "folder").symlink_to(tmp_path)
    os.mkfifo(submitted / "other.ipynb")
    moved = set_aside_odd_files(submitted, tmp_path / "aside")
    assert moved == ["data/link.csv", "folder", "other.ipynb"]
    assert "secret" not in str(read_side_files(submitted, 10**6))
    assert secret.read_text() == "secret"
    assert set_aside_names(tmp_path / "aside") == [
        "`link.csv` (a link)",
        "`folder` (a link)",
        "`other.ipynb` (no regular file)",
    ]


def test_a_submission_that_is_a_link_becomes_an_empty_folder(
    submitted: Path, tmp_path: Path
) -> None:
    link = tmp_path / "submitted" / "eve" / "m0"
    link.parent.mkdir()
    link.symlink_to(submitted)
    assert set_aside_odd_files(link, tmp_path / "aside") == ["m0"]
    # Empty files stand for the notebooks, so that the student is graded and told why.
    assert [(path.name, path.stat().st_size) for path in link.iterdir()] == [("lab.ipynb", 0)]
    assert set_aside_names(tmp_path / "aside") == ["`m0` (a link)"]
    assert (submitted / "lab.ipynb").exists()


@pytest.mark.parametrize("text", ["yesterday, I think", "", "x" * 1000])
def test_a_time_stamp_that_nbgrader_cannot_read_is_moved_away(
    submitted: Path, tmp_path: Path, text: str
) -> None:
    (submitted / "timestamp.txt").write_text(text)
    assert set_aside_odd_files(submitted, tmp_path / "aside") == ["timestamp.txt"]
    assert set_aside_names(tmp_path / "aside") == ["`timestamp.txt` (not a time)"]


def test_files_that_are_too_large_or_too_many_are_moved_away(
    submitted: Path, tmp_path: Path
) -> None:
    with (submitted / "large.bin").open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    for number in range(MOST_FILES):
        (submitted / f"z{number:04d}").touch()
    moved = set_aside_odd_files(submitted, tmp_path / "aside")
    assert "large.bin" in moved
    assert len(moved) == 1 + 3
    assert not (submitted / "large.bin").exists()
