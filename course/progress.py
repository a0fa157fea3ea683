"""What a learner has done so far: checks passed, hints read, solutions opened.

Kept in ``workspace/.progress.jsonl``, one line of JSON for each thing that is new. A line is added
by a single append, which needs no lock: two open notebooks cannot write over each other, a crash
costs at most the line that was being written, and nothing that was passed is ever taken back. A
line that tells nothing new isn't written, so that the file stays small.
"""

from __future__ import annotations

import errno
import json
import math
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from course.checks.hidden import REPOSITORY
from course.checks.verdict import Status, Verdict

PROGRESS_FILE = "workspace/.progress.jsonl"
"""Where progress is kept, from the root of the clone."""


@dataclass(frozen=True)
class CheckProgress:
    """What is known of one check.

    Attributes
    ----------
    passed
        Whether it has ever passed.
    points
        Points earned: those of the check, or 0.
    when
        When it first passed, or else was first tried: ISO 8601, UTC.
    """

    passed: bool
    points: float
    when: str


@dataclass
class LabProgress:
    """What is known of one lab.

    Attributes
    ----------
    checks
        The checks that were tried, by name.
    hints
        How many hints of an exercise were shown, by the exercise's name.
    solutions
        The exercises whose solution was shown.
    latest
        When something last was new here: ISO 8601, UTC.
    """

    checks: dict[str, CheckProgress] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    solutions: set[str] = field(default_factory=set)
    latest: str = ""

    @property
    def points(self) -> float:
        """Points of all checks that have passed."""
        return sum(check.points for check in self.checks.values())

    def has_passed(self, check: str) -> bool:
        """Say whether a check has ever passed."""
        return check in self.checks and self.checks[check].passed


@dataclass
class Progress:
    """What a learner has done in all labs.

    Attributes
    ----------
    labs
        What is known of each lab that was begun, by its name, ``module/stem``.
    remark
        A sentence for the learner if the file could not be read, or not all of it; else empty.
    """

    labs: dict[str, LabProgress] = field(default_factory=dict)
    remark: str = ""

    def lab(self, name: str) -> LabProgress:
        """Return what is known of a lab; nothing, for one that was not begun."""
        return self.labs.get(name) or LabProgress()


def read_progress(repository: Path = REPOSITORY) -> Progress:
    """Return what a learner has done.

    Never raises: what cannot be read is left out, and `Progress.remark` says so.

    Parameters
    ----------
    repository
        Root of the clone.
    """
    progress = Progress()
    try:
        lines = (repository / PROGRESS_FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return progress
    except OSError as error:
        progress.remark = f"Your progress cannot be read ({_reason(error)}: {PROGRESS_FILE})."
        return progress
    damaged = sum(not _take_in(progress, line) for line in lines if line.strip())
    if damaged:
        amount = "1 line" if damaged == 1 else f"{damaged} lines"
        progress.remark = (
            f"{PROGRESS_FILE} is damaged: {amount} of it had to be left out, and all the rest "
            "counts. A check that you run again is noted anew."
        )
    return progress


def record_check(lab: str, verdict: Verdict, repository: Path = REPOSITORY) -> str | None:
    """Note what came of a check, if that is new; a pass is never taken back.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    verdict
        What the check found. One that was not started, is broken, or is run when graded is no
        news.
    repository
        Root of the clone.

    Returns
    -------
    str or None
        A sentence for the learner if it could not be written. Never raises.
    """
    if verdict.status not in (Status.PASSED, Status.FAILED):
        return None
    passed = verdict.status is Status.PASSED
    points = verdict.max_points if passed else 0
    known = read_progress(repository).lab(lab).checks.get(verdict.check)
    if known and (known.passed, known.points) >= (passed, points):
        return None
    return _append(
        {"lab": lab, "check": verdict.check, "passed": passed, "points": points}, repository
    )


def record_hint(lab: str, exercise: str, shown: int, repository: Path = REPOSITORY) -> str | None:
    """Note how many hints of an exercise were shown; returns as `record_check` does."""
    if read_progress(repository).lab(lab).hints.get(exercise, 0) >= shown:
        return None
    return _append({"lab": lab, "hint": exercise, "shown": shown}, repository)


def record_solution(lab: str, exercise: str, repository: Path = REPOSITORY) -> str | None:
    """Note that the solution of an exercise was shown; returns as `record_check` does."""
    if exercise in read_progress(repository).lab(lab).solutions:
        return None
    return _append({"lab": lab, "solution": exercise}, repository)


def _take_in(progress: Progress, line: bytes) -> bool:
    """Merge one line of the file into what is known; say whether it could be read."""
    try:
        record = json.loads(line)
        name, when = _text(record["lab"]), _text(record["when"])
        lab = progress.labs.get(name) or LabProgress()
        if "check" in record:
            check, passed = _text(record["check"]), record["passed"] is True
            new = CheckProgress(passed, _number(record["points"]), when)
            known = lab.checks.get(check)
            if known is None or (new.passed, new.points) > (known.passed, known.points):
                lab.checks[check] = new
        elif "hint" in record:
            exercise, shown = _text(record["hint"]), int(_number(record["shown"]))
            lab.hints[exercise] = max(shown, lab.hints.get(exercise, 0))
        else:
            lab.solutions.add(_text(record["solution"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    lab.latest = max(lab.latest, when)
    progress.labs[name] = lab
    return True


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"expected a number, got {value!r}")
    return value


def _append(record: dict[str, object], repository: Path) -> str | None:
    """Add a line to the file in one piece; return a sentence if that cannot be done."""
    record["when"] = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    path = repository / PROGRESS_FILE
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            # A line that a crash or a full disk has cut off must not spoil this one.
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return (
            f"This could not be added to your progress ({_reason(error)}: {PROGRESS_FILE}). Your "
            "notebook is not affected; run the check again when the file can be written."
        )
    return None


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
