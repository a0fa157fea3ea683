"""Broken and awkward submissions: each costs what it broke, no more, and none stops the batch."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest
from conftest import Course
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograde.ingest import notes_of
from autograde.report import grade_rows

FULL = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "halve": "def halve(x):\n    return x / 2",
}
ENDLESS = """
def double(x):
    while True:
        try:
            pass
        except BaseException:
            pass
"""
WARNING = """
import sys, warnings

def double(x):
    warnings.warn("look")
    print("oh", file=sys.stderr)
    return 2 * np.asarray(x)
"""


def solve(notebook: NotebookNode, **answers: str) -> NotebookNode:
    """Write answers into the solution cells of a copy of a notebook."""
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    return notebook


def solved(notebook: NotebookNode) -> NotebookNode:
    return solve(notebook, **FULL)


def not_json(notebook: NotebookNode) -> str:
    return "this is no notebook"


def truncated(notebook: NotebookNode) -> str:
    return nbformat.writes(solved(notebook))[:3000]


def json_but_no_notebook(notebook: NotebookNode) -> str:
    return "[1, 2, 3]"


def older_format(notebook: NotebookNode) -> str:
    """nbformat 3, as IPython of 2014 wrote it; cell metadata survives the way there."""
    return nbformat.writes(nbformat.convert(solved(notebook), 3), version=3)


def deleted_checks(notebook: NotebookNode) -> NotebookNode:
    notebook = solve(notebook, double="def double(x):\n    return x", halve=FULL["halve"])
    notebook.cells = [
        cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")
    ]
    return notebook


def duplicated_check(notebook: NotebookNode) -> NotebookNode:
    notebook = solved(notebook)
    [first] = [cell for cell in notebook.cells if cell.source.startswith("%%check double 1")]
    notebook.cells.append(first)
    return notebook


def altered_check(notebook: NotebookNode) -> NotebookNode:
    notebook = solve(notebook, double="def double(x):\n    return x")
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = "pass"
            cell.metadata.nbgrader["points"] = 100
            cell.metadata["tags"] = ["skip-execution"]
    return notebook


def other_schema(notebook: NotebookNode) -> NotebookNode:
    notebook = solved(notebook)
    for cell in notebook.cells:
        cell.metadata.nbgrader["schema_version"] = 99
    return notebook


def unknown_kernel(notebook: NotebookNode) -> NotebookNode:
    notebook = solved(notebook)
    notebook.metadata["kernelspec"] = {"name": "fortran", "display_name": "Fortran"}
    return notebook


def system_exit(notebook: NotebookNode) -> NotebookNode:
    return solve(notebook, double="raise SystemExit(1)", halve=FULL["halve"])


def kills_its_kernel(notebook: NotebookNode) -> NotebookNode:
    text = "import os\ndef double(x):\n    os._exit(0)"
    return solve(notebook, double=text, halve=FULL["halve"])


def loops_in_function(notebook: NotebookNode) -> NotebookNode:
    return solve(notebook, double=ENDLESS, halve=FULL["halve"])


def loops_in_extra_cell(notebook: NotebookNode) -> NotebookNode:
    notebook = solved(notebook)
    notebook.cells.insert(2, new_code_cell("while True: pass"))
    return notebook


def prints_30_megabytes(notebook: NotebookNode) -> NotebookNode:
    notebook = solved(notebook)
    text = "for _ in range(30):\n    print('x' * 1_000_000)"
    notebook.cells.insert(2, new_code_cell(text))
    return notebook


def warns(notebook: NotebookNode) -> NotebookNode:
    return solve(notebook, double=WARNING, halve=FULL["halve"])


def copied_answer_cell(notebook: NotebookNode) -> NotebookNode:
    """Copy and paste keeps nbgrader's metadata: the copy below is what the learner means."""
    notebook = solve(notebook, double="def double(x):\n    return x", halve=FULL["halve"])
    index = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("def double"))
    copy = nbformat.from_dict(dict(notebook.cells[index]))
    copy["id"], copy["source"] = "copied", FULL["double"]
    notebook.cells.insert(index + 1, copy)
    return notebook


def syntax_error(notebook: NotebookNode) -> NotebookNode:
    return solve(notebook, double="def double(x)\n    return x", halve=FULL["halve"])


def untouched(notebook: NotebookNode) -> NotebookNode:
    return notebook


CATALOGUE: dict[Callable[[NotebookNode], NotebookNode | str], tuple[float, str]] = {
    # what is submitted: (points, what a note to the learner must say)
    solved: (6, ""),
    untouched: (0, ""),
    not_json: (0, "not JSON"),
    truncated: (0, "not JSON"),
    json_but_no_notebook: (0, "not a notebook"),
    older_format: (6, ""),
    deleted_checks: (3, "`check-double` was missing"),
    duplicated_check: (6, "were left out"),
    altered_check: (0, "was not as released; it was put back"),
    other_schema: (6, ""),
    unknown_kernel: (6, ""),
    system_exit: (3, ""),
    kills_its_kernel: (3, "`double` ended the Python process"),
    loops_in_function: (3, "`double` ran for more than 3 s and was stopped"),
    loops_in_extra_cell: (6, "A cell ran for more than 3 s"),
    prints_30_megabytes: (6, ""),
    syntax_error: (3, ""),
    warns: (6, ""),
    copied_answer_cell: (6, ""),
}


@pytest.fixture(scope="module")
def batch(practice_course: Course, released_notebook: NotebookNode) -> dict[str, object]:
    """The whole catalogue, graded in one plain ``nbgrader autograde``."""
    for fault in CATALOGUE:
        made = fault(released_notebook)
        text = made if isinstance(made, str) else nbformat.writes(made)
        path = practice_course.submitted(fault.__name__) / "doubling.ipynb"
        path.write_text(text, encoding="utf-8")
    limit = "--ExecuteApart.timeout=3"
    outcome = practice_course.nbgrader("autograde", "m0_practice", limit, "--force")
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    rows = grade_rows(practice_course.root / "gradebook", "m0_practice")
    return {row.student: row for row in rows}


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault.__name__)
def test_costs_what_it_broke_and_no_more(batch: dict[str, object], fault: Callable) -> None:
    points, said = CATALOGUE[fault]
    row = batch[fault.__name__]
    assert row.points == points
    assert row.most_points == 6
    assert said in " ".join(row.notes)


def test_checks_name_the_error_of_their_answers_cell(
    batch: dict[str, object], practice_course: Course
) -> None:
    graded = practice_course.graded("syntax_error")
    [check] = [cell for cell in graded.cells if cell.source.startswith("%%check double 1")]
    assert "The cell of <code>double</code> does not run: SyntaxError" in str(check.outputs)


def test_output_is_bounded(batch: dict[str, object], practice_course: Course) -> None:
    path = practice_course.root / "gradebook/autograded/prints_30_megabytes/m0_practice"
    assert (path / "doubling.ipynb").stat().st_size < 2_000_000


def test_notes_stand_at_the_top_of_the_notebook(
    batch: dict[str, object], practice_course: Course
) -> None:
    graded = practice_course.graded("altered_check")
    assert graded.cells[0].source.startswith("**Notes on this submission**")
    assert notes_of(graded)


def test_broken_resubmission_loses_the_old_points(
    batch: dict[str, object], practice_course: Course
) -> None:
    path = practice_course.submitted("solved") / "doubling.ipynb"
    kept = path.read_text()
    path.write_text(kept[:1000])
    outcome = practice_course.nbgrader("autograde", "m0_practice", "--student=solved", "--force")
    rows = {
        row.student: row for row in grade_rows(practice_course.root / "gradebook", "m0_practice")
    }
    path.write_text(kept)
    assert outcome.returncode == 0
    assert rows["solved"].points == 0
