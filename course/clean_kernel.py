"""Answers that pass in the open notebook and fail from a clean start: which name was missing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from course.checks.given import cell_in_words, names_defined_in
from course.checks.verdict import Status
from course.progress import LabProgress

if TYPE_CHECKING:
    from autograde.local_grade import LocalGrade

_MISSING = re.compile(r"name '(\w+)' is not defined|^`(\w+)` is not defined here")


def only_live(grade: LocalGrade, before: LabProgress, notebook: Path) -> list[str]:
    """Return a sentence for each exercise that has passed before and fails from a clean start.

    Parameters
    ----------
    grade
        What came of grading the notebook in a kernel of its own.
    before
        The learner's progress in the lab before that.
    notebook
        The notebook that was graded.
    """
    cells = _code_cells(notebook)
    sentences: dict[str, str] = {}
    for row in grade.rows:
        if row.status is Status.PASSED or not before.has_passed(row.check):
            continue
        found = _MISSING.search(row.message)
        name = (found.group(1) or found.group(2)) if found else ""
        if name and name != row.exercise:
            sentences[row.exercise] = _missing_name(row.exercise, name, cells)
        elif row.status is Status.NOT_STARTED:
            sentences[row.exercise] = (
                f"`{row.exercise}` has passed before, and your saved notebook does not have it. If "
                "it is open in JupyterLab, save it there and check again."
            )
        else:
            sentences.setdefault(
                row.exercise,
                f"`{row.exercise}` has passed before, and fails from a clean start. If you haven't "
                "changed it since, it relies on something that only your open notebook still has: "
                "Restart Kernel and Run All Cells shows what.",
            )
    return list(sentences.values())


def _missing_name(exercise: str, name: str, cells: list[tuple[str, str]]) -> str:
    """Say of a name that was missing where it is defined, if it is."""
    said = f"`{exercise}` has passed in your open notebook and fails from a clean start: `{name}`"
    places = [place for place, (_, source) in enumerate(cells) if name in names_defined_in(source)]
    own = next((place for place, (grade_id, _) in enumerate(cells) if grade_id == exercise), None)
    if not places:
        return (
            f"{said} is defined in no cell. It is left over from one that you have changed or "
            f"deleted; define it in the cell of `{exercise}`."
        )
    where = cell_in_words(cells[places[0]][1])
    if own is not None and places[0] > own:
        return f"{said} is defined further below, in {where}. Move that above `{exercise}`."
    return f"{said} is defined in {where}, which did not run to its end."


def _code_cells(notebook: Path) -> list[tuple[str, str]]:
    """Return the code cells of a notebook, each with its nbgrader id or an empty one."""
    try:
        return [
            (cell["metadata"].get("nbgrader", {}).get("grade_id", ""), "".join(cell["source"]))
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
