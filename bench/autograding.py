"""Grading a class by this course, side by side with plain ``nbgrader autograde``.

``python bench/autograding.py`` makes a class whose submissions to module 3 are all different (right
and wrong answers of the bank, mixed at random), grades it with this course's grading on one core
and with two workers on two cores, then with plain nbgrader on one core, and prints submissions per
second, memory, and whether the scores agree; an answer that draws at random without a seed may get
another score each time from plain nbgrader. A student hands in two notebooks: with the default of
twenty students, forty submissions, plain nbgrader alone takes several minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import psutil
from nbgrader.api import Gradebook
from rich.console import Console
from rich.table import Table

from authoring.environment import put_tools_on_path
from authoring.lab import read_lab
from authoring.tree import REPOSITORY
from autograde.bank import read_answers
from autograde.items import class_items

MODULE = "m3_data"
SHARE_RIGHT = 0.6
"""Probability that an answer of the class is right; the others are wrong or left open."""
SHARE_OPEN = 0.1
_WATCH_SECONDS = 3
"""Between looks at memory: each takes 10 ms of a core for every process that it looks at."""

PLAIN = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "bench"
c.CourseDirectory.ignore = ["*.py", ".*", "*.pyc", "__pycache__"]
c.CourseDirectory.db_url = "sqlite:///" + {root!r} + "/gradebook.db"
c.GenerateAssignment.force = True
"""
OURS = """
from pathlib import Path
from autograde.nbgrader_settings import configure, make_folders
make_folders(Path({root!r}))
configure(get_config(), Path({root!r}))
"""


@dataclass
class Run:
    """One grading of the class."""

    name: str
    seconds: float
    peak_megabytes: float
    scores: dict[tuple[str, str], float]
    learners_seconds: float
    """What the learners' own code took of it; 0 where that is not known."""


def make_class(folder: Path, students: int, seed: int) -> None:
    """Write a class's submissions, each different from all others."""
    rng = np.random.default_rng(seed)
    for name in REPOSITORY.lab_names():
        module, stem = name.split("/")
        if module != MODULE:
            continue
        lab = read_lab(name)
        answers, _ = read_answers(lab)
        release = nbformat.read(REPOSITORY.release(name), as_version=4)
        seen = set()
        number = 0
        while number < students:
            chosen = _choose(rng, lab, answers)
            if tuple(chosen.values()) in seen:
                continue
            seen.add(tuple(chosen.values()))
            notebook = nbformat.from_dict(release)
            for cell in notebook.cells:
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.source = chosen.get(grade_id, cell.source)
            path = folder / f"student{number:03d}" / module / f"{stem}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(nbformat.writes(notebook), encoding="utf-8")
            release = nbformat.read(REPOSITORY.release(name), as_version=4)
            number += 1


def _choose(rng: np.random.Generator, lab: object, answers: list[object]) -> dict[str, str]:
    chosen = {}
    for exercise, cell in lab.exercises.items():
        if rng.random() < SHARE_OPEN:
            continue
        right = rng.random() < SHARE_RIGHT
        pool = [a.source for a in answers if a.exercise == exercise and (a.check is None) == right]
        pool += [cell.text] if right else []
        chosen[exercise] = pool[rng.integers(len(pool))]
    return chosen


def course(folder: Path, configuration: str, submitted: Path) -> Path:
    """Make a course folder with the module, its configuration and the class's submissions."""
    (folder / "source" / MODULE).mkdir(parents=True)
    for path in REPOSITORY.instructor(f"{MODULE}/x").parent.glob("*.ipynb"):
        shutil.copy(path, folder / "source" / MODULE)
    (folder / "nbgrader_config.py").write_text(configuration.format(root=str(folder)))
    outcome = _command(["generate_assignment", MODULE], folder)
    if outcome.returncode:
        raise SystemExit(outcome.stderr[-2000:])
    target = folder / ("submitted" if "gradebook.db" in configuration else "gradebook/submitted")
    shutil.copytree(submitted, target)
    return folder


def _command(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nbgrader", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def measure(name: str, command: list[str], folder: Path, cores: set[int], gradebook: Path) -> Run:
    """Run a grading on some cores, and measure it with all the processes that it starts."""
    started = time.perf_counter()
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=log,
        stderr=log,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    peak = [0.0]

    over = threading.Event()

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            peak[0] = max(peak[0], _pss(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    learners = class_items(gradebook, MODULE).seconds.values()
    scores = _scores(gradebook / "gradebook.db")
    return Run(name, seconds, peak[0] / 1e6, scores, sum(map(sum, learners)))


def _pss(pid: int) -> float:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return total


def _scores(database: Path) -> dict[tuple[str, str], float]:
    put_tools_on_path()
    scores = {}
    with Gradebook(f"sqlite:///{database}") as book:
        for submission in book.assignment_submissions(MODULE):
            for notebook in submission.notebooks:
                scores[submission.student.id, notebook.name] = notebook.score
    return scores


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    put_tools_on_path()
    console = Console()
    ours = [sys.executable, "-m", "autograde.grade", MODULE]
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_class(folder / "submitted", options.students, options.seed)
        for name, configuration, command, cores in [
            ("this course, one core", OURS, [*ours, "--workers", "1"], {0}),
            ("this course, two workers", OURS, [*ours, "--workers", "2"], {0, 1}),
            ("plain nbgrader, one core", PLAIN, None, {0}),
        ]:
            place = course(folder / name.replace(" ", "_"), configuration, folder / "submitted")
            command = command or [sys.executable, "-m", "nbgrader", "autograde", MODULE]
            base = place if configuration is PLAIN else place / "gradebook"
            console.print(f"{name} …")
            runs.append(measure(name, command, place, cores, base))
            console.print(f"  {runs[-1].seconds:.0f} s")
    console.print(_table(runs, options.students))
    for line in _differences(runs):
        console.print(line)


def _table(runs: list[Run], students: int) -> Table:
    plain = next(run for run in runs if run.name.startswith("plain"))
    count = len(plain.scores)
    table = Table(title=f"{students} students, {count} submissions to {MODULE}")
    columns = ("grading", "s", "submissions per s", "against plain", "against learners' code")
    for column in (*columns, "peak MB", "same scores"):
        table.add_column(column, justify="left" if column == "grading" else "right")
    for run in runs:
        same = sum(run.scores.get(key) == score for key, score in plain.scores.items())
        table.add_row(
            run.name,
            f"{run.seconds:.1f}",
            f"{count / run.seconds:.3f}",
            f"{plain.seconds / run.seconds:.1f}",
            f"{run.seconds / run.learners_seconds:.1f}" if run.learners_seconds else "",
            f"{run.peak_megabytes:.0f}",
            f"{same} of {len(plain.scores)}",
        )
    return table


def _differences(runs: list[Run]) -> list[str]:
    """Return who got another score than from plain nbgrader, by run."""
    plain = next(run for run in runs if run.name.startswith("plain"))
    return [
        f"{run.name}: {student}, {lab} got {run.scores.get((student, lab))} instead of {score}"
        for run in runs
        for (student, lab), score in plain.scores.items()
        if run.scores.get((student, lab)) != score
    ]


if __name__ == "__main__":
    main()
