"""A check's verdict: what it says of right, wrong, unstarted and broken answers."""

from __future__ import annotations

import pytest

from course.checks import Status, run_check
from course.checks.verdict import visible_part

CHECK = """
# Doubles a number
assert double(2) == 4, f"double(2) should be 4, it is {double(2)}"
### BEGIN HIDDEN TESTS
assert double(-1) == -2, "negative numbers double, too"
### END HIDDEN TESTS
"""


def verdict_of(answer: str, check: str = CHECK):
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(answer, namespace)
    return run_check(check.strip(), namespace, name="double", points=2)


def test_right_answer_earns_all_points() -> None:
    verdict = verdict_of("def double(x):\n    return 2 * x")
    assert (verdict.status, verdict.points, verdict.message) == (Status.PASSED, 2, "")
    assert verdict.title == "Doubles a number"


def test_wrong_answer_earns_nothing_and_is_told_why() -> None:
    verdict = verdict_of("def double(x):\n    return x * x")
    assert (verdict.status, verdict.points) == (Status.FAILED, 0)
    assert verdict.message == "negative numbers double, too"
    assert verdict.by_assert


def test_message_shows_the_evidence() -> None:
    assert verdict_of("def double(x):\n    return x").message == "double(2) should be 4, it is 2"


def test_unsolved_is_not_wrong() -> None:
    verdict = verdict_of("def double(x):\n    raise NotImplementedError()")
    assert verdict.status is Status.NOT_STARTED
    assert "`double` is still to be written" in verdict.message


def test_undefined_is_not_wrong() -> None:
    verdict = verdict_of("other = 1")
    assert verdict.status is Status.NOT_STARTED
    assert "`double` is not defined here" in verdict.message


def test_not_implemented_by_a_library_is_a_failure() -> None:
    library = "class Base:\n    def f(self):\n        raise NotImplementedError('abstract')"
    scope: dict[str, object] = {}
    exec(compile(library, "library.py", "exec"), scope)
    namespace: dict[str, object] = {"Base": scope["Base"]}
    exec("def double(x):\n    return Base().f()", namespace)
    verdict = run_check(CHECK.strip(), namespace, name="double", points=2)
    assert verdict.status is Status.FAILED
    assert "raised NotImplementedError: abstract" in verdict.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def double(x):\n    return 1 / 0", "`double`, line 2 of its cell, raised ZeroDivision"),
        ("def double(x):\n    raise SystemExit(3)", "raised SystemExit: 3"),
        ("def double(x):\n    return double(x)", "raised RecursionError"),
        ("def double(x):\n    assert False", "raised AssertionError"),
        ("def double(x):\n    return helper(x)", "raised NameError: name 'helper'"),
        ("def double():\n    return 1", "could not use the answer"),
    ],
)
def test_a_raising_answer_fails_with_a_sentence(answer: str, said: str) -> None:
    verdict = verdict_of(answer)
    assert verdict.status is Status.FAILED
    assert said in verdict.message


def test_an_exception_that_cannot_say_anything_is_a_failure() -> None:
    answer = (
        "class Mute(Exception):\n    def __str__(self):\n        raise ValueError\n"
        "def double(x):\n    raise Mute"
    )
    verdict = verdict_of(answer)
    assert verdict.status is Status.FAILED
    assert verdict.message == "`double`, line 5 of its cell, raised Mute"


def test_built_in_names_that_a_learner_took_do_not_break_a_check() -> None:
    verdict = verdict_of(
        "list = sum = 3\ndef double(x):\n    return 2 * x", "assert sum(list([2])) == 2"
    )
    assert verdict.status is Status.PASSED


def test_a_library_that_a_check_lacks_is_nobodys_failure() -> None:
    verdict = verdict_of("def double(x):\n    return 2 * x", "import no_such_library")
    assert verdict.status is Status.BROKEN
    assert "make setup" in verdict.message
    verdict = verdict_of("def double(x):\n    import no_such_library", "double(2)")
    assert verdict.status is Status.FAILED


def test_a_check_that_cannot_be_read_is_nobodys_failure() -> None:
    verdict = verdict_of("def double(x):\n    return 2 * x", "# title\nassert (")
    assert verdict.status is Status.BROKEN


def test_keyboard_interrupt_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        verdict_of("def double(x):\n    raise KeyboardInterrupt")


def test_a_check_leaves_no_names_behind() -> None:
    namespace: dict[str, object] = {}
    run_check("# t\nleft = 1\nassert left", namespace, name="double")
    assert "left" not in namespace


def test_output_and_warnings_are_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    answer = (
        "import sys, warnings\ndef double(x):\n    warnings.warn('w')\n    print('out')\n"
        "    print('err', file=sys.stderr)\n    return 2 * x"
    )
    assert verdict_of(answer).status is Status.PASSED
    assert capfd.readouterr() == ("", "")


def test_visible_part_leaves_hidden_regions_out() -> None:
    shown = visible_part(CHECK)
    assert "double(2) == 4" in shown
    assert "negative" not in shown
    assert "HIDDEN" not in shown
