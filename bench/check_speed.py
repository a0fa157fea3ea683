"""How long a learner waits: a check in the live kernel beside `nbgrader validate`, and the start.

A learner who has changed one answer runs its check cell, or else `nbgrader validate` on the whole
notebook, which is what nbgrader's *Validate* button does. Both are timed on the same notebook: a
lab's release with the worked answers in it. What a check adds is its time less that of the same
asserts run as a plain cell in the same kernel. Last, the time from `course lab` to a course home
that can be clicked, in a headless Chromium.

    python bench/check_speed.py [--lab m3_data/leakage_free_splits] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbformat import NotebookNode
from playwright.sync_api import Error, sync_playwright
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CELL_SECONDS = 300
REPEATS = 3
"""Of each cell, for the fastest: another program may have had the processor meanwhile."""
STARTED = re.compile(r"http://localhost:\d+/\S*\?token=\w+")


@contextmanager
def clone_of(lab: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a clone with one lab, and the environment in which its own package is imported.

    So that no progress of these runs is noted in the real one.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "clone"
        for package in ("course", "autograde", "authoring"):
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, root / package, ignore=left_out)
        for tree in ("release", "solutions"):
            target = root / tree / f"{lab}.ipynb"
            target.parent.mkdir(parents=True)
            shutil.copy(ROOT / tree / f"{lab}.ipynb", target)
        home = Path(folder) / "home"
        home.mkdir()
        changes = {"HOME": str(home), "PYTHONPATH": str(root), "MPLBACKEND": "Agg"}
        yield root, os.environ | ONE_THREAD | changes


def solved(root: Path, lab: str) -> NotebookNode:
    """Return a lab's release with the worked answers in it."""
    notebook, worked = (
        nbformat.read(root / tree / f"{lab}.ipynb", as_version=4)
        for tree in ("release", "solutions")
    )
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in worked.cells}
    for cell in notebook.cells:
        if cell.metadata.nbgrader.solution:
            cell.source = answers[cell.metadata.nbgrader.grade_id]
    return notebook


def whole_checks(root: Path, lab: str) -> dict[str, str]:
    """Return the asserts of each check, the hidden ones too, by the id of its cell."""
    worked = nbformat.read(root / "solutions" / f"{lab}.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source.partition("\n")[2]
        for cell in worked.cells
        if cell.metadata.nbgrader.grade
    }


def run(client: BlockingKernelClient, source: str) -> float:
    """Run a cell and return the seconds until the kernel is idle again."""
    start = time.perf_counter()
    reply = client.execute_interactive(
        source, timeout=CELL_SECONDS, output_hook=lambda message: None
    )
    seconds = time.perf_counter() - start
    if reply["content"]["status"] != "ok":
        raise SystemExit(f"A cell failed: {reply['content']['evalue']}\n{source[:300]}")
    return seconds


def time_checks(
    notebook: NotebookNode, checks: dict[str, str], environment: dict[str, str], folder: Path
) -> tuple[list[float], list[float]]:
    """Return the seconds of each check, and what it adds to its own asserts."""
    manager, client = start_new_kernel(env=environment, cwd=str(folder))
    taken, added = [], []
    try:
        with Progress(transient=True) as bar:
            for cell in bar.track(notebook.cells, description="Cells in the live kernel"):
                if cell.cell_type != "code":
                    continue
                plain = checks.get(cell.metadata.nbgrader.grade_id)
                if plain is None:
                    run(client, cell.source)
                    continue
                run(client, plain)  # what is computed once and kept counts for neither
                seconds = min(run(client, cell.source) for _ in range(REPEATS))
                taken.append(seconds)
                added.append(seconds - min(run(client, plain) for _ in range(REPEATS)))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return taken, added


def time_validate(notebook: NotebookNode, environment: dict[str, str], folder: Path) -> float:
    """Return the seconds of `nbgrader validate` on the notebook."""
    path = folder / "validated.ipynb"
    nbformat.write(notebook, path)
    command = [str(Path(sys.executable).parent / "nbgrader"), "validate", path.name]
    start = time.perf_counter()
    outcome = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if "Success" not in outcome.stdout:
        raise SystemExit(f"nbgrader validate: {outcome.stdout}{outcome.stderr}")
    return seconds


def time_start(root: Path, environment: dict[str, str]) -> float:
    """Return the seconds from `course lab` to a course home that can be clicked."""
    with sync_playwright() as playwright:
        own = playwright.chromium
        installed = next(filter(None, map(shutil.which, BROWSERS)), own.executable_path)
        browser = own.launch(executable_path=installed)
        page = browser.new_page()
        start = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "course", "lab", "--no-browser"],
            cwd=root,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as server:
            try:
                address = next(filter(None, map(STARTED.search, server.stdout)))
                # The port is announced a moment before it answers.
                while True:
                    try:
                        page.goto(address.group())
                        break
                    except Error:
                        if time.perf_counter() - start > CELL_SECONDS:
                            raise
                page.locator(".course-home-card button").first.wait_for()
                seconds = time.perf_counter() - start
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(30)
        browser.close()
    return seconds


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lab", default="m3_data/leakage_free_splits")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    taken, added, validated, started = [], [], [], []
    with clone_of(options.lab) as (root, environment):
        notebook, checks = solved(root, options.lab), whole_checks(root, options.lab)
        for _ in range(options.rounds):
            seconds, more = time_checks(notebook, checks, environment, root)
            taken += seconds
            added += more
            validated.append(time_validate(notebook, environment, root))
            started.append(time_start(root, environment))

    table = Table(title=f"{options.lab}: {len(checks)} checks, {options.rounds} rounds; seconds")
    for name in ("", "median", "slowest"):
        table.add_column(name, justify="left" if not name else "right")
    for name, values in {
        "a check in the live kernel, hidden part included": taken,
        "  of which beyond its own asserts": added,
        "nbgrader validate, the whole notebook": validated,
        "make lab until the course home can be clicked": started,
    }.items():
        table.add_row(name, f"{statistics.median(values):.3f}", f"{max(values):.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
