"""A learner's code in one process, its checks in another: the same verdicts, no way to cheat."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from autograde.arms_length.channel import Channel
from autograde.arms_length.checks import Learner, LearnerGoneError, Stub
from autograde.arms_length.learner import serve
from course.checks import Status, Verdict, run_check


@contextmanager
def learner_of(code: str, seconds: float = 10) -> Iterator[Learner]:
    """Run a learner's code in a forked process and give the checks' end of the line."""
    ours, theirs = socket.socketpair()
    process = os.fork()
    if process == 0:
        try:
            ours.close()
            namespace: dict[str, object] = {"__name__": "__main__", "np": np, "pd": pd}
            exec(code, namespace)
            serve(Channel(theirs), namespace)
        finally:
            os._exit(0)
    theirs.close()
    try:
        yield Learner(Channel(ours), seconds=seconds)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def verdict_of(code: str, check: str, seconds: float = 10) -> Verdict:
    with learner_of(code, seconds) as learner:
        namespace: dict[str, object] = {"np": np, "pd": pd}
        try:
            namespace |= learner.names(["f", "Model", "value"])
        except LearnerGoneError as gone:
            return Verdict("f", Status.FAILED, 0, 2, "", str(gone))
        return run_check(f"# Title\n{check}", namespace, name="f", points=2)


def test_values_go_there_and_back() -> None:
    code = "def f(frame, rng):\n    return frame.assign(u=rng.random(len(frame)))"
    check = (
        "rows = pd.DataFrame({'a': [1, 2]})\n"
        "answer = f(rows, np.random.default_rng(1))\n"
        "assert isinstance(answer, pd.DataFrame), type(answer)\n"
        "assert np.array_equal(answer['u'], np.random.default_rng(1).random(2)), answer"
    )
    assert verdict_of(code, check).status is Status.PASSED


def test_named_arguments_and_variables_cross() -> None:
    code = "value = [1, 2]\ndef f(a, *, b=0):\n    return a - b"
    assert verdict_of(code, "assert f(3, b=1) == 2\nassert value == [1, 2]").points == 2


def test_an_object_stays_and_is_used_through_its_methods() -> None:
    code = (
        "class Model:\n    def __init__(self, by):\n        self.by = by\n"
        "    def fit(self, x):\n        self.mean = float(np.mean(x))\n        return self\n"
        "    def predict(self, x):\n        return np.asarray(x) * self.by + self.mean\n"
    )
    check = (
        "model = Model(2).fit(np.array([1.0, 3.0]))\n"
        "assert model.mean == 2\nassert model.predict([1, 2]).tolist() == [4, 6]"
    )
    assert verdict_of(code, check).status is Status.PASSED


def test_an_estimator_is_handed_over_and_a_function_called_back() -> None:
    code = "def f(model, metric):\n    return metric(model.fit([[0], [1]], [0, 1]).predict([[1]]))"
    with learner_of(code) as learner:
        function = learner.names(["f"])["f"]
        assert function(LogisticRegression(), lambda predicted: float(predicted[0]) + 1) == 2


def test_changes_of_an_argument_are_seen() -> None:
    code = "def f(rows):\n    rows['a'] = 0\n    rows['b'] = 1\n    return rows"
    check = (
        "rows = pd.DataFrame({'a': [1, 2]}, index=[5, 6])\nbefore = rows.copy()\nf(rows)\n"
        "assert rows.equals(before), f'you changed the columns to {list(rows)}'"
    )
    verdict = verdict_of(code, check)
    assert verdict.message == "you changed the columns to ['a', 'b']"


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("def f():\n    raise NotImplementedError()", Status.NOT_STARTED, "`f` is still"),
        ("g = 1", Status.NOT_STARTED, "`f` is not defined here"),
        ("def f():\n    return 1 / 0", Status.FAILED, "`f`, line 2 of its cell, raised ZeroDiv"),
        ("def f():\n    return other()", Status.FAILED, "raised NameError: name 'other' is not"),
        ("def f():\n    raise SystemExit(3)", Status.FAILED, "raised SystemExit: 3"),
        ("def f():\n    return object()", Status.FAILED, "the answer is 1"),
        ("import os\ndef f():\n    os._exit(0)", Status.FAILED, "It ended the Python process"),
        ("def f():\n    while True: pass", Status.FAILED, "It ran for more than 1 s"),
        ("class E(Exception): pass\ndef f():\n    raise E('own')", Status.FAILED, "raised E: own"),
    ],
)
def test_faults_get_the_words_that_they_get_beside_the_check(
    code: str, status: Status, said: str
) -> None:
    check = "answer = f()\nassert type(answer) is int and answer == 1, 'the answer is 1'"
    verdict = verdict_of(code, check, seconds=1)
    assert (verdict.status, verdict.points) == (status, 0)
    assert said in verdict.message


CHEATS = {
    "an object that equals everything": (
        "class Any:\n    __eq__ = lambda self, other: True\n    __bool__ = lambda self: True\n"
        "    __float__ = lambda self: 4.0\ndef f(x=0):\n    return Any()"
    ),
    "an int that equals everything": (
        "class Any(int):\n    __eq__ = lambda self, other: True\n    __hash__ = None\n"
        "def f(x=0):\n    return Any(3)"
    ),
    "an array that compares as true": (
        "class Any(np.ndarray):\n    __eq__ = lambda self, other: np.array(True)\n"
        "def f(x=0):\n    return np.zeros(1).view(Any)"
    ),
    "patched numpy and builtins": (
        "import builtins\nnp.allclose = np.isclose = lambda *a, **k: True\n"
        "builtins.abs = builtins.len = lambda *a: 0\ndef f(x=0):\n    return 3.0"
    ),
    "a tracer that looks for the check": (
        "import sys, gc\ndef f(x=0):\n    frame = sys._getframe()\n    found = []\n"
        "    while frame:\n        found += [v for v in frame.f_globals.values() if v == 4]\n"
        "        frame = frame.f_back\n    return found[0] if found else 3"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_what_passes_beside_a_check_does_not_at_arms_length(cheat: str) -> None:
    check = "answer = f()\nassert np.allclose(answer, 4) and answer == 4, f'got {answer!r}'"
    assert verdict_of(CHEATS[cheat], check).points == 0


def test_a_process_that_answers_rubbish_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        learner = Learner(Channel(ours), seconds=1)
        theirs.sendall(b"\xff\xff\xff\xffrubbish")
        with pytest.raises(LearnerGoneError):
            learner.names(["f"])


def test_a_stub_has_no_truth_value_and_equals_only_itself() -> None:
    with learner_of("def f(): return object()") as learner:
        thing = learner.names(["f"])["f"]()
        assert isinstance(thing, Stub)
        assert thing == thing
        assert thing != 1
        with pytest.raises(TypeError, match="neither true nor false"):
            bool(thing)
