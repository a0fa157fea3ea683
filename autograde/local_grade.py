"""Grade a learner's own notebook on their own machine, with the hidden tests.

The notebook that is run is rebuilt from the release: the learner's answers and extra cells in
otherwise untouched cells, with each check in full from the worked notebook. It runs in a kernel of
its own, by the same code that grades a class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbformat import NotebookNode

from autograde.execute import BoundedExecute
from autograde.ingest import UnreadableError, notes_of, read_submission, rebuild
from course.checks.hidden import REPOSITORY
from course.checks.magics import VERDICT_MIME
from course.checks.naming import check_name, exercise_of
from course.checks.verdict import Status, check_title, visible_part
from course.errors import CourseError

CELL_SECONDS = 60
"""How long one cell may run; learners' machines are of all speeds."""
NOTEBOOK_SECONDS = 900

_KERNEL_SECONDS = 60
_TREES = ("release", "solutions")


@dataclass(frozen=True)
class CheckRow:
    """The outcome of one check.

    Attributes
    ----------
    exercise, check, title
        Names of the exercise and of its check, and the property that the check is about.
    points, max_points
        Points earned and points to be had.
    message
        What went wrong, in words; empty for a pass.
    """

    exercise: str
    check: str
    title: str
    status: Status
    points: float
    max_points: float
    message: str = ""


@dataclass(frozen=True)
class LocalGrade:
    """What came of grading one notebook: a row per check, and sentences on what was repaired."""

    lab: str
    rows: list[CheckRow]
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(row.points for row in self.rows)

    @property
    def max_points(self) -> float:
        """Points to be had."""
        return sum(row.max_points for row in self.rows)

    @property
    def passed(self) -> bool:
        """Whether every check has passed."""
        return all(row.status is Status.PASSED for row in self.rows)


def grade_notebook(
    path: Path,
    lab: str,
    *,
    repository: Path = REPOSITORY,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cell_seconds: int = CELL_SECONDS,
) -> LocalGrade:
    """Grade a notebook and return what came of each of its lab's checks.

    Parameters
    ----------
    path
        The notebook.
    lab
        The lab that it is of, as ``module/stem``.
    repository
        Root of the clone.
    progress
        Called with the number of cells that have run and of all cells, as they run.
    cell_seconds
        How long one cell may run before its exercise is given up.

    Raises
    ------
    CourseError
        If the notebook can't be read, the lab isn't all there, or no kernel can be started.
    """
    release, checks = _read_lab(lab, repository)
    try:
        notebook, notes = rebuild(read_submission(path), release)
    except UnreadableError as error:
        raise CourseError(f"{path} cannot be graded. {error}") from None
    for cell in notebook.cells:
        cell.source = checks.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    _execute(notebook, path.parent, progress, cell_seconds)
    return LocalGrade(lab, list(_rows(notebook)), [*notes, *notes_of(notebook)])


def _read_lab(lab: str, repository: Path) -> tuple[NotebookNode, dict[str, str]]:
    """Return a lab's release, and its checks in full, from the worked notebook, by nbgrader id."""
    release, solution = (_read(f"{tree}/{lab}.ipynb", repository) for tree in _TREES)
    checks = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solution.cells
        if cell.metadata.nbgrader.grade
    }
    for cell in release.cells:
        grade_id = cell.metadata.nbgrader.grade_id
        shown = visible_part(checks.get(grade_id, ""))
        if cell.metadata.nbgrader.grade and shown != visible_part(cell.source):
            raise CourseError(
                f"release/{lab}.ipynb and solutions/{lab}.ipynb are of different builds. "
                "`make build` makes both from the source."
            )
    return release, checks


def _read(place: str, repository: Path) -> NotebookNode:
    try:
        return nbformat.read(repository / place, as_version=4)
    except FileNotFoundError:
        state = "is not there"
    except Exception as error:  # nbformat raises many kinds for a damaged file
        state = f"cannot be read ({type(error).__name__})"
    raise CourseError(
        f"{place} {state}; the lab is graded from it. `git checkout {place}` brings it back, "
        "`make build` makes it anew."
    )


def _execute(
    notebook: NotebookNode,
    folder: Path,
    progress: Callable[[int, int], None],
    cell_seconds: int,
) -> None:
    """Run a notebook's cells in a kernel of its own, in the folder of the learner's notebook."""

    class WithProgress(BoundedExecute):
        def preprocess_cell(
            self, cell: NotebookNode, resources: dict[str, object], index: int
        ) -> tuple[NotebookNode, dict[str, object]]:
            progress(index, len(self.nb.cells))
            return super().preprocess_cell(cell, resources, index)

    # As a class is graded: a verdict must not depend on how many cores are free.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    executor = WithProgress(
        timeout=cell_seconds,
        notebook_seconds=NOTEBOOK_SECONDS,
        startup_timeout=_KERNEL_SECONDS,
        shutdown_kernel="immediate",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    executor.log.propagate = False
    try:
        executor.preprocess(notebook, {"metadata": {"path": str(folder)}})
    except NoSuchKernel as error:
        raise CourseError(
            f"Jupyter has no kernel named `{error.name}`. `python -m ipykernel install "
            "--sys-prefix` adds it to this environment."
        ) from error
    except RuntimeError as error:
        raise CourseError(
            f"The Python kernel did not start ({error}). Run `make setup`, then try again; "
            "`python -m ipykernel --version` shows whether the kernel is installed."
        ) from error
    progress(len(notebook.cells), len(notebook.cells))


def _rows(notebook: NotebookNode) -> Iterator[CheckRow]:
    """Read the verdicts off a notebook that has been run."""
    marked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    answers = [
        cell.metadata.nbgrader.grade_id for cell in marked if cell.metadata.nbgrader.solution
    ]
    for cell in marked:
        nbgrader = cell.metadata.nbgrader
        if not nbgrader.grade or nbgrader.solution:
            continue
        check = check_name(nbgrader.grade_id)
        exercise = exercise_of(check, answers) or ""
        status, points, message = _outcome(cell)
        title = check_title(cell.source.partition("\n")[2]) or check
        yield CheckRow(exercise, check, title, status, points, nbgrader.points, message)


def _outcome(cell: NotebookNode) -> tuple[Status, float, str]:
    """Return what a check cell says: status, points, and a message."""
    error = _error(cell)
    if error:
        return Status.FAILED, 0, error
    for output in cell.outputs:
        verdict = output.get("data", {}).get(VERDICT_MIME)
        if verdict:
            message = verdict["message"] or verdict["note"]
            return Status(verdict["status"]), verdict["points"], message
    return Status.BROKEN, 0, "The check gave no verdict."


def _error(cell: NotebookNode) -> str:
    """Return the error that ended a cell, in a line, or nothing."""
    for output in cell.outputs:
        if output.output_type == "error":
            own = output.ename in ("Stopped", "NotRun")
            return output.evalue if own else f"{output.ename}: {output.evalue}"
    return ""
