"""A lab as its author writes it: reading and writing ``source/<module>/<lab>.py``.

The source is jupytext's py:percent form with a few markers of this course:

``# %% exercise="name"``
    the cell in which the learner writes the function ``name``;
``# %% check="name" points=2``
    a check of the exercise ``name``, or of the longest exercise name that it begins with;
``# %% play="name, other"``
    a given cell that calls the learner's functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import jupytext
import nbformat
from jupytext.config import JupytextConfiguration

from authoring.tree import REPOSITORY, Tree
from course.checks.naming import exercise_of

MARKERS = {"exercise", "check", "points", "play"}
SOLUTION_BEGIN, SOLUTION_END = "### BEGIN SOLUTION", "### END SOLUTION"

_CELL_LINE = re.compile(r"^# %%")
# Magics would be commented out in the source; the build adds those that a lab needs.
_PERCENT = {"extension": ".py", "format_name": "percent"}
_NO_HEADER = JupytextConfiguration(notebook_metadata_filter="-all")


@dataclass
class Cell:
    """One cell of a lab.

    Attributes
    ----------
    kind
        ``"markdown"`` or ``"code"``.
    text
        What is in the cell, without markers.
    line
        Line of the source where the cell starts, from 1; 0 for a cell that isn't from a source.
    marks
        The markers of this course: ``exercise``, ``check``, ``points``, ``play``.
    layout
        jupytext's notes on blank lines, kept so that a round trip loses nothing.
    """

    kind: str
    text: str
    line: int = 0
    marks: dict[str, object] = field(default_factory=dict)
    layout: dict[str, object] = field(default_factory=dict)

    @property
    def exercise(self) -> str | None:
        """Name of the exercise that is answered in this cell."""
        return self.marks.get("exercise")

    @property
    def check(self) -> str | None:
        """Name of the check in this cell."""
        return self.marks.get("check")

    @property
    def points(self) -> int:
        """What the check in this cell is worth."""
        return self.marks.get("points", 0)

    @property
    def plays(self) -> list[str]:
        """The exercises whose functions this given cell calls."""
        return [name for name in re.split(r"[,\s]+", str(self.marks.get("play", ""))) if name]


@dataclass
class Lab:
    """A lab: its name, as ``module/stem``, and its cells in order."""

    name: str
    cells: list[Cell]

    @property
    def module(self) -> str:
        """The module, which is the nbgrader assignment."""
        return self.name.split("/")[0]

    @property
    def stem(self) -> str:
        """The name of the lab in its module, which is the nbgrader notebook."""
        return self.name.split("/")[1]

    @property
    def exercises(self) -> dict[str, Cell]:
        """The exercise cells by name."""
        return {cell.exercise: cell for cell in self.cells if cell.exercise}

    @property
    def checks(self) -> dict[str, Cell]:
        """The check cells by name."""
        return {cell.check: cell for cell in self.cells if cell.check}

    def exercise_of(self, check: str) -> str | None:
        """Return the exercise that a check is about: the longest name that it begins with."""
        return exercise_of(check, self.exercises)

    def checks_of(self, exercise: str) -> list[Cell]:
        """Return the checks of one exercise, in order."""
        return [cell for name, cell in self.checks.items() if self.exercise_of(name) == exercise]


def read_lab(name: str, tree: Tree = REPOSITORY) -> Lab:
    """Read a lab from its source.

    Raises
    ------
    FileNotFoundError
        If there is no such lab.
    """
    return parse_lab(name, tree.source(name).read_text(encoding="utf-8"))


def parse_lab(name: str, text: str) -> Lab:
    """Read a lab from the text of its source."""
    notebook = jupytext.reads(text, fmt=_PERCENT)
    lines = [n for n, line in enumerate(text.splitlines(), 1) if _CELL_LINE.match(line)]
    # Text before the first marker is a cell of its own to jupytext.
    if len(notebook.cells) == len(lines) + 1:
        lines.insert(0, 1)
    cells = []
    for cell, line in zip(notebook.cells, lines, strict=True):
        metadata = dict(cell.metadata)
        layout = {key: metadata.pop(key) for key in list(metadata) if key.startswith("lines_to_")}
        cells.append(Cell(cell.cell_type, cell.source, line, metadata, layout))
    return Lab(name, cells)


def write_lab(lab: Lab) -> str:
    """Return the text of a lab's source; the reverse of `parse_lab`."""
    notebook = nbformat.v4.new_notebook()
    for cell in lab.cells:
        new = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(new(cell.text, metadata=cell.marks | cell.layout))
    return jupytext.writes(notebook, fmt=_PERCENT, config=_NO_HEADER)
