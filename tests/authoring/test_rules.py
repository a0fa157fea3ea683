"""What a build refuses, each with the line and a sentence on what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.lab import parse_lab
from authoring.rules import problems, release_problems

GOOD = (Path(__file__).parents[1] / "labs/m0_practice/doubling.py").read_text()


def said(text: str) -> list[str]:
    return [f"{p.line}: {p.sentence}" for p in problems(parse_lab("m0_practice/doubling", text))]


def line_of(text: str, fragment: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if fragment in line)


def test_the_practice_lab_is_accepted() -> None:
    assert said(GOOD) == []


REFUSED = {
    "no solution markers": (
        GOOD.replace(
            "    ### BEGIN SOLUTION\n    return np.asarray(x) / 2\n    ### END SOLUTION",
            "    return np.asarray(x) / 2",
        ),
        'exercise="halve"',
        "needs `### BEGIN SOLUTION`",
    ),
    "a solution at the top level": (
        GOOD.replace("    ### BEGIN SOLUTION\n    return 2", "### BEGIN SOLUTION\n    return 2"),
        'exercise="double"',
        "is not inside its function",
    ),
    "an exercise that defines another name": (
        GOOD.replace("def halve(x)", "def half(x)"),
        'exercise="halve"',
        "must define a function or class named `halve`",
    ),
    "a check without points": (
        GOOD.replace('check="halve_odd" points=2', 'check="halve_odd"'),
        'check="halve_odd"',
        "needs `points=`",
    ),
    "a check with half a point": (
        GOOD.replace('check="halve_odd" points=2', 'check="halve_odd" points=1.5'),
        'check="halve_odd"',
        "needs `points=`",
    ),
    "a duplicate check": (
        GOOD.replace('check="halve_odd"', 'check="halve"'),
        'check="halve"',
        "The check `halve` stands twice",
    ),
    "a duplicate exercise": (
        GOOD.replace('exercise="halve"', 'exercise="double"'),
        'exercise="double"',
        "The exercise `double` stands twice",
    ),
    "a check of no exercise": (
        GOOD.replace('check="halve_odd"', 'check="third_odd"'),
        'check="third_odd"',
        "refers to no exercise",
    ),
    "a check without a title": (
        GOOD.replace("# Doubles a number\n", ""),
        'check="double" points',
        "names the property",
    ),
    "a check that cannot fail": (
        GOOD.replace('assert answer == 3.5, f"half of 7', 'f"half of 7'),
        'check="halve_odd"',
        "has no assert",
    ),
    "hidden tests outside a check": (
        GOOD + "\n### BEGIN HIDDEN TESTS\nassert halve(2) == 1\n### END HIDDEN TESTS\n",
        'play="double, halve"',
        "Hidden tests outside a check",
    ),
    "a solution outside an exercise": (
        GOOD.replace(
            "numbers = np.arange(5)", "### BEGIN SOLUTION\nnumbers = np.arange(5)\n### END SOLUTION"
        ),
        "# %%\n",
        "A solution outside an exercise",
    ),
    "a marker spelt another way": (
        GOOD.replace("### END HIDDEN TESTS", "## END HIDDEN TESTS", 1),
        'check="double_arrays"',
        "must be spelt",
    ),
    "a misspelt marker": (
        GOOD.replace('exercise="halve"', 'exercize="halve"'),
        'exercize="halve"',
        "`exercize` is no marker",
    ),
    "a play cell of no exercise": (
        GOOD.replace('play="double, halve"', 'play="double, third"'),
        'play="double, third"',
        "which is no exercise here",
    ),
    "a magic in the source": (
        GOOD.replace("numbers = np.arange(5)", "%timeit 1"),
        "# %%\n",
        "A magic in the source",
    ),
    "points that the heading misstates": (
        GOOD.replace("Halve (3 points)", "Halve (4 points)"),
        "# ### Exercise 2",
        "The heading says 4 points, the checks of `halve` make 3",
    ),
    "points that the first cell misstates": (
        GOOD.replace("6 points", "7 points"),
        "# %% [markdown]",
        "must say that the lab has 6 points",
    ),
    "a solution in a hint": (
        GOOD.replace(
            "# Write `halve(x)`. Return half of `x`.",
            "# Write `halve(x)`.\n#\n#     return np.asarray(x) / 2",
        ),
        "# ### Exercise 2",
        "gives the solution of `halve` away",
    ),
    "a hidden assert shown": (
        GOOD.replace(
            "print(halve(double(3)))",
            'assert answer == 3.5, f"half of 7 came out as {answer}: don\'t round"',
        ),
        'play="double, halve"',
        "shows a hidden assert of `halve_odd`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_line_and_sentence(case: str) -> None:
    text, fragment, sentence = REFUSED[case]
    assert text != GOOD
    found = said(text)
    lines = [n for n, line in enumerate(text.splitlines(), 1) if fragment.strip() in line]
    assert any(
        sentence in problem and abs(int(problem.split(":")[0]) - n) <= 1
        for problem in found
        for n in lines
    ), found


def test_a_release_that_holds_a_secret_is_refused() -> None:
    lab = parse_lab("m0_practice/doubling", GOOD)
    safe = ["def halve(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"]
    assert release_problems(lab, safe) == []
    [solution] = release_problems(lab, ["def halve(x):\n    return np.asarray(x) / 2"])
    assert "the solution of `halve`" in solution.sentence
    hidden = lab.checks["halve_odd"].text.split("TESTS\n")[1].split("###")[0]
    [tests] = release_problems(lab, [hidden])
    assert "the hidden tests of `halve_odd`" in tests.sentence
    assert release_problems(lab, ["### BEGIN SOLUTION"])
