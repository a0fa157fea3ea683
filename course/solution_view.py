"""The solution of an exercise beside the learner's own, with another right answer.

The worked answer stands in the worked notebook under ``solutions/``; other right answers are those
of the answer bank, ``autograde/answers/``, which must pass every check.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from course.checks.hidden import REPOSITORY
from course.errors import CourseError

_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_RIGHT = re.compile(r'\bright="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Solution:
    """What is shown when a learner asks for a solution.

    Attributes
    ----------
    exercise
        Name of the exercise.
    worked
        The worked answer.
    title, alternative
        Another right answer, and what it does in words; empty where there is none.
    """

    exercise: str
    worked: str
    title: str = ""
    alternative: str = ""


def solution_of(lab: str, exercise: str, own: str = "", repository: Path = REPOSITORY) -> Solution:
    """Return the solution of an exercise, with the right answer that is least like those shown.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    exercise
        Name of the exercise.
    own
        The learner's own answer.
    repository
        Root of the clone.

    Raises
    ------
    CourseError
        If the worked notebook is not on this disk, or does not have the exercise.
    """
    worked = _worked_answer(lab, exercise, repository)
    others = other_answers(lab, exercise, repository)
    if not others:
        return Solution(exercise, worked)
    title, alternative = min(others, key=lambda item: _likeness(item[1], own, worked))
    return Solution(exercise, worked, title, alternative)


def other_answers(lab: str, exercise: str, repository: Path = REPOSITORY) -> list[tuple[str, str]]:
    """Return the right answers of the answer bank to an exercise: what each does, and its code.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    exercise
        Name of the exercise.
    repository
        Root of the clone.
    """
    path = repository / "autograde" / "answers" / lab / f"{exercise}.py"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    # The text before the first cell, then by turns a cell's marks and its code.
    _, *pieces = _CELL.split(text)
    cells = zip(pieces[::2], pieces[1::2], strict=True)
    return [
        (found.group(1).replace('\\"', '"'), code.strip())
        for marks, code in cells
        if (found := _RIGHT.search(marks))
    ]


def answer_in(notebook: Path, exercise: str) -> str:
    """Return the source of an exercise's cell in a notebook; empty if there is none.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is no notebook.
    """
    try:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            nbgrader = cell["metadata"].get("nbgrader", {})
            if nbgrader.get("solution") and nbgrader.get("grade_id") == exercise:
                return "".join(cell["source"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{notebook} is no notebook") from error
    return ""


def _worked_answer(lab: str, exercise: str, repository: Path) -> str:
    place = f"solutions/{lab}.ipynb"
    try:
        worked = answer_in(repository / place, exercise)
    except FileNotFoundError:
        raise CourseError(
            f"The worked lab {place} is not on this machine. In a clone of the course, `git "
            f"checkout {place}` brings it back; in a class it may come after the deadline."
        ) from None
    except (OSError, ValueError) as error:
        raise CourseError(
            f"The worked lab {place} cannot be read ({type(error).__name__}). `git checkout "
            f"{place}` brings it back, `make build` makes it anew."
        ) from None
    if not worked:
        raise CourseError(f"{place} has no answer to `{exercise}`: it is of another build.")
    return worked


def _likeness(code: str, *others: str) -> float:
    """Return how like the likest of some answers an answer is, from 0 to 1."""
    return max(difflib.SequenceMatcher(None, code, other).ratio() for other in others)
