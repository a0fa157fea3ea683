"""What the course offers, in order: modules, labs and exercises; and where a learner stands.

Everything is read from the releases and the readings themselves, so that there is no second list
to keep up.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

from course.checks.hidden import REPOSITORY
from course.checks.naming import check_name, exercise_of
from course.errors import CourseError
from course.labs import lab_names
from course.progress import LabProgress, Progress, read_progress
from course.workspace import working_copy

NOT_STARTED, IN_PROGRESS, DONE = "not started", "in progress", "done"
"""Where a learner stands with a lab or an exercise."""

_HEADING = re.compile(r"^### +(Exercise .+?)\s*$", re.MULTILINE)
_POINTS_IN_HEADING = re.compile(r"\s*\(\d+ points?\)$")
_TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)
_MINUTES = re.compile(r"\b(\d+) minutes\b")
_SIZE_LINE = re.compile(r"^.*\b\d+ points\b.*$", re.MULTILINE)
_PROMISE = re.compile(r"You will be able to(?:\*\*)?\s+(.+)")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lab.

    Attributes
    ----------
    name, title
        Name of the function to write, and the exercise's heading without its points.
    heading
        The whole heading, as it stands in the notebook.
    checks
        Points of each of its checks, by the check's name.
    """

    name: str
    title: str
    heading: str
    checks: dict[str, float]

    @property
    def points(self) -> float:
        """Points to be had."""
        return sum(self.checks.values())

    def earned(self, progress: LabProgress) -> float:
        """Return the points earned, at what the checks are worth in the present release."""
        return sum(points for check, points in self.checks.items() if progress.has_passed(check))

    def status(self, progress: LabProgress) -> str:
        """Say where a learner stands with it: not started, in progress or done."""
        if self.checks and all(progress.has_passed(check) for check in self.checks):
            return DONE
        begun = progress.checks.keys() & self.checks.keys()
        begun |= {self.name} & (progress.hints.keys() | progress.solutions)
        return IN_PROGRESS if begun else NOT_STARTED


@dataclass(frozen=True)
class LabEntry:
    """One lab.

    Attributes
    ----------
    name
        ``module/stem``.
    title, teaches
        Its title, and what the learner will be able to do, in a sentence.
    minutes
        How long it takes, as its title cell says; None if it doesn't say.
    exercises
        Its exercises, in order.
    release, working_copy, solution
        The notebooks, whether or not they are there.
    """

    name: str
    title: str
    teaches: str
    minutes: int | None
    exercises: tuple[Exercise, ...]
    release: Path
    working_copy: Path
    solution: Path

    @property
    def points(self) -> float:
        """Points to be had."""
        return sum(exercise.points for exercise in self.exercises)

    def earned(self, progress: LabProgress) -> float:
        """Return the points earned, at what the checks are worth in the present release."""
        return sum(exercise.earned(progress) for exercise in self.exercises)

    def status(self, progress: LabProgress) -> str:
        """Say where a learner stands with it: not started, in progress or done."""
        states = {exercise.status(progress) for exercise in self.exercises}
        if states == {DONE}:
            return DONE
        return NOT_STARTED if states <= {NOT_STARTED} else IN_PROGRESS

    def exercise(self, name: str) -> Exercise | None:
        """Return the exercise of a name, or None."""
        return next((item for item in self.exercises if item.name == name), None)

    def exercise_of_check(self, check: str) -> Exercise | None:
        """Return the exercise that a check belongs to, or None."""
        return next((item for item in self.exercises if check in item.checks), None)


@dataclass(frozen=True)
class Module:
    """One module: a chapter to read, and its labs.

    Attributes
    ----------
    name
        Its folder's name, such as ``m3_data``.
    title, teaches
        From the heading of its chapter: what stands before the colon, and what stands after.
    reading
        The chapter, or None if it has none.
    labs
        Its labs, in order.
    """

    name: str
    title: str
    teaches: str
    reading: Path | None
    labs: tuple[LabEntry, ...]


def catalogue(repository: Path = REPOSITORY) -> list[Module]:
    """Return all modules with their labs, in order.

    Parameters
    ----------
    repository
        Root of the clone.
    """
    modules: dict[str, list[LabEntry]] = {}
    for name in lab_names(repository):
        modules.setdefault(name.split("/")[0], []).append(lab_entry(name, repository))
    return [_module(name, labs, repository) for name, labs in modules.items()]


def lab_entry(name: str, repository: Path = REPOSITORY) -> LabEntry:
    """Return one lab, as its release has it.

    Raises
    ------
    CourseError
        If the release cannot be read.
    """
    release = repository / "release" / f"{name}.ipynb"
    try:
        return _read_lab(name, repository, release.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"release/{name}.ipynb cannot be read ({type(error).__name__}). `git checkout "
            f"release/{name}.ipynb` brings it back, `make build` makes it anew."
        ) from error


def find_exercise(lab: LabEntry, named: str) -> Exercise:
    """Return an exercise by its own name, or by that of one of its checks.

    Raises
    ------
    CourseError
        If the lab has no such exercise.
    """
    found = lab.exercise(named) or lab.exercise_of_check(named)
    if found is None:
        known = ", ".join(f"`{item.name}`" for item in lab.exercises)
        raise CourseError(f"{lab.title} has no exercise `{named}`. It has {known}.")
    return found


def first_unsolved(lab: LabEntry, progress: LabProgress) -> Exercise | None:
    """Return the first exercise of a lab that is not done, or None."""
    return next((item for item in lab.exercises if item.status(progress) != DONE), None)


def next_exercise(modules: list[Module], progress: Progress) -> tuple[LabEntry, Exercise] | None:
    """Return what to do next, or None when all is done.

    That is the first unsolved exercise of the lab that was worked on last; when all that was begun
    is done, of the first lab that wasn't begun.
    """
    labs = [lab for module in modules for lab in module.labs]
    # The sort keeps the course's order among labs that were not begun.
    labs.sort(key=lambda lab: progress.lab(lab.name).latest, reverse=True)
    for lab in labs:
        if exercise := first_unsolved(lab, progress.lab(lab.name)):
            return lab, exercise
    return None


def home_data(repository: Path = REPOSITORY) -> dict[str, object]:
    """Return what the course home and ``course status`` show, ready for JSON.

    Paths are from the root of the clone. ``next`` is None when all is done; ``remark`` is a
    sentence for the learner, or empty.

    Parameters
    ----------
    repository
        Root of the clone.
    """
    modules, progress = catalogue(repository), read_progress(repository)
    shown = [_module_data(module, progress, repository) for module in modules]
    labs = [lab for module in modules for lab in module.labs]
    return {
        "modules": shown,
        "points": sum(lab.earned(progress.lab(lab.name)) for lab in labs),
        "max_points": sum(lab.points for lab in labs),
        "next": _next_data(modules, progress, repository),
        "remark": progress.remark,
    }


def _module_data(module: Module, progress: Progress, repository: Path) -> dict[str, object]:
    return {
        "name": module.name,
        "title": module.title,
        "teaches": module.teaches,
        "reading": _place(module.reading, repository),
        "labs": [_lab_data(lab, progress.lab(lab.name), repository) for lab in module.labs],
    }


def _lab_data(lab: LabEntry, progress: LabProgress, repository: Path) -> dict[str, object]:
    return {
        "name": lab.name,
        "title": lab.title,
        "teaches": lab.teaches,
        "minutes": lab.minutes,
        "points": lab.earned(progress),
        "max_points": lab.points,
        "status": lab.status(progress),
        "latest": progress.latest,
        "release": _place(lab.release, repository),
        "working_copy": _place(lab.working_copy, repository),
        "working_copy_exists": lab.working_copy.is_file(),
        "solution": _place(lab.solution if lab.solution.is_file() else None, repository),
        "exercises": [
            {
                "name": exercise.name,
                "title": exercise.title,
                "heading": exercise.heading,
                "points": exercise.earned(progress),
                "max_points": exercise.points,
                "status": exercise.status(progress),
                "hints_shown": progress.hints.get(exercise.name, 0),
                "solution_shown": exercise.name in progress.solutions,
            }
            for exercise in lab.exercises
        ],
    }


def _next_data(
    modules: list[Module], progress: Progress, repository: Path
) -> dict[str, object] | None:
    found = next_exercise(modules, progress)
    if found is None:
        return None
    lab, exercise = found
    return {
        "lab": lab.name,
        "lab_title": lab.title,
        "lab_status": lab.status(progress.lab(lab.name)),
        "exercise": exercise.name,
        "title": exercise.title,
        "heading": exercise.heading,
        "working_copy": _place(lab.working_copy, repository),
    }


def _module(name: str, labs: list[LabEntry], repository: Path) -> Module:
    reading = repository / "course" / "readings" / f"{name}.md"
    try:
        heading = _TITLE.search(reading.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Module(name, _from_folder(name), "", None, tuple(labs))
    title, _, teaches = (heading.group(1) if heading else _from_folder(name)).partition(": ")
    return Module(name, title, _sentence(teaches), reading, tuple(labs))


def _from_folder(name: str) -> str:
    """Return a title for a module that has no chapter: ``m0_practice`` is 'Practice'."""
    return name.partition("_")[2].replace("_", " ").capitalize() or name


@functools.lru_cache(maxsize=64)
def _read_lab(name: str, repository: Path, modified: int) -> LabEntry:
    """Read a lab from its release, once for each time that it has changed."""
    release = repository / "release" / f"{name}.ipynb"
    cells = json.loads(release.read_text(encoding="utf-8"))["cells"]
    top = next((text for cell in cells if (text := _markdown(cell)) and _TITLE.search(text)), "")
    title, promise = _TITLE.search(top), _PROMISE.search(top)
    size = _SIZE_LINE.search(top)
    minutes = _MINUTES.search(size.group()) if size else None
    return LabEntry(
        name=name,
        title=title.group(1) if title else name,
        teaches=_sentence(promise.group(1)) if promise else "",
        minutes=int(minutes.group(1)) if minutes else None,
        exercises=_exercises(cells),
        release=release,
        working_copy=working_copy(name, repository),
        solution=repository / "solutions" / f"{name}.ipynb",
    )


def _exercises(cells: list[dict[str, object]]) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook, each with the heading that stands above it."""
    headings: dict[str, str] = {}
    checks: dict[str, float] = {}
    heading = ""
    for cell in cells:
        nbgrader = cell.get("metadata", {}).get("nbgrader", {})
        if found := _HEADING.findall(_markdown(cell)):
            heading = found[-1]
        if nbgrader.get("solution"):
            headings[nbgrader["grade_id"]] = heading or nbgrader["grade_id"]
            heading = ""
        elif nbgrader.get("grade"):
            checks[check_name(nbgrader["grade_id"])] = nbgrader["points"]
    return tuple(
        Exercise(
            name,
            _POINTS_IN_HEADING.sub("", heading),
            heading,
            {
                check: points
                for check, points in checks.items()
                if exercise_of(check, headings) == name
            },
        )
        for name, heading in headings.items()
    )


def _markdown(cell: dict[str, object]) -> str:
    return "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""


def _sentence(text: str) -> str:
    """Return a sentence without Markdown's emphasis, from a capital to a full stop."""
    plain = re.sub(r"[*`]", "", text).strip()
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".?" else ".")


def _place(path: Path | None, repository: Path) -> str | None:
    return path.relative_to(repository).as_posix() if path else None
