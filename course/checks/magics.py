"""The notebook's side of the checks.

``%lab``, ``%%check`` and ``%%play`` stand in the labs; ``%hint``, ``%solution``, ``%progress`` and
``%trace`` are for the learner.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from course.checks.at_work import AtWork, repository_of
from course.checks.card import NOTHING_AROUND, Around, note_html, verdict_html, verdict_text
from course.checks.given import names_defined_in
from course.checks.hidden import REPOSITORY, full_check, has_hidden_part
from course.checks.shown import Shown, show_hints, show_progress, show_solution, show_trace
from course.checks.verdict import Status, Verdict, run_check, visible_part
from course.errors import CourseError

VERDICT_MIME = "application/vnd.course.verdict+json"
"""Under this type a check cell's output holds its verdict as data."""

_LAB_LINE = re.compile(r"^%lab\s+(\S+)\s*$", re.MULTILINE)


class CheckResult:
    """What a check cell evaluates to: a card for people, points for nbgrader.

    nbgrader reads the text of a cell's value as the points that it earned, so the text is the
    number and nothing else. A terminal, which has no cards, shows the verdict in words.
    """

    def __init__(
        self,
        verdict: Verdict,
        note: str = "",
        around: Around = NOTHING_AROUND,
        *,
        in_terminal: bool = False,
    ) -> None:
        self.verdict, self.note, self.around = verdict, note, around
        self._in_terminal = in_terminal

    def __repr__(self) -> str:
        return f"{self.verdict.points:g}"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        if self._in_terminal:
            return {"text/plain": verdict_text(self.verdict, self.note, self.around)}
        return {
            "text/plain": repr(self),
            "text/html": verdict_html(self.verdict, self.note, self.around),
            VERDICT_MIME: self.verdict.as_dict() | {"note": self.note},
        }


class Note:
    """A quiet card: something that the reader should know and that isn't an error."""

    def __init__(self, headline: str, text: str) -> None:
        self.headline, self.text = headline, text

    def __repr__(self) -> str:
        return f"{self.headline}: {self.text}"

    def _repr_html_(self) -> str:
        return note_html(self.headline, self.text)


def _in_sentences(magic: Callable[[CheckMagics, str], Shown]) -> Callable[..., Shown | Note]:
    """Let a magic that a learner calls answer with a sentence where it cannot do its work."""

    @wraps(magic)
    def told(self: CheckMagics, line: str) -> Shown | Note:
        try:
            return magic(self, line.strip().strip("`'\""))
        except CourseError as error:
            return Note("Not here", str(error))

    return told


@magics_class
class CheckMagics(Magics):
    """Magics of a lab's notebook; they never raise for what a learner wrote."""

    lab = ""
    repository = REPOSITORY
    at_work: AtWork | None = None
    trace = ""

    def keep_magics_working(self, *_: object) -> None:
        """Give IPython's own name back to it: a cell with a magic looks it up among the names."""
        self.shell.user_ns["get_ipython"] = self.shell.get_ipython

    @line_magic("lab")
    def set_lab(self, line: str) -> None:
        """Say which lab this notebook is: ``%lab m3_data/down_sampling``."""
        self.lab = line.strip()
        found = repository_of(self.lab, Path.cwd())
        self.repository = found or REPOSITORY
        self.at_work = AtWork(self.lab, found) if found else None

    @cell_magic
    def check(self, line: str, cell: str) -> CheckResult | Note:
        """Grade one property of an exercise: ``%%check NAME POINTS [hidden]``.

        The last word says that the check has a hidden part, which a release leaves out.
        """
        self._know_the_lab()
        try:
            name, points, hidden = _check_line(line)
        except ValueError:
            return Note(
                "This check cannot be run",
                "Its first line was changed; it should read `%%check NAME POINTS`. Undo the edit, "
                "or take the cell from a fresh copy of the lab: `course reset` makes one, and "
                "keeps yours.",
            )
        source, note = cell, ""
        if hidden and not has_hidden_part(cell):
            source, note = self._with_hidden_part(name, cell)
        namespace = self.shell.user_ns
        verdict = run_check(source, namespace, name=name, points=points)
        if note and verdict.status is Status.PASSED:
            verdict = replace(verdict, status=Status.DEFERRED, points=0)
        self.trace = verdict.trace
        around = self.at_work.around(verdict, source, namespace) if self.at_work else NOTHING_AROUND
        return CheckResult(verdict, note, around, in_terminal=self._in_terminal)

    @cell_magic
    def play(self, line: str, cell: str) -> object:
        """Run a cell that uses the learner's functions: ``%%play NAME [NAME …]``.

        Where one of them is still unsolved, or fails, the cell says so in a sentence and Run All
        goes on.
        """
        needed = line.split()
        namespace = self.shell.user_ns
        missing = [name for name in needed if name not in namespace]
        if missing:
            return Note("Waiting", f"Run the cell that defines `{missing[0]}` first.")
        try:
            return self._run(cell, namespace)
        except NotImplementedError:
            names = ", ".join(f"`{name}`" for name in needed)
            return Note("Waiting", f"This cell runs once your {names} can be called.")
        except Exception as error:
            return Note(
                "This cell could not run with your answers",
                f"{type(error).__name__}: {error}. The checks above say more.",
            )

    @line_magic
    @_in_sentences
    def hint(self, line: str) -> Shown:
        """Show the next hint of an exercise: ``%hint [EXERCISE]``; default: the latest checked."""
        return show_hints(self._learner(), line)

    @line_magic
    @_in_sentences
    def solution(self, line: str) -> Shown:
        """Show the solution of an exercise beside your own: ``%solution EXERCISE``."""
        learner = self._learner()
        return show_solution(learner, line, self._own_answer(learner.exercise(line).name))

    @line_magic
    @_in_sentences
    def progress(self, line: str) -> Shown:
        """Show your points in this lab, by exercise: ``%progress``."""
        return show_progress(self._learner())

    @line_magic("trace")
    @_in_sentences
    def show_trace(self, line: str) -> Shown:
        """Show where the answer raised that was checked last: ``%trace``."""
        return show_trace(self.trace)

    @property
    def _in_terminal(self) -> bool:
        # Asked by name: importing that shell would cost a kernel a third of its start.
        return type(self.shell).__module__.startswith("IPython.terminal")

    def _know_the_lab(self) -> None:
        """Find out which lab this is where its first cell was not run, or was deleted."""
        if not self.lab:
            path = Path(os.environ.get("JPY_SESSION_NAME", ""))
            self.set_lab(_lab_of(path if path.is_absolute() else Path.cwd() / path.name))

    def _learner(self) -> AtWork:
        self._know_the_lab()
        if self.at_work is None:
            raise CourseError(
                "Hints, solutions and progress belong to a working copy in the folder `workspace`, "
                "and this notebook is not in it. `make lab` puts your copies there and opens them."
            )
        return self.at_work

    def _own_answer(self, exercise: str) -> str:
        """Return the cell that last defined an answer in this session; empty if none did."""
        cells = self.shell.user_ns.get("In", [])
        cells = [cell for cell in cells if isinstance(cell, str)] if type(cells) is list else []
        defining = (cell for cell in reversed(cells) if exercise in names_defined_in(cell))
        return next(defining, "")

    def _with_hidden_part(self, name: str, cell: str) -> tuple[str, str]:
        """Return the check's whole source; or what there is of it, and a note that says why."""
        source = full_check(self.lab, name, self.repository)
        if source is None:
            return cell, "The hidden part of this check is run when the lab is graded."
        if visible_part(source) != visible_part(cell):
            return cell, (
                "The hidden part was not run: this notebook is of another release of the lab, or "
                "this cell was edited. `make lab` puts the present release beside it."
            )
        return source, ""

    def _run(self, cell: str, namespace: dict[str, object]) -> object:
        """Run a cell and return the value of its last expression, as IPython would."""
        tree = ast.parse(self.shell.transform_cell(cell))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<play>", "exec"), namespace)
        if last is None:
            return None
        return eval(compile(ast.Expression(last.value), "<play>", "eval"), namespace)


def _check_line(line: str) -> tuple[str, float, bool]:
    """Return what stands after ``%%check``: name, points, and whether a part is hidden."""
    name, points, *hidden = line.split()
    return name, float(points), bool(hidden)


def _lab_of(path: Path) -> str:
    """Return the lab that a notebook's ``%lab`` line names; empty if there is none."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found = _LAB_LINE.search("\n".join("".join(cell["source"]) for cell in cells))
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found.group(1) if found else ""
