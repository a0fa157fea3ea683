"""nbgrader's own way from release to feedback, as its documentation says, in this course."""

from __future__ import annotations

import csv
import html
import signal
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
from batches import grade_class
from conftest import PRACTICE, Course
from nbformat import NotebookNode

from authoring.lab import parse_lab
from authoring.notebook import to_notebook
from authoring.release import make_release
from authoring.tree import Tree
from autograde.nbgrader_settings import COURSE_ID
from autograde.report import grade_rows

MODULE = "m0_practice"
SOURCE = (Path(__file__).parents[1] / "labs" / f"{PRACTICE}.py").read_text()


@pytest.fixture
def course(tmp_path: Path, instructor_notebook: NotebookNode) -> Course:
    """A fresh course folder with the practice lab's instructor notebook."""
    root = tmp_path / "course"
    put_instructor(root, instructor_notebook)
    return Course(root)


def put_instructor(root: Path, notebook: NotebookNode) -> None:
    path = Tree(root).instructor(PRACTICE)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def student_home(course: Course, name: str) -> Path:
    home = course.root.parent / name
    home.mkdir()
    (home / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = {COURSE_ID!r}\n"
        f"c.Exchange.root = {str(course.root / 'gradebook/exchange')!r}\n"
        f"c.Exchange.cache = {str(home / 'cache')!r}\n"
    )
    return home


def ran(course: Course, *words: str, cwd: Path | None = None) -> None:
    outcome = course.nbgrader(*words, cwd=cwd)
    assert outcome.returncode == 0, f"{words}: {outcome.stderr[-2000:]}"


def test_release_fetch_submit_collect_grade_feedback_export(course: Course) -> None:
    ran(course, "generate_assignment", MODULE)
    ran(course, "release_assignment", MODULE)
    home = student_home(course, "ana")
    ran(course, "fetch_assignment", MODULE, cwd=home)
    path = home / f"{PRACTICE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("def halve"):
            cell.source = "def halve(x):\n    return x // 2"
    nbformat.write(notebook, path)
    ran(course, "submit", MODULE, "--student=ana", cwd=home)
    ran(course, "collect", MODULE)
    ran(course, "autograde", MODULE)
    ran(course, "generate_feedback", MODULE)
    ran(course, "release_feedback", MODULE)
    ran(course, "fetch_feedback", MODULE, cwd=home)
    ran(course, "export")

    [row] = grade_rows(course.root / "gradebook", MODULE)
    assert (row.student, row.points, row.most_points) == ("ana", 1, 6)

    [feedback] = (course.root / "gradebook" / "feedback").rglob("*.html")
    page = html.unescape(feedback.read_text())
    assert "half of 7 came out as 3: don't round" in page
    assert "Not started" in page
    assert "half of 7 came out as {answer}" not in page, "the hidden test's source is shown"

    with (course.root / "gradebook" / "grades.csv").open() as stream:
        [exported] = csv.DictReader(stream)
    assert (exported["student_id"], float(exported["score"])) == ("ana", 1)

    made = {path.name for path in course.root.iterdir()} - {"source", "release"}
    assert made == {"gradebook", "nbgrader_config.py"}, "grading makes files elsewhere"


def submit_directly(course: Course, notebook: NotebookNode, *students: str) -> None:
    for student in students:
        nbformat.write(notebook, course.submitted(student) / "doubling.ipynb")


def test_an_interrupted_batch_goes_on_where_it_was(
    course: Course, instructor_notebook: NotebookNode
) -> None:
    ran(course, "generate_assignment", MODULE)
    students = [f"student_{n}" for n in range(4)]
    submit_directly(course, instructor_notebook, *students)
    graded = course.root / "gradebook" / "autograded"
    process = course.start("autograde", MODULE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(graded.glob("*/*/*.ipynb"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert len(list(graded.glob("*/*/*.ipynb"))) < len(students), "it was over before the signal"

    ran(course, "autograde", MODULE)
    rows = grade_rows(course.root / "gradebook", MODULE)
    assert [(row.student, row.points, row.missing) for row in rows] == [
        (student, 6, "") for student in students
    ]


def test_a_student_whose_grading_was_killed_is_named(
    course: Course, instructor_notebook: NotebookNode
) -> None:
    ran(course, "generate_assignment", MODULE)
    submit_directly(course, instructor_notebook, "ana")
    process = course.start("autograde", MODULE)
    graded = course.root / "gradebook" / "autograded"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(graded.glob("*/*/*.ipynb")):
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=60)
    [row] = grade_rows(course.root / "gradebook", MODULE)
    assert "nbgrader autograde m0_practice --student=ana --force" in row.missing
    ran(course, "autograde", MODULE, "--student=ana", "--force")
    [row] = grade_rows(course.root / "gradebook", MODULE)
    assert (row.points, row.missing) == (6, "")


def test_a_gradebook_of_an_earlier_build_is_said_and_mended(
    course: Course, instructor_notebook: NotebookNode
) -> None:
    ran(course, "generate_assignment", MODULE)
    submit_directly(course, instructor_notebook, "ana")
    ran(course, "autograde", MODULE)

    changed = SOURCE.replace("return half of `x`", "return half").replace("got 2", "got two")
    changed = changed.replace("half of 7 came out", "half of seven came out")
    changed = changed.replace("# Doubles a number", "# Doubles any number")
    rebuild(course, changed)
    outcome = course.nbgrader("autograde", MODULE, "--force")
    assert outcome.returncode == 1
    assert "The gradebook holds another build of m0_practice than release/" in outcome.stderr

    ran(course, "generate_assignment", MODULE)
    ran(course, "autograde", MODULE, "--force")
    [row] = grade_rows(course.root / "gradebook", MODULE)
    assert (row.points, row.most_points) == (6, 6)


def test_a_lab_with_new_cells_says_the_way_out_and_it_works(
    course: Course, instructor_notebook: NotebookNode
) -> None:
    ran(course, "generate_assignment", MODULE)
    submit_directly(course, instructor_notebook, "ana")
    ran(course, "autograde", MODULE)
    new_check = '# %% check="double_negative" points=1\n# Negative\nassert double(-1) == -2, "no"\n'
    rebuild(
        course,
        SOURCE.replace('# %% check="double_arrays"', f'{new_check}\n# %% check="double_arrays"'),
    )
    outcome = course.nbgrader("generate_assignment", MODULE)
    assert outcome.returncode == 1
    assert "python -m autograde.grade m0_practice" in outcome.stderr

    grading = grade_class(course.root)
    assert grading.returncode == 0, grading.stderr
    [row] = grade_rows(course.root / "gradebook", MODULE)
    assert (row.points, row.most_points) == (7, 7)


def rebuild(course: Course, source: str) -> None:
    """Put a changed lab's instructor notebook and release in place, as `make build` does."""
    lab = parse_lab(PRACTICE, source)
    notebook = to_notebook(lab)
    put_instructor(course.root, notebook)
    nbformat.write(make_release(lab, notebook), Tree(course.root).release(PRACTICE))


def test_a_released_notebook_runs_through_without_a_traceback(
    released_notebook: NotebookNode, tmp_path: Path
) -> None:
    """Run All on the untouched release: every check answers, none raises."""
    path = tmp_path / "doubling.ipynb"
    nbformat.write(released_notebook, path)
    command = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    executed = nbformat.read(path, as_version=4)
    cards = [
        output.data["text/html"]
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if cell.metadata.nbgrader.grade
    ]
    # The practice lab's solution is not in this repository, so hidden parts can't be run here.
    words = ["Not started", "Run when graded", "Not started", "Run when graded"]
    assert [word in card for word, card in zip(words, cards, strict=True)] == [True] * 4
