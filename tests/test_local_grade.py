"""Grading a learner's own notebook, hidden tests included, in a kernel of its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat
import pytest
from conftest import PRACTICE
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograde.local_grade import LocalGrade, grade_notebook
from course.checks.verdict import Status
from course.errors import CourseError

RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "halve": "def halve(x):\n    return x / 2",
}
CHECKS = ["double", "double_arrays", "halve", "halve_odd"]


class Learner:
    """A clone with the practice lab, and a learner who works on it."""

    def __init__(self, root: Path, release: NotebookNode) -> None:
        self.root = root
        self.notebook = copy.deepcopy(release)
        self.path = root / "workspace" / f"{PRACTICE}.ipynb"

    def cell(self, grade_id: str) -> NotebookNode:
        """Return the cell with an nbgrader id."""
        found = [c for c in self.notebook.cells if c.metadata.nbgrader.grade_id == grade_id]
        return found[0]

    def answer(self, **answers: str) -> Learner:
        """Write answers into their cells."""
        for exercise, source in answers.items():
            self.cell(exercise).source = source
        return self

    def save(self) -> None:
        """Write the notebook to its place."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(self.notebook, self.path)

    def graded(self, **options: object) -> LocalGrade:
        """Save the notebook and grade it."""
        self.save()
        return grade_notebook(self.path, PRACTICE, repository=self.root, **options)


@pytest.fixture
def learner(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Learner:
    """A learner with an untouched copy of the practice lab."""
    trees = {"release": released_notebook, "solutions": instructor_notebook}
    for tree, notebook in trees.items():
        path = tmp_path / tree / f"{PRACTICE}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return Learner(tmp_path, released_notebook)


def statuses(grade: LocalGrade) -> dict[str, Status]:
    """Return the status of each check."""
    return {row.check: row.status for row in grade.rows}


def test_right_answers_pass_every_check_hidden_ones_included(learner: Learner) -> None:
    steps: list[tuple[int, int]] = []
    grade = learner.answer(**RIGHT).graded(progress=lambda *step: steps.append(step))
    assert grade.passed
    assert (grade.points, grade.max_points) == (6, 6)
    assert [row.check for row in grade.rows] == CHECKS
    assert grade.rows[1].title == "Doubles every number of an array"
    assert grade.notes == []
    total = steps[-1][1]
    assert [done for done, _ in steps] == list(range(total + 1))


def test_wrong_unsolved_and_crashing_answers_are_told_apart(learner: Learner) -> None:
    grade = learner.answer(halve="def halve(x):\n    return x // 2").graded()
    assert statuses(grade) == dict(
        zip(
            CHECKS,
            [Status.NOT_STARTED, Status.NOT_STARTED, Status.PASSED, Status.FAILED],
            strict=True,
        )
    )
    assert grade.rows[-1].message == "half of 7 came out as 3: don't round"
    assert grade.points == 1
    assert not grade.passed

    grade = learner.answer(double="def double(x)\n    return 2", halve=RIGHT["halve"]).graded()
    assert "The cell of `double` does not run: SyntaxError" in grade.rows[0].message
    assert grade.rows[0].message.endswith("(line 1)")
    assert grade.rows[0].status is Status.FAILED
    assert grade.points == 3


def test_extra_cells_run_where_the_learner_put_them(learner: Learner) -> None:
    learner.answer(double="def double(x):\n    return factor * np.asarray(x)", halve=RIGHT["halve"])
    place = learner.notebook.cells.index(learner.cell("double"))
    learner.notebook.cells.insert(place, new_code_cell("factor = 2"))
    assert learner.graded().passed


def test_altered_and_deleted_given_cells_are_put_back_and_said(learner: Learner) -> None:
    learner.answer(**RIGHT | {"halve": "def halve(x):\n    return x // 2"})
    learner.cell("check-double").source = "%%check double 1\n# Anything goes\npass"
    learner.notebook.cells.remove(learner.cell("check-halve_odd"))
    grade = learner.graded()
    assert statuses(grade)["halve_odd"] is Status.FAILED
    assert any("`check-double`" in note and "put back" in note for note in grade.notes)
    assert any("`check-halve_odd` was missing" in note for note in grade.notes)


def test_a_deleted_answer_is_unsolved(learner: Learner) -> None:
    learner.notebook.cells.remove(learner.answer(**RIGHT).cell("double"))
    grade = learner.graded()
    assert statuses(grade)["double"] is Status.NOT_STARTED
    assert grade.points == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("import os\n\ndef double(x):\n    os._exit(1)", "ended the Python process"),
        ("def double(x):\n    while True:\n        pass", "ran for more than 2 s"),
    ],
)
def test_a_dead_kernel_or_a_loop_costs_its_exercise_only(
    learner: Learner, answer: str, reason: str
) -> None:
    grade = learner.answer(double=answer, halve=RIGHT["halve"]).graded(cell_seconds=2)
    assert [row.points for row in grade.rows] == [0, 0, 1, 2]
    assert reason in grade.rows[0].message
    assert any(reason in note for note in grade.notes)


def test_an_older_nbformat_is_upgraded(learner: Learner) -> None:
    learner.answer(**RIGHT).save()
    old = nbformat.convert(nbformat.read(learner.path, as_version=4), 3)
    nbformat.write(old, learner.path, version=nbformat.NO_CONVERT)
    assert json.loads(learner.path.read_text())["nbformat"] == 3
    assert grade_notebook(learner.path, PRACTICE, repository=learner.root).passed


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"cells": [{"cell_type": "code", "sou', "not JSON; it may have been cut off"),
        ('{"a": 1}', "not a notebook"),
        ("", "not JSON"),
        ('{"nbformat": 9, "cells": []}', "is not known"),
    ],
)
def test_an_unreadable_notebook_is_a_sentence(
    learner: Learner, content: str, sentence: str
) -> None:
    learner.save()
    learner.path.write_text(content)
    with pytest.raises(CourseError, match=sentence):
        grade_notebook(learner.path, PRACTICE, repository=learner.root)


def test_a_missing_or_other_solution_is_a_sentence(learner: Learner) -> None:
    solution = learner.root / "solutions" / f"{PRACTICE}.ipynb"
    text = solution.read_text()
    solution.write_text(text.replace("Halves an even number", "Halves"))
    with pytest.raises(CourseError, match="different builds"):
        learner.graded()
    solution.unlink()
    with pytest.raises(CourseError, match="make build"):
        learner.graded()


def test_a_missing_kernel_is_a_sentence(learner: Learner) -> None:
    release = learner.root / "release" / f"{PRACTICE}.ipynb"
    release.write_text(release.read_text().replace('"name": "python3"', '"name": "no-such-kernel"'))
    with pytest.raises(CourseError, match="no kernel named `no-such-kernel`"):
        learner.graded()
