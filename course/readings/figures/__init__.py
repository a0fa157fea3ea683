"""The figures and the numbers of the reading chapters, computed from the course's worlds.

Each chapter has a module of its own with two tables: `FIGURES` (file stem to a function that draws
it) and `NUMBERS` (what a number is to a function that computes it). `python -m
course.readings.figures` renders every figure beside this file, and with `--numbers` prints every
number. Nothing here is needed to read a chapter: the pictures are in the repository.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from course.readings.figures import (
    m1_requirements,
    m2_framing,
    m3_data,
    m4_models,
    m5_evaluation,
    m6_serving,
    m7_monitoring,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parent
"""Where the pictures are."""
CHAPTERS = {
    "m1_requirements": m1_requirements,
    "m2_framing": m2_framing,
    "m3_data": m3_data,
    "m4_models": m4_models,
    "m5_evaluation": m5_evaluation,
    "m6_serving": m6_serving,
    "m7_monitoring": m7_monitoring,
}
"""The module of each chapter."""
DOTS_PER_INCH = 144

FIGURES: dict[str, Callable[[], Figure]] = {
    stem: draw for chapter in CHAPTERS.values() for stem, draw in chapter.FIGURES.items()
}
"""Every figure: the stem of its file, and the function that draws it."""


def save(fig: Figure, path: Path) -> None:
    """Write a figure as PNG and close it; the same figure always gives the same bytes."""
    import matplotlib.pyplot as plt

    # The default metadata name the version of matplotlib.
    fig.savefig(path, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(fig)
