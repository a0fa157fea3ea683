"""Grade a class from the command line: ``python -m autograde.grade MODULE`` (``make grade``).

Interrupted at any moment and started again, it goes on where it was: a submission counts as graded
when its grades are in the gradebook and its graded notebook says so, and one that was under way is
begun anew.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters.base import NbGraderException
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sqlalchemy.exc import DBAPIError, SAWarning

from autograde.arms_length.service import GradingFailedError
from autograde.batch import ClassGrader, Outcome
from autograde.gradebook import CannotEnterError, enter_module, gradebook_folder
from autograde.items import class_items, items_tables
from autograde.report import GradeRow, grade_rows, grade_table
from autograde.sandbox import NoSandboxError, choose_tier, describe

GRADED, SOME_NOT, FAULT, INTERRUPTED = 0, 1, 2, 130
"""What the command returns to the shell."""


class _BusyError(Exception):
    """Another process is grading into the same gradebook."""


_FAULTS = (NoSandboxError, GradingFailedError, NbGraderException, CannotEnterError, _BusyError)
"""What stops a grading with a sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Grade the submissions of a module that have changed since they were graded."""
    options = _parser().parse_args(arguments)
    # nbgrader's own way of adding a submission, which SQLAlchemy comments on from 2.1.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    console = Console(highlight=False, soft_wrap=True)
    try:
        with _only_one(gradebook_folder()):
            return _grade(options, console)
    except _FAULTS as error:
        print(error, file=sys.stderr)
        return FAULT
    except DBAPIError as error:
        print(f"The gradebook's database could not be used: {error.orig}", file=sys.stderr)
        print("What has been graded is kept; the same command goes on from here.", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on from here.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograde.grade", description=main.__doc__)
    parser.add_argument("module", help="the module to grade, as in m3_data")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="submissions at a time (all cores)"
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="grade on this Dask scheduler's workers")
    parser.add_argument("--student", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--force", action="store_true", help="grade what has not changed, too")
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="grade without a sandbox where there is none; only for your own notebooks",
    )
    return parser


def _grade(options: argparse.Namespace, console: Console) -> int:
    """Grade and report."""
    started = time.monotonic()
    app = _nbgrader(options)
    enter_module(app, options.module, say=lambda text: console.print(text, markup=False))
    grader = ClassGrader(app, options.student, options.force)
    students = grader.find()
    if not options.dask:
        tier = choose_tier(allow_unsafe=options.unsafe)
        console.print(f"Sandbox: {tier} ({describe(tier)}).", style="dim")
    outcomes = _with_progress(grader, students, options.module, console)
    _summary(grader, outcomes, options.module, time.monotonic() - started, console)
    return SOME_NOT if any(outcome.fault for outcome in outcomes) else GRADED


def _nbgrader(options: argparse.Namespace) -> AutogradeApp:
    """Return nbgrader's own application, with the course's configuration and these options."""
    # What goes wrong is said in a sentence; tracebacks are in gradebook/nbgrader.log.
    app = AutogradeApp(logging_config={"handlers": {"console": {"level": "CRITICAL"}}})
    words = [options.module, f"--ExecuteApart.workers={max(1, options.workers)}"]
    words += ["--Application.log_level=ERROR"]
    if options.dask:
        words.append(f"--ExecuteApart.cluster={options.dask}")
    if options.unsafe:
        words.append("--ExecuteApart.allow_unsafe=True")
    app.initialize(words)
    app.coursedir.assignment_id = options.module
    return app


def _with_progress(
    grader: ClassGrader, students: list[str], module: str, console: Console
) -> list[Outcome]:
    """Grade, with a bar and a line per student."""
    outcomes: list[Outcome] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"Grading {module}", total=len(students))

        def tell(outcome: Outcome) -> None:
            outcomes.append(outcome)
            progress.console.print(_line(outcome, module))
            progress.advance(task)

        grader.grade(tell)
    return outcomes


def _line(outcome: Outcome, module: str) -> str:
    """Return what is said of one student."""
    if outcome.fault:
        return f"{escape(outcome.student)}: [bold]no grade[/bold] ({escape(outcome.fault)})"
    rows = grade_rows(gradebook_folder(), module, student=outcome.student)
    points = sum(row.points for row in rows)
    most = sum(row.most_points for row in rows)
    remarks = sum(len(row.notes) for row in rows)
    more = f", {remarks} remark{'s' if remarks > 1 else ''}" if remarks else ""
    name = escape(outcome.student)
    return f"{name}: {points:g} of {most:g} points, {outcome.seconds:.1f} s{more}"


def _summary(
    grader: ClassGrader, outcomes: list[Outcome], module: str, seconds: float, console: Console
) -> None:
    rows = grade_rows(gradebook_folder(), module)
    remarked = [row for row in rows if row.notes or row.missing]
    if remarked:
        console.print(grade_table(remarked, "Repaired, refused or stopped"))
    found = class_items(gradebook_folder(), module)
    for table in items_tables(found, module):
        console.print(table)
    graded = [outcome for outcome in outcomes if not outcome.fault]
    parts = [f"{len(graded)} graded in {seconds:.0f} s"]
    if grader.skipped:
        parts.append(f"{len(grader.skipped)} unchanged since they were graded")
    if len(outcomes) > len(graded):
        parts.append(f"{len(outcomes) - len(graded)} without a grade")
    console.print("; ".join(parts) + ".")


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the gradebook's lock: two gradings at once would undo each other's."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".grading.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _BusyError(
                f"Another grading is under way in {folder}; wait for its end, or stop it."
            ) from None
        yield


__all__ = ["GradeRow", "MissingEntry", "main"]


if __name__ == "__main__":
    code = main()
    # Python would look through all objects once more before it ends, which takes a second.
    gc.freeze()
    if code == INTERRUPTED:
        # An orderly exit would wait for the submissions under way; their processes end by
        # themselves when this one is gone.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)
