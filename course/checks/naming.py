"""Names that tie a lab's cells together: exercise, check, nbgrader id."""

from __future__ import annotations

from collections.abc import Iterable

_PREFIX = "check-"


def check_id(check: str) -> str:
    """Return the nbgrader id of a check; an exercise and its first check share their name."""
    return f"{_PREFIX}{check}"


def check_name(grade_id: str) -> str:
    """Return the name of the check that has an nbgrader id; the reverse of `check_id`."""
    return grade_id.removeprefix(_PREFIX)


def exercise_of(check: str, exercises: Iterable[str]) -> str | None:
    """Return the longest of the exercise names that a check's name is, or begins with."""
    owners = [name for name in exercises if check == name or check.startswith(f"{name}_")]
    return max(owners, key=len, default=None)
