"""The author's command line: ``python -m authoring build|check|import|instructor [LAB …]``."""

from __future__ import annotations

import argparse
import sys

import nbformat
from rich.console import Console
from rich.progress import Progress

from authoring.build import Built, build, forget_instructor_edits, write_instructor_notebook
from authoring.lab import read_lab, write_lab
from authoring.notebook import ImportRefusedError, from_notebook
from authoring.release import ReleaseFailedError
from authoring.rules import LabRefusedError
from authoring.tree import REPOSITORY

COMMANDS = {
    "build": "write what changed: instructor notebook, release, solution",
    "check": "build everything anew, write nothing, and say what is out of date",
    "import": "bring edits of the instructor notebook back to the source",
    "instructor": "write the instructor notebooks only",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one of the author's commands; return 0 when all went well."""
    parser = argparse.ArgumentParser(
        prog="python -m authoring",
        description="\n".join(f"{name:11} {text}" for name, text in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("labs", nargs="*", metavar="LAB", help="module/lab; all if none is named")
    options = parser.parse_args(arguments)
    try:
        names = [REPOSITORY.find(name) for name in options.labs] or REPOSITORY.lab_names()
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    if options.command == "import":
        return max(map(_import, names), default=0)
    if options.command == "instructor":
        return max(map(_write_instructor, names), default=0)
    return _build(names, check=options.command == "check")


def _build(names: list[str], *, check: bool) -> int:
    console = Console()
    failed = False
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Comparing" if check else "Building", total=len(names))
        try:
            for outcome in build(names, check=check):
                progress.advance(task)
                failed |= isinstance(outcome, LabRefusedError) or (check and bool(outcome.written))
                sentence = _sentence(outcome, check=check)
                console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        except ReleaseFailedError as error:
            console.print(f"nbgrader could not make the release:\n{error}", markup=False)
            return 1
    return int(failed)


def _sentence(outcome: Built | LabRefusedError, *, check: bool) -> str:
    if isinstance(outcome, LabRefusedError):
        return str(outcome)
    if outcome.up_to_date:
        return f"{outcome.lab}: up to date"
    files = ", ".join(outcome.written)
    if not files:
        return f"{outcome.lab}: built anew, nothing changed"
    if check:
        return (
            f"{outcome.lab}: {files} is not what the source makes; run `make build` and commit "
            "the result."
        )
    return f"{outcome.lab}: wrote {files}"


def _write_instructor(name: str) -> int:
    try:
        write_instructor_notebook(name)
    except LabRefusedError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _import(name: str) -> int:
    """Bring the edits of a lab's instructor notebook back to its source."""
    notebook, source = REPOSITORY.instructor(name), REPOSITORY.source(name)
    place = REPOSITORY.relative(notebook)
    if not notebook.exists():
        print(f"There is no {place} to import; `make build` makes it.", file=sys.stderr)
        return 1
    try:
        lab = from_notebook(nbformat.read(notebook, as_version=4), read_lab(name))
    except ImportRefusedError as error:
        print(f"{place}: {error}", file=sys.stderr)
        return 1
    text = write_lab(lab)
    changed = text != source.read_text(encoding="utf-8")
    if changed:
        source.write_text(text, encoding="utf-8")
    forget_instructor_edits(name)
    count = len(read_lab(name).cells)
    said = "updated" if changed else "unchanged"
    print(f"{REPOSITORY.relative(source)}: {said}, {count} cells")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
