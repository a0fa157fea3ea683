"""Item statistics: how a class did at each check, what it was told most, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from nbformat import NotebookNode
from rich.table import Table
from rich.text import Text

from autograde.ingest import NOTES_KEY, is_graded
from autograde.report import printable, read_graded
from course.checks.magics import VERDICT_MIME
from course.checks.naming import check_name, exercise_of
from course.checks.verdict import Status

_LONGEST = 110


@dataclass
class Item:
    """One check, as a class met it.

    Attributes
    ----------
    lab, exercise, check
        Which check it is.
    statuses
        How many submissions ended in each status; one that was stopped counts as ``stopped``.
    messages
        What those that did not pass were told, and how often.
    """

    lab: str
    exercise: str
    check: str
    statuses: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> float:
        """Share of the submissions that passed, of those that had begun the exercise."""
        begun = self.statuses.total() - self.statuses[Status.NOT_STARTED]
        return self.statuses[Status.PASSED] / begun if begun else 0.0


@dataclass
class ClassItems:
    """What a class's graded notebooks say of a module's checks.

    Attributes
    ----------
    items
        The checks, in the order of the labs.
    seconds
        Seconds that each exercise's own code took, by lab and exercise, one per submission.
    """

    items: list[Item]
    seconds: dict[tuple[str, str], list[float]]


def class_items(gradebook: Path, module: str) -> ClassItems:
    """Return the item statistics of a module.

    Parameters
    ----------
    gradebook
        The folder with ``autograded``.
    module
        The module.
    """
    items: dict[tuple[str, str], Item] = {}
    seconds: dict[tuple[str, str], list[float]] = {}
    for path in sorted((gradebook / "autograded").glob(f"*/{module}/*.ipynb")):
        notebook = read_graded(path)
        if notebook is None or not is_graded(notebook):
            continue
        for exercise, check, status, message in _verdicts(notebook):
            item = items.setdefault((path.stem, check), Item(path.stem, exercise, check))
            item.statuses[status] += 1
            if status not in (Status.PASSED, Status.NOT_STARTED) and message:
                item.messages[message] += 1
        for exercise, spent in notebook.metadata.get(NOTES_KEY, {}).get("seconds", {}).items():
            seconds.setdefault((path.stem, exercise), []).append(float(spent))
    return ClassItems([items[key] for key in items], seconds)


def _verdicts(notebook: NotebookNode) -> Iterable[tuple[str, str, str, str]]:
    """Yield exercise, check, status and message of each check of a graded notebook."""
    exercises = [
        cell.metadata.nbgrader.grade_id
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if not nbgrader.get("grade") or nbgrader.get("solution"):
            continue
        check = check_name(nbgrader.grade_id)
        exercise = exercise_of(check, exercises) or check
        for output in cell.outputs:
            verdict = output.get("data", {}).get(VERDICT_MIME)
            if verdict:
                yield exercise, check, str(verdict["status"]), str(verdict["message"])
            elif output.output_type == "error":
                yield exercise, check, "stopped", str(output.evalue)


def items_tables(found: ClassItems, module: str) -> list[Table]:
    """Return the statistics as tables for the terminal: one per lab, a row per check."""
    labs = list(dict.fromkeys(item.lab for item in found.items))
    return [_lab_table(found, lab, f"Checks of {module}/{lab}") for lab in labs]


def _lab_table(found: ClassItems, lab: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", padding=(0, 1, 0, 0), expand=True)
    table.add_column("check", overflow="fold")
    for name in ("passed", "not yet", "open", "stopped", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("said most often", ratio=1)
    exercise = None
    for item in found.items:
        if item.lab != lab:
            continue
        spent = found.seconds.get((lab, item.exercise), []) if item.exercise != exercise else []
        exercise = item.exercise
        text, count = (item.messages.most_common(1) or [("", 0)])[0]
        table.add_row(
            Text(item.check),
            f"{item.passed:.0%}",
            str(item.statuses[Status.FAILED] + item.statuses[Status.BROKEN]),
            str(item.statuses[Status.NOT_STARTED]),
            str(item.statuses["stopped"]),
            f"{median(spent):.2f}" if spent else "",
            Text(printable(f"{count} × {_short(text)}") if text else ""),
        )
    return table


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
