"""What stands on the feedback page: the summary, and the notebook's cells as they are shown.

The template shows all text from here escaped, but for the HTML of texts and code, which is made
here and in `autograde.feedback.markdown`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograde.feedback.grades import CellGrade, NotebookGrades
from autograde.feedback.markdown import HeadingLevels, to_html
from autograde.ingest import is_graded, notes_of
from course.checks.card import WORDS
from course.checks.evidence import Block, Comparison, Prose, parts
from course.checks.magics import VERDICT_MIME
from course.checks.naming import check_name, exercise_of
from course.checks.verdict import Status, check_title, visible_part

NOT_RUN = "Not run"
_OWN_ERRORS = ("Stopped", "NotRun", "NoVerdict")
"""Errors that the grader wrote: their text is for the learner, and holds nothing of a check."""
_TONES = {
    WORDS[Status.PASSED]: "passed",
    WORDS[Status.FAILED]: "failed",
    WORDS[Status.BROKEN]: "broken",
    NOT_RUN: "failed",
}
_TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_POINTS_IN_HEADING = re.compile(r"\s*\(\d+ points?\)$")
_MAGIC_LINE = re.compile(r"\A%%(?:check|play)\b[^\n]*\n?")
_WIDE = 80
"""Characters; a text output with longer lines is scrolled rather than wrapped."""
_NOTEBOOK_LEVEL = 3
"""Level of the notebook's own title on the page."""
_COMMENT_LEVEL = 6
_FIGURE_MARK = "[figure] "
_IMAGES = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Result:
    """The outcome of one check, or of one answer that is graded by hand.

    Attributes
    ----------
    name
        Its nbgrader id, which is also its anchor on the page.
    exercise, title
        The exercise that it belongs to, and what it is about.
    word
        What came of it, in words.
    evidence
        What went wrong: sentences, data and comparisons.
    code
        The part of the check that a learner may see, or empty.
    """

    name: str
    exercise: str
    title: str
    word: str
    grade: CellGrade
    evidence: list[Prose | Block | Comparison] = field(default_factory=list)
    code: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is left to be done."""
        return self.word == WORDS[Status.PASSED] or (
            self.grade.by_hand and self.grade.points >= self.grade.most
        )

    @property
    def tone(self) -> str:
        """Name of the colour that goes with the word."""
        return _TONES.get(self.word, "quiet")

    @property
    def points(self) -> str:
        """Points in words, and whether a person gave them."""
        if self.grade.pending:
            return f"{points(self.grade.most)}, still to be given by hand"
        said = f"{_short(self.grade.points)} of {points(self.grade.most)}"
        if self.grade.extra:
            return f"{said}, with {_short(self.grade.extra)} of extra credit"
        return f"{said}, given by hand" if self.grade.by_hand else said


@dataclass(frozen=True)
class Exercise:
    """One exercise with its results, in the notebook's order; ``anchor`` is where to find it."""

    anchor: str
    title: str
    results: list[Result]
    commented: bool = False

    @property
    def word(self) -> str:
        """What came of its checks together."""
        if self._common_word:
            return self._common_word
        count = sum(result.word == WORDS[Status.PASSED] for result in self.results)
        return f"{count} of {len(self.results)} checks passed"

    @property
    def tone(self) -> str:
        """Name of the colour that goes with the word."""
        return _TONES.get(self._common_word, "quiet") if self._common_word else "failed"

    @property
    def points(self) -> str:
        """Points earned and points to be had."""
        earned = sum(result.grade.points for result in self.results)
        return f"{_short(earned)} of {_short(sum(result.grade.most for result in self.results))}"

    @property
    def _common_word(self) -> str:
        words = {result.word for result in self.results}
        return words.pop() if len(words) == 1 else ""


@dataclass(frozen=True)
class Output:
    """One output of a cell: a text or a picture.

    Attributes
    ----------
    kind
        ``text``, ``error``, ``note`` (of the grader) or ``picture``.
    text
        The text, or a picture's description.
    source
        A picture as a data address.
    """

    kind: str
    text: str
    source: str = ""

    @property
    def wide(self) -> bool:
        """Whether a text has lines that had better not be wrapped."""
        return any(len(line) > _WIDE for line in self.text.splitlines())


@dataclass(frozen=True)
class CellView:
    """One cell as it is shown.

    Attributes
    ----------
    kind
        ``text``, ``code``, ``answer`` or ``check``.
    label
        What the cell is, for those who can't see where it stands.
    body
        The cell's text or code, as HTML.
    anchor
        Name of the exercise, if this is its answer.
    comment
        What an instructor wrote on it, as HTML.
    """

    kind: str
    label: str = ""
    body: Markup = field(default_factory=Markup)
    outputs: list[Output] = field(default_factory=list)
    result: Result | None = None
    anchor: str = ""
    comment: Markup = field(default_factory=Markup)


@dataclass(frozen=True)
class Page:
    """All that the template needs.

    Attributes
    ----------
    title, module, student
        The lab's title, the module's name and the student's id.
    warnings
        Why the points are not final.
    notes
        What had to be repaired in the submission, or stopped while it ran.
    """

    title: str
    module: str
    student: str
    grades: NotebookGrades
    exercises: list[Exercise]
    cells: list[CellView]
    warnings: list[str]
    notes: list[str]

    @property
    def counts(self) -> str:
        """How many checks came to what, in words."""
        counts = Counter(result.word for result in self.results)
        order = sorted(counts, key=lambda word: word != WORDS[Status.PASSED])
        return ", ".join(f"{counts[word]} {word.lower()}" for word in order)

    @property
    def results(self) -> list[Result]:
        """All results, in the notebook's order."""
        return [result for exercise in self.exercises for result in exercise.results]

    @property
    def to_do(self) -> list[Result]:
        """The results that are short of what was asked for, but for exercises not begun."""
        idle = WORDS[Status.NOT_STARTED]
        return [
            result
            for result in self.results
            if not result.passed and not result.grade.pending and result.word != idle
        ]

    @property
    def points(self) -> str:
        """Points of this lab, in words."""
        return f"{_short(self.grades.points)} of {points(self.grades.most)}"

    @property
    def penalty(self) -> str:
        """Points taken off for being late, in words, or empty."""
        return points(self.grades.penalty) if self.grades.penalty else ""


def make_page(notebook: NotebookNode, grades: NotebookGrades, place: Mapping[str, str]) -> Page:
    """Work out the feedback page of a graded notebook.

    Parameters
    ----------
    notebook
        The graded notebook; what its learner wrote and printed is trusted with nothing.
    grades
        What the gradebook has for it.
    place
        nbgrader's ``notebook``, ``assignment`` and ``student``.
    """
    answers = [_grade_id(cell) for cell in notebook.cells if _flag(cell, "solution")]
    headings = _headings(notebook)
    results = {}
    for cell in notebook.cells:
        if _flag(cell, "grade") or _flag(cell, "task"):
            results[_grade_id(cell)] = _result(cell, answers, grades)
    warnings = []
    if not is_graded(notebook):
        warnings.append(
            "Grading of this notebook was cut off before its end. The points are not final; your "
            "instructor can grade it again."
        )
    if grades.pending:
        warnings.append("Some points are still to be given by hand, so the total may change.")
    return Page(
        title=_title(notebook) or place["notebook"],
        module=place["assignment"],
        student=place["student"],
        grades=grades,
        exercises=_exercises(results, headings, grades),
        cells=_cells(notebook, results, grades),
        warnings=warnings,
        notes=notes_of(notebook),
    )


def points(value: float) -> str:
    """Return a number of points with its unit."""
    return f"{_short(value)} {'point' if value == 1 else 'points'}"


def _short(value: float) -> str:
    return f"{round(value, 4):g}"


def _exercises(
    results: dict[str, Result], headings: dict[str, str], grades: NotebookGrades
) -> list[Exercise]:
    grouped: dict[str, list[Result]] = {}
    for result in results.values():
        grouped.setdefault(result.exercise, []).append(result)
    return [
        Exercise(
            anchor=name if name in headings else own[0].name,
            title=headings.get(name, name),
            results=own,
            commented=name in grades.comments,
        )
        for name, own in grouped.items()
    ]


def _result(cell: NotebookNode, answers: list[str], grades: NotebookGrades) -> Result:
    name = _grade_id(cell)
    grade = grades.cells.get(name, CellGrade(0, cell.metadata.nbgrader.get("points", 0)))
    if cell.cell_type != "code" or _flag(cell, "solution") or _flag(cell, "task"):
        word = "To be graded by hand" if grade.pending else "Graded by hand"
        return Result(name, name, "Your answer", word, grade)
    check = check_name(name)
    source = _MAGIC_LINE.sub("", cell.source)
    word, message = _verdict(cell)
    return Result(
        name=name,
        exercise=exercise_of(check, answers) or check,
        title=check_title(source) or check,
        word=word,
        grade=grade,
        evidence=parts(message),
        code=_coloured(_visible_code(source)),
    )


def _visible_code(source: str) -> str:
    """Return the part of a check that a learner may see, or nothing if that is comments only."""
    seen = visible_part(source)
    is_code = any(line.strip() and not line.lstrip().startswith("#") for line in seen.splitlines())
    return seen if is_code else ""


def _verdict(cell: NotebookNode) -> tuple[str, str]:
    """Return what a check found, in a word, and its message."""
    for output in cell.outputs:
        if output.output_type == "error":
            # Another traceback could show lines of the hidden tests.
            return NOT_RUN, output.evalue if output.ename in _OWN_ERRORS else (
                f"The check came to no verdict ({output.ename})."
            )
        data = output.get("data", {}).get(VERDICT_MIME)
        if isinstance(data, Mapping) and data.get("status") in list(Status):
            return WORDS[Status(data["status"])], str(data.get("message", ""))
    return NOT_RUN, "This check gave no verdict."


def _cells(
    notebook: NotebookNode, results: dict[str, Result], grades: NotebookGrades
) -> list[CellView]:
    levels, views = HeadingLevels(_NOTEBOOK_LEVEL), []
    for number, cell in enumerate(notebook.cells, start=1):
        result = results.get(_grade_id(cell))
        comment = _comment(grades.comments.get(_grade_id(cell), ""))
        if cell.cell_type == "markdown":
            # The notes on a submission, put at its top by the grader, are in the summary.
            if _flag(cell, "locked") or result or _flag(cell, "solution"):
                body = Markup(to_html(cell.source, levels, trusted=_is_release(cell)))
                views.append(CellView("text", body=body, result=result, comment=comment))
        elif cell.cell_type == "code" and result and not _flag(cell, "solution"):
            views.append(CellView("check", result=result))
        elif cell.cell_type == "code" and cell.source.strip():
            views.append(_code(cell, number, result, comment))
    return views


def _comment(markdown: str) -> Markup:
    return Markup(to_html(markdown, HeadingLevels(_COMMENT_LEVEL), trusted=False))


def _code(cell: NotebookNode, number: int, result: Result | None, comment: Markup) -> CellView:
    name = _grade_id(cell)
    if _flag(cell, "solution"):
        kind, label = "answer", f"Your answer: {name}"
    elif name:
        kind, label = "code", f"Given code, cell {number}"
    else:
        kind, label = "code", f"Your own cell, cell {number}"
    outputs = [shown for output in cell.outputs if (shown := _output(output))]
    body = _coloured(_MAGIC_LINE.sub("", cell.source))
    anchor = name if kind == "answer" else ""
    return CellView(kind, label, body, outputs, result, anchor, comment)


def _output(output: NotebookNode) -> Output | None:
    """Return what is shown of an output: text, PNG and JPEG, and never HTML."""
    if output.output_type == "stream":
        return Output("text", strip_ansi(_text(output.text)))
    if output.output_type == "error":
        if output.ename in _OWN_ERRORS:
            return Output("note", output.evalue)
        trace = strip_ansi("\n".join(output.traceback)) or f"{output.ename}: {output.evalue}"
        return Output("error", trace)
    data, metadata = output.get("data", {}), output.get("metadata", {})
    text = _text(data.get("text/plain", ""))
    for kind in _IMAGES:
        picture = _base64(data.get(kind))
        if picture:
            described = metadata.get(kind, {}).get("alt") or _description(text)
            return Output("picture", str(described), f"data:{kind};base64,{picture}")
    return Output("text", strip_ansi(text)) if text.strip() else None


def _description(text: str) -> str:
    """Return what `course.plots` says of a figure in place of it."""
    described = text.removeprefix(_FIGURE_MARK)
    return described if described != text else "Figure without a description"


def _base64(data: object) -> str:
    """Return a picture's data on one line, or nothing if it is not base64."""
    joined = "".join(_text(data).split()) if data else ""
    try:
        base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return joined


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _coloured(source: str) -> Markup:
    code = source.strip("\n")
    return Markup(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))) if code else Markup()


def _title(notebook: NotebookNode) -> str:
    texts = [cell.source for cell in notebook.cells if _is_release(cell)]
    found = next((match for text in texts if (match := _TITLE.search(text))), None)
    return _plain(found[1]) if found else ""


def _headings(notebook: NotebookNode) -> dict[str, str]:
    """Return the heading above each answer, without its points."""
    above, found = "", {}
    for cell in notebook.cells:
        if _is_release(cell):
            headings = _HEADING.findall(cell.source)
            above = headings[-1] if headings else above
        elif _flag(cell, "solution"):
            found[_grade_id(cell)] = _plain(_POINTS_IN_HEADING.sub("", above)) or _grade_id(cell)
    return found


def _plain(markdown: str) -> str:
    return re.sub(r"[`*$]", "", markdown)


def _is_release(cell: NotebookNode) -> bool:
    """Say whether a text is the release's own: only those are locked in a rebuilt submission."""
    return cell.cell_type == "markdown" and _flag(cell, "locked") and not _flag(cell, "solution")


def _flag(cell: NotebookNode, name: str) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get(name))


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")
