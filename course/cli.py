"""The learner's command line: ``course lab``, ``course check``, ``course labs``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from course.checks.hidden import REPOSITORY
from course.checks.verdict import Status
from course.errors import CourseError
from course.jupyter import choose_port, start_jupyterlab
from course.labs import find_lab, lab_names, lab_of_notebook, summary
from course.workspace import from_earlier_release, prepare_workspace, working_copy

if TYPE_CHECKING:
    from autograde.local_grade import LocalGrade

PASSED, NOT_PASSED, FAULT = 0, 1, 2
"""What a command returns to the shell."""

_MOST_NOTES = 8
_STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.NOT_STARTED: "dim",
    Status.BROKEN: "yellow",
    Status.DEFERRED: "dim",
}
_WORDS = {
    Status.PASSED: "passed",
    Status.FAILED: "not yet",
    Status.NOT_STARTED: "not started",
    Status.BROKEN: "check failed",
    Status.DEFERRED: "when graded",
}


def main(arguments: list[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Run one of the learner's commands.

    Parameters
    ----------
    arguments
        The words of the command; those of the process if there are none.
    repository
        Root of the clone.

    Returns
    -------
    int
        0 when all went well and every check passed, 1 when some check did not, 2 for a fault that
        kept the command from its work.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options, repository)
    except CourseError as error:
        print(error, file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course", description="Work on the labs of the course.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    lab = commands.add_parser("lab", help="open your working copies of the labs in JupyterLab")
    lab.add_argument("lab", nargs="?", metavar="LAB", help="the lab to open; default: the first")
    lab.add_argument("--port", type=int, help="port to listen on; default: the first free one")
    lab.add_argument(
        "--no-browser", action="store_true", help="do not open a browser (nor does BROWSER=none)"
    )
    lab.add_argument(
        "--no-start", action="store_true", help="put the working copies in place and stop there"
    )
    lab.set_defaults(run=_lab)

    check = commands.add_parser("check", help="grade your notebook of a lab, hidden tests included")
    check.add_argument("lab", nargs="?", metavar="LAB", help="a lab's name, or a notebook's path")
    check.set_defaults(run=_check)

    labs = commands.add_parser("labs", help="list the labs")
    labs.set_defaults(run=_labs)
    return parser


def _lab(options: argparse.Namespace, repository: Path) -> int:
    """Put working copies in place and become a JupyterLab server."""
    named = find_lab(options.lab, repository) if options.lab else None
    workspace = prepare_workspace(repository)
    if workspace.copied:
        count = len(workspace.copied)
        _say(f"{count} new working {'copy' if count == 1 else 'copies'} in workspace/")
    for remark in workspace.remarks:
        _say(remark)
    if options.no_start:
        return PASSED
    lab = named or lab_names(repository)[0]
    browser = not options.no_browser and os.environ.get("BROWSER") != "none"
    port = choose_port(options.port)
    _say(f"Starting JupyterLab with {lab}; Ctrl-C stops it.")
    start_jupyterlab(
        working_copy(lab, repository), port=port, browser=browser, repository=repository
    )


def _check(options: argparse.Namespace, repository: Path) -> int:
    """Grade a notebook and print a table of its checks."""
    path, lab = _notebook(options.lab, repository)
    # Here and not above: this imports the grader, which takes a second.
    from autograde.local_grade import grade_notebook

    columns = (TextColumn("Running {task.description}"), BarColumn(), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(
        *columns, console=terminal, transient=True, disable=not terminal.is_terminal
    ) as bar:
        task = bar.add_task(lab, total=None)
        grade = grade_notebook(
            path,
            lab,
            repository=repository,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    saved = time.strftime("%H:%M", time.localtime(path.stat().st_mtime))
    console = Console()
    console.print(grade_table(grade, f"{lab} · {_shown(path, repository)}, as saved at {saved}"))
    notes = list(grade.notes)
    if path == working_copy(lab, repository) and from_earlier_release(lab, repository):
        notes.insert(
            0,
            "Your notebook is of an earlier release of this lab; it was graded with the checks of "
            "the present one, which `make lab` puts beside it.",
        )
    for note in notes[:_MOST_NOTES]:
        _say(f"- {note}")
    if len(notes) > _MOST_NOTES:
        _say(f"- … and {len(notes) - _MOST_NOTES} more of this kind")
    return PASSED if grade.passed else NOT_PASSED


def _labs(options: argparse.Namespace, repository: Path) -> int:
    """Print a table of the labs."""
    table = Table(
        Column("lab", no_wrap=True),
        "title",
        "points",
        "begun",
        caption="Your copies are workspace/LAB.ipynb; `make lab` makes those that are missing.",
        caption_justify="left",
    )
    for name in lab_names(repository):
        lab = summary(name, repository)
        begun = "yes" if working_copy(name, repository).exists() else "no"
        table.add_row(name, Text(lab.title), f"{lab.points:g}", begun)
    Console().print(table)
    return PASSED


def grade_table(grade: LocalGrade, title: str) -> Table:
    """Return a grade as a table for the terminal: a row per check, by exercise, and the total.

    A message that holds for several checks of an exercise, such as that it isn't written yet, is
    shown once.
    """
    table = Table(title=Text(title), title_justify="left", show_footer=True, expand=True)
    table.add_column("exercise", "total", overflow="fold", max_width=28)
    table.add_column("points", f"{grade.points:g} of {grade.max_points:g}", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("check, and what it found", ratio=1)
    exercises = list(dict.fromkeys(row.exercise for row in grade.rows))
    for exercise in exercises:
        said = ""
        for index, row in enumerate(item for item in grade.rows if item.exercise == exercise):
            table.add_row(
                Text(exercise if index == 0 else ""),
                f"{row.points:g} of {row.max_points:g}",
                Text(_WORDS[row.status], style=_STYLES[row.status]),
                _finding(row.title, row.message if row.message != said else ""),
            )
            said = row.message
        table.add_section()
    return table


def _finding(title: str, message: str) -> Text:
    """Return a check's title, and below it what it found."""
    text = Text(title, style="bold" if message else "")
    if message:
        text.append(f"\n{message}", style="not bold")
    return text


def _notebook(named: str | None, repository: Path) -> tuple[Path, str]:
    """Return the notebook that a learner names, and its lab."""
    if not named:
        known = ", ".join(name.split("/")[1] for name in lab_names(repository))
        raise CourseError(f"Name the lab to check: make check LAB=… with one of {known}")
    path = Path(named)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve(), lab_of_notebook(path, repository)
    lab = find_lab(named, repository)
    copy = working_copy(lab, repository)
    if not copy.is_file():
        raise CourseError(
            f"There is no notebook {_shown(copy, repository)} to check yet. `make lab LAB={lab}` "
            "puts your working copy there and opens it."
        )
    return copy, lab


def _shown(path: Path, repository: Path) -> str:
    """Return a path as a reader at the root would write it."""
    inside = path.is_relative_to(repository)
    return path.relative_to(repository).as_posix() if inside else str(path)


def _say(sentence: str) -> None:
    Console().print(sentence, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    raise SystemExit(main())
