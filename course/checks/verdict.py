"""Run one check and say what came of it.

A check is plain Python with asserts. It is run from the top and stops at the first assert that
fails, as Python would, so that its verdict is the same wherever it runs: in a learner's kernel, in
the answer bank's runner, in a grading batch. It is worth all of its points or none.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import linecache
import types
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

HIDDEN_BEGIN = "### BEGIN HIDDEN TESTS"
HIDDEN_END = "### END HIDDEN TESTS"

_LONGEST_MESSAGE = 1200
_LONGEST_TRACE = 12
"""Frames; of a deeper trace the first and the last are kept."""
_BUILTINS = frozenset(name for name in vars(builtins) if not name.startswith("_"))
_NOT_DATA = ("trace", "missing")


class Status(StrEnum):
    """What a check found."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_STARTED = "not started"
    BROKEN = "broken"
    """The check itself cannot run: never the learner's fault."""
    DEFERRED = "run when graded"
    """What can be seen passes, or there is nothing to see; the hidden part isn't on this disk."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    Attributes
    ----------
    check
        Name of the check, unique in its lab.
    status
        What the check found.
    points, max_points
        Points earned and points to be had; ``points`` is ``max_points`` or 0.
    title
        The property that the check is about, in words.
    message
        What went wrong, with the evidence; empty for a pass.
    by_assert
        Whether an assert of the check failed, rather than the learner's code having raised.
    trace
        For an answer that raised: its calls down to there, a line each, without those of the check.
    missing
        The name that was undefined, if that is what went wrong.
    """

    check: str
    status: Status
    points: float
    max_points: float
    title: str
    message: str = ""
    by_assert: bool = False
    trace: str = ""
    missing: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data, for JSON: what a grader keeps of it."""
        data = asdict(self) | {"status": str(self.status)}
        return {key: value for key, value in data.items() if key not in _NOT_DATA}


def check_title(source: str) -> str:
    """Return the property that a check is about: its first comment line, without the mark."""
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("#") and not text.startswith("###"):
            return text.lstrip("# ").rstrip(".")
        if text and not text.startswith("%%"):
            return ""
    return ""


def visible_part(source: str) -> str:
    """Return a check's source without its hidden regions, as a release shows it."""
    kept: list[str] = []
    hidden = False
    for line in source.splitlines():
        if HIDDEN_BEGIN in line:
            hidden = True
        elif HIDDEN_END in line:
            hidden = False
        elif not hidden:
            kept.append(line)
    return "\n".join(kept).strip()


def run_check(
    source: str, namespace: Mapping[str, object], *, name: str, points: float = 1
) -> Verdict:
    """Run a check against the answers in a namespace.

    Parameters
    ----------
    source
        The check: plain Python, hidden regions included.
    namespace
        The names that the lab and the learner have defined. The check runs in a copy, so that its
        own names don't leak into the learner's, and with Python's own built-in functions, so that a
        learner's variable called ``list`` or ``sum`` does not break it.
    name
        Name of the check.
    points
        What the check is worth.

    Returns
    -------
    Verdict
        Never raises for anything that the learner's code does, ``SystemExit`` included; only
        ``KeyboardInterrupt`` (a learner's stop button, a grader's time limit) goes through.
    """
    title = check_title(source)
    filename = f"<check {name}>"
    try:
        code = compile(source, filename, "exec")
    except SyntaxError as error:
        message = f"The check itself cannot be read ({error.msg}, line {error.lineno})."
        return Verdict(name, Status.BROKEN, 0, points, title, message)

    scope = {key: value for key, value in namespace.items() if key not in _BUILTINS}
    try:
        with _silence():
            exec(code, scope)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        status, message, by_assert = _explain(error, namespace, filename)
        trace = _learners_trace(error, namespace)
        missing = str(error.name or "") if isinstance(error, NameError) else ""
        message = _shorten(message)
        return Verdict(name, status, 0, points, title, message, by_assert, trace, missing)
    return Verdict(name, Status.PASSED, points, points, title)


@contextlib.contextmanager
def _silence():
    """Keep prints and warnings from a grader that scores anything on stderr 0."""
    sink = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
    ):
        warnings.simplefilter("ignore")
        yield


def _explain(
    error: BaseException, namespace: Mapping[str, object], filename: str
) -> tuple[Status, str, bool]:
    """Say in words why a check stopped: (status, message, whether by an assert of the check)."""
    frames = _frames(error)
    kind, text = type(error).__name__, _text_of(error)
    place, own = _learners_place(error, frames, namespace)

    if isinstance(error, AssertionError) and place is None:
        return Status.FAILED, text or "An assert of this check failed; it has no message.", True
    if isinstance(error, NotImplementedError) and own:
        return Status.NOT_STARTED, f"`{place[0]}` is still to be written.", False
    if isinstance(error, NameError) and frames[-1].tb_frame.f_code.co_filename == filename:
        message = f"`{error.name}` is not defined here: run the cells above, then check again."
        return Status.NOT_STARTED, message, False
    if isinstance(error, ImportError) and not own and place is None:
        message = f"The check itself cannot run ({text}). `make setup` installs what the labs need."
        return Status.BROKEN, message, False
    if place is not None:
        kind = getattr(error, "learner", {}).get("kind", kind)
        where = f"`{place[0]}`, line {place[1]} of its cell,"
        return Status.FAILED, f"{where} raised {kind}: {text}".rstrip(": "), False
    message = f"The check could not use the answer that it got ({kind}: {text})."
    return Status.FAILED, message, False


def _learners_place(
    error: BaseException, frames: list[types.TracebackType], namespace: Mapping[str, object]
) -> tuple[tuple[str, int] | None, bool]:
    """Return where in the learner's code an error arose, and whether that code raised it itself.

    At arm's length the learner's frames are in another process, which has told the place.
    """
    if hasattr(error, "learner"):
        return error.learner["place"], error.learner["own"]
    learner = [frame for frame in frames if frame.tb_frame.f_globals is namespace]
    if not learner:
        return None, False
    last = learner[-1]
    return (last.tb_frame.f_code.co_name, last.tb_lineno), frames[-1] is last


def _learners_trace(error: BaseException, namespace: Mapping[str, object]) -> str:
    """Return the calls that led to an error, from the learner's first, a line each."""
    frames = _frames(error)
    own = [frame.tb_frame.f_globals is namespace for frame in frames]
    if not any(own):
        return ""
    lines = []
    for frame, is_learners in list(zip(frames, own, strict=True))[own.index(True) :]:
        code, number = frame.tb_frame.f_code, frame.tb_lineno
        if is_learners:
            source = linecache.getline(code.co_filename, number, frame.tb_frame.f_globals).strip()
            lines.append(f"{code.co_name}, line {number}: {source}".rstrip(": "))
        else:
            module = frame.tb_frame.f_globals.get("__name__", "")
            lines.append(f"  {code.co_name} in {module}, line {number}")
    if len(lines) > _LONGEST_TRACE:
        half = _LONGEST_TRACE // 2
        lines[half:-half] = [f"… {len(lines) - 2 * half} more calls …"]
    kind, text = type(error).__name__, _shorten(_text_of(error))
    return "\n".join([*lines, f"{kind}: {text}".rstrip(": ")])


def _frames(error: BaseException) -> list[types.TracebackType]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    # The first frame is run_check's own.
    return frames[1:] or frames


def _text_of(error: BaseException) -> str:
    """Return what an exception says; one of the learner's own may fail to say anything."""
    try:
        return str(error).strip()
    except Exception:
        return ""


def _shorten(message: str) -> str:
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return message[: _LONGEST_MESSAGE - 1] + "…"
