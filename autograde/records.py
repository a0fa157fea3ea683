"""What autograding reads from the gradebook and writes to it: few queries, one commit a notebook.

nbgrader's own preprocessors make a new engine each, look for each cell by a query of its own and
commit after each. The rules by which they score and repair a cell are kept; what they ask the
gradebook for is at hand here, and all that a notebook earned is written at once or not at all.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    SolutionCell,
    SourceCell,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.preprocessors import AssignLatePenalties, OverwriteCells, SaveAutoGrades
from sqlalchemy.orm import load_only

StoredCell = tuple[str, str, float | None]
"""A cell of a lab in the gradebook: name, source with hidden tests, a check's points."""


@contextmanager
def open_gradebook(db_url: str) -> Iterator[Gradebook]:
    """Open the gradebook for a block, at whose end what was not committed is dropped.

    Connections end with the block. What stays in the process is the engine with the statements that
    it has compiled, and the knowledge that the database has its tables.
    """
    with _gradebook_of(db_url) as book:
        yield book


@functools.lru_cache(maxsize=2)
def _gradebook_of(db_url: str) -> Gradebook:
    return Gradebook(db_url)


def stored_cells(db_url: str, assignment: str, notebook: str) -> list[StoredCell]:
    """Return a lab's cells as the gradebook holds them: name, source, and a check's points.

    Raises
    ------
    MissingEntry
        If the lab is not in the gradebook.
    """
    with open_gradebook(db_url) as book:
        lab = book.find_notebook(notebook, assignment)
        checks = book.db.query(GradeCell.name, GradeCell.max_score)
        points = dict(checks.filter(GradeCell.notebook_id == lab.id).all())
        return [(cell.name, cell.source, points.get(cell.name)) for cell in lab.source_cells]


class OverwriteFromGradebook(OverwriteCells):
    """nbgrader's ``OverwriteKernelspec`` and ``OverwriteCells``, with all cells read at once."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Put back what the gradebook has of a notebook's kernel and cells."""
        place = resources["nbgrader"]
        self.notebook_id, self.assignment_id = place["notebook"], place["assignment"]
        with open_gradebook(place["db_url"]) as book:
            self.gradebook = _LabAtHand(book, self.notebook_id, self.assignment_id)
            kernelspec = json.loads(self.gradebook.lab.kernelspec or "null")
            if kernelspec:
                nb.metadata["kernelspec"] = kernelspec
            nb, resources = super(OverwriteCells, self).preprocess(nb, resources)
            if self.add_missing_cells:
                nb, resources = self.add_missing_grade_cells(nb, resources)
                nb, resources = self.add_missing_task_cells(nb, resources)
        return nb, resources


class SaveGrades(SaveAutoGrades):
    """nbgrader's ``SaveAutoGrades``, with one commit: a notebook's grades are all there or none."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Score a notebook's cells and write down what they earned.

        Raises
        ------
        nbformat.ValidationError
            If the notebook could not be kept: it has no grade then.
        """
        # nbconvert looks only after the last step, when the grades would be written.
        nbformat.validate(nb, relax_add_props=True)
        place = resources["nbgrader"]
        self.notebook_id, self.assignment_id = place["notebook"], place["assignment"]
        self.student_id = place["student"]
        with open_gradebook(place["db_url"]) as book:
            submitted = book.find_submission_notebook(
                self.notebook_id, self.assignment_id, self.student_id
            )
            self.gradebook = _SubmittedAtHand(book, submitted)
            nb, resources = super(SaveAutoGrades, self).preprocess(nb, resources)
            book.db.commit()
        return nb, resources


class LatePenalties(AssignLatePenalties):
    """nbgrader's ``AssignLatePenalties``, for submissions to which it has something to do."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Set the penalty of a late submission, and take back one that is late no longer."""
        place = resources["nbgrader"]
        with open_gradebook(place["db_url"]) as book:
            submitted = book.find_submission_notebook(
                place["notebook"], place["assignment"], place["student"]
            )
            late = submitted.assignment.total_seconds_late > 0
            if not late and submitted.late_submission_penalty is None:
                return nb, resources
        return super().preprocess(nb, resources)


class _LabAtHand:
    """A lab's cells, read at once and found as `OverwriteCells` asks a gradebook for them."""

    def __init__(self, book: Gradebook, notebook: str, assignment: str) -> None:
        self.lab = book.find_notebook(notebook, assignment)
        self._source = {cell.name: cell for cell in self.lab.source_cells}
        # As nbgrader looks for them: a check before a task of the same name.
        self._graded = {
            cell.name: cell
            for kind in (TaskCell, GradeCell)
            for cell in book.db.query(kind).filter(kind.notebook_id == self.lab.id)
        }

    def find_notebook(self, notebook: str, assignment: str) -> object:
        return self.lab

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> SourceCell:
        return _found(self._source, name)

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> GradeCell | TaskCell:
        return _found(self._graded, name)


class _SubmittedAtHand:
    """What one submitted notebook has to be graded and commented, as `SaveAutoGrades` asks for it.

    ``db.commit``, which it calls after each cell, does nothing.
    """

    def __init__(self, book: Gradebook, submitted: SubmittedNotebook) -> None:
        graded = (Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
        self._grades = _by_cell(book, submitted, Grade, graded, (TaskCell, GradeCell))
        commented = (Comment.auto_comment,)
        self._comments = _by_cell(book, submitted, Comment, commented, (TaskCell, SolutionCell))
        self.db = _LeftOpen()

    def find_grade(self, name: str, notebook: str, assignment: str, student: str) -> Grade:
        return _found(self._grades, name)

    def find_comment(self, name: str, notebook: str, assignment: str, student: str) -> Comment:
        return _found(self._comments, name)


class _LeftOpen:
    """A transaction that somebody else will end."""

    def commit(self) -> None:
        pass


def _by_cell(
    book: Gradebook,
    submitted: SubmittedNotebook,
    record: type,
    columns: tuple[object, ...],
    kinds: tuple[type, ...],
) -> dict[str, object]:
    """Return a submitted notebook's grades or comments by their cells' names; later kinds win."""
    rows = (
        book.db.query(record, BaseCell.name, BaseCell.type)
        .join(BaseCell, BaseCell.id == record.cell_id)
        .filter(record.notebook_id == submitted.id)
        .options(load_only(*columns))
        .all()
    )
    order = [kind.__name__ for kind in kinds]
    found = [(order.index(kind), name, item) for item, name, kind in rows if kind in order]
    return {name: item for _, name, item in sorted(found, key=lambda row: row[0])}


def _found(items: dict[str, object], name: str) -> object:
    if name not in items:
        raise MissingEntry(f"The gradebook has nothing to grade named {name}.")
    return items[name]
