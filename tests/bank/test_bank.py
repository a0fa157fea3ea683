"""The answer bank's runner: it must catch every way in which a bank or a check can be wrong."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from authoring.lab import Lab, parse_lab, write_lab
from authoring.tree import Tree
from autograde.bank import BankReport, prove
from autograde.forked import JobFailedError, run_forked

PRACTICE = "m0_practice/doubling"
DOUBLE = """
# %% right="adds"
def double(x):
    return np.asarray(x) + x


# %% right="a list"
def double(x):
    return [2 * v for v in x] if np.ndim(x) else x + x


# %% wrong="does nothing" check="double" message="it is 2"
def double(x):
    return x


# %% wrong="squares" check="double_arrays" message="came out as [ 1  4"
def double(x):
    return np.asarray(x) ** 2


# %% wrong="doubles the length" check="double_arrays" message="came out as [1, 2"
def double(x):
    return 2 * x.tolist() if np.ndim(x) else 2 * x
"""
HALVE = """
# %% right="multiplies"
def halve(x):
    return x * 0.5


# %% right="divides"
def halve(x):
    return np.divide(x, 2)


# %% wrong="rounds down" check="halve_odd" message="came out as 3:"
def halve(x):
    return x // 2


# %% wrong="rounds up" check="halve_odd" message="came out as 4:"
def halve(x):
    return -(-x // 2)


# %% wrong="does nothing" check="halve" message="it is 8"
def halve(x):
    return x
"""


@pytest.fixture
def bank(tmp_path: Path, released_notebook: NotebookNode) -> Tree:
    """A repository with the practice lab's release and a complete bank for it."""
    tree = Tree(tmp_path)
    tree.release(PRACTICE).parent.mkdir(parents=True)
    nbformat.write(released_notebook, tree.release(PRACTICE))
    folder = tmp_path / "answers" / PRACTICE
    folder.mkdir(parents=True)
    (folder / "double.py").write_text(DOUBLE)
    (folder / "halve.py").write_text(HALVE)
    return tree


def run(lab: Lab, tree: Tree) -> BankReport:
    """Prove in a fork, since that runs the lab's cells here."""
    job = lambda: prove(lab, answers=tree.root / "answers", tree=tree)  # noqa: E731
    [(_, report)] = run_forked([job])
    assert isinstance(report, BankReport), report
    return report


def test_a_complete_bank_has_no_faults(practice_lab: Lab, bank: Tree) -> None:
    report = run(practice_lab, bank)
    assert report.faults == []
    assert report.cases == {"right": 4, "wrong": 6, "stub": 24, "release": 2, "solution": 2}


FAULTS = {
    "a wrong answer that passes": (
        HALVE.replace("return x // 2", "return x / 2"),
        "the wrong answer 'rounds down' passes every check",
    ),
    "a wrong answer that fails elsewhere only": (
        HALVE.replace('check="halve_odd" message="came out as 3:"', 'check="halve" message="x"'),
        "passes `halve`, which it must fail",
    ),
    "a wrong answer with another message": (
        HALVE.replace("came out as 3:", "came out as 9:"),
        "fails `halve_odd` with another message: half of 7 came out as 3",
    ),
    "a right answer that fails": (
        HALVE.replace("return x * 0.5", "return x * 0.6"),
        "the right answer 'multiplies' does not pass `halve`",
    ),
    "a wrong answer of an unknown check": (
        HALVE.replace('check="halve" message', 'check="halve_even" message'),
        "`halve_even` is no check of this exercise",
    ),
    "a wrong answer without a message": (
        HALVE.replace(' message="it is 8"', ""),
        "needs `check=` and `message=`",
    ),
    "a cell without a mark": (
        HALVE.replace('# %% right="divides"', "# %%"),
        "mark this cell `right=` or `wrong=`",
    ),
    "too few right answers": (
        HALVE.split("# %%", 2)[0] + "# %%" + HALVE.split("# %%", 2)[2],
        "`halve` has 1 right answers; it needs 2",
    ),
    "too few wrong answers": (
        HALVE.rsplit("# %%", 1)[0],
        "`halve` has 2 wrong answers; it needs 3",
    ),
    "two wrong answers with one message": (
        HALVE.replace("came out as 3:", "came out as").replace("came out as 4:", "came out as"),
        "2 wrong answers to `halve` expect the same message",
    ),
    "an answer that never ends its cell": (
        HALVE.replace("return x * 0.5", "import os; os._exit(1)"),
        "the answer could not be run: the process died",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_bank_is_a_sentence(practice_lab: Lab, bank: Tree, fault: str) -> None:
    text, sentence = FAULTS[fault]
    (bank.root / "answers" / PRACTICE / "halve.py").write_text(text)
    faults = run(practice_lab, bank).faults
    assert any(sentence in found for found in faults), faults


def test_answers_to_no_exercise_are_a_fault(practice_lab: Lab, bank: Tree) -> None:
    (bank.root / "answers" / PRACTICE / "third.py").write_text(HALVE)
    assert any("has no exercise `third`" in fault for fault in run(practice_lab, bank).faults)


def test_an_exercise_without_answers_is_a_fault(practice_lab: Lab, bank: Tree) -> None:
    (bank.root / "answers" / PRACTICE / "halve.py").unlink()
    assert len([f for f in run(practice_lab, bank).faults if "`halve` has 0" in f]) == 2


@pytest.mark.parametrize(
    ("weak", "stub"),
    [
        ("assert not (halve(7) < 0), 'x'", "gives NaN"),
        ("assert (np.asarray(halve(numbers)) == 1).all(), 'x'", "gives an empty array"),
        ("assert halve(7), 'x'", "gives True"),
        ("assert halve(7) == 7, 'x'", "gives its first argument"),
    ],
)
def test_a_weak_check_is_found_by_a_stub(
    practice_lab: Lab, bank: Tree, weak: str, stub: str
) -> None:
    lab = parse_lab(PRACTICE, write_lab(practice_lab))
    lab.checks["halve_odd"].text = f"# Weak\n{weak}"
    sentence = f"{stub} earns the points of `halve_odd`"
    assert any(sentence in fault for fault in run(lab, bank).faults)


def test_jobs_are_bounded_and_kept_apart() -> None:
    def loop() -> None:
        while True:
            pass

    def raise_it() -> None:
        raise ValueError("no")

    results = dict(run_forked([loop, raise_it, lambda: 3], seconds=0.5))
    assert isinstance(results[0], JobFailedError)
    assert "no end after 0.5 s" in str(results[0])
    assert str(results[1]) == "ValueError: no"
    assert results[2] == 3
