"""The grades of a class as rows and as a table on the terminal: who has what, and why not."""

from __future__ import annotations

import argparse
import os
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    Gradebook,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from rich.console import Console
from rich.table import Table
from rich.text import Text

from authoring.environment import put_tools_on_path
from autograde.ingest import is_graded, notes_of
from autograde.nbgrader_settings import GRADEBOOK_VARIABLE, database_url
from autograde.records import open_gradebook


@dataclass(frozen=True)
class GradeRow:
    """One student's grade in one lab.

    Attributes
    ----------
    points, most_points
        Points earned and points to be had.
    notes
        What had to be repaired in the submission, or stopped while it ran.
    missing
        Why there is no grade, or empty.
    """

    student: str
    lab: str
    points: float
    most_points: float
    notes: list[str] = field(default_factory=list)
    missing: str = ""


def grade_rows(gradebook: Path, assignment: str, *, student: str | None = None) -> list[GradeRow]:
    """Return a row for each student who is in the gradebook or submitted something.

    Parameters
    ----------
    gradebook
        The folder with ``gradebook.db``, ``submitted`` and ``autograded``.
    assignment
        The module.
    student
        Only this one.
    """
    put_tools_on_path()
    with open_gradebook(database_url(gradebook)) as book:
        labs = {item.name: item.max_score for item in book.find_assignment(assignment).notebooks}
        names = [student] if student else _students(book, gradebook, assignment)
        scores = _scores(book, assignment, student)
    return [
        _row(gradebook, assignment, name, lab, most, scores.get((name, lab)))
        for name in names
        for lab, most in sorted(labs.items())
    ]


def _students(book: Gradebook, gradebook: Path, assignment: str) -> list[str]:
    known = {student.id for student in book.students}
    submitted = {path.parent.name for path in (gradebook / "submitted").glob(f"*/{assignment}")}
    return sorted(known | submitted)


def _scores(book: Gradebook, assignment: str, student: str | None) -> dict[tuple[str, str], float]:
    """Return the points in the gradebook by student and lab, of one student or of all."""
    found = (
        book.db.query(SubmittedAssignment.student_id, Notebook.name, SubmittedNotebook.score)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(Assignment.name == assignment)
    )
    if student:
        found = found.filter(SubmittedAssignment.student_id == student)
    return {(name, lab): score for name, lab, score in found}


def _row(
    gradebook: Path, assignment: str, student: str, lab: str, most: float, score: float | None
) -> GradeRow:
    if not (gradebook / "submitted" / student / assignment / f"{lab}.ipynb").exists():
        return GradeRow(student, lab, 0, most, missing="nothing submitted")
    if score is None:
        return GradeRow(student, lab, 0, most, missing="not graded yet")
    path = gradebook / "autograded" / student / assignment / f"{lab}.ipynb"
    if not path.exists():
        again = f"python -m autograde.grade {assignment} --student {student}"
        reason = f"grading failed or was interrupted; run `{again}`"
        return GradeRow(student, lab, 0, most, missing=reason)
    notebook = read_graded(path)
    if notebook is None or not is_graded(notebook):
        again = f"nbgrader autograde {assignment} --student={student} --force"
        return GradeRow(student, lab, 0, most, missing=f"grading was cut off; run `{again}`")
    return GradeRow(student, lab, score, most, notes_of(notebook))


def read_graded(path: Path) -> NotebookNode | None:
    """Read an autograded notebook; None for one that is not there, or was cut off in writing."""
    try:
        # It was written here, and checked for its form then.
        return nbformat.reader.reads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, nbformat.ValidationError):
        return None


def printable(text: str) -> str:
    """Return a text of a stranger's that does nothing to a terminal but be read."""
    return "".join(char for char in text if char == "\n" or not _is_control(char))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs")


def grade_table(rows: list[GradeRow], title: str) -> Table:
    """Return the rows as a table for the terminal."""
    table = Table("student", "lab", "points", "remarks", title=title)
    for row in rows:
        points = "no grade" if row.missing else f"{row.points:g} of {row.most_points:g}"
        remarks = [row.missing] if row.missing else row.notes
        texts = (row.student, row.lab, points, "\n".join(remarks))
        table.add_row(*(Text(printable(text)) for text in texts))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Print the grades of a module."""
    parser = argparse.ArgumentParser(prog="python -m autograde.report", description=main.__doc__)
    parser.add_argument("module")
    module = parser.parse_args(arguments).module
    gradebook = Path(os.environ.get(GRADEBOOK_VARIABLE, "gradebook")).resolve()
    try:
        rows = grade_rows(gradebook, module)
    except MissingEntry:
        advice = f"run `nbgrader generate_assignment {module}` first."
        print(f"The gradebook has no module `{module}`; {advice}", file=sys.stderr)
        return 1
    Console().print(grade_table(rows, f"Grades of {module}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
