"""Render the figures of the readings, or print their numbers."""

from __future__ import annotations

import argparse
import sys

import matplotlib as mpl
from rich.console import Console
from rich.progress import track

from course.readings.figures import CHAPTERS, FIGURES, FOLDER, save


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m course.readings.figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="figure", help="figures by name; all if none")
    parser.add_argument("--numbers", action="store_true", help="print the numbers of the chapters")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    console = Console(stderr=True)
    if options.numbers:
        numbers = [(name, *row) for name, part in CHAPTERS.items() for row in part.NUMBERS.items()]
        for chapter, what, compute in track(numbers, "Computing", console=console):
            print(f"{chapter:14s} {what:58s} {compute():12.5g}")
        return 0
    mpl.use("Agg")
    for name in track(options.names or list(FIGURES), "Drawing", console=console):
        save(FIGURES[name](), FOLDER / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
