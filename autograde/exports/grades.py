"""A student's grade in an assignment, or the reason why there is none yet."""

from __future__ import annotations

import datetime
import glob
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from autograde.ingest import is_graded, notes_of
from autograde.report import read_graded


class State(StrEnum):
    """How far an assignment of a student has come; only a final one has a score."""

    FINAL = "graded"
    NOTHING = "nothing submitted"
    WAITING = "not graded yet"
    CUT_OFF = "grading was cut off"
    BY_HAND = "needs manual grading"


@dataclass(frozen=True)
class Person:
    """A student as the gradebook knows them; all but the id may be empty."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def sortable_name(self) -> str:
        """Family name, comma, given name; the id where no name is known."""
        names = [name for name in (self.last_name, self.first_name) if name]
        return ", ".join(names) or self.id


@dataclass(frozen=True)
class AssignmentGrade:
    """What a student has in an assignment.

    Attributes
    ----------
    submitted_at
        When the graded submission was made, if that is known.
    raw_points
        Points before the late penalty; ``None`` unless the grade is final.
    penalty
        Points taken off for a late submission.
    remarks
        What an instructor should know: labs that are missing, repairs, what to run.
    """

    person: Person
    assignment: str
    most_points: float
    due: datetime.datetime | None
    state: State
    submitted_at: datetime.datetime | None = None
    raw_points: float | None = None
    penalty: float = 0
    remarks: tuple[str, ...] = ()

    @property
    def points(self) -> float | None:
        """Points that count, never below 0; ``None`` unless the grade is final."""
        return None if self.raw_points is None else max(0.0, self.raw_points - self.penalty)


def people(book: Gradebook, folders: CourseDirectory) -> list[Person]:
    """Return all who are in the gradebook or have submitted something, by id."""
    known = {student.id: _person(student) for student in book.students}
    for name in _submitters(folders):
        known.setdefault(name, Person(name))
    return [known[name] for name in sorted(known)]


def _submitters(folders: CourseDirectory) -> set[str]:
    step, names = folders.submitted_directory, set()
    pattern = folders.format_path(step, "(?P<student>[^/]+)", "[^/]+", escape=True)
    for path in glob.glob(folders.format_path(step, "*", "*")):
        match = re.fullmatch(pattern, path)
        if match:
            names.add(match["student"])
    return names


def grade_of(
    book: Gradebook, folders: CourseDirectory, person: Person, assignment: Assignment
) -> AssignmentGrade:
    """Return a student's grade in an assignment, as final only if nothing speaks against it."""
    found = AssignmentGrade(
        person, assignment.name, assignment.max_score, assignment.duedate, State.NOTHING
    )
    try:
        submission = book.find_submission(assignment.name, person.id)
    except MissingEntry:
        if not _path(folders, "submitted", person.id, assignment.name).exists():
            return found
        again = f"run `nbgrader autograde {assignment.name} --student={person.id}`"
        return _with(found, State.WAITING, remarks=(again,))
    return _grade_of_submission(folders, found, submission)


def _grade_of_submission(
    folders: CourseDirectory, found: AssignmentGrade, submission: SubmittedAssignment
) -> AssignmentGrade:
    again = f"run `nbgrader autograde {found.assignment} --student={found.person.id} --force`"
    found = _with(found, State.FINAL, submitted_at=submission.timestamp)
    if _is_newer(folders, found):
        return _with(found, State.WAITING, remarks=(f"a newer submission is there: {again}",))
    stopped, remarks = False, []
    for lab in sorted(submission.notebooks, key=lambda item: item.name):
        finished, said = _lab(folders, found, lab.name)
        stopped = stopped or not finished
        remarks += said
    if stopped:
        return _with(found, State.CUT_OFF, remarks=(*remarks, again))
    if submission.needs_manual_grade:
        return _with(found, State.BY_HAND, remarks=tuple(remarks))
    return _with(
        found,
        State.FINAL,
        raw_points=submission.score,
        penalty=submission.late_submission_penalty or 0,
        remarks=tuple(remarks),
    )


def _lab(folders: CourseDirectory, found: AssignmentGrade, lab: str) -> tuple[bool, list[str]]:
    """Say whether a lab's grading came to its end, and what is to be said of it."""
    name = f"{lab}.ipynb"
    sent = _path(folders, "submitted", found.person.id, found.assignment) / name
    graded = _path(folders, "autograded", found.person.id, found.assignment) / name
    if not graded.exists():
        # A submission folder that was archived after grading is no reason to doubt the grade.
        if sent.parent.exists() and not sent.exists():
            return True, [f"{lab}: nothing submitted"]
        return False, [f"{lab}: autograding failed"]
    notebook = read_graded(graded)
    if notebook is None or not is_graded(notebook):
        return False, [f"{lab}: grading was cut off"]
    return True, [f"{lab}: {note}" for note in notes_of(notebook)]


def _is_newer(folders: CourseDirectory, found: AssignmentGrade) -> bool:
    """Say whether there is a submission that came after the graded one."""
    stamp = _path(folders, "submitted", found.person.id, found.assignment) / "timestamp.txt"
    try:
        sent_at = parse_utc(stamp.read_text(encoding="utf-8").strip())
    except (OSError, ValueError, OverflowError):  # the file came with the submission
        return False
    return found.submitted_at is not None and sent_at > found.submitted_at


def _path(folders: CourseDirectory, step: str, student: str, assignment: str) -> Path:
    directory = getattr(folders, f"{step}_directory")
    return Path(folders.format_path(directory, student, assignment))


def _person(student: Student) -> Person:
    fields = (student.first_name, student.last_name, student.email, student.lms_user_id)
    return Person(student.id, *((field or "").strip() for field in fields))


def _with(found: AssignmentGrade, state: State, **changes: object) -> AssignmentGrade:
    return AssignmentGrade(**(vars(found) | {"state": state} | changes))
