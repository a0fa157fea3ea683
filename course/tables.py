"""What the command line shows: where a learner stands, a grade, a solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from course.catalogue import DONE, IN_PROGRESS, LabEntry, Module
from course.checks.card import WORDS
from course.checks.verdict import Status
from course.progress import Progress
from course.solution_view import Solution

if TYPE_CHECKING:
    from autograde.local_grade import LocalGrade

SIDE_BY_SIDE = 110
"""Columns of a terminal from which two pieces of code are shown beside each other."""

_STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.NOT_STARTED: "dim",
    Status.BROKEN: "yellow",
    Status.DEFERRED: "dim",
}
_STATE_STYLES = {DONE: "green", IN_PROGRESS: "yellow"}


def status_table(modules: list[Module], progress: Progress) -> Table:
    """Return where a learner stands with each lab, module by module."""
    labs = [lab for module in modules for lab in module.labs]
    earned = sum(lab.earned(progress.lab(lab.name)) for lab in labs)
    table = Table(
        Column("lab", "all", no_wrap=True),
        Column("title", overflow="fold", ratio=1),
        Column("minutes", justify="right", no_wrap=True),
        Column("points", _points(earned, sum(lab.points for lab in labs)), no_wrap=True),
        Column("state", no_wrap=True),
        show_footer=True,
        caption="Your copies are in workspace/; `make lab` makes those that are missing.",
        caption_justify="left",
    )
    for module in modules:
        for lab in module.labs:
            known = progress.lab(lab.name)
            state = lab.status(known)
            table.add_row(
                lab.name.split("/")[1],
                Text(lab.title),
                str(lab.minutes or ""),
                _points(lab.earned(known), lab.points),
                _state(state),
            )
        table.add_section()
    return table


def lab_table(lab: LabEntry, progress: Progress) -> Table:
    """Return where a learner stands with each exercise of a lab."""
    known = progress.lab(lab.name)
    table = Table(
        Column("exercise", "all", no_wrap=True),
        Column("title", overflow="fold", ratio=1),
        Column("points", _points(lab.earned(known), lab.points), no_wrap=True),
        Column("state", no_wrap=True),
        title=Text(lab.title),
        title_justify="left",
        show_footer=True,
    )
    for exercise in lab.exercises:
        points = _points(exercise.earned(known), exercise.points)
        state = _state(exercise.status(known))
        table.add_row(exercise.name, Text(exercise.title), points, state)
    return table


def grade_table(grade: LocalGrade, title: str) -> Table:
    """Return a grade as a table for the terminal: a row per check, by exercise, and the total.

    A message that holds for several checks of an exercise, such as that it isn't written yet, is
    shown once.
    """
    table = Table(title=Text(title), title_justify="left", show_footer=True, expand=True)
    table.add_column("exercise", "total", overflow="fold", max_width=28)
    table.add_column("points", _points(grade.points, grade.max_points), no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("check, and what it found", ratio=1)
    exercises = list(dict.fromkeys(row.exercise for row in grade.rows))
    for exercise in exercises:
        said = ""
        for index, row in enumerate(item for item in grade.rows if item.exercise == exercise):
            table.add_row(
                Text(exercise if index == 0 else ""),
                _points(row.points, row.max_points),
                Text(_word(row.status), style=_STYLES[row.status]),
                _finding(row.title, row.message if row.message != said else ""),
            )
            said = row.message
        table.add_section()
    return table


def solution_page(solution: Solution, own: str, width: int) -> RenderableType:
    """Return a solution and the learner's own answer, beside each other where there is room."""
    yours, worked = _code(own or "# Your notebook has no cell for it."), _code(solution.worked)
    if width >= SIDE_BY_SIDE:
        both = Table(Column("yours", ratio=1), Column("worked", ratio=1), expand=True)
        both.add_row(yours, worked)
        shown: list[RenderableType] = [both]
    else:
        shown = [Text("Yours:", "bold"), yours, Text("\nWorked:", "bold"), worked]
    if solution.alternative:
        title = Text(f"\nAnother right answer: {solution.title}", "bold")
        shown += [title, _code(solution.alternative)]
    return Group(*shown)


def _code(text: str) -> Syntax:
    return Syntax(text.strip(), "python", theme="ansi_light", background_color="default")


def _state(state: str) -> Text:
    return Text(state, style=_STATE_STYLES.get(state, "dim"))


def _word(status: Status) -> str:
    """Return a status as a row of a table has room for it."""
    short = {Status.BROKEN: "check failed", Status.DEFERRED: "when graded"}
    return short.get(status, WORDS[status].lower())


def _finding(title: str, message: str) -> Text:
    """Return a check's title, and below it what it found."""
    text = Text(title, style="bold" if message else "")
    if message:
        text.append(f"\n{message}", style="not bold")
    return text


def _points(points: float, most: float) -> str:
    return f"{points:g} of {most:g}"
