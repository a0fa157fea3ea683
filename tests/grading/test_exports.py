"""nbgrader export in this course's forms: what a spreadsheet, Canvas and Moodle read."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from conftest import PRACTICE, Course
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from authoring.tree import Tree
from autograde.exports import cells
from autograde.nbgrader_settings import COURSE_ID

MODULE = "m0_practice"
CANVAS = "--exporter=autograde.exports.CanvasCSV"
MOODLE = "--exporter=autograde.exports.MoodleCSV"

GRADED = ("all_right", "cut_off", "by_hand", "late")
PEOPLE = {
    # id: (first name, last name)
    "all_right": ('O"Neil, Jr.', '=HYPERLINK("x")'),
    "cut_off": ("two\nlines", "tab\tbed"),
    "by_hand": ("明 🎓", "Żółć"),
    "late": ("Ana;=1+1", "＝1+1"),
    "absent": ("", "Points Possible"),
    "ungraded": ("-1", "@SUM(A1)"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, instructor_notebook: NotebookNode) -> Course:
    """A class in which each student stands for one thing that an export must say."""
    course = Course(tmp_path_factory.mktemp("exports"))
    source = Tree(course.root).instructor(PRACTICE)
    source.parent.mkdir(parents=True)
    nbformat.write(instructor_notebook, source)
    ran(course, "generate_assignment", MODULE)
    for student in GRADED:
        nbformat.write(instructor_notebook, course.submitted(student) / "doubling.ipynb")
    ran(course, "autograde", MODULE)
    nbformat.write(instructor_notebook, course.submitted("ungraded") / "doubling.ipynb")
    command = ("db", "student", "add", "absent", "--last-name=Points Possible")
    ran(course, *command, "--email=absent@example.org", "--lms-user-id=17")
    with gradebook(course) as book:
        for student, (first, last) in PEOPLE.items():
            email = f"{student}@example.org"
            book.update_or_create_student(student, first_name=first, last_name=last, email=email)
        [lab] = book.find_submission(MODULE, "late").notebooks
        lab.late_submission_penalty = 0.1 + 0.2
        [grade, *_] = book.find_submission_notebook("doubling", MODULE, "by_hand").grades
        grade.needs_manual_grade = True
        book.db.commit()
    cut_off = course.root / "gradebook" / "autograded" / "cut_off" / f"{PRACTICE}.ipynb"
    cut_off.chmod(0o644)
    cut_off.write_text(cut_off.read_text(encoding="utf-8")[:1000], encoding="utf-8")
    return course


def gradebook(course: Course) -> Gradebook:
    return Gradebook(f"sqlite:///{course.root / 'gradebook' / 'gradebook.db'}", COURSE_ID)


def ran(course: Course, *words: str) -> str:
    outcome = course.nbgrader(*words)
    assert outcome.returncode == 0, f"{words}: {outcome.stderr[-2000:]}"
    return outcome.stderr


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def records(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {record["student_id"]: record for record in csv.DictReader(stream)}


def test_the_default_export_has_a_row_per_student_and_says_what_is_not_final(
    course: Course,
) -> None:
    said = ran(course, "export")
    made = records(course.root / "gradebook" / "grades.csv")
    assert {name: (row["status"], row["score"]) for name, row in made.items()} == {
        "all_right": ("graded", "6"),
        "late": ("graded", "5.7"),
        "cut_off": ("grading was cut off", ""),
        "by_hand": ("needs manual grading", ""),
        "absent": ("nothing submitted", ""),
        "ungraded": ("not graded yet", ""),
    }
    assert (made["late"]["raw_score"], made["late"]["late_submission_penalty"]) == ("6", "0.3")
    assert {row["max_score"] for row in made.values()} == {"6"}
    again = "nbgrader autograde m0_practice --student=cut_off --force"
    assert again in made["cut_off"]["remarks"]
    assert again in said
    assert "absent" not in said, "nobody needs to be warned of what was never submitted"


def test_no_cell_is_a_formula_and_every_name_stays_in_its_cell(course: Course) -> None:
    ran(course, "export")
    path = course.root / "gradebook" / "grades.csv"
    made = rows(path)
    assert {len(row) for row in made} == {13}
    assert not [cell for row in made for cell in row if cell[:1] in tuple("=+-@＝＋－＠\t\r")]
    people = records(path)
    assert people["all_right"]["first_name"] == 'O"Neil, Jr.'
    assert people["all_right"]["last_name"] == '\'=HYPERLINK("x")'
    assert people["late"]["first_name"] == "Ana;'=1+1"
    assert people["cut_off"]["first_name"] == "two lines"
    assert (people["by_hand"]["first_name"], people["by_hand"]["last_name"]) == ("明 🎓", "Żółć")
    frame = pd.read_csv(path)
    assert len(frame) == len(PEOPLE)
    assert pd.api.types.is_float_dtype(frame["score"])


@pytest.mark.parametrize("options", [["--student=late"], ['--student=["late"]']])
def test_one_student_of_one_assignment_to_a_file_of_ones_own(
    course: Course, tmp_path: Path, options: list[str]
) -> None:
    target = tmp_path / "mine.csv"
    ran(course, "export", f"--to={target}", f"--assignment={MODULE}", *options)
    assert list(records(target)) == ["late"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--student=nobody"], "The gradebook has no student nobody"),
        (["--assignment=m99"], "The gradebook has no assignment m99"),
        (["--to=/nowhere/at/all.csv"], "/nowhere/at/all.csv could not be written"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(
    course: Course, options: list[str], sentence: str
) -> None:
    outcome = course.nbgrader("export", *options)
    assert outcome.returncode == 1
    assert sentence in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_missing_work_counts_as_zero_on_request(course: Course, tmp_path: Path) -> None:
    target = tmp_path / "zero.csv"
    ran(course, "export", f"--to={target}", "--CourseExport.missing_is_zero=True")
    made = records(target)
    assert (made["absent"]["score"], made["absent"]["status"]) == ("0", "nothing submitted")
    assert made["ungraded"]["score"] == ""


def test_a_newer_submission_is_not_hidden_behind_the_old_grade(
    course: Course, tmp_path: Path
) -> None:
    stamp = course.submitted("all_right") / "timestamp.txt"
    with gradebook(course) as book:
        book.find_submission(MODULE, "all_right").timestamp = datetime.datetime(2026, 1, 1)
        book.db.commit()
    target = tmp_path / "newer.csv"
    try:
        stamp.write_text("2026-02-01 10:00:00 UTC")
        ran(course, "export", f"--to={target}")
        row = records(target)["all_right"]
        assert (row["status"], row["score"]) == ("not graded yet", "")
        assert "a newer submission is there" in row["remarks"]
        stamp.write_text("this is no time")
        ran(course, "export", f"--to={target}")
        assert records(target)["all_right"]["score"] == "6"
    finally:
        stamp.unlink(missing_ok=True)


def test_canvas_gets_its_columns_and_one_wide_row_per_student(course: Course) -> None:
    ran(course, "export", CANVAS)
    header, possible, *students = rows(course.root / "gradebook" / "grades_canvas.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", MODULE]
    assert possible == ["    Points Possible", "", "", "", "", "6"]
    assert {row[2]: row[5] for row in students} == {
        "all_right": "6",
        "late": "5.7",
        "cut_off": "",
        "by_hand": "",
        "absent": "",
        "ungraded": "",
    }
    [absent] = [row for row in students if row[2] == "absent"]
    assert absent[:4] == ["absent", "17", "absent", "absent"]
    # Canvas reads any row whose first cell has these words as the points of the assignments.
    assert not [row for row in students if "Points Possible" in row[0]]


def test_moodle_gets_grade_and_feedback_side_by_side(course: Course) -> None:
    ran(course, "export", MOODLE)
    header, *students = rows(course.root / "gradebook" / "grades_moodle.csv")
    assert header[2:] == ["ID number", "Email address", MODULE, f"{MODULE} (feedback)"]
    made = {row[2]: row[3:] for row in students}
    assert made["all_right"] == ["all_right@example.org", "6", "6 of 6 points."]
    assert made["late"][1:] == ["5.7", "5.7 of 6 points. Late penalty: 0.3."]
    assert made["cut_off"][1:] == ["-", "Grading was cut off."]
    assert made["absent"][1:] == ["-", "Nothing submitted."]


def test_moodle_gets_no_address_column_with_a_gap(course: Course) -> None:
    """Moodle's import gives a row without an address to the student of the row above."""
    with gradebook(course) as book:
        book.update_or_create_student("late", email=None)
    said = ran(course, "export", MOODLE)
    header, *_ = rows(course.root / "gradebook" / "grades_moodle.csv")
    with gradebook(course) as book:
        book.update_or_create_student("late", email="late@example.org")
    assert header == ["First name", "Last name", "ID number", MODULE, f"{MODULE} (feedback)"]
    assert "The column Email address is left out: late" in said


@pytest.mark.parametrize(
    "value", ["=1", " =1", "\t=1", "\u200b=1", "＋1", "-1", "﹫x", "\r@x", "\0=1"]
)
def test_words_never_begin_a_formula(value: str) -> None:
    assert cells.text(value).startswith("'")


@pytest.mark.parametrize(
    ("value", "written"),
    [(5.3332999999999995, "5.3333"), (0.1 + 0.2, "0.3"), (-0.0, "0"), (100, "100"), (1.33, "1.33")],
)
def test_points_are_written_as_meant(value: float, written: str) -> None:
    assert cells.number(value) == written
