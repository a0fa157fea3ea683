"""Play a class: release, fetch, submit, collect, autograde, feedback, export, by plain nbgrader.

``python -m autograde.classroom`` (``make class``) makes a class of eight, each with real notebooks
of a module, lets them go through nbgrader's exchange, and ends with the grade table and the
feedback. It works in a folder of its own, so that an instructor's gradebook is never touched, and
a second run finds all done.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import Progress

from authoring.lab import Lab, read_lab
from authoring.tree import REPOSITORY
from autograde.bank import read_answers
from autograde.nbgrader_settings import COURSE_ID, GRADEBOOK_VARIABLE
from autograde.report import grade_rows, grade_table

FOLDER = REPOSITORY.root / "gradebook" / "practice_class"
CELL_SECONDS = 10
"""Time limit of a cell in the practice class; its endless loop need not wait for longer."""

Answers = dict[str, str]
"""Source of an answer's cell, by exercise."""

_CRASH = "import os\n\n\ndef {name}(*arguments, **named):\n    os._exit(1)\n"
_LOOP = "def {name}(*arguments, **named):\n    while True:\n        pass\n"


def all_right(lab: Lab) -> Answers:
    """Return the lab's own solutions."""
    return {name: cell.text for name, cell in lab.exercises.items()}


def half_done(lab: Lab) -> Answers:
    """Return the solutions of the first half of the exercises."""
    answers = all_right(lab)
    return {name: answers[name] for name in list(answers)[: len(answers) // 2]}


def nothing_done(lab: Lab) -> Answers:
    """Return no answers: the release as it was fetched."""
    return {}


def plausibly_wrong(lab: Lab) -> Answers:
    """Return a wrong answer of the bank to every exercise."""
    answers, _ = read_answers(lab)
    return {item.exercise: item.source for item in reversed(answers) if item.check}


def crashes(lab: Lab) -> Answers:
    """Return the solutions, but for one function that ends its process."""
    return all_right(lab) | _replace(lab, _CRASH)


def never_ends(lab: Lab) -> Answers:
    """Return the solutions, but for one function that loops for ever."""
    return all_right(lab) | _replace(lab, _LOOP)


def _replace(lab: Lab, text: str) -> Answers:
    # A function in the middle of the lab: what comes before and after must keep its points.
    name = list(lab.exercises)[len(lab.exercises) // 2]
    return {name: text.format(name=name)}


STUDENTS: dict[str, Callable[[Lab], Answers]] = {
    "ana_all_right": all_right,
    "ben_half_done": half_done,
    "chi_nothing_done": nothing_done,
    "dev_plausibly_wrong": plausibly_wrong,
    "eva_crashes": crashes,
    "fay_never_ends": never_ends,
    "gus_cut_off_file": all_right,
}
CUT_OFF = "gus_cut_off_file"
ABSENT = "hal_submits_nothing"


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Play a class in a module and print its grades; return 1 if one of the steps failed."""
    parser = argparse.ArgumentParser(prog="python -m autograde.classroom", description=main.__doc__)
    parser.add_argument("module", nargs="?", default="m3_data")
    module = parser.parse_args(arguments).module
    names = [name for name in REPOSITORY.lab_names() if name.startswith(f"{module}/")]
    if not names:
        print(f"There is no module `{module}` under source/.", file=sys.stderr)
        return 2
    console = Console(soft_wrap=True, highlight=False)
    _start_over_if_released_anew(folder, names)
    steps = list(_steps(folder, module, names))
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Class", total=len(steps))
        for command, directory in steps:
            progress.update(task, description=" ".join(command[:2]))
            outcome = _run(command, directory, folder)
            if outcome.returncode:
                console.print(f"`{' '.join(command)}` failed:", outcome.stderr[-2000:])
                return 1
            progress.advance(task)
    taken = [command[1] for command, _ in steps if command[0] == "nbgrader"]
    steps_taken = " → ".join(dict.fromkeys(taken))
    console.print(f"nbgrader {steps_taken}" if steps else "This class has been played.")
    console.print(grade_table(grade_rows(folder, module), f"Grades of {module}"))
    shown = REPOSITORY.relative(folder)
    console.print(f"Feedback: {shown}/feedback/<student>/{module}/<lab>.html")
    console.print(f"Export: {shown}/grades.csv")
    return 0


def _start_over_if_released_anew(folder: Path, names: list[str]) -> None:
    """Forget a class that was played with another release of its labs."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(REPOSITORY.release(name).read_bytes())
        digest.update(REPOSITORY.source(name).read_bytes())
    stamp = folder / "release.sha256"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(digest.hexdigest())


def _steps(folder: Path, module: str, names: list[str]) -> Iterator[tuple[list[str], Path]]:
    """Yield the commands that are still to be run, each with the folder it is run in."""
    root, submitted, graded = REPOSITORY.root, folder / "submitted", folder / "autograded"
    if not (folder / "exchange" / COURSE_ID / "outbound" / module).exists():
        yield ["nbgrader", "generate_assignment", module], root
        yield ["nbgrader", "release_assignment", module], root
        yield ["nbgrader", "db", "student", "add", ABSENT], root
    absent = [student for student in STUDENTS if not (submitted / student / module).exists()]
    for student in absent:
        home = _student_home(folder, student)
        if not (home / module).exists():
            yield ["nbgrader", "fetch_assignment", module], home
        yield ["solve", student, *names], home
        yield ["nbgrader", "submit", module, f"--student={student}"], home
    if absent:
        yield ["nbgrader", "collect", module], root
    if not all((graded / student / module).exists() for student in STUDENTS):
        limit = f"--ExecuteApart.timeout={CELL_SECONDS}"
        yield ["nbgrader", "autograde", module, limit], root
    if not (folder / "grades.csv").exists():
        yield ["nbgrader", "generate_feedback", module], root
        yield ["nbgrader", "release_feedback", module], root
        yield ["nbgrader", "export"], root


def _student_home(folder: Path, student: str) -> Path:
    """Return a student's own folder, with a configuration that knows only the exchange."""
    home = folder / "homes" / student
    home.mkdir(parents=True, exist_ok=True)
    (home / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.course_id = {COURSE_ID!r}\n"
        f"c.Exchange.root = {str(folder / 'exchange')!r}\n"
        f"c.Exchange.cache = {str(home / 'cache')!r}\n"
    )
    return home


def _run(command: list[str], directory: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    if command[0] == "solve":
        for name in command[2:]:
            _solve(command[1], name, directory)
        return subprocess.CompletedProcess(command, 0, "", "")
    tool = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [str(tool), *command[1:]],
        cwd=directory,
        env=os.environ | {GRADEBOOK_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def _solve(student: str, name: str, home: Path) -> None:
    """Write a student's answers into the notebook that they fetched."""
    lab = read_lab(name)
    path = home / f"{lab.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    answers = STUDENTS[student](lab)
    for cell in notebook.cells:
        cell.source = answers.get(_grade_id(cell), cell.source)
    text = nbformat.writes(notebook)
    path.write_text(text[: len(text) // 2] if student == CUT_OFF else text, encoding="utf-8")


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


if __name__ == "__main__":
    raise SystemExit(main())
