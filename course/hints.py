"""The hints of a lab, as they stand in its own text above each exercise."""

from __future__ import annotations

import functools
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

from course.checks.hidden import REPOSITORY

_HINT = re.compile(r"<details>\s*<summary>\s*(Hint\b.*?)\s*</summary>(.*?)</details>", re.DOTALL)
_CODE = re.compile(r"<code>(.*?)</code>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Hint:
    """One hint: its title, such as 'Hint 1: the idea', and what it says, in HTML."""

    title: str
    html: str

    @property
    def text(self) -> str:
        """What it says as plain text, with code between backticks."""
        marked = _CODE.sub(r"`\1`", self.html)
        return html.unescape(_TAG.sub("", marked)).strip()


def hints_of(lab: str, exercise: str, repository: Path = REPOSITORY) -> tuple[Hint, ...]:
    """Return the hints of an exercise, in order; none where its lab isn't on this disk.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    exercise
        Name of the exercise.
    repository
        Root of the clone.
    """
    path = repository / "release" / f"{lab}.ipynb"
    try:
        return _hints(path, path.stat().st_mtime_ns).get(exercise, ())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


@functools.lru_cache(maxsize=8)
def _hints(path: Path, modified: int) -> dict[str, tuple[Hint, ...]]:
    """Read the hints of a notebook, once for each time that it has changed."""
    found: dict[str, tuple[Hint, ...]] = {}
    above: list[Hint] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            above += [Hint(title, body.strip()) for title, body in _HINT.findall(text)]
        elif nbgrader.get("solution"):
            found[nbgrader["grade_id"]] = tuple(above)
            above = []
    return found
