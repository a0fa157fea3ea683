"""Grade a class: nbgrader's autograding of many submissions, with their code run ahead.

What is recorded is what ``nbgrader autograde`` records, by nbgrader's own converter: this process
is the only one that writes to the gradebook, one submission after the other, while the service runs
the code of the next ones.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.utils import rmtree

from autograde.apart import ExecuteApart
from autograde.fingerprint import fingerprint, kept_fingerprint
from autograde.ingest import is_graded
from autograde.preprocessors import StoredCell, stored_cells
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
            If there are none at all.
        MissingEntry
            If the gradebook does not have the module.
        """
        self.init_notebooks()
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
        waiting = iter(self._todo)
        under_way: deque[_UnderWay] = deque()
        most = _AHEAD * max(1, self._run.workers) if not self._run.cluster else len(self._todo)
        try:
            while True:
                for student, source in _first(waiting, most - len(under_way)):
                    self._attempt(
                        student,
                        source,
                        lambda s=student, p=source: under_way.append(self._take_in(s, p)),
                    )
                if not under_way:
                    return
                item = under_way.popleft()
                self._attempt(
                    item.student, item.source, lambda item=item: self._finish(item), item.started
                )
        except KeyboardInterrupt:
            # What has been taken in and not finished is no grade: it is begun anew next time.
            for item in under_way:
                self._discard(item.source)
            raise

    def _attempt(
        self, student: str, source: str, step: Callable[[], None], started: float | None = None
    ) -> None:
        """Do a step for one submission; what goes wrong is that submission's outcome."""
        started = started or time.monotonic()
        try:
            step()
        except Exception as error:
            self.log.exception("%s could not be graded", student)
            self._discard(source)
            fault = f"{type(error).__name__}: {error}"
            self._tell(Outcome(student, time.monotonic() - started, fault))

    def _take_in(self, student: str, source: str) -> _UnderWay:
        """Do what nbgrader does before it runs a submission, and hand its code to the service."""
        module = self.coursedir.assignment_id
        self.notebooks = sorted(self.assignments[source])
        self.init_destination(module, student)
        self.run_pre_convert_hook()
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
            notebook = nbformat.read(path, as_version=4)
            service.prepare(self._run.submission(notebook, folder))
        return under_way

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
        self._tell(Outcome(item.student, time.monotonic() - item.started))

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
        return all(
            self._is_graded(path, graded / path.name)
            for path in source.glob("*.ipynb")
            if self._cells(path.stem) is not None
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
        now = fingerprint(submitted, release, self._cells(submitted.stem) or [])
        return is_graded(notebook) and kept_fingerprint(notebook.metadata) == now

    def _cells(self, lab: str) -> list[StoredCell] | None:
        if lab not in self._stored:
            module, url = self._coursedir.assignment_id, self._coursedir.db_url
            try:
                self._stored[lab] = stored_cells(url, module, lab)
            except MissingEntry:
                self._stored[lab] = []
        return self._stored[lab] or None


def _first(items: Iterator[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    for _, item in zip(range(count), items, strict=False):
        yield item


__all__ = ["ClassGrader", "Outcome"]
