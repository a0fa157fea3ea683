"""The learner's command line: ``course status``, ``course check`` and the rest."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from course.catalogue import catalogue, find_exercise, lab_entry, next_exercise
from course.checks.hidden import REPOSITORY
from course.checks.verdict import Verdict
from course.clean_kernel import only_live
from course.errors import CourseError
from course.jupyter import choose_port, start_jupyterlab
from course.labs import find_lab, lab_names, lab_of_notebook
from course.progress import read_progress, record_check, record_solution
from course.reset import reset
from course.solution_view import answer_in, solution_of
from course.tables import grade_table, lab_table, solution_page, status_table
from course.workspace import from_earlier_release, prepare_workspace, working_copy

if TYPE_CHECKING:
    from autograde.local_grade import LocalGrade

PASSED, NOT_PASSED, FAULT = 0, 1, 2
"""What a command returns to the shell."""

_MOST_NOTES = 8


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

    status = commands.add_parser(
        "status", aliases=["labs"], help="list the labs and your points; with LAB, its exercises"
    )
    status.add_argument("lab", nargs="?", metavar="LAB")
    status.set_defaults(run=_status)

    following = commands.add_parser("next", help="say which exercise is next, and where it is")
    _add_browser_options(following)
    following.add_argument("--open", action="store_true", help="open its lab in JupyterLab")
    following.set_defaults(run=_next)

    lab = commands.add_parser("lab", help="open the course home, or a lab, in JupyterLab")
    lab.add_argument("lab", nargs="?", metavar="LAB", help="the lab to open; default: the home")
    _add_browser_options(lab)
    lab.add_argument(
        "--no-start", action="store_true", help="put the working copies in place and stop there"
    )
    lab.set_defaults(run=_lab)

    check = commands.add_parser(
        "check", help="grade your saved notebook from a clean start, hidden tests included"
    )
    check.add_argument("lab", nargs="?", metavar="LAB", help="a lab's name, or a notebook's path")
    check.set_defaults(run=_check)

    hint = commands.add_parser("hint", help="show the next hint of an exercise")
    hint.add_argument("lab", metavar="LAB")
    hint.add_argument(
        "exercise", nargs="?", default="", metavar="EXERCISE", help="default: the first unsolved"
    )
    hint.set_defaults(run=_hint)

    solution = commands.add_parser("solution", help="show a solution beside your own")
    solution.add_argument("lab", metavar="LAB")
    solution.add_argument(
        "exercise", nargs="?", metavar="EXERCISE", help="default: say where the worked lab is"
    )
    solution.set_defaults(run=_solution)

    begin_again = commands.add_parser(
        "reset", help="put an exercise, or a whole lab, back as released; keeps a backup"
    )
    begin_again.add_argument("lab", metavar="LAB")
    begin_again.add_argument(
        "exercise", nargs="?", metavar="EXERCISE", help="default: the whole lab"
    )
    begin_again.set_defaults(run=_reset)
    return parser


def _add_browser_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, help="port to listen on; default: the first free one")
    command.add_argument(
        "--no-browser", action="store_true", help="do not open a browser (nor does BROWSER=none)"
    )


def _status(options: argparse.Namespace, repository: Path) -> int:
    """Print where the learner stands with all labs, or with one."""
    progress = read_progress(repository)
    if options.lab:
        entry = lab_entry(find_lab(options.lab, repository), repository)
        Console().print(lab_table(entry, progress))
    else:
        Console().print(status_table(catalogue(repository), progress))
        _say(_next_sentence(repository))
    if progress.remark:
        _say(progress.remark)
    return PASSED


def _next(options: argparse.Namespace, repository: Path) -> int:
    """Print which exercise is next; open its lab if that is wanted."""
    _say(_next_sentence(repository))
    found = next_exercise(catalogue(repository), read_progress(repository))
    if options.open and found:
        _open_jupyterlab(found[0].name, options, repository)
    return PASSED


def _next_sentence(repository: Path) -> str:
    found = next_exercise(catalogue(repository), read_progress(repository))
    if found is None:
        return "Every exercise is done."
    lab, exercise = found
    copy = _shown(lab.working_copy, repository)
    return f"Next: {exercise.heading}, in {copy}. `make lab LAB={lab.name}` opens it."


def _lab(options: argparse.Namespace, repository: Path) -> int:
    """Put working copies in place and become a JupyterLab server."""
    named = find_lab(options.lab, repository) if options.lab else None
    if options.no_start:
        _prepare(repository)
        return PASSED
    _open_jupyterlab(named, options, repository)
    return PASSED


def _open_jupyterlab(lab: str | None, options: argparse.Namespace, repository: Path) -> None:
    """Become a JupyterLab server on a lab, or on the course home."""
    _prepare(repository)
    browser = not options.no_browser and os.environ.get("BROWSER") != "none"
    port = choose_port(options.port)
    _say(f"Starting JupyterLab with {lab or 'the course home'}; Ctrl-C stops it.")
    notebook = working_copy(lab, repository) if lab else None
    start_jupyterlab(notebook, port=port, browser=browser, repository=repository)


def _prepare(repository: Path) -> None:
    """Put working copies in place and say what was done."""
    workspace = prepare_workspace(repository)
    if workspace.copied:
        count = len(workspace.copied)
        _say(f"{count} new working {'copy' if count == 1 else 'copies'} in workspace/")
    for remark in workspace.remarks:
        _say(remark)


def _check(options: argparse.Namespace, repository: Path) -> int:
    """Grade a notebook, print a table of its checks, and note those that passed."""
    path, lab = _notebook(options.lab, repository)
    before = read_progress(repository).lab(lab)
    grade = _graded(path, lab, repository)
    saved = time.strftime("%H:%M", time.localtime(path.stat().st_mtime))
    title = f"{lab} · {_shown(path, repository)}, as saved at {saved}"
    Console().print(grade_table(grade, title))
    notes = [*only_live(grade, before, path), *grade.notes]
    if path == working_copy(lab, repository) and from_earlier_release(lab, repository):
        notes.insert(
            0,
            "Your notebook is of an earlier release of this lab; it was graded with the checks of "
            "the present one, which `make lab` puts beside it.",
        )
    # A notebook elsewhere may be somebody else's, or the worked one.
    if path.is_relative_to(repository / "workspace"):
        notes += _note_passes(grade, repository)
    for note in notes[:_MOST_NOTES]:
        _say(f"- {note}")
    if len(notes) > _MOST_NOTES:
        _say(f"- … and {len(notes) - _MOST_NOTES} more of this kind")
    return PASSED if grade.passed else NOT_PASSED


def _graded(path: Path, lab: str, repository: Path) -> LocalGrade:
    """Grade a notebook, with a bar that shows how far it is."""
    # Here and not above: this imports the grader, which takes a second.
    from autograde.local_grade import grade_notebook

    columns = (TextColumn("Running {task.description}"), BarColumn(), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(
        *columns, console=terminal, transient=True, disable=not terminal.is_terminal
    ) as bar:
        task = bar.add_task(lab, total=None)
        return grade_notebook(
            path,
            lab,
            repository=repository,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _note_passes(grade: LocalGrade, repository: Path) -> list[str]:
    """Add the outcome of each check to the progress; return what kept that from being done."""
    refusals = {
        record_check(
            grade.lab,
            Verdict(row.check, row.status, row.points, row.max_points, row.title),
            repository,
        )
        for row in grade.rows
    }
    return sorted(refusal for refusal in refusals if refusal)


def _hint(options: argparse.Namespace, repository: Path) -> int:
    """Print the hints of an exercise, one more each time."""
    # Here and not above: what a card is made of is not needed for the other commands.
    from course.checks.at_work import AtWork
    from course.checks.shown import show_hints

    lab = find_lab(options.lab, repository)
    command = f"course {{action}} {lab} {{exercise}}"
    _say(show_hints(AtWork(lab, repository), options.exercise, command).text)
    return PASSED


def _solution(options: argparse.Namespace, repository: Path) -> int:
    """Print a solution beside the learner's own, or say where the worked lab is."""
    lab = find_lab(options.lab, repository)
    entry = lab_entry(lab, repository)
    if not options.exercise:
        if not entry.solution.is_file():
            raise CourseError(f"The worked lab solutions/{lab}.ipynb is not on this machine.")
        names = ", ".join(exercise.name for exercise in entry.exercises)
        _say(f"The worked lab is {_shown(entry.solution, repository)}. Its exercises: {names}.")
        return PASSED
    exercise = find_exercise(entry, options.exercise)
    try:
        own = answer_in(entry.working_copy, exercise.name)
    except (OSError, ValueError):
        own = ""  # without a notebook there is only the worked answer to show
    solution = solution_of(lab, exercise.name, own, repository)
    console = Console()
    console.print(exercise.heading, style="bold", highlight=False, markup=False)
    console.print(solution_page(solution, own, console.width))
    refusal = record_solution(lab, exercise.name, repository)
    if refusal:
        _say(refusal)
    return PASSED


def _reset(options: argparse.Namespace, repository: Path) -> int:
    """Put an exercise or a lab back as released."""
    _say(reset(find_lab(options.lab, repository), options.exercise, repository))
    return PASSED


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
