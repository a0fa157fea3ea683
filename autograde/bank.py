"""The answer bank: right answers that must pass, wrong ones that must fail with their message.

One file per exercise, ``autograde/answers/<module>/<lab>/<exercise>.py``, in py:percent form. Each
cell is a whole answer to the exercise::

    # %% right="GroupKFold from scikit-learn"
    # %% wrong="splits rows" check="group_folds_disjoint" message="users are on both sides"

``python -m autograde.bank [LAB …]`` proves each lab's checks with them, and prints what is wrong
with the bank or with the checks, one sentence each.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import jupytext

from authoring.lab import Lab, read_lab
from authoring.tree import REPOSITORY, Tree
from autograde.arms_length.channel import Channel
from autograde.arms_length.checks import Learner
from autograde.arms_length.learner import serve
from autograde.forked import JobFailedError, run_forked
from course.checks.verdict import Status, Verdict, run_check

ANSWERS = Path(__file__).parent / "answers"
FEWEST_WRONG, FEWEST_RIGHT = 3, 2

STUBS = {
    "None": "return None",
    "0": "return 0",
    "1": "return 1",
    "True": "return True",
    "NaN": "return float('nan')",
    "an empty string": "return ''",
    "an empty list": "return []",
    "an empty array": "import numpy; return numpy.array([])",
    "an empty frame": "import pandas; return pandas.DataFrame()",
    "its first argument": "return arguments[0] if arguments else None",
    "a constant": "return 'x'",
    "an exception": "raise ValueError('stub')",
}
"""What a check must not be content with: a name for each, and the body of a function."""


@dataclass(frozen=True)
class Answer:
    """One answer of the bank.

    Attributes
    ----------
    exercise, title, source
        What it answers, what it does in words, and its code.
    check, message
        For a wrong answer: the check that must fail, and what its message must contain. Both are
        None for a right answer.
    place
        File and line, for sentences about it.
    """

    exercise: str
    title: str
    source: str
    place: str
    check: str | None = None
    message: str | None = None


@dataclass
class BankReport:
    """What the bank proved about a lab, and what is wrong."""

    lab: str
    faults: list[str] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    seconds: float = 0


def read_answers(lab: Lab, answers: Path = ANSWERS) -> tuple[list[Answer], list[str]]:
    """Read a lab's answers.

    Returns
    -------
    answers, faults
        The answers that can be run, and sentences on those that can't and on what is missing.
    """
    folder = answers / lab.name
    found: list[Answer] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.py")):
        if path.stem not in lab.exercises:
            faults.append(f"{_short(path)}: {lab.name} has no exercise `{path.stem}`.")
            continue
        for answer, fault in _read_file(lab, path):
            faults += [fault] if fault else []
            found += [answer] if answer else []
    for exercise in lab.exercises:
        faults += _too_few(lab, exercise, [item for item in found if item.exercise == exercise])
    return found, faults


def _read_file(lab: Lab, path: Path) -> Iterator[tuple[Answer | None, str | None]]:
    text = path.read_text(encoding="utf-8")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    cells = jupytext.reads(text, fmt="py:percent").cells
    for cell, line in zip(cells[-len(lines) :], lines, strict=True):
        place = f"{_short(path)}:{line}"
        marks = cell.metadata
        if ("right" in marks) == ("wrong" in marks):
            yield None, f"{place}: mark this cell `right=` or `wrong=`, with a title."
            continue
        title = marks.get("right") or marks.get("wrong")
        answer = Answer(
            path.stem, title, cell.source, place, marks.get("check"), marks.get("message")
        )
        if "wrong" in marks:
            checks = [check.check for check in lab.checks_of(path.stem)]
            if not answer.check or not answer.message:
                yield None, f"{place}: a wrong answer needs `check=` and `message=`."
                continue
            if answer.check not in checks:
                known = ", ".join(checks)
                yield None, f"{place}: `{answer.check}` is no check of this exercise ({known})."
                continue
        yield answer, None


def _too_few(lab: Lab, exercise: str, answers: list[Answer]) -> list[str]:
    wrong = [answer for answer in answers if answer.check]
    faults = []
    if len(wrong) < FEWEST_WRONG:
        faults.append(
            f"{lab.name}: `{exercise}` has {len(wrong)} wrong answers; it needs {FEWEST_WRONG}."
        )
    if len(answers) - len(wrong) < FEWEST_RIGHT:
        faults.append(
            f"{lab.name}: `{exercise}` has {len(answers) - len(wrong)} right answers; it needs "
            f"{FEWEST_RIGHT}."
        )
    for message, count in Counter(answer.message for answer in wrong).items():
        if count > 1:
            faults.append(
                f"{lab.name}: {count} wrong answers to `{exercise}` expect the same message "
                f"('{message}'); each misconception needs its own."
            )
    return faults


class LabRunner:
    """Runs a lab's cells once, then answers in forks of that state."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.namespace: dict[str, object] = {"__name__": "__main__"}
        for cell in lab.cells:
            if cell.kind == "code" and not cell.check and not cell.plays:
                _execute(cell.text, f"<{lab.name}:{cell.line}>", self.namespace)

    def verdicts(self, exercise: str, answer: str) -> list[Verdict]:
        """Put an answer in the place of the solution and run the exercise's checks.

        This changes the runner's state: call it in a fork.
        """
        self.namespace.pop(exercise, None)
        try:
            _execute(answer, f"<answer to {exercise}>", self.namespace)
        except Exception as error:
            message = f"the answer's cell raised {type(error).__name__}: {error}"
            return [
                Verdict(cell.check, Status.FAILED, 0, cell.points, "", message)
                for cell in self.lab.checks_of(exercise)
            ]
        return self._check(exercise)

    def verdicts_at_arms_length(self, exercise: str, answer: str) -> list[Verdict]:
        """Do the same with the answer in a process of its own, as a grading of strangers does."""
        ours, theirs = socket.socketpair()
        process = os.fork()
        if process == 0:
            ours.close()
            self._serve_answer(exercise, answer, theirs)
        theirs.close()
        try:
            learner = Learner(Channel(ours))
            for name in self.lab.exercises:
                self.namespace.pop(name, None)
            self.namespace |= learner.names(self.lab.exercises)
            return self._check(exercise)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def _serve_answer(self, exercise: str, answer: str, connection: socket.socket) -> NoReturn:
        try:
            self.namespace.pop(exercise, None)
            with contextlib.suppress(Exception):
                _execute(answer, f"<answer to {exercise}>", self.namespace)
            serve(Channel(connection), self.namespace)
        finally:
            os._exit(0)

    def _check(self, exercise: str) -> list[Verdict]:
        return [
            run_check(cell.text, self.namespace, name=cell.check, points=cell.points)
            for cell in self.lab.checks_of(exercise)
        ]


def _execute(source: str, filename: str, namespace: dict[str, object]) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, filename, "exec"), namespace)


@dataclass(frozen=True)
class _Case:
    """One run: what it is, and how to judge the verdicts that come back."""

    kind: str
    exercise: str
    source: str
    judge: Callable[[list[Verdict]], list[str]]
    place: str


def compare_at_arms_length(lab: Lab, *, workers: int = 2, answers: Path = ANSWERS) -> BankReport:
    """Compare each answer's verdicts with those that it gets at arm's length.

    A check that does not say the same in both ways can't grade strangers; that is a fault of the
    lab.
    """
    started = time.perf_counter()
    report = BankReport(lab.name)
    found, _ = read_answers(lab, answers)
    runner = LabRunner(lab)
    cases = [*_bank_cases(found), *_stub_cases(lab), *_solution_cases(lab)]
    jobs = []
    for case in cases:
        jobs.append(lambda case=case: runner.verdicts(case.exercise, case.source))
        jobs.append(lambda case=case: runner.verdicts_at_arms_length(case.exercise, case.source))
    results = dict(run_forked(jobs, workers=workers))
    for number, case in enumerate(cases):
        report.cases[case.kind] += 1
        near, far = results[2 * number], results[2 * number + 1]
        report.faults += _differences(case, near, far)
    report.seconds = time.perf_counter() - started
    return report


def _differences(case: _Case, near: object, far: object) -> Iterator[str]:
    if isinstance(near, JobFailedError) or isinstance(far, JobFailedError):
        yield f"{case.place} ({case.kind}): could not be run: {near} / {far}"
        return
    for one, other in zip(near, far, strict=True):
        if (one.status, one.message) != (other.status, other.message):
            yield (
                f"{case.place} ({case.kind}): `{one.check}` says '{one.status}: {one.message}' "
                f"beside the answer and '{other.status}: {other.message}' at arm's length."
            )


def prove(
    lab: Lab, *, workers: int = 2, answers: Path = ANSWERS, tree: Tree = REPOSITORY
) -> BankReport:
    """Prove a lab's checks with its answer bank, its stubs, its release and its solution.

    Parameters
    ----------
    lab
        The lab.
    workers
        How many answers run at the same time.
    answers
        Folder of the bank.
    tree
        The repository, for the lab's release.
    """
    started = time.perf_counter()
    report = BankReport(lab.name)
    found, report.faults = read_answers(lab, answers)
    runner = LabRunner(lab)
    cases = [*_bank_cases(found), *_stub_cases(lab), *_solution_cases(lab)]
    released, faults = _released_cases(lab, tree)
    cases += released
    report.faults += faults
    jobs = [lambda case=case: runner.verdicts(case.exercise, case.source) for case in cases]
    for index, result in run_forked(jobs, workers=workers):
        case = cases[index]
        report.cases[case.kind] += 1
        if isinstance(result, JobFailedError):
            report.faults.append(f"{case.place}: the answer could not be run: {result}.")
        else:
            report.faults += case.judge(result)
    report.faults.sort()
    report.seconds = time.perf_counter() - started
    return report


def _bank_cases(answers: list[Answer]) -> Iterator[_Case]:
    for answer in answers:
        kind = "wrong" if answer.check else "right"
        judge = _judge_wrong if answer.check else _judge_right
        yield _Case(
            kind,
            answer.exercise,
            answer.source,
            lambda verdicts, answer=answer, judge=judge: judge(answer, verdicts),
            answer.place,
        )


def _judge_right(answer: Answer, verdicts: list[Verdict]) -> list[str]:
    return [
        f"{answer.place}: the right answer '{answer.title}' does not pass `{verdict.check}` "
        f"({verdict.status}): {verdict.message}"
        for verdict in verdicts
        if verdict.status is not Status.PASSED
    ]


def _judge_wrong(answer: Answer, verdicts: list[Verdict]) -> list[str]:
    start = f"{answer.place}: the wrong answer '{answer.title}'"
    failed = {item.check: item for item in verdicts if item.status is not Status.PASSED}
    if not failed:
        return [f"{start} passes every check."]
    if answer.check not in failed:
        others = "; ".join(f"`{name}`: {item.message}" for name, item in failed.items())
        return [f"{start} passes `{answer.check}`, which it must fail (it fails {others})."]
    message = failed[answer.check].message
    if answer.message not in message:
        return [f"{start} fails `{answer.check}` with another message: {message}"]
    return []


def _stub_cases(lab: Lab) -> Iterator[_Case]:
    for exercise, cell in lab.exercises.items():
        place = f"source/{lab.name}.py:{cell.line}"
        for name, body in STUBS.items():
            source = f"def {exercise}(*arguments, **named):\n    {body}\n"
            start = f"{place}: a stub of `{exercise}` that gives {name}"
            yield _Case("stub", exercise, source, _no_points(start), place)


def _released_cases(lab: Lab, tree: Tree) -> tuple[list[_Case], list[str]]:
    path = tree.release(lab.name)
    if not path.exists():
        return [], [f"{lab.name}: there is no release to prove; run `make build` first."]
    cases = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        exercise = cell["metadata"]["nbgrader"]["grade_id"]
        if exercise in lab.exercises:
            place = f"release/{lab.name}.ipynb"
            start = f"{place}: the untouched cell of `{exercise}`"
            judge = _not_started(start)
            cases.append(_Case("release", exercise, "".join(cell["source"]), judge, place))
    return cases, []


def _solution_cases(lab: Lab) -> Iterator[_Case]:
    for exercise, cell in lab.exercises.items():
        place = f"source/{lab.name}.py:{cell.line}"
        answer = Answer(exercise, "the lab's own solution", cell.text, place)
        yield _Case(
            "solution",
            exercise,
            cell.text,
            lambda verdicts, answer=answer: _judge_right(answer, verdicts),
            place,
        )


def _no_points(start: str) -> Callable[[list[Verdict]], list[str]]:
    def judge(verdicts: list[Verdict]) -> list[str]:
        return [f"{start} earns the points of `{v.check}`." for v in verdicts if v.points]

    return judge


def _not_started(start: str) -> Callable[[list[Verdict]], list[str]]:
    def judge(verdicts: list[Verdict]) -> list[str]:
        return [
            f"{start} is '{verdict.status}' at `{verdict.check}`, not 'not started': "
            f"{verdict.message}"
            for verdict in verdicts
            if verdict.status is not Status.NOT_STARTED
        ]

    return judge


def _short(path: Path) -> str:
    return REPOSITORY.relative(path)


def main(arguments: list[str] | None = None) -> int:
    """Prove the named labs, or all of them; return 1 if anything is wrong."""
    from rich.console import Console
    from rich.progress import track
    from rich.table import Column, Table

    parser = argparse.ArgumentParser(prog="python -m autograde.bank", description=main.__doc__)
    parser.add_argument("labs", nargs="*", metavar="LAB", help="module/lab; all if none is named")
    parser.add_argument(
        "--arms-length", action="store_true", help="compare with the verdicts at arm's length"
    )
    options = parser.parse_args(arguments)
    examine = compare_at_arms_length if options.arms_length else prove
    try:
        names = [REPOSITORY.find(name) for name in options.labs] or REPOSITORY.lab_names()
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    # Before numpy is imported: a forked child must not inherit a pool of numeric threads.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("MPLBACKEND", "Agg")

    console = Console()
    kinds = ("right", "wrong", "stub", "release", "solution")
    lab = Column("lab", no_wrap=True)
    table = Table(lab, *kinds, "faults", "s", title="Answer bank", padding=(0, 0, 0, 0))
    faults = []
    for name in track(names, "Answer bank", console=console, transient=True):
        # The lab's own state is large: a fork of this process holds it and gives it back.
        [(_, report)] = run_forked([lambda name=name: examine(read_lab(name))], seconds=600)
        if isinstance(report, JobFailedError):
            report = BankReport(name, [f"{name}: the lab's given cells could not be run: {report}"])
        counts = [str(report.cases[kind]) for kind in kinds]
        table.add_row(name, *counts, str(len(report.faults)), f"{report.seconds:.1f}")
        faults += report.faults
    console.print(table)
    for fault in faults:
        console.print(f"- {fault}", markup=False, soft_wrap=True)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
