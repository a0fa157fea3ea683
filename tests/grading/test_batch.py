"""The command that grades a class: can be killed, knows what changed, and loses nothing by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from batches import (
    CRASHES,
    DOUBLE,
    HALVE,
    HALVE_ROUNDED,
    MODULE,
    SLEEPS,
    SOURCE,
    SchoolClass,
    grade_class,
)

from autograde.report import grade_rows

GOOD = {"double": DOUBLE, "halve": HALVE}
NEW_CHECK = '# %% check="double_negative" points=1\n# Doubles -1\nassert double(-1) == -2, "no"\n'
SECOND_LAB = f"{MODULE}/doubling_again"
ONE_AT_A_TIME = ("--workers", "1")


@pytest.fixture
def course(tmp_path: Path) -> SchoolClass:
    """A fresh course folder whose class has handed in nothing yet."""
    return SchoolClass(tmp_path / "course")


def with_new_check(source: str) -> str:
    marker = '# %% check="double_arrays"'
    return source.replace(marker, f"{NEW_CHECK}\n{marker}").replace("(3 points)", "(4 points)", 1)


def without_odd_check(source: str) -> str:
    start = source.index('# %% check="halve_odd"')
    return source[:start] + source[source.index("# %% play=") :]


def test_killed_and_interrupted_it_goes_on_where_it_was(course: SchoolClass) -> None:
    for student in ("ana", "cem", "dan"):
        course.hand_in(student, **GOOD)
    course.hand_in("ben", double=SLEEPS, halve=HALVE)

    # Killed while a submission runs, after the first is done.
    grading = course.begin(*ONE_AT_A_TIME)
    grading.wait_for_line("ana:")
    second = course.grade()
    assert second.returncode == 2
    assert second.stderr.startswith("Another grading is under way in ")
    assert "Traceback" not in second.stderr
    grading.kill()
    assert course.points() == {"ana": 6}
    first_stamp = course.stamps()["ana"]

    # Killed when ben's grades are in the database and his graded notebook isn't there.
    course.hand_in("ben", **GOOD)
    course.pause_at("ben")
    grading = course.begin(*ONE_AT_A_TIME)
    course.wait_for_pause()
    grading.kill()
    course.no_pause()
    assert course.points() == {"ana": 6}
    assert "cut off" in course.rows()["ben"].missing

    # Ctrl-C while a submission runs.
    course.hand_in("cem", double=SLEEPS)
    grading = course.begin(*ONE_AT_A_TIME)
    grading.wait_for_line("ben:")
    code, errors = grading.interrupt()
    assert (code, errors) == (130, "Interrupted. The same command goes on from here.\n")
    assert course.points() == {"ana": 6, "ben": 6}
    assert course.rows()["dan"].missing == "not graded yet"

    # A graded notebook of which only half was written.
    course.hand_in("cem", **GOOD)
    path = course.graded_file("ben")
    path.write_text(path.read_text()[:2000])
    last = course.grade()
    assert last.returncode == 0, last.stderr
    assert "3 graded in" in last.stdout
    assert "1 unchanged since" in last.stdout
    assert course.points() == {"ana": 6, "ben": 6, "cem": 6, "dan": 6}
    assert course.stamps()["ana"] == first_stamp
    names = [row[:3] for row in course.dump()]
    assert len(names) == len(set(names)) == 4 * 6, "a cell has two grades, or none"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> SchoolClass:
    """A class of three, graded once, with a grade and comments given by hand to ana and ben."""
    course = SchoolClass(tmp_path_factory.mktemp("graded") / "course")
    course.hand_in("ana", **GOOD)
    course.hand_in("ben", double=DOUBLE, halve=HALVE_ROUNDED)
    (course.submitted("ben") / "notes.txt").write_text("first")
    course.hand_in("cem", double=DOUBLE)
    outcome = course.grade(*ONE_AT_A_TIME)
    assert outcome.returncode == 0, outcome.stderr
    assert course.points() == {"ana": 6, "ben": 4, "cem": 3}
    with course.book() as book:
        book.find_grade("check-halve_odd", "doubling", MODULE, "ben").manual_score = 1.5
        book.find_grade("check-double", "doubling", MODULE, "ana").extra_credit = 0.5
        book.find_comment("halve", "doubling", MODULE, "ben").manual_comment = "Nearly."
        book.db.commit()
    assert course.points() == {"ana": 6.5, "ben": 5.5, "cem": 3}
    return course


def by_hand(course: SchoolClass) -> set[tuple[object, ...]]:
    """Return grades and comments that were given by hand."""
    with course.book() as book:
        found = set()
        for submission in book.assignment_submissions(MODULE):
            for lab in submission.notebooks:
                student = submission.student.id
                found |= {(student, g.name, g.manual_score, g.extra_credit) for g in lab.grades}
                found |= {(student, c.name, c.manual_comment) for c in lab.comments}
    return {row for row in found if any(value is not None for value in row[2:])}


BY_HAND = {
    ("ben", "check-halve_odd", 1.5, None),
    ("ana", "check-double", None, 0.5),
    ("ben", "halve", "Nearly."),
}


def regraded(course: SchoolClass, *words: str) -> set[str]:
    """Grade the class once more and return whose notebooks were graded."""
    before = course.stamps()
    outcome = course.grade(*ONE_AT_A_TIME, *words)
    assert outcome.returncode == 0, outcome.stderr
    return {name for name, stamp in course.stamps().items() if stamp != before.get(name)}


def test_what_has_not_changed_is_not_graded_again(graded: SchoolClass) -> None:
    before = graded.dump()
    outcome = graded.grade()
    assert "0 graded in" in outcome.stdout
    assert "3 unchanged since they were graded." in outcome.stdout
    assert graded.dump() == before


def test_changed_answers_and_side_files_are_graded_again(graded: SchoolClass) -> None:
    graded.hand_in("cem", **GOOD)
    (graded.submitted("ben") / "notes.txt").write_text("second")
    assert regraded(graded) == {"ben", "cem"}
    assert graded.points() == {"ana": 6.5, "ben": 5.5, "cem": 6}
    graded.hand_in("cem", double=DOUBLE)
    assert regraded(graded) == {"cem"}


def test_one_student_and_force(graded: SchoolClass) -> None:
    assert regraded(graded, "--student", "ben") == set()
    assert regraded(graded, "--student", "ben", "--force") == {"ben"}
    assert regraded(graded, "--force") == {"ana", "ben", "cem"}
    assert by_hand(graded) == BY_HAND
    assert graded.points() == {"ana": 6.5, "ben": 5.5, "cem": 3}
    unknown = graded.grade("--student", "eva")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == (
        "There is no notebook of eva for m0_practice in gradebook/submitted.\n"
    )


def test_changed_points_hidden_tests_and_given_cells_are_entered(graded: SchoolClass) -> None:
    source = SOURCE.replace("points=1\n# Halves", "points=3\n# Halves")
    source = source.replace("halve` (3 points)", "halve` (5 points)")
    source = source.replace("np.arange(5)", "np.arange(6)").replace(
        "list(answer) == [2, 4, 6, 8, 10]", "list(answer) == [2, 4, 6, 8, 10, 13]"
    )
    graded.put_lab(source)
    assert regraded(graded) == {"ana", "ben", "cem"}
    assert graded.points() == {"ana": 6.5, "ben": 5.5, "cem": 1}
    assert by_hand(graded) == BY_HAND
    graded.put_lab(SOURCE)
    assert regraded(graded) == {"ana", "ben", "cem"}
    assert graded.points() == {"ana": 6.5, "ben": 5.5, "cem": 3}


def test_labs_that_come_and_go_leave_what_was_given_by_hand(graded: SchoolClass) -> None:
    graded.put_lab(SOURCE, SECOND_LAB)
    extra = graded.submitted("cem") / "doubling_again.ipynb"
    extra.write_text(graded.hand_in("cem", double=DOUBLE).read_text())
    outcome = graded.grade(*ONE_AT_A_TIME)
    assert outcome.returncode == 0, outcome.stderr
    assert "`doubling_again` was added" in outcome.stdout
    rows = grade_rows(graded.root / "gradebook", MODULE)
    again = {row.student: row.missing or row.points for row in rows if row.lab == extra.stem}
    assert again == {"ana": "nothing submitted", "ben": "nothing submitted", "cem": 3}
    assert by_hand(graded) == BY_HAND

    instructor, release = graded.lab_files(SECOND_LAB)
    instructor.unlink()
    assert graded.grade().returncode == 0, "a lab that isn't built is no reason to stop"
    graded.put_lab(with_new_check(SOURCE))
    refused = graded.grade()
    assert refused.returncode == 2
    assert refused.stderr.startswith("The gradebook has submissions of m0_practice/doubling_again")
    graded.put_lab(SOURCE)

    release.unlink()
    extra.unlink()
    outcome = graded.grade(*ONE_AT_A_TIME)
    assert outcome.returncode == 0, outcome.stderr
    assert "`doubling_again` was removed" in outcome.stdout
    assert "1 graded in" in outcome.stdout
    assert graded.points() == {"ana": 6.5, "ben": 5.5, "cem": 3}
    assert by_hand(graded) == BY_HAND


def copies_of_gradebook(course: SchoolClass) -> set[Path]:
    return set((course.root / "gradebook").glob(f"gradebook.db.before-{MODULE}-*"))


def test_checks_that_come_and_go_leave_what_was_given_by_hand(graded: SchoolClass) -> None:
    graded.put_lab(with_new_check(SOURCE))
    outcome = graded.grade(*ONE_AT_A_TIME)
    assert outcome.returncode == 0, outcome.stderr
    assert "`doubling` got `check-double_negative`" in outcome.stdout
    assert "3 graded in" in outcome.stdout
    assert graded.points() == {"ana": 7.5, "ben": 6.5, "cem": 4}
    assert {row.most_points for row in graded.rows().values()} == {7}
    assert by_hand(graded) == BY_HAND

    before = copies_of_gradebook(graded)
    assert before, "the gradebook was changed without a copy of it as it was"
    graded.put_lab(without_odd_check(SOURCE))
    outcome = graded.grade(*ONE_AT_A_TIME)
    assert "got" not in outcome.stdout.splitlines()[0]
    assert "lost `check-double_negative`, `check-halve_odd`" in outcome.stdout
    assert graded.points() == {"ana": 4.5, "ben": 4, "cem": 3}
    assert by_hand(graded) == BY_HAND - {("ben", "check-halve_odd", 1.5, None)}

    [path] = copies_of_gradebook(graded) - before
    assert str(path) in outcome.stdout
    with sqlite3.connect(path) as copy:
        kept = copy.execute("select manual_score from grade where manual_score is not null")
        assert kept.fetchall() == [(1.5,)]

    graded.put_lab(SOURCE)
    assert regraded(graded) == {"ana", "ben", "cem"}
    assert graded.points() == {"ana": 6.5, "ben": 4, "cem": 3}


def test_those_who_cannot_be_graded_do_not_stop_the_others(course: SchoolClass) -> None:
    for student in ("ana", "ben", "cem", "dan", "eva"):
        course.hand_in(student, **GOOD)
    course.hand_in("fay", **GOOD).rename(course.submitted("fay") / "my doubling.ipynb")
    in_the_way = [course.root / "gradebook" / "autograded" / name for name in ("ana", "ben")]
    in_the_way[0].parent.mkdir()
    for path in in_the_way:
        path.touch()
    course.pause_at("cem")
    grading = course.begin(*ONE_AT_A_TIME)
    assert "ana: no grade (NotADirectoryError: " in grading.wait_for_line("ana:")
    course.wait_for_pause()
    other = sqlite3.connect(course.root / "gradebook" / "gradebook.db", isolation_level=None)
    other.execute("begin immediate")
    course.go_on()
    said = grading.wait_for_line("dan: no grade", "eva: no grade")
    other.execute("rollback")
    other.close()
    assert said.endswith(
        "no grade (the gradebook's database could not be used: database is locked)\n"
    )
    locked_out = said[:3]
    code, printed = grading.finish()
    assert code == 1
    assert "fay: no grade (handed in my doubling.ipynb, expected doubling.ipynb)" in printed
    assert "4 without a grade" in printed
    assert "Traceback" not in printed
    course.no_pause()
    assert course.points() == dict.fromkeys({"cem", "dan", "eva"} - {locked_out}, 6)

    for path in in_the_way:
        path.unlink()
    course.hand_in("fay", **GOOD)
    again = course.grade()
    assert again.returncode == 0, again.stderr
    assert "4 graded in" in again.stdout
    assert set(course.points().values()) == {6}
    assert len(course.points()) == 6


def test_workers_and_plain_nbgrader_find_the_same_grades(tmp_path: Path) -> None:
    dumps = []
    for words in (("--workers", "1"), ("--workers", "2"), None):
        course = SchoolClass(tmp_path / f"course{len(dumps)}")
        course.hand_in("ana", **GOOD)
        course.hand_in("ben", double=DOUBLE, halve=HALVE_ROUNDED)
        course.hand_in("cem")
        course.hand_in("dan", double=CRASHES, halve=HALVE)
        course.hand_in("eva", double="def double(x)\n    return x", halve=HALVE)
        course.hand_in("fay", **GOOD).write_text("this is no notebook")
        if words is None:
            course.nbgrader("generate_assignment", MODULE)
            outcome = course.nbgrader("autograde", MODULE)
        else:
            outcome = course.grade(*words)
        assert outcome.returncode == 0, outcome.stderr
        dumps.append(course.dump())
        points = {"ana": 6, "ben": 4, "cem": 0, "dan": 3, "eva": 3, "fay": 0}
        assert course.points() == points
    assert dumps[0] == dumps[1] == dumps[2]


def test_a_module_that_is_not_there_is_said(course: SchoolClass) -> None:
    outcome = grade_class(course.root, module="m9_none")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("There are no instructor notebooks in ")
    assert "`m9_none`" in outcome.stderr
    assert "Traceback" not in outcome.stderr
