"""What an attack is: a function that makes a submission, and what the submission should come to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

STEM = "doubling"
FULL = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "halve": "def halve(x):\n    return np.asarray(x) / 2",
}
"""Right answers, by exercise; each is worth 3 points."""
UNSOLVED = "def double(x):\n    return None"
FIND_CHANNEL = """\
import sys

def _channel():
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            value = getattr(value, "channel", value)
            if type(value).__name__ == "Channel":
                return value
        frame = frame.f_back
"""
"""Defines ``_channel``, which finds the connection over which a function is called, if any."""


@dataclass(frozen=True)
class Targets:
    """What an attacker aims at: we tell where things are, as a patient one would find out.

    Attributes
    ----------
    secrets
        Files with secrets in them, by kind: ``solution``, ``gradebook``, ``neighbour``, ``home``.
    outside
        A folder that everybody may write to.
    victim
        A process of the grading user's.
    port
        A port of the loopback interface on which somebody listens.
    token
        An argument that a process left behind has on its command line.
    """

    secrets: dict[str, Path]
    outside: Path
    victim: int
    port: int
    token: str


@dataclass
class Hand:
    """What an attacker has in hand: a release to fill in, and a folder to hand in.

    Attributes
    ----------
    notebook
        A copy of the release.
    folder
        The submission's folder. Unless the attack puts something there by the notebook's name, the
        notebook is written.
    targets
        What to aim at.
    """

    notebook: NotebookNode
    folder: Path
    targets: Targets

    @property
    def path(self) -> Path:
        """Where the notebook is handed in."""
        return self.folder / f"{STEM}.ipynb"

    def cell(self, name: str) -> NotebookNode:
        """Return the cell with a name of nbgrader's."""
        cells = self.notebook.cells
        [found] = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == name]
        return found

    def checks(self) -> list[NotebookNode]:
        """Return the check cells."""
        return [c for c in self.notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]

    def solve(self, **answers: str) -> None:
        """Write answers into their cells."""
        for name, text in answers.items():
            self.cell(name).source = text

    def solve_all(self) -> None:
        """Answer honestly and well."""
        self.solve(**FULL)

    def solve_half(self, double: str = UNSOLVED) -> None:
        """Answer one exercise honestly, and the other with an attack."""
        self.solve(double=double, halve=FULL["halve"])

    def add_first(self, source: str) -> None:
        """Add a cell above all answers."""
        self.notebook.cells.insert(3, new_code_cell(source))

    def add_last(self, source: str) -> None:
        """Add a cell below all checks."""
        self.notebook.cells.append(new_code_cell(source))

    def write(self, content: str | bytes) -> None:
        """Hand in this instead of a notebook."""
        content = content.encode() if isinstance(content, str) else content
        self.path.write_bytes(content)

    def write_notebook(self) -> None:
        """Hand in the notebook, if nothing else was handed in."""
        if not self.path.exists() and not self.path.is_symlink():
            self.path.write_text(nbformat.writes(self.notebook), encoding="utf-8")


@dataclass(frozen=True)
class Attack:
    """One submission of the catalogue.

    Attributes
    ----------
    make
        Makes the submission.
    points
        What it earns honestly, of 6.
    says
        What the report must say of it; empty where nothing is to be said.
    group
        The aim, as its module is called.
    """

    make: Callable[[Hand], None]
    points: float
    says: str
    group: str = field(default="")

    @property
    def name(self) -> str:
        """Its name, which is also that of the student who hands it in."""
        return self.make.__name__

    @property
    def tries(self) -> str:
        """What it tries, in a sentence."""
        return (inspect.getdoc(self.make) or "").splitlines()[0].rstrip(".")

    def hand_in(self, hand: Hand) -> None:
        """Make the submission and write it."""
        self.make(hand)
        hand.write_notebook()


Maker = Callable[[Hand], None]


class Group:
    """The attacks of one module, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.attacks: list[Attack] = []

    def add(self, *, points: float, says: str = "") -> Callable[[Maker], Maker]:
        """Enter a function that makes a submission into the catalogue."""

        def enter(make: Maker) -> Maker:
            self.attacks.append(Attack(make, points, says, self.name))
            return make

        return enter
