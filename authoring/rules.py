"""What a lab's source must hold to, before anything is built from it.

Each rule yields problems: a line of the source and a sentence on what to do.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from authoring.lab import MARKERS, SOLUTION_BEGIN, SOLUTION_END, Cell, Lab
from course.checks.verdict import HIDDEN_BEGIN, HIDDEN_END, check_title, visible_part

_EXERCISE_HEADING = re.compile(r"^### Exercise .*\((\d+) points?\)\s*$", re.MULTILINE)
_TOTAL_POINTS = re.compile(r"\b(\d+) points\b")
_MARKER_LINE = re.compile(r"^\s*#+\s*(BEGIN|END)\s+(SOLUTION|HIDDEN TESTS)", re.MULTILINE)
_SHORTEST_SECRET = 20
"""Characters; a shorter solution, such as `return a / b`, may stand elsewhere by chance."""
_CHECK_MAGIC = re.compile(r"^%%?\w+", re.MULTILINE)


@dataclass(frozen=True)
class Problem:
    """Something that an author must mend."""

    line: int
    sentence: str


class LabRefusedError(Exception):
    """A lab that can't be built; its text is one line per problem, with file and line."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{path}:{item.line}: {item.sentence}" for item in problems))


def problems(lab: Lab) -> list[Problem]:
    """Return all that is wrong with a lab's source, in order of line."""
    found = [problem for rule in RULES for problem in rule(lab)]
    return sorted(found, key=lambda problem: problem.line)


def known_markers(lab: Lab) -> Iterator[Problem]:
    """A misspelt marker would silently make an exercise or a check a given cell."""
    for cell in lab.cells:
        for name in cell.marks:
            if name not in MARKERS:
                known = ", ".join(sorted(MARKERS))
                yield Problem(cell.line, f"`{name}` is no marker of a lab; use one of {known}.")


def one_role_per_cell(lab: Lab) -> Iterator[Problem]:
    """A cell is an exercise, a check or a play cell, and code."""
    for cell in lab.cells:
        roles = [mark for mark in ("exercise", "check", "play") if mark in cell.marks]
        if len(roles) > 1:
            both = " and ".join(roles)
            yield Problem(cell.line, f"This cell is marked {both}; split it into one cell each.")
        if roles and cell.kind != "code":
            yield Problem(cell.line, f"`{roles[0]}=` marks a text cell; only code can have it.")


def unique_names(lab: Lab) -> Iterator[Problem]:
    """Names become nbgrader's ids, which must be unique in a notebook."""
    for mark in ("exercise", "check"):
        cells = [cell for cell in lab.cells if mark in cell.marks]
        counts = Counter(cell.marks[mark] for cell in cells)
        for cell in cells:
            name = cell.marks[mark]
            if counts[name] > 1:
                yield Problem(cell.line, f"The {mark} `{name}` stands twice; rename one of them.")
            if not str(name).isidentifier():
                yield Problem(cell.line, f"`{name}` is not a Python name; use letters and `_`.")


def exercises_have_solutions(lab: Lab) -> Iterator[Problem]:
    """An exercise defines a function of its name, with its solution between markers inside."""
    for name, cell in lab.exercises.items():
        lines = cell.text.splitlines()
        begins = [line for line in lines if SOLUTION_BEGIN in line]
        ends = [line for line in lines if SOLUTION_END in line]
        if not begins or len(begins) != len(ends):
            yield Problem(
                cell.line,
                f"Exercise `{name}` needs `{SOLUTION_BEGIN}` … `{SOLUTION_END}` around its "
                "solution.",
            )
        elif any(not line.startswith(" ") for line in begins):
            yield Problem(
                cell.line,
                f"The solution of `{name}` is not inside its function; indent it, so that the "
                "released cell can be run before it is solved.",
            )
        if name not in _defined_names(cell):
            yield Problem(
                cell.line, f"Exercise `{name}` must define a function or class named `{name}`."
            )


def exercises_have_checks(lab: Lab) -> Iterator[Problem]:
    """An exercise without a check earns nothing and teaches nobody whether it is right."""
    for name, cell in lab.exercises.items():
        if not lab.checks_of(name):
            yield Problem(cell.line, f'Exercise `{name}` has no check; add `# %% check="{name}"`.')


def checks_are_whole(lab: Lab) -> Iterator[Problem]:
    """A check has points, a title that the learner always sees, and an exercise above it."""
    above: list[str] = []
    for cell in lab.cells:
        if cell.exercise:
            above.append(cell.exercise)
        if not cell.check:
            continue
        name, points = cell.check, cell.marks.get("points")
        if not isinstance(points, int) or isinstance(points, bool) or points < 1:
            yield Problem(cell.line, f"Check `{name}` needs `points=` with a whole number above 0.")
        owner = lab.exercise_of(name)
        if owner is None:
            yield Problem(
                cell.line,
                f"Check `{name}` refers to no exercise; begin its name with that of its exercise.",
            )
        elif owner not in above:
            yield Problem(cell.line, f"Check `{name}` stands above its exercise; move it below.")
        if not check_title(cell.text):
            yield Problem(
                cell.line,
                f"Check `{name}` needs a first line `# …` that names the property it is about.",
            )
        if "assert" not in cell.text:
            yield Problem(cell.line, f"Check `{name}` has no assert, so that it can never fail.")


def plays_name_exercises(lab: Lab) -> Iterator[Problem]:
    """A play cell waits for exercises, so it must name some that exist."""
    for cell in lab.cells:
        if "play" in cell.marks and not cell.plays:
            yield Problem(cell.line, "`play=` names no exercise; name those whose code it calls.")
        for name in cell.plays:
            if name not in lab.exercises:
                yield Problem(cell.line, f"`play=` names `{name}`, which is no exercise here.")


def regions_where_they_belong(lab: Lab) -> Iterator[Problem]:
    """Hidden tests stand in checks, solutions in exercises, markers are spelt exactly and pair."""
    for cell in lab.cells:
        if HIDDEN_BEGIN in cell.text and not cell.check:
            yield Problem(cell.line, "Hidden tests outside a check would be released; mark it.")
        if SOLUTION_BEGIN in cell.text and not cell.exercise:
            yield Problem(cell.line, "A solution outside an exercise; mark the cell `exercise=`.")
        if cell.text.count(HIDDEN_BEGIN) != cell.text.count(HIDDEN_END):
            yield Problem(cell.line, f"`{HIDDEN_BEGIN}` and `{HIDDEN_END}` must come in pairs.")
        for match in _MARKER_LINE.finditer(cell.text):
            spelt = match.group(0).strip()
            if spelt not in (SOLUTION_BEGIN, SOLUTION_END, HIDDEN_BEGIN, HIDDEN_END):
                yield Problem(cell.line, f"`{spelt}` must be spelt `### {spelt.lstrip('# ')}`.")


def no_magics(lab: Lab) -> Iterator[Problem]:
    """The build adds the magics, so that the source stays Python."""
    for cell in lab.cells:
        if cell.kind == "code" and _CHECK_MAGIC.search(cell.text):
            yield Problem(cell.line, "A magic in the source; use a marker or plain Python.")


def stated_points_are_true(lab: Lab) -> Iterator[Problem]:
    """The points that a heading and the first cell promise are those of the checks."""
    heading: tuple[int, int] | None = None
    for cell in lab.cells:
        if cell.kind == "markdown":
            match = _EXERCISE_HEADING.search(cell.text)
            heading = (int(match.group(1)), cell.line) if match else heading
        if cell.exercise:
            total = sum(check.points for check in lab.checks_of(cell.exercise))
            if heading is None:
                yield Problem(
                    cell.line,
                    f"No heading `### Exercise … ({total} points)` above `{cell.exercise}`.",
                )
            elif heading[0] != total:
                yield Problem(
                    heading[1],
                    f"The heading says {heading[0]} points, the checks of `{cell.exercise}` make "
                    f"{total}.",
                )
            heading = None
    total = sum(cell.points for cell in lab.checks.values())
    first = lab.cells[0] if lab.cells else Cell("markdown", "", 1)
    stated = _TOTAL_POINTS.search(first.text)
    if stated is None or int(stated.group(1)) != total:
        yield Problem(first.line, f"The first cell must say that the lab has {total} points.")


def secrets_stay_out(lab: Lab) -> Iterator[Problem]:
    """No solution's code, and no line of a hidden test, stands in a cell that is released."""
    public = [(cell, _normal_lines(_released_text(cell))) for cell in lab.cells]
    for name, cell in lab.exercises.items():
        body = _normal_lines(_solution_text(cell))
        if len("".join(body)) < _SHORTEST_SECRET:
            continue
        for other, lines in public:
            if _contains(lines, body):
                yield Problem(other.line, f"This cell gives the solution of `{name}` away.")
    for name, cell in lab.checks.items():
        shown = "\n".join(_normal_lines(_released_text(cell)))
        for line in _normal_lines(_hidden_text(cell)):
            if not line.startswith("assert") or len(line) < _SHORTEST_SECRET or line in shown:
                continue
            for other, lines in public:
                if line in lines:
                    yield Problem(other.line, f"This cell shows a hidden assert of `{name}`.")


RULES = (
    known_markers,
    one_role_per_cell,
    unique_names,
    exercises_have_solutions,
    exercises_have_checks,
    checks_are_whole,
    plays_name_exercises,
    regions_where_they_belong,
    no_magics,
    stated_points_are_true,
    secrets_stay_out,
)


def release_problems(lab: Lab, released: list[str]) -> list[Problem]:
    """Return what a release would give away; a last look at what nbgrader made.

    Parameters
    ----------
    lab
        The lab that was released.
    released
        The sources of the release's cells.
    """
    found = []
    everything = "\n".join(released)
    for marker in (SOLUTION_BEGIN, SOLUTION_END, HIDDEN_BEGIN, HIDDEN_END):
        if marker.lstrip("# ") in everything:
            found.append(Problem(1, f"The release would contain `{marker}` and what follows it."))
    lines = [_normal_lines(text) for text in released]
    for name, cell in lab.exercises.items():
        body = _normal_lines(_solution_text(cell))
        if len("".join(body)) >= _SHORTEST_SECRET and any(
            _contains(shown, body) for shown in lines
        ):
            found.append(Problem(cell.line, f"The release would contain the solution of `{name}`."))
    for name, cell in lab.checks.items():
        hidden = _normal_lines(_hidden_text(cell))
        if hidden and any(_contains(shown, hidden) for shown in lines):
            found.append(
                Problem(cell.line, f"The release would contain the hidden tests of `{name}`.")
            )
    return found


def _defined_names(cell: Cell) -> set[str]:
    try:
        body = ast.parse(cell.text).body
    except SyntaxError:
        return set()
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in body if isinstance(node, kinds)}


def _released_text(cell: Cell) -> str:
    if cell.check:
        return visible_part(cell.text)
    return _between(cell.text, SOLUTION_BEGIN, SOLUTION_END, inside=False)


def _solution_text(cell: Cell) -> str:
    return _between(cell.text, SOLUTION_BEGIN, SOLUTION_END, inside=True)


def _hidden_text(cell: Cell) -> str:
    return _between(cell.text, HIDDEN_BEGIN, HIDDEN_END, inside=True)


def _between(text: str, begin: str, end: str, *, inside: bool) -> str:
    kept, within = [], False
    for line in text.splitlines():
        if begin in line:
            within = True
        elif end in line:
            within = False
        elif within is inside:
            kept.append(line)
    return "\n".join(kept)


def _normal_lines(text: str) -> list[str]:
    stripped = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _contains(lines: list[str], run: list[str]) -> bool:
    size = len(run)
    return any(lines[i : i + size] == run for i in range(len(lines) - size + 1))
