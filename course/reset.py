"""Begin again: one exercise or a whole lab as released, with a backup of what was there."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

from course.catalogue import Exercise, find_exercise, lab_entry
from course.checks.hidden import REPOSITORY
from course.checks.naming import check_id
from course.errors import CourseError
from course.files import replace_file, write_new
from course.workspace import note_fresh_copy

_REOPEN = (
    "If the notebook is open in JupyterLab, choose File, then Reload Notebook from Disk. What you "
    "have passed stays yours."
)


def reset(lab: str, exercise: str | None = None, repository: Path = REPOSITORY) -> str:
    """Put an exercise, or all of a lab, back as released.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    exercise
        Name of the exercise; None for the whole lab.
    repository
        Root of the clone.

    Returns
    -------
    str
        What was done, and where the backup is, for the learner.

    Raises
    ------
    CourseError
        If there is no working copy or no such exercise, or something cannot be read or written;
        the working copy is then as it was.
    """
    entry = lab_entry(lab, repository)
    wanted = find_exercise(entry, exercise) if exercise else None
    copy, release = entry.working_copy, entry.release.read_bytes()
    shown = copy.relative_to(repository).as_posix()
    try:
        present = copy.read_bytes()
    except FileNotFoundError:
        raise CourseError(
            f"There is no {shown} to reset. `make lab LAB={lab}` puts a fresh one there."
        ) from None
    except OSError as error:
        raise CourseError(f"{shown} cannot be read ({error.strerror}).") from None
    fresh = _with_released(present, release, wanted, lab, shown) if wanted else release
    what = f"`{wanted.name}` in {shown}" if wanted else shown
    if fresh == present:
        return f"{what} is as released already; nothing was changed."
    try:
        backup = _back_up(copy, present)
        replace_file(copy, fresh)
    except OSError as error:
        raise CourseError(
            f"{shown} was not reset, since its folder cannot be written ({error.strerror}). Your "
            "notebook is as you left it."
        ) from error
    if wanted is None:
        # Without the note, the present release would only arrive beside its own copy.
        with contextlib.suppress(OSError):
            note_fresh_copy(lab, repository)
    kept = backup.relative_to(repository).as_posix()
    return f"{what} is as released again; what was there is kept in {kept}. {_REOPEN}"


def _with_released(
    present: bytes, release: bytes, exercise: Exercise, lab: str, shown: str
) -> bytes:
    """Return a notebook with one exercise's cell as released, and without its checks' outputs."""
    name = exercise.name
    try:
        notebook = json.loads(present)
        cells = {_grade_id(cell): cell for cell in reversed(notebook["cells"])}
        released = {_grade_id(cell): cell for cell in json.loads(release)["cells"]}
        if name in cells and _source(cells[name]) == _source(released[name]):
            return present
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError(
            f"{shown} is no notebook that can be read. `course reset {lab}` puts a fresh one in "
            "its place and keeps this one."
        ) from None
    if name not in cells:
        raise CourseError(
            f"The cell of `{name}` is no longer in {shown}. `course reset {lab}` puts a fresh "
            "notebook in its place and keeps this one, from which you can copy your answers."
        )
    cells[name]["source"] = released[name]["source"]
    for grade_id in (name, *map(check_id, exercise.checks)):
        if cells.get(grade_id, {}).get("cell_type") == "code":
            cells[grade_id] |= {"outputs": [], "execution_count": None}
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _back_up(copy: Path, content: bytes) -> Path:
    """Keep a notebook under a new name beside it, and return where."""
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    backup = copy.with_name(f"{copy.stem}.backup-{stamp}.ipynb")
    while not write_new(backup, content):
        number += 1
        backup = copy.with_name(f"{copy.stem}.backup-{stamp}-{number}.ipynb")
    return backup


def _grade_id(cell: dict[str, object]) -> object:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _source(cell: dict[str, object]) -> str:
    return "".join(cell["source"])
