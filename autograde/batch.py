"""Grade a class: nbgrader's autograding of many submissions, with their code run ahead.

What is recorded is what ``nbgrader autograde`` records, by nbgrader's own converter: this process
is the only one that writes to the gradebook, one submission after the other, while the service runs
the code of the next ones.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import InvalidEntry, MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.utils import rmtree
from sqlalchemy.exc import DBAPIError

from autograde.apart import ExecuteApart
from autograde.arms_length.service import GradingFailedError
from autograde.fingerprint import fingerprint, kept_fingerprint
from autograde.ingest import is_graded
from autograde.preprocessors import StaleGradebookError
from autograde.records import StoredCell, open_gradebook, stored_cells
from autograde.report import read_graded

_AHEAD = 2
"""Submissions, per worker, whose code may have run before their grades are written."""


@dataclass
class Outcome:
    """What came of one student's submission.

    Attributes
    ----------
    student
        The student.
    seconds
        From the beginning of its grading to its end.
    fault
        Why it has no grade, or an empty text.
    """

    student: str
    seconds: float
    fault: str = ""


@dataclass
class _UnderWay:
    """A submission whose code is being run."""

    student: str
    source: str
    folder: Path
    notebooks: list[str]
    started: float = field(default_factory=time.monotonic)


class ClassGrader(Autograde):
    """nbgrader's converter, for a class: grades what has changed, several submissions at a time.

    Parameters
    ----------
    app
        An ``AutogradeApp`` that has read its configuration.
    students
        Names of those to grade; all, if there are none.
    anew
        Whether to grade what has not changed, too.
    """

    def __init__(self, app: AutogradeApp, students: list[str], anew: bool) -> None:
        super().__init__(coursedir=app.coursedir, parent=app)
        self._students, self._anew = students, anew
        self._run = ExecuteApart(parent=self)
        self.force = True
        self._tell: Callable[[Outcome], None] = lambda outcome: None
        self.skipped: list[str] = []
        self._todo: list[tuple[str, str]] = []

    def find(self) -> list[str]:
        """Find the submissions to grade, and return whose they are.

        Raises
        ------
        NbGraderException
            If there are none at all, or none of a student who was asked for.
        MissingEntry
            If the gradebook does not have the module.
        """
        self.init_notebooks()
        self._refuse_unknown_students()
        labs = _Labs(self.coursedir)
        for source in sorted(self.assignments):
            student = Path(source).parent.name
            if self._students and student not in self._students:
                continue
            if not self._anew and labs.unchanged(student, Path(source)):
                self.skipped.append(student)
            else:
                self._todo.append((student, source))
        return [student for student, _ in self._todo]

    def _refuse_unknown_students(self) -> None:
        there = {Path(source).parent.name for source in self.assignments}
        missing = [student for student in self._students if student not in there]
        if missing:
            raise NbGraderException(
                f"There is no notebook of {', '.join(missing)} for {self.coursedir.assignment_id} "
                f"in {self.coursedir.submitted_directory}."
            )

    def grade(self, tell: Callable[[Outcome], None]) -> None:
        """Grade what `find` found.

        Parameters
        ----------
        tell
            Called with each outcome as it is there.
        """
        self._tell = tell
        if self._todo:
            self.start()

    def convert_notebooks(self) -> None:
        """Take submissions in, run their code ahead, and write their grades; in turn."""
        # Asked for before the first student: without a sandbox or a scheduler there is no batch.
        self._run.service()
        waiting = deque(self._todo)
        under_way: deque[_UnderWay] = deque()
        most = _AHEAD * max(1, self._run.workers) if not self._run.cluster else len(self._todo)
        try:
            while waiting or under_way:
                while waiting and len(under_way) < most:
                    self._begin(*waiting.popleft(), under_way)
                if under_way:
                    outcome = self._end(under_way[0])
                    under_way.popleft()
                    self._tell(outcome)
        except KeyboardInterrupt:
            # What has been taken in and not finished is no grade: it is begun anew next time.
            for item in under_way:
                self._discard(item.source)
            raise

    def _begin(self, student: str, source: str, under_way: deque[_UnderWay]) -> None:
        """Take a submission in; one that can't be is told of at once."""
        started = time.monotonic()
        try:
            under_way.append(self._take_in(student, source))
        except Exception as error:
            self._tell(self._failed(student, source, started, error))

    def _end(self, item: _UnderWay) -> Outcome:
        """Grade a submission that was taken in."""
        try:
            self._finish(item)
        except Exception as error:
            return self._failed(item.student, item.source, item.started, error)
        return Outcome(item.student, time.monotonic() - item.started)

    def _failed(self, student: str, source: str, started: float, error: Exception) -> Outcome:
        """Take back what was made of a submission whose grading went wrong, and say why it did."""
        self.log.error("%s could not be graded", student, exc_info=error)
        try:
            self._discard(source)
        except OSError as more:
            self.log.error("%s: what was begun could not be removed (%s)", student, more)
        return Outcome(student, time.monotonic() - started, _reason(error))

    def _take_in(self, student: str, source: str) -> _UnderWay:
        """Do what nbgrader does before it runs a submission, and hand its code to the service."""
        module = self.coursedir.assignment_id
        self.notebooks = sorted(self.assignments[source])
        self.init_destination(module, student)
        self.run_pre_convert_hook()
        self._refuse_other_notebooks()
        self.init_assignment(module, student)
        folder = Path(self._format_dest(module, student))
        self._sanitizing = True
        self._init_preprocessors()
        for notebook in self.notebooks:
            BaseConverter.convert_single_notebook(self, notebook)
        under_way = _UnderWay(
            student, source, folder, [str(folder / Path(name).name) for name in self.notebooks]
        )
        service = self._run.service()
        for path in under_way.notebooks:
            notebook = nbformat.reader.reads(Path(path).read_text(encoding="utf-8"))
            service.prepare(self._run.submission(notebook, folder))
        return under_way

    def _refuse_other_notebooks(self) -> None:
        """Raise if none of the notebooks that a student handed in is a lab of the module."""
        module = self.coursedir.assignment_id
        with open_gradebook(self.coursedir.db_url) as book:
            labs = {lab.name for lab in book.find_assignment(module).notebooks}
        names = [Path(name).name for name in self.notebooks]
        if not any(Path(name).stem in labs for name in names):
            expected = " or ".join(f"{lab}.ipynb" for lab in sorted(labs))
            raise NbGraderException(f"handed in {', '.join(names)}, expected {expected}")

    def _finish(self, item: _UnderWay) -> None:
        """Do what nbgrader does with a submission that has been run: grade it and write it down."""
        module = self.coursedir.assignment_id
        self._sanitizing = False
        self._init_preprocessors()
        try:
            for path in item.notebooks:
                BaseConverter.convert_single_notebook(self, path)
        finally:
            self._sanitizing = True
        self.set_permissions(module, item.student)
        self.run_post_convert_hook()

    def _discard(self, source: str) -> None:
        student = Path(source).parent.name
        folder = Path(self._format_dest(self.coursedir.assignment_id, student))
        if folder.exists():
            rmtree(str(folder))


class _Labs:
    """The labs of a module, to tell which submissions have been graded as they are."""

    def __init__(self, coursedir: object) -> None:
        self._coursedir = coursedir
        self._stored: dict[str, list[StoredCell]] = {}

    def unchanged(self, student: str, source: Path) -> bool:
        """Say whether all notebooks of a submission have been graded as they and the labs are."""
        module = self._coursedir.assignment_id
        graded = Path(
            self._coursedir.format_path(self._coursedir.autograded_directory, student, module)
        )
        submitted = [path for path in source.glob("*.ipynb") if self._cells(path.stem)]
        # A lab that was graded and is no longer submitted has changed, too: it earns nothing.
        withdrawn = {path.name for path in graded.glob("*.ipynb")} - {p.name for p in submitted}
        return (
            bool(submitted)
            and not withdrawn
            and all(self._is_graded(path, graded / path.name) for path in submitted)
        )

    def _is_graded(self, submitted: Path, graded: Path) -> bool:
        notebook = read_graded(graded)
        if notebook is None:
            return False
        module = self._coursedir.assignment_id
        release = (
            Path(self._coursedir.format_path(self._coursedir.release_directory, ".", module))
            / submitted.name
        )
        now = fingerprint(submitted, release, self._cells(submitted.stem))
        return is_graded(notebook) and kept_fingerprint(notebook.metadata) == now

    def _cells(self, lab: str) -> list[StoredCell]:
        """Return a lab's cells; none of a notebook that is no lab of the module."""
        if lab not in self._stored:
            module, url = self._coursedir.assignment_id, self._coursedir.db_url
            try:
                self._stored[lab] = stored_cells(url, module, lab)
            except MissingEntry:
                self._stored[lab] = []
        return self._stored[lab]


def _reason(error: Exception) -> str:
    """Return in a sentence why a submission has no grade."""
    # nbgrader gives most of the database's errors a name of its own.
    cause = error.__context__ if isinstance(error, InvalidEntry) else error
    if isinstance(cause, DBAPIError):
        return f"the gradebook's database could not be used: {cause.orig}"
    if isinstance(error, (GradingFailedError, NbGraderException, StaleGradebookError)):
        return str(error)
    return f"{type(error).__name__}: {error}"


__all__ = ["ClassGrader", "Outcome"]
