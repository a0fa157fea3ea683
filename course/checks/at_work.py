"""A learner at work: what a notebook in the workspace knows beyond the verdict of one check.

Only a notebook under ``workspace/`` has a learner at its keyboard. A notebook that is being graded,
built or tested stands elsewhere, and gets no progress, hints or advice.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from course.catalogue import DONE, Exercise, LabEntry, find_exercise, first_unsolved, lab_entry
from course.checks.card import Around, points_of
from course.checks.given import given_names
from course.checks.hidden import has_hidden_part
from course.checks.verdict import Status, Verdict, visible_part
from course.errors import CourseError
from course.hints import hints_of
from course.progress import CheckProgress, LabProgress, read_progress, record_check


def repository_of(lab: str, folder: Path) -> Path | None:
    """Return the clone in whose workspace a folder is, if that clone has the lab."""
    for place in (folder, *folder.parents):
        if place.name == "workspace" and (place.parent / "release" / f"{lab}.ipynb").is_file():
            return place.parent
    return None


class AtWork:
    """A learner at work on one lab.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    repository
        Root of the clone in whose workspace the notebook is.
    """

    def __init__(self, lab: str, repository: Path) -> None:
        self.lab, self.repository = lab, repository
        self._passed: dict[str, CheckProgress] = {}
        self._latest = ""

    @property
    def entry(self) -> LabEntry:
        """What the course says of the lab."""
        return lab_entry(self.lab, self.repository)

    def progress(self) -> LabProgress:
        """Return what the learner has done in this lab; what could not be written is in it, too."""
        progress = read_progress(self.repository).lab(self.lab)
        missing = {k: v for k, v in self._passed.items() if not progress.has_passed(k)}
        progress.checks.update(missing)
        return progress

    def remark(self) -> str:
        """Return a sentence on what of the progress could not be read; empty if all could."""
        return read_progress(self.repository).remark

    def around(self, verdict: Verdict, source: str, namespace: Mapping[str, object]) -> Around:
        """Note what came of a check, and return what the learner is told around it.

        Parameters
        ----------
        verdict
            What the check found.
        source
            The check as it was run.
        namespace
            The learner's names.
        """
        remark = record_check(self.lab, verdict, self.repository) or ""
        if verdict.status is Status.PASSED:
            self._passed[verdict.check] = CheckProgress(True, verdict.max_points, "")
        try:
            entry = self.entry
        except CourseError as error:
            return Around(remark=remark or str(error))
        exercise, progress = entry.exercise_of_check(verdict.check), self.progress()
        self._latest = exercise.name if exercise else ""
        standing = f"{points_of(entry.earned(progress), entry.points)} in this lab"
        if verdict.status is Status.FAILED and progress.has_passed(verdict.check):
            standing += "; you passed this check before, and that stays yours"
        around = Around(standing=f"{standing}.", remark=remark)
        if verdict.status is Status.PASSED:
            return replace(
                around, meaning=_meaning(source), after=_after_passing(exercise, progress)
            )
        around = replace(around, advice=self._advice(verdict, exercise, namespace))
        if verdict.status is Status.FAILED and exercise:
            return self._with_hints(around, exercise.name, progress)
        return around

    def exercise(self, named: str) -> Exercise:
        """Return the exercise that a learner names: by its own name, or that of one of its checks.

        Without a name it is that of the latest check, or the first that is not done.

        Raises
        ------
        CourseError
            If the lab has no such exercise.
        """
        entry, wanted = self.entry, named or self._latest
        if wanted:
            return find_exercise(entry, wanted)
        return first_unsolved(entry, self.progress()) or entry.exercises[-1]

    def _advice(
        self, verdict: Verdict, exercise: Exercise | None, namespace: Mapping[str, object]
    ) -> str:
        """Return what to do first, where the fault is not in the answer itself."""
        given = given_names(self.lab, self.repository)
        if verdict.missing:
            cell = given.cells.get(verdict.missing)
            return f"`{verdict.missing}` is defined in {cell}. Run that first." if cell else ""
        if verdict.status is not Status.FAILED or verdict.by_assert:
            return ""
        for name in given.overwritten(namespace):
            return (
                f"`{name}` no longer stands for what this lab imports: one of your cells gave it "
                f"another value. Run {given.cells[name]} again, and name yours otherwise."
            )
        answer = namespace.get(exercise.name) if exercise else None
        if answer is not None and not callable(answer):
            return (
                f"`{exercise.name}` is a value now ({type(answer).__name__}) and no function. Run "
                f"the cell of `{exercise.name}` again, and name the value otherwise."
            )
        return ""

    def _with_hints(self, around: Around, exercise: str, progress: LabProgress) -> Around:
        hints = hints_of(self.lab, exercise, self.repository)
        left = hints[progress.hints.get(exercise, 0) :]
        solution = f"`%solution {exercise}` shows a worked answer beside yours."
        if left:
            return replace(around, hints=left)
        again = f"`%hint {exercise}` shows the hints again. " if hints else ""
        return replace(around, after=again + solution)


def _after_passing(exercise: Exercise | None, progress: LabProgress) -> str:
    """Say what there is to see once all of an exercise has passed."""
    if exercise is None or exercise.status(progress) != DONE:
        return ""
    return f"Exercise done. `%solution {exercise.name}` shows other right answers beside yours."


def _meaning(source: str) -> str:
    """Say in words what a pass rests on."""
    visible = _asserts(visible_part(source))
    hidden = _asserts(source) - visible
    if not has_hidden_part(source):
        return f"All of it was run: {_conditions(visible)} that you see, none hidden."
    if not visible:
        return f"Its hidden part was run: {_conditions(hidden)}."
    return f"Both parts were run: {_conditions(visible)} that you see, {hidden} hidden."


def _conditions(count: int) -> str:
    return "1 condition" if count == 1 else f"{count} conditions"


def _asserts(source: str) -> int:
    return sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))
