"""Beginning again, with a backup of what was there."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from clones import answer, cell_of, make_clone
from conftest import PRACTICE
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from course.errors import CourseError
from course.reset import reset
from course.workspace import from_earlier_release, prepare_workspace, working_copy

MINE = "def double(x):\n    return x + x"


@pytest.fixture
def clone(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Path:
    """A clone whose learner has answered both exercises and added a cell."""
    make_clone(tmp_path, released_notebook, instructor_notebook)
    prepare_workspace(tmp_path)
    copy = working_copy(PRACTICE, tmp_path)
    answer(copy, double=MINE, halve="def halve(x):\n    return x / 2")
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells.append(new_code_cell("my_note = 1"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", text="seen")]
    nbformat.write(notebook, copy)
    return tmp_path


def backups(clone: Path) -> list[Path]:
    return sorted(working_copy(PRACTICE, clone).parent.glob("doubling.backup-*.ipynb"))


def test_an_exercise_is_as_released_and_the_rest_is_the_learners(clone: Path) -> None:
    copy = working_copy(PRACTICE, clone)
    before = copy.read_bytes()
    said = reset(PRACTICE, "double", clone)
    [backup] = backups(clone)
    assert backup.relative_to(clone).as_posix() in said
    assert backup.read_bytes() == before
    assert "NotImplementedError" in cell_of(copy, "double")
    assert cell_of(copy, "halve") == "def halve(x):\n    return x / 2"
    notebook = nbformat.read(copy, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[-1].source == "my_note = 1"
    emptied = {
        cell.metadata.nbgrader.grade_id
        for cell in notebook.cells
        if cell.cell_type == "code" and not cell.outputs
    }
    assert emptied == {"double", "check-double", "check-double_arrays"}


def test_a_lab_is_as_released(clone: Path) -> None:
    copy, release = working_copy(PRACTICE, clone), clone / "release" / f"{PRACTICE}.ipynb"
    before = copy.read_bytes()
    release.write_text(release.read_text().replace("# Doubling", "# Doubling, told better"))
    assert from_earlier_release(PRACTICE, clone)
    reset(PRACTICE, repository=clone)
    assert copy.read_bytes() == release.read_bytes()
    assert not from_earlier_release(PRACTICE, clone)
    assert [path.read_bytes() for path in backups(clone)] == [before]


def test_resetting_twice_changes_nothing_more(clone: Path) -> None:
    reset(PRACTICE, "double", clone)
    assert "as released already; nothing was changed" in reset(PRACTICE, "double", clone)
    assert len(backups(clone)) == 1


def test_backups_of_one_second_do_not_replace_each_other(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda form: "20270101-120000")
    copy = working_copy(PRACTICE, clone)
    for exercise in ("double", "halve"):
        reset(PRACTICE, exercise, clone)
    first, second = sorted((cell_of(path, "double") for path in backups(clone)), reverse=True)
    assert first == MINE
    assert "NotImplementedError" in second
    assert "NotImplementedError" in cell_of(copy, "halve")


@pytest.mark.parametrize("content", [b'{"cells": [', b"[]", b'{"cells": [{}]}'])
def test_a_damaged_notebook_is_kept_and_replaced_whole(clone: Path, content: bytes) -> None:
    copy = working_copy(PRACTICE, clone)
    copy.write_bytes(content)
    with pytest.raises(CourseError, match="`course reset m0_practice/doubling` puts a fresh one"):
        reset(PRACTICE, "double", clone)
    assert copy.read_bytes() == content
    reset(PRACTICE, repository=clone)
    assert backups(clone)[0].read_bytes() == content
    assert "NotImplementedError" in cell_of(copy, "double")


def test_a_deleted_cell_an_unknown_exercise_and_a_missing_copy_are_sentences(clone: Path) -> None:
    copy = working_copy(PRACTICE, clone)
    with pytest.raises(CourseError, match=r"has no exercise `treble`\. It has `double`, `halve`"):
        reset(PRACTICE, "treble", clone)
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "double"
    ]
    nbformat.write(notebook, copy)
    with pytest.raises(CourseError, match="`double` is no longer in workspace"):
        reset(PRACTICE, "double", clone)
    copy.unlink()
    with pytest.raises(CourseError, match="make lab LAB=m0_practice/doubling"):
        reset(PRACTICE, "double", clone)
    assert backups(clone) == []


def test_a_refused_write_leaves_the_notebook(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = working_copy(PRACTICE, clone)
    before = copy.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(CourseError, match=r"was not reset.*No space left on device"):
        reset(PRACTICE, "double", clone)
    assert copy.read_bytes() == before
    assert not [path for path in copy.parent.iterdir() if path.suffix == ".part"]
