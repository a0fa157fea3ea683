"""nbgrader's export plug-ins of this course."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from rich.console import Console
from rich.progress import track
from traitlets import Bool, Unicode

from autograde.exports.cells import number, text
from autograde.exports.grades import AssignmentGrade, Person, State, grade_of, people

Row = list[str]


class CourseExport(ExportPlugin):
    """What the course's exports share: who and what is exported, and a file written whole.

    A form says in `rows` what its file holds. Only a final grade is exported as a number.
    """

    folder = Unicode("", help="Folder of the exported file, unless --to names one.").tag(
        config=True
    )
    missing_is_zero = Bool(
        False, help="Whether a student who submitted nothing has 0 points rather than no grade."
    ).tag(config=True)

    file_name = "grades.csv"

    def export(self, gradebook: Gradebook) -> None:
        """Write the file; end with a sentence if it can't be written, or for an unknown name."""
        folders = CourseDirectory(parent=self)
        persons = _chosen(people(gradebook, folders), self.student, lambda item: item.id)
        assignments = _chosen(gradebook.assignments, self.assignment, lambda item: item.name)
        for kind, wanted, found in (
            ("student", self.student, {item.id for item in persons}),
            ("assignment", self.assignment, {item.name for item in assignments}),
        ):
            unknown = [str(name) for name in wanted if str(name) not in found]
            if unknown:
                self._stop(f"The gradebook has no {kind} {', '.join(unknown)}; nothing exported.")
        pairs = [(person, assignment) for assignment in assignments for person in persons]
        console = Console(stderr=True)
        shown = track(pairs, "Grades", console=console, transient=True)
        grades = [grade_of(gradebook, folders, *pair) for pair in shown]
        if self.missing_is_zero:
            grades = [_zero_if_missing(grade) for grade in grades]
        target = Path(self.to) if self.to else Path(self.folder) / self.file_name
        self._write(target, self.rows(grades))
        self._say_what_is_missing(grades)
        self.log.info("Exported %d grades to %s", len(grades), target)

    def rows(self, grades: list[AssignmentGrade]) -> Iterable[Row]:
        """Return the file's rows, the header first; cells are ready to be written."""
        raise NotImplementedError  # not an ABC: traitlets' metaclass is another

    def _write(self, target: Path, rows: Iterable[Row]) -> None:
        # Written beside and moved over: a reader finds the old file or the new one, never half.
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with draft.open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows(rows)
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            self._stop(f"{target} could not be written: {error.strerror}.")

    def _say_what_is_missing(self, grades: list[AssignmentGrade]) -> None:
        for grade in grades:
            if grade.state not in (State.FINAL, State.NOTHING):
                reasons = "; ".join((grade.state, *grade.remarks))
                name = f"{grade.person.id} in {grade.assignment}"
                self.log.warning("No grade is exported for %s: %s.", name, reasons)

    def _stop(self, sentence: str) -> NoReturn:
        self.log.error(sentence)
        raise SystemExit(1)


class SafeCSV(CourseExport):
    """A row for each student and assignment: the columns of nbgrader's own export, and two more.

    ``assignment``, ``duedate``, ``timestamp`` (of the submission; both in UTC), ``student_id``,
    ``last_name``, ``first_name``, ``email``, ``raw_score``, ``late_submission_penalty``, ``score``
    (raw score less penalty, never below 0), ``max_score``, ``status`` and ``remarks``. The three
    scores are empty unless the status is ``graded``.
    """

    columns = (
        "assignment",
        "duedate",
        "timestamp",
        "student_id",
        "last_name",
        "first_name",
        "email",
        "raw_score",
        "late_submission_penalty",
        "score",
        "max_score",
        "status",
        "remarks",
    )

    def rows(self, grades: list[AssignmentGrade]) -> Iterable[Row]:
        """Return the header and a row for each grade."""
        yield list(self.columns)
        for grade in grades:
            person = grade.person
            yield [
                text(grade.assignment),
                text(grade.due),
                text(grade.submitted_at),
                text(person.id),
                text(person.last_name),
                text(person.first_name),
                text(person.email),
                _points(grade.raw_points),
                _points(grade.penalty if grade.points is not None else None),
                _points(grade.points),
                number(grade.most_points),
                text(grade.state),
                text("; ".join(grade.remarks)),
            ]


class CanvasCSV(CourseExport):
    """What Canvas' gradebook imports: a row for each student, a column for each assignment.

    Canvas finds a student by ``ID`` (its own number: ``lms_user_id`` in nbgrader's gradebook), then
    by ``SIS User ID`` and ``SIS Login ID`` (both the id that nbgrader knows them by), then by name.
    A column's heading must be the name of the assignment in Canvas, or Canvas offers to make it.
    """

    file_name = "grades_canvas.csv"
    section = Unicode("", help="What the Section column says; Canvas doesn't read it.").tag(
        config=True
    )

    def rows(self, grades: list[AssignmentGrade]) -> Iterable[Row]:
        """Return the header, the points possible, and a row for each student."""
        by_person = _by_person(grades)
        columns = {grade.assignment: grade.most_points for grade in grades}
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *map(text, columns)]
        yield ["    Points Possible", "", "", "", "", *map(number, columns.values())]
        for person, own in by_person.items():
            points = [_points(own[name].points) for name in columns]
            yield [
                _canvas_name(person),
                text(person.lms_user_id),
                text(person.id),
                text(person.id),
                text(self.section),
                *points,
            ]


class MoodleCSV(CourseExport):
    """What Moodle's grade import reads: a row for each student, grade and feedback side by side.

    Map from ``ID number`` (the id that nbgrader knows a student by) or from ``Email address``.
    Moodle gives a row without an address to the student above it, so the column is left out unless
    everyone has one. Map each feedback column along with its grade column: Moodle clears a grade
    whose feedback comes alone. A grade that is not there is ``-``, as in Moodle's own export.
    """

    file_name = "grades_moodle.csv"

    def rows(self, grades: list[AssignmentGrade]) -> Iterable[Row]:
        """Return the header and a row for each student."""
        by_person = _by_person(grades)
        nameless = [person.id for person in by_person if not person.email]
        with_email = bool(by_person) and not nameless
        if nameless:
            self.log.warning(
                "The column Email address is left out: %s have none in the gradebook. Map by ID "
                "number, or add it with `nbgrader db student add ID --email=…`.",
                ", ".join(nameless),
            )
        names = dict.fromkeys(grade.assignment for grade in grades)
        header = ["First name", "Last name", "ID number"]
        header += ["Email address"] if with_email else []
        for name in names:
            header += [text(name), text(f"{name} (feedback)")]
        yield header
        for person, own in by_person.items():
            row = [text(person.first_name), text(person.last_name), text(person.id)]
            row += [text(person.email)] if with_email else []
            for name in names:
                row += [_points(own[name].points) or "-", text(_summary(own[name]))]
            yield row


def _chosen(items: Iterable, wanted: list[str], name_of: object) -> list:
    names = {str(name) for name in wanted}
    return [item for item in items if not names or name_of(item) in names]


def _zero_if_missing(grade: AssignmentGrade) -> AssignmentGrade:
    if grade.state is not State.NOTHING:
        return grade
    return AssignmentGrade(**(vars(grade) | {"raw_points": 0}))


def _by_person(grades: list[AssignmentGrade]) -> dict[Person, dict[str, AssignmentGrade]]:
    table: dict[Person, dict[str, AssignmentGrade]] = {}
    for grade in grades:
        table.setdefault(grade.person, {})[grade.assignment] = grade
    return table


def _points(value: float | None) -> str:
    return "" if value is None else number(value)


def _canvas_name(person: Person) -> str:
    # Canvas takes a row for the one of the points possible if its first cell says so anywhere.
    name = person.sortable_name
    return text(person.id if "Points Possible" in name else name)


def _summary(grade: AssignmentGrade) -> str:
    """Return what Moodle shows a student beside the grade."""
    if grade.points is None:
        return f"{grade.state[0].upper()}{grade.state[1:]}."
    said = f"{number(grade.points)} of {number(grade.most_points)} points."
    return f"{said} Late penalty: {number(grade.penalty)}." if grade.penalty else said
