"""The gradebook on this machine, and having a module's labs in it as they are now."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.converters import GenerateAssignment

from authoring.environment import put_tools_on_path
from autograde.nbgrader_settings import COURSE_ID, GRADEBOOK_VARIABLE


def gradebook_folder() -> Path:
    """Return the folder with the submissions, the grades and what grading makes."""
    return Path(os.environ.get(GRADEBOOK_VARIABLE, "gradebook")).resolve()


def enter_module(app: NbGrader, module: str, say: Callable[[str], None]) -> None:
    """Enter a module's labs in the gradebook, where it has none or others than ``source/``.

    Parameters
    ----------
    app
        An application of nbgrader that has read its configuration.
    module
        The module.
    say
        Told in a sentence what was done, if anything.

    Raises
    ------
    NbGraderException
        If nbgrader can't enter it; it has told why in its log.
    """
    put_tools_on_path()
    if _is_entered(app, module):
        return
    app.coursedir.assignment_id = module
    student, app.coursedir.student_id = app.coursedir.student_id, "."
    try:
        GenerateAssignment(coursedir=app.coursedir, parent=app).start()
    finally:
        app.coursedir.student_id = student
    say(f"The labs of {module} were entered in the gradebook as they are in source/.")


def _is_entered(app: NbGrader, module: str) -> bool:
    """Say whether the gradebook has the checks that the instructor notebooks have."""
    folder = Path(app.coursedir.format_path(app.coursedir.source_directory, ".", module))
    with Gradebook(app.coursedir.db_url, app.coursedir.course_id or COURSE_ID) as book:
        try:
            stored = {lab.name: lab for lab in book.find_assignment(module).notebooks}
        except MissingEntry:
            return False
        for path in folder.glob("*.ipynb"):
            if path.stem not in stored:
                return False
            sources = {cell.name: cell.source for cell in stored[path.stem].source_cells}
            points = {cell.name: cell.max_score for cell in stored[path.stem].grade_cells}
            now = _checks(path)
            if now != {name: (sources.get(name), points[name]) for name in points}:
                return False
    return True


def _checks(path: Path) -> dict[str, tuple[str, float]]:
    """Return an instructor notebook's checks: source and points by name."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    checks = {}
    for cell in cells:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if nbgrader.get("grade"):
            checks[nbgrader["grade_id"]] = ("".join(cell["source"]), float(nbgrader["points"]))
    return checks
