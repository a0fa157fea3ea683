"""The notebook's side of the checks: ``%lab``, ``%%check`` and ``%%play``."""

from __future__ import annotations

import ast
from dataclasses import replace

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from course.checks.card import note_html, verdict_html
from course.checks.hidden import full_check, has_hidden_part
from course.checks.verdict import Status, Verdict, run_check, visible_part

VERDICT_MIME = "application/vnd.course.verdict+json"
"""Under this type a check cell's output holds its verdict as data."""


class CheckResult:
    """What a check cell evaluates to: a card for people, points for nbgrader.

    nbgrader reads the text of a cell's value as the points that it earned, so the text is the
    number and nothing else.
    """

    def __init__(self, verdict: Verdict, note: str = "") -> None:
        self.verdict, self.note = verdict, note

    def __repr__(self) -> str:
        return f"{self.verdict.points:g}"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        return {
            "text/plain": repr(self),
            "text/html": verdict_html(self.verdict, self.note),
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


@magics_class
class CheckMagics(Magics):
    """Magics of a lab's notebook; they never raise for what a learner wrote."""

    lab = ""

    @line_magic("lab")
    def set_lab(self, line: str) -> None:
        """Say which lab this notebook is: ``%lab m3_data/down_sampling``."""
        self.lab = line.strip()

    @cell_magic
    def check(self, line: str, cell: str) -> CheckResult:
        """Grade one property of an exercise: ``%%check NAME POINTS [hidden]``.

        The last word says that the check has a hidden part, which a release leaves out.
        """
        name, points, *hidden = line.split()
        source, note = cell, ""
        if hidden and not has_hidden_part(cell):
            source, note = self._with_hidden_part(name, cell)
        verdict = run_check(source, self.shell.user_ns, name=name, points=float(points))
        if note and verdict.status is Status.PASSED:
            verdict = replace(verdict, status=Status.DEFERRED, points=0)
        return CheckResult(verdict, note)

    def _with_hidden_part(self, name: str, cell: str) -> tuple[str, str]:
        """Return the check's whole source; or what there is of it, and a note that says why."""
        source = full_check(self.lab, name)
        if source is None:
            return cell, "The hidden part of this check is run when the lab is graded."
        if visible_part(source) != visible_part(cell):
            return cell, (
                "The hidden part was not run: this notebook is of another release of the lab, or "
                "this cell was edited. `make lab` puts the present release beside it."
            )
        return source, ""

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

    def _run(self, cell: str, namespace: dict[str, object]) -> object:
        """Run a cell and return the value of its last expression, as IPython would."""
        tree = ast.parse(self.shell.transform_cell(cell))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<play>", "exec"), namespace)
        if last is None:
            return None
        return eval(compile(ast.Expression(last.value), "<play>", "eval"), namespace)
