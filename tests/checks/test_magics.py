"""The notebook's magics, in an IPython shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from course.checks.magics import VERDICT_MIME, CheckMagics, Note
from course.checks.verdict import Status

LAB = "m0_practice/doubling"
VISIBLE = "# Doubles a number\nassert double(2) == 4, 'no'\n"
WHOLE = VISIBLE + (
    "### BEGIN HIDDEN TESTS\nassert double(-1) == -2, 'negative'\n### END HIDDEN TESTS"
)


@pytest.fixture
def magics(tmp_path: Path) -> CheckMagics:
    """The magics in a shell of their own, in a repository without worked notebooks."""
    shell = InteractiveShell()
    magics = CheckMagics(shell)
    shell.register_magics(magics)
    magics.set_lab(LAB)
    magics.repository = tmp_path
    return magics


def put_solution(root: Path, check: str) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {"nbgrader": {"grade": True, "grade_id": "check-double"}},
        "source": [f"%%check double 2 hidden\n{check}"],
    }
    path = root / "solutions" / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": [cell]}))


def solve(magics: CheckMagics, text: str) -> None:
    exec(text, magics.shell.user_ns)


def test_the_value_of_a_check_is_its_points_and_its_card(magics: CheckMagics) -> None:
    solve(magics, "def double(x): return 2 * x")
    bundle = magics.check("double 2", VISIBLE)._repr_mimebundle_()
    assert bundle["text/plain"] == "2"
    assert "Passed · Doubles a number (2 of 2 points)" in bundle["text/html"]
    assert bundle[VERDICT_MIME]["status"] == "passed"


def test_a_card_escapes_what_a_learner_returns(magics: CheckMagics) -> None:
    solve(magics, "def double(x): return '<script>alert(1)</script>'")
    check = "# Doubles\nassert double(2) == 4, f'it is {double(2)}'"
    html = magics.check("double 2", check)._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_self_study_runs_the_hidden_part(magics: CheckMagics, tmp_path: Path) -> None:
    put_solution(tmp_path, WHOLE)
    solve(magics, "def double(x): return x * x")
    verdict = magics.check("double 2 hidden", VISIBLE).verdict
    assert (verdict.status, verdict.message) == (Status.FAILED, "negative")


def test_without_the_repository_a_pass_is_not_promised(magics: CheckMagics) -> None:
    solve(magics, "def double(x): return 2 * x")
    result = magics.check("double 2 hidden", VISIBLE)
    assert result.verdict.status is Status.DEFERRED
    assert repr(result) == "0"
    assert "run when the lab is graded" in result.note


def test_a_check_of_another_release_is_said(magics: CheckMagics, tmp_path: Path) -> None:
    put_solution(tmp_path, WHOLE.replace("a number", "an integer"))
    solve(magics, "def double(x): return 2 * x")
    result = magics.check("double 2 hidden", VISIBLE)
    assert result.verdict.status is Status.DEFERRED
    assert "another release" in result.note


def test_grading_runs_the_hidden_part_that_the_cell_holds(magics: CheckMagics) -> None:
    solve(magics, "def double(x): return x * x")
    assert magics.check("double 2 hidden", WHOLE).verdict.message == "negative"


def test_play_runs_and_returns_the_last_value(magics: CheckMagics) -> None:
    solve(magics, "def double(x): return 2 * x")
    assert magics.play("double", "y = double(4)\ny + 1") == 9
    assert magics.shell.user_ns["y"] == 8


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("pass", "Run the cell that defines `double` first"),
        ("def double(x): raise NotImplementedError()", "once your `double` can be called"),
        ("def double(x): return 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_play_waits_without_a_traceback(magics: CheckMagics, answer: str, said: str) -> None:
    solve(magics, answer)
    note = magics.play("double", "double(4)")
    assert isinstance(note, Note)
    assert said in repr(note)
