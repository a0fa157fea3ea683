"""The labs of the course, as a learner names them."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

from course.checks.hidden import REPOSITORY
from course.errors import CourseError

ORDER = (
    "m3_data/leakage_free_splits",
    "m3_data/down_sampling",
    "m5_evaluation/offline_metrics",
    "m5_evaluation/ab_testing",
    "m5_evaluation/offline_vs_online",
)
"""The order of labs in the modules that have several; others follow by name."""

_LAB_LINE = re.compile(r"^%lab\s+(\S+)\s*$", re.MULTILINE)
_BESIDE = re.compile(r"\.(new-[0-9a-f]{8}|backup-[0-9-]+)$")


def lab_names(repository: Path = REPOSITORY) -> list[str]:
    """Return the names of all released labs, as ``module/stem``, in the order to take them."""
    releases = (repository / "release").glob("*/*.ipynb")
    return sorted((f"{path.parent.name}/{path.stem}" for path in releases), key=_place)


def _place(lab: str) -> tuple[str, int, str]:
    """Return what sorts a lab: its module, then its place there."""
    module, _, stem = lab.partition("/")
    return module, ORDER.index(lab) if lab in ORDER else len(ORDER), stem


def find_lab(name: str, repository: Path = REPOSITORY) -> str:
    """Return the full name of a lab, from its full name, its stem, or the name of a notebook.

    Raises
    ------
    CourseError
        If there is no such lab; the sentence names the nearest.
    """
    known = lab_names(repository)
    path = Path(name)
    stem = _BESIDE.sub("", path.name.removesuffix(".ipynb").removesuffix(".py"))
    full = "/".join([*path.parts[-2:-1], stem])
    stems = [lab.split("/")[1] for lab in known]
    for lab, known_stem in zip(known, stems, strict=True):
        if full in (lab, known_stem):
            return lab
    near = difflib.get_close_matches(full, known, n=1, cutoff=0.5)
    near += difflib.get_close_matches(stem, stems, n=1)
    advice = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(known) or 'none'}."
    raise CourseError(f"There is no lab `{name}`. {advice}")


def lab_of_notebook(path: Path, repository: Path = REPOSITORY) -> str:
    """Return the lab that a notebook is of: the one that its ``%lab`` line names, else its name.

    Raises
    ------
    CourseError
        If that is no lab of the course.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    except (OSError, ValueError, KeyError, TypeError):
        text = ""  # whoever reads the notebook says what is wrong with it
    named = _LAB_LINE.search(text)
    return find_lab(named.group(1) if named else path.name, repository)
