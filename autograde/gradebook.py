"""The gradebook on this machine, and having a module's labs in it as they are now."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.apps import NbGrader
from nbgrader.converters import GenerateAssignment
from sqlalchemy.engine import make_url

from authoring.environment import put_tools_on_path
from autograde.nbgrader_settings import COURSE_ID, GRADEBOOK_VARIABLE
from course.checks.verdict import visible_part

_KINDS = (
    (GradeCell, utils.is_grade, (Grade,)),
    (SolutionCell, utils.is_solution, (Comment,)),
    (TaskCell, utils.is_task, (Grade, Comment)),
)
"""Kinds of cell in nbgrader's database: how to tell one, and what each submission holds for it."""


class CannotEnterError(Exception):
    """A module can't be entered in the gradebook; the text says what to do."""


def gradebook_folder() -> Path:
    """Return the folder with the submissions, the grades and what grading makes."""
    return Path(os.environ.get(GRADEBOOK_VARIABLE, "gradebook")).resolve()


def enter_module(app: NbGrader, module: str, say: Callable[[str], None]) -> None:
    """Enter a module's labs in the gradebook, where it has none or others than ``source/``.

    Submissions that are in the gradebook stay, with what was graded and commented by hand. Only a
    cell that the lab no longer has goes, with its grades; a copy of the database is kept then.

    Parameters
    ----------
    app
        An application of nbgrader that has read its configuration.
    module
        The module.
    say
        Told in sentences what was done, if anything.

    Raises
    ------
    CannotEnterError
        If the module or one of its labs has no instructor notebook.
    NbGraderException
        If nbgrader can't enter it; it has told why in its log.
    """
    put_tools_on_path()
    labs = _instructor_notebooks(app, module)
    with Gradebook(app.coursedir.db_url, app.coursedir.course_id or COURSE_ID) as book:
        if _is_entered(app, book, module, labs):
            return
        if not labs:
            raise CannotEnterError(
                f"There are no instructor notebooks in {_folder(app, 'source', module)}. Check the "
                f"module's name, `{module}`; `make build` makes the notebooks from the sources."
            )
        _adapt(app, book, module, labs, say)
    app.coursedir.assignment_id = module
    student, app.coursedir.student_id = app.coursedir.student_id, "."
    try:
        GenerateAssignment(coursedir=app.coursedir, parent=app).start()
    finally:
        app.coursedir.student_id = student
    say(f"The labs of {module} were entered in the gradebook as they are in source/.")


def adapt_cells(
    book: Gradebook, lab: Notebook, notebook: NotebookNode
) -> tuple[set[str], set[str]]:
    """Bring a lab's cells in the gradebook to those of its instructor notebook.

    nbgrader itself refuses to, once there are submissions. Cells that stay keep all that they have;
    each submission gets a row to be graded for a new one. Nothing is committed, and sources are
    left for ``generate_assignment`` to fill in.

    Parameters
    ----------
    book
        The gradebook that the lab was found in.
    lab
        The lab in the gradebook.
    notebook
        The instructor notebook.

    Returns
    -------
    added, removed : set of str
        Names of cells.
    """
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in _nbgrader_cells(notebook)}
    added, removed = set(), set()
    with book.db.no_autoflush:
        for kind, belongs, records in _KINDS:
            wanted = {name for name, cell in cells.items() if belongs(cell)}
            stored = {cell.name: cell for cell in _cells(book, kind, lab)}
            removed |= stored.keys() - wanted
            added |= wanted - stored.keys()
            for name in stored.keys() - wanted:
                _remove_cell(book, stored[name])
            for name in wanted - stored.keys():
                _add_cell(book, kind, lab, cells[name], records)
        stored = {cell.name: cell for cell in _cells(book, SourceCell, lab)}
        for name in stored.keys() - cells.keys():
            book.db.delete(stored[name])
        for name in cells.keys() - stored.keys():
            locked = utils.is_locked(cells[name])
            kept = {"cell_type": cells[name].cell_type, "locked": locked, "notebook_id": lab.id}
            book.db.add(SourceCell(name=name, **kept))
        book.db.flush()
    book.db.expire(lab)
    return added, removed


def _adapt(
    app: NbGrader,
    book: Gradebook,
    module: str,
    labs: dict[str, NotebookNode],
    say: Callable[[str], None],
) -> None:
    """Bring what the gradebook has of a module with submissions to its labs; all of it or none."""
    try:
        assignment = book.find_assignment(module)
    except MissingEntry:
        return
    if not assignment.submissions:
        return
    _refuse_unbuilt(app, module, assignment, labs)
    backup, done = None, []
    for name in sorted(labs.keys() | {lab.name for lab in assignment.notebooks}):
        stored = {lab.name: lab for lab in assignment.notebooks}.get(name)
        if stored is not None and name in labs and _has_cells_of(book, stored, labs[name]):
            continue
        # The copy comes first: the transaction below would lock the database against it.
        backup = backup or _back_up(app.coursedir.db_url, module)
        if name not in labs:
            _remove_lab(book, stored)
            done.append(f"`{name}` was removed")
            continue
        new = stored is None
        lab = _add_lab(book, assignment, name, labs[name]) if new else stored
        added, removed = adapt_cells(book, lab, labs[name])
        done.append(f"`{name}` was added" if new else _change(name, added, removed))
    book.db.commit()
    if done:
        say(
            f"The gradebook was brought to the labs of {module} as they are now: "
            f"{'; '.join(done)}. Grades and comments given by hand to cells that stay are kept. "
            f"{backup}"
        )


def _refuse_unbuilt(
    app: NbGrader, module: str, assignment: Assignment, labs: dict[str, NotebookNode]
) -> None:
    """Raise for a lab whose release is there but not its instructor notebook: it isn't gone."""
    for lab in assignment.notebooks:
        release = _folder(app, "release", module) / f"{lab.name}.ipynb"
        if lab.name not in labs and release.exists():
            raise CannotEnterError(
                f"The gradebook has submissions of {module}/{lab.name}, and source/ has no "
                f"instructor notebook of it. `make build` makes it; if the lab is withdrawn, "
                f"delete {release} too, and its grades are removed."
            )


def _change(name: str, added: set[str], removed: set[str]) -> str:
    """Return in words which cells of a lab are new and which are gone."""
    parts = [
        f"{word} {', '.join(f'`{cell}`' for cell in sorted(cells))}"
        for word, cells in (("got", added), ("lost", removed))
        if cells
    ]
    return f"`{name}` {' and '.join(parts)}" if parts else f"`{name}` has other text cells"


def _add_lab(
    book: Gradebook, assignment: Assignment, name: str, notebook: NotebookNode
) -> Notebook:
    """Add a lab, without cells yet, to an assignment and to each of its submissions."""
    kernel = json.dumps(notebook.metadata.get("kernelspec", {}))
    lab = Notebook(name=name, kernelspec=kernel, assignment_id=assignment.id)
    book.db.add(lab)
    book.db.flush()
    for submission in assignment.submissions:
        book.db.add(SubmittedNotebook(notebook_id=lab.id, assignment_id=submission.id))
    book.db.flush()
    book.db.expire(assignment)
    return lab


def _remove_lab(book: Gradebook, lab: Notebook) -> None:
    """Remove a lab with its cells and all grades."""
    for kind in (GradeCell, SolutionCell, TaskCell):
        for cell in _cells(book, kind, lab):
            _remove_cell(book, cell)
    for item in [*_cells(book, SourceCell, lab), *lab.submissions]:
        book.db.delete(item)
    book.db.flush()
    book.db.delete(lab)
    book.db.flush()


def _add_cell(
    book: Gradebook, kind: type, lab: Notebook, cell: NotebookNode, records: tuple[type, ...]
) -> None:
    """Add a cell, and to each submission of the lab what is recorded of such a cell."""
    details = {}
    if kind is not SolutionCell:
        points = float(cell.metadata.nbgrader["points"])
        details = {"max_score": points, "cell_type": cell.cell_type}
    new = kind(name=cell.metadata.nbgrader.grade_id, notebook_id=lab.id, **details)
    book.db.add(new)
    book.db.flush()
    for submitted in lab.submissions:
        for record in records:
            book.db.add(record(cell_id=new.id, notebook_id=submitted.id))


def _remove_cell(book: Gradebook, cell: GradeCell | SolutionCell | TaskCell) -> None:
    """Remove a cell, and what each submission has recorded of it."""
    for record in (Grade, Comment):
        for item in book.db.query(record).filter(record.cell_id == cell.id):
            book.db.delete(item)
    book.db.flush()
    book.db.delete(cell)
    book.db.flush()


def _cells(book: Gradebook, kind: type, lab: Notebook) -> list[object]:
    return list(book.db.query(kind).filter(kind.notebook_id == lab.id))


def _has_cells_of(book: Gradebook, lab: Notebook, notebook: NotebookNode) -> bool:
    """Say whether a lab in the gradebook has an instructor notebook's cells, by name and kind."""
    cells = list(_nbgrader_cells(notebook))
    kinds = [*((kind, belongs) for kind, belongs, _ in _KINDS), (SourceCell, lambda cell: True)]
    return all(
        {cell.name for cell in _cells(book, kind, lab)}
        == {cell.metadata.nbgrader.grade_id for cell in cells if belongs(cell)}
        for kind, belongs in kinds
    )


def _back_up(db_url: str, module: str) -> str:
    """Copy the gradebook if it is a file of SQLite, and say in a sentence where the copy is."""
    url = make_url(db_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return "No copy was made of the database as it was before."
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    copy = f"{url.database}.before-{module}-{stamp}"
    with closing(sqlite3.connect(url.database)) as now, closing(sqlite3.connect(copy)) as before:
        now.backup(before)
    return f"As it was before, the gradebook is in {copy}."


def _is_entered(app: NbGrader, book: Gradebook, module: str, labs: dict[str, NotebookNode]) -> bool:
    """Say whether the gradebook and the release are those of the instructor notebooks."""
    try:
        stored = {lab.name: lab for lab in book.find_assignment(module).notebooks}
    except MissingEntry:
        return False
    releases = _folder(app, "release", module)
    gone = [n for n in stored.keys() - labs.keys() if not (releases / f"{n}.ipynb").exists()]
    return (
        not gone
        and labs.keys() <= stored.keys()
        and all(_is_as_stored(book, stored[name], labs[name]) for name in labs)
        and all(_is_released(releases / f"{name}.ipynb", stored[name]) for name in labs)
    )


def _is_as_stored(book: Gradebook, lab: Notebook, notebook: NotebookNode) -> bool:
    """Say whether the gradebook has a notebook's cells, with the same sources and points.

    Of an exercise's cell the gradebook has the stub that learners get: its source isn't compared.
    """
    if not _has_cells_of(book, lab, notebook):
        return False
    sources = {cell.name: cell.source for cell in lab.source_cells}
    points = {cell.name: cell.max_score for cell in (*lab.grade_cells, *lab.task_cells)}
    return all(
        (utils.is_solution(cell) or sources[cell.metadata.nbgrader.grade_id] == cell.source)
        and points.get(cell.metadata.nbgrader.grade_id) == _points(cell)
        for cell in _nbgrader_cells(notebook)
    )


def _points(cell: NotebookNode) -> float | None:
    graded = utils.is_grade(cell) or utils.is_task(cell)
    return float(cell.metadata.nbgrader["points"]) if graded else None


def _is_released(release: Path, lab: Notebook) -> bool:
    """Say whether a release was made of the lab as the gradebook has it."""
    try:
        notebook = nbformat.read(release, as_version=4)
    except (OSError, ValueError):
        return False
    released = {
        cell.metadata.nbgrader.grade_id: visible_part(cell.source)
        for cell in _nbgrader_cells(notebook)
    }
    return released == {cell.name: visible_part(cell.source or "") for cell in lab.source_cells}


def _nbgrader_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that nbgrader keeps: checks, exercises, and what is read-only."""
    belong = (utils.is_grade, utils.is_solution, utils.is_locked, utils.is_task)
    return [cell for cell in notebook.cells if any(belongs(cell) for belongs in belong)]


def _instructor_notebooks(app: NbGrader, module: str) -> dict[str, NotebookNode]:
    """Return a module's instructor notebooks, by name."""
    paths = sorted(_folder(app, "source", module).glob("*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


def _folder(app: NbGrader, step: str, module: str) -> Path:
    directory = getattr(app.coursedir, f"{step}_directory")
    return Path(app.coursedir.format_path(directory, ".", module))
