"""A learner's clone, for tests: the practice lab with hints, its solution and its answer bank."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
from conftest import PRACTICE
from nbformat import NotebookNode

HINTS = (
    "\n\n<details><summary>Hint 1: the idea</summary>Twice is <code>x + x</code>.</details>\n"
    "<details><summary>Hint 2: the tool</summary><code>np.asarray(x)</code></details>"
)
"""The hints of the exercise `double`; the other exercise has none."""

BANK = '''"""Answers to `double`."""


# %% right="multiplies"
def double(x):
    return 2 * np.asarray(x)


# %% right="adds a number to itself"
def double(x):
    numbers = np.asarray(x)
    return numbers + numbers


# %% wrong="squares" check="double_arrays" message="came out as"
def double(x):
    return x**2
'''


def make_clone(root: Path, release: NotebookNode, instructor: NotebookNode) -> Path:
    """Make a clone of the course in an empty folder, and return that folder."""
    released = copy.deepcopy(release)
    text = next(cell for cell in released.cells if "### Exercise 1" in cell.source)
    text.source += HINTS
    worked = copy.deepcopy(instructor)
    for cell in worked.cells:
        cell.source = "\n".join(
            line for line in cell.source.splitlines() if not line.endswith("SOLUTION")
        )
    for tree, notebook in {"release": released, "solutions": worked}.items():
        path = root / tree / f"{PRACTICE}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    bank = root / "autograde" / "answers" / PRACTICE / "double.py"
    bank.parent.mkdir(parents=True)
    bank.write_text(BANK, encoding="utf-8")
    return root


def cell_of(notebook: Path, grade_id: str) -> str:
    """Return the source of a notebook's cell with an nbgrader id."""
    cells = nbformat.read(notebook, as_version=4).cells
    return next(cell.source for cell in cells if cell.metadata.nbgrader.grade_id == grade_id)


def answer(notebook: Path, **answers: str) -> None:
    """Write answers into a notebook's cells, as a learner who saves it."""
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    nbformat.write(content, notebook)
