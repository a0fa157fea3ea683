"""The course's contents, and where a learner stands in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clones import make_clone
from conftest import PRACTICE, ROOT
from nbformat import NotebookNode

from authoring.lab import read_lab
from course.catalogue import catalogue, home_data, lab_entry, next_exercise
from course.checks.verdict import Status, Verdict
from course.errors import CourseError
from course.labs import ORDER, lab_names
from course.progress import read_progress, record_check, record_hint


@pytest.fixture
def clone(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Path:
    return make_clone(tmp_path, released_notebook, instructor_notebook)


def passes(clone: Path, *checks: str) -> None:
    for check in checks:
        record_check(PRACTICE, Verdict(check, Status.PASSED, 9, 9, "t"), clone)


def test_every_lab_of_the_course_says_what_it_teaches() -> None:
    modules = catalogue(ROOT)
    assert [module.name for module in modules] == sorted({m.name for m in modules})
    for module in modules:
        assert module.reading is not None
        assert module.reading.is_file()
        assert module.title
        assert module.teaches
        for lab in module.labs:
            assert lab.solution.is_file()
            assert lab.teaches.endswith(".")
            assert not lab.teaches.startswith("*")
            assert 30 <= (lab.minutes or 0) <= 120, lab.name
            source = read_lab(lab.name)
            assert [item.name for item in lab.exercises] == list(source.exercises)
            assert lab.points == sum(cell.points for cell in source.checks.values())
            assert all(item.heading.startswith("Exercise ") for item in lab.exercises), lab.name


def test_a_lab_is_read_from_its_release(clone: Path) -> None:
    lab = lab_entry(PRACTICE, clone)
    assert (lab.title, lab.minutes, lab.points) == ("Doubling", 5, 6)
    double = lab.exercises[0]
    assert (double.title, double.points) == ("Exercise 1 · Double", 3)
    assert double.heading == "Exercise 1 · Double (3 points)"
    assert double.checks == {"double": 1, "double_arrays": 2}
    assert lab.exercise_of_check("halve_odd") == lab.exercises[1]


def test_states_and_points_follow_the_progress(clone: Path) -> None:
    lab = lab_entry(PRACTICE, clone)
    assert lab.status(read_progress(clone).lab(PRACTICE)) == "not started"
    passes(clone, "double")
    known = read_progress(clone).lab(PRACTICE)
    assert [item.status(known) for item in lab.exercises] == ["in progress", "not started"]
    # A check is worth what the present release says, whatever it was worth when it passed.
    assert lab.earned(known) == 1
    passes(clone, "double_arrays", "halve", "halve_odd", "a_check_of_an_older_release")
    known = read_progress(clone).lab(PRACTICE)
    assert (lab.status(known), lab.earned(known)) == ("done", 6)


def test_a_hint_begins_an_exercise(clone: Path) -> None:
    record_hint(PRACTICE, "halve", 1, clone)
    known = read_progress(clone).lab(PRACTICE)
    states = [item.status(known) for item in lab_entry(PRACTICE, clone).exercises]
    assert states == ["not started", "in progress"]


def test_next_is_the_first_unsolved_exercise_where_the_learner_was(clone: Path) -> None:
    later = clone / "release" / "m9_later" / "lab.ipynb"
    later.parent.mkdir()
    later.write_bytes((clone / "release" / f"{PRACTICE}.ipynb").read_bytes())
    modules = catalogue(clone)
    lab, exercise = next_exercise(modules, read_progress(clone))
    assert (lab.name, exercise.name) == (PRACTICE, "double")
    record_check("m9_later/lab", Verdict("double", Status.FAILED, 0, 1, "t"), clone)
    lab, exercise = next_exercise(modules, read_progress(clone))
    assert (lab.name, exercise.name) == ("m9_later/lab", "double")
    for name in ("double", "double_arrays", "halve", "halve_odd"):
        record_check("m9_later/lab", Verdict(name, Status.PASSED, 1, 1, "t"), clone)
    lab, exercise = next_exercise(modules, read_progress(clone))
    assert (lab.name, exercise.name) == (PRACTICE, "double")
    passes(clone, "double", "double_arrays", "halve", "halve_odd")
    assert next_exercise(modules, read_progress(clone)) is None


def test_the_home_gets_paths_from_the_root_and_survives_json(clone: Path) -> None:
    passes(clone, "double", "double_arrays")
    data = json.loads(json.dumps(home_data(clone)))
    [module] = data["modules"]
    [lab] = module["labs"]
    assert (module["title"], module["reading"]) == ("Practice", None)
    assert lab["working_copy"] == f"workspace/{PRACTICE}.ipynb"
    assert lab["working_copy_exists"] is False
    assert lab["solution"] == f"solutions/{PRACTICE}.ipynb"
    assert (lab["points"], lab["max_points"], lab["status"]) == (3, 6, "in progress")
    assert [item["status"] for item in lab["exercises"]] == ["done", "not started"]
    assert data["next"]["exercise"] == "halve"
    assert (data["points"], data["max_points"], data["remark"]) == (3, 6, "")


@pytest.mark.parametrize("content", ["", "{}", '{"cells": [{}]}', "[1]"])
def test_a_damaged_release_is_a_sentence(clone: Path, content: str) -> None:
    (clone / "release" / f"{PRACTICE}.ipynb").write_text(content)
    with pytest.raises(CourseError, match="git checkout release/m0_practice/doubling"):
        catalogue(clone)


def test_labs_come_in_the_order_to_take_them() -> None:
    names = lab_names(ROOT)
    assert [name for name in names if name in ORDER] == list(ORDER)
    modules = [name.split("/")[0] for name in names]
    assert modules == sorted(modules)
