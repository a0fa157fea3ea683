"""From a lab to the notebook that nbgrader reads, and back.

Every cell gets full nbgrader metadata (schema version 3; a given cell is locked) and an id that is
derived from its name, or from the name above it, so that a rebuild is the same to the byte and an
insertion changes no cell beyond the next named one.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import nbformat
from nbformat import NotebookNode

from authoring.lab import Cell, Lab
from course.checks.naming import check_id, check_name
from course.checks.verdict import HIDDEN_BEGIN

SETUP_ID = "setup"
"""nbgrader id of the cell that loads the checks, which the build adds."""
SETUP_POSITION = 1
"""Where that cell stands: below the title."""

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class ImportRefusedError(Exception):
    """An instructor notebook holds something that a lab's source can't."""


def to_notebook(lab: Lab) -> NotebookNode:
    """Return the instructor notebook of a lab."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": dict(_KERNEL)})
    notebook.metadata["language_info"] = {"name": "python"}
    seen: Counter[str] = Counter()
    above = "top"
    for cell in lab.cells:
        given_id = "" if cell.exercise or cell.check else _given_id(seen, above)
        notebook.cells.append(_notebook_cell(cell, given_id))
        above = cell.exercise or cell.check or above
    notebook.cells.insert(SETUP_POSITION, _setup_cell(lab.name))
    nbformat.validate(notebook)
    return notebook


def from_notebook(notebook: NotebookNode, present: Lab) -> Lab:
    """Return the lab that an instructor notebook holds; the reverse of `to_notebook`.

    Parameters
    ----------
    notebook
        The notebook, as edited in JupyterLab.
    present
        The lab as its source is; cells that did not change keep the blank lines around them.

    Raises
    ------
    ImportRefusedError
        If a cell uses something of nbgrader's that a lab's source has no marker for.
    """
    layouts = {(cell.kind, cell.text): cell.layout for cell in present.cells}
    cells = []
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade_id") == SETUP_ID or not cell.source.strip():
            continue
        imported = _lab_cell(cell, nbgrader)
        imported.layout = layouts.get((imported.kind, imported.text), {})
        cells.append(imported)
    return Lab(present.name, cells)


def _setup_cell(lab_name: str) -> NotebookNode:
    text = f"%load_ext course.checks\n%lab {lab_name}"
    return _cell("code", text, _nbgrader(SETUP_ID))


def _notebook_cell(cell: Cell, given_id: str) -> NotebookNode:
    text = cell.text
    if cell.exercise:
        nbgrader = _nbgrader(cell.exercise, solution=True, locked=False)
    elif cell.check:
        hidden = " hidden" if HIDDEN_BEGIN in text else ""
        text = f"%%check {cell.check} {cell.points}{hidden}\n{text}"
        nbgrader = _nbgrader(check_id(cell.check), grade=True, points=cell.points)
    else:
        if cell.plays:
            text = f"%%play {' '.join(cell.plays)}\n{text}"
        nbgrader = _nbgrader(given_id)
    return _cell(cell.kind, text, nbgrader)


def _given_id(seen: Counter[str], above: str) -> str:
    """Name a given cell by its place below a named one.

    The text of a cell can then be mended while submissions are in the gradebook, which refuses new
    names.
    """
    seen[above] += 1
    return f"{above}-text-{seen[above]}"


def _nbgrader(grade_id: str, **changes: object) -> dict[str, object]:
    metadata = {
        "grade": False,
        "grade_id": grade_id,
        "locked": True,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    return metadata | changes


def _cell(kind: str, text: str, nbgrader: dict[str, object]) -> NotebookNode:
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    cell_id = hashlib.sha1(str(nbgrader["grade_id"]).encode()).hexdigest()[:8]
    return new(text, metadata={"nbgrader": nbgrader}, id=cell_id)


def _lab_cell(cell: NotebookNode, nbgrader: dict[str, object]) -> Cell:
    name = str(nbgrader.get("grade_id", ""))
    if nbgrader.get("task") or (nbgrader.get("grade") and nbgrader.get("solution")):
        raise ImportRefusedError(
            f"Cell `{name}` is graded by hand; a lab's source has no marker for that. Make it a "
            "solution cell with tests, or text."
        )
    if cell.cell_type not in ("code", "markdown"):
        raise ImportRefusedError(f"A {cell.cell_type} cell; make it code or Markdown.")
    result = Cell(cell.cell_type, cell.source)
    if nbgrader.get("solution"):
        result.marks = {"exercise": name}
    elif nbgrader.get("grade"):
        first, text = _split_magic(cell.source, "%%check")
        named = first.split()[1] if first else check_name(name)
        result.marks = {"check": named, "points": _whole(nbgrader.get("points", 0))}
        result.text = text
    else:
        first, text = _split_magic(cell.source, "%%play")
        if first:
            result.marks = {"play": ", ".join(first.split()[1:])}
            result.text = text
    return result


def _split_magic(source: str, magic: str) -> tuple[str, str]:
    """Split a magic's line off a cell: (the line or '', the rest)."""
    first, _, rest = source.partition("\n")
    return (first, rest) if first.startswith(magic) else ("", source)


def _whole(points: float) -> float | int:
    return int(points) if float(points).is_integer() else points
