"""Fixtures that several kinds of test share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from authoring.lab import Lab, parse_lab
from authoring.notebook import to_notebook
from authoring.release import make_release
from authoring.tree import Tree

ROOT = Path(__file__).resolve().parents[1]
PRACTICE = "m0_practice/doubling"
"""A lab of two exercises and six points, for tests of the machinery."""


@pytest.fixture(scope="session")
def practice_lab() -> Lab:
    """The practice lab, as its source reads."""
    text = (ROOT / "tests" / "labs" / f"{PRACTICE}.py").read_text(encoding="utf-8")
    return parse_lab(PRACTICE, text)


@pytest.fixture(scope="session")
def instructor_notebook(practice_lab: Lab) -> NotebookNode:
    """The practice lab's instructor notebook."""
    return to_notebook(practice_lab)


@pytest.fixture(scope="session")
def released_notebook(practice_lab: Lab, instructor_notebook: NotebookNode) -> NotebookNode:
    """The practice lab's release."""
    return make_release(practice_lab, instructor_notebook)


def hear_interrupts() -> None:
    """Have a process that is about to begin hear SIGINT, which a job in the background does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Course:
    """A course folder with nbgrader's commands, configured as the repository's root is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "nbgrader_config.py").write_text(
            "from pathlib import Path\n"
            "from autograde.nbgrader_settings import configure, make_folders\n"
            "make_folders(Path(__file__).parent)\n"
            "configure(get_config(), Path(__file__).parent)\n"
        )

    def nbgrader(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of nbgrader's commands and return what came of it."""
        command = [str(Path(sys.executable).parent / "nbgrader"), *words]
        return subprocess.run(
            command,
            cwd=cwd or self.root,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start one of nbgrader's commands and return its process."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "nbgrader"), *words],
            cwd=self.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            preexec_fn=hear_interrupts,
        )

    def submitted(self, student: str, module: str = "m0_practice") -> Path:
        """Make and return the folder of a student's submission."""
        folder = self.root / "gradebook" / "submitted" / student / module
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def graded(self, student: str) -> NotebookNode:
        """Read a student's autograded practice notebook."""
        path = self.root / "gradebook" / "autograded" / student / f"{PRACTICE}.ipynb"
        return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def practice_course(
    tmp_path_factory: pytest.TempPathFactory, instructor_notebook: NotebookNode
) -> Course:
    """A course folder whose only lab is the practice lab, with its release generated."""
    root = tmp_path_factory.mktemp("course")
    source = Tree(root).instructor(PRACTICE)
    source.parent.mkdir(parents=True)
    nbformat.write(instructor_notebook, source)
    course = Course(root)
    outcome = course.nbgrader("generate_assignment", "m0_practice")
    assert outcome.returncode == 0, outcome.stderr
    return course
