"""Working copies: made once, never written over, with the new release beside an old copy."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from conftest import PRACTICE
from nbformat import NotebookNode

from course.errors import CourseError
from course.workspace import NOTE, from_earlier_release, prepare_workspace, working_copy


@pytest.fixture
def clone(tmp_path: Path, released_notebook: NotebookNode) -> Path:
    """A clone with one released lab and no workspace."""
    release = tmp_path / "release" / f"{PRACTICE}.ipynb"
    release.parent.mkdir(parents=True)
    nbformat.write(released_notebook, release)
    return tmp_path


def change_release(clone: Path, text: str) -> None:
    """Release a lab with another given text."""
    path = clone / "release" / f"{PRACTICE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = text
    nbformat.write(notebook, path)


def work_on(copy: Path) -> bytes:
    """Solve an exercise in a working copy, as JupyterLab would save it; return what it holds."""
    notebook = nbformat.read(copy, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = "def double(x):\n    return 2 * x"
    nbformat.write(notebook, copy)
    return copy.read_bytes()


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_first_run_copies_every_lab(clone: Path) -> None:
    workspace = prepare_workspace(clone)
    copy = working_copy(PRACTICE, clone)
    assert workspace.copied == [PRACTICE]
    assert workspace.remarks == []
    assert copy.read_bytes() == (clone / "release" / f"{PRACTICE}.ipynb").read_bytes()


def test_a_second_run_changes_nothing_and_says_nothing(clone: Path) -> None:
    prepare_workspace(clone)
    work_on(working_copy(PRACTICE, clone))
    before = everything(clone / "workspace")
    workspace = prepare_workspace(clone)
    assert (workspace.copied, workspace.remarks) == ([], [])
    assert everything(clone / "workspace") == before


def test_a_changed_release_arrives_beside_the_copy_once(clone: Path) -> None:
    prepare_workspace(clone)
    copy = working_copy(PRACTICE, clone)
    mine = work_on(copy)
    change_release(clone, "# Doubling, told better")
    assert from_earlier_release(PRACTICE, clone)

    [remark] = prepare_workspace(clone).remarks
    [beside] = copy.parent.glob("doubling.new-*.ipynb")
    assert beside.name in remark
    assert "told better" in beside.read_text()
    assert copy.read_bytes() == mine

    beside.unlink()  # the learner has seen it
    assert prepare_workspace(clone).remarks == []
    assert not beside.exists()

    change_release(clone, "# Doubling, told better still")
    assert len(prepare_workspace(clone).remarks) == 1


def test_a_copy_that_was_deleted_is_made_anew_from_the_present_release(clone: Path) -> None:
    prepare_workspace(clone)
    working_copy(PRACTICE, clone).unlink()
    change_release(clone, "# Doubling, told better")
    assert prepare_workspace(clone).copied == [PRACTICE]
    assert not from_earlier_release(PRACTICE, clone)


@pytest.mark.parametrize("content", [b"my shopping list", b'{"cells": []}', b"[1, 2", b""])
def test_a_file_that_is_no_copy_is_left_alone_and_said(clone: Path, content: bytes) -> None:
    copy = working_copy(PRACTICE, clone)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(content)
    [remark] = prepare_workspace(clone).remarks
    assert f"{PRACTICE}.ipynb is not a copy of the present lab" in remark
    assert copy.read_bytes() == content


@pytest.mark.parametrize(
    "note", ['{"m0_pr', "[]", "{}x", '{"m0_practice/doubling": 3}', '{"a": {}}']
)
def test_a_damaged_note_costs_no_notebook(clone: Path, note: str) -> None:
    prepare_workspace(clone)
    mine = work_on(working_copy(PRACTICE, clone))
    path = clone / "workspace" / NOTE
    path.write_text(note)
    [remark] = prepare_workspace(clone).remarks
    assert "damaged" in remark
    assert working_copy(PRACTICE, clone).read_bytes() == mine
    assert path.with_name(f"{NOTE}.damaged").read_text() == note
    # The copy was known again by its locked cells, so that all is as before.
    assert prepare_workspace(clone).remarks == []
    change_release(clone, "# Doubling, told better")
    assert "has changed since you began it" in prepare_workspace(clone).remarks[0]


def test_a_lost_note_and_an_older_copy_are_survived(clone: Path) -> None:
    prepare_workspace(clone)
    mine = work_on(working_copy(PRACTICE, clone))
    (clone / "workspace" / NOTE).unlink()
    change_release(clone, "# Doubling, told better")
    [remark] = prepare_workspace(clone).remarks
    assert "is left alone" in remark
    assert working_copy(PRACTICE, clone).read_bytes() == mine


def test_the_note_is_data_that_names_the_release(clone: Path) -> None:
    prepare_workspace(clone)
    note = json.loads((clone / "workspace" / NOTE).read_text())
    assert set(note) == {PRACTICE}
    assert len(note[PRACTICE]["copy"]) == 64


def test_no_half_written_file_stays(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "workspace/m0_practice")

    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(CourseError, match="cannot be written") as refused:
        prepare_workspace(clone)
    assert "Permission denied" in str(refused.value)
    assert list((clone / "workspace" / "m0_practice").iterdir()) == []


def test_a_file_system_without_links_does_as_well(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    assert prepare_workspace(clone).copied == [PRACTICE]
    assert [path.name for path in working_copy(PRACTICE, clone).parent.iterdir()] == [
        "doubling.ipynb"
    ]


def test_a_file_in_the_place_of_the_workspace_is_a_sentence(clone: Path) -> None:
    (clone / "workspace").write_text("not a folder")
    with pytest.raises(CourseError, match="The workspace cannot be written"):
        prepare_workspace(clone)
    assert (clone / "workspace").read_text() == "not a folder"


def test_a_clone_without_releases_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="make build"):
        prepare_workspace(tmp_path)
