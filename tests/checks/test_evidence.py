"""Messages taken apart: sentences, data, and two sides of a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.checks.evidence import Block, Comparison, Prose, comparison_text, parts


def comparison_in(message: str) -> Comparison | None:
    found = [part for part in parts(message) if isinstance(part, Comparison)]
    return found[0] if found else None


@pytest.mark.parametrize(
    "message",
    [
        "users are on both sides",
        "twice 1 to 5 came out as [0 1 2 3 4]",
        "return one of the four texts ['a', 'b']; got 3",
        "expected 4 pairs, got 3",
        "expected [1, 2, 3], got [1, 2]",
        "expected [1 2 3], got [1. 2. 3.]",
        "expected [1 2 ... 3], got [1 2 ... 4]",
        "",
    ],
)
def test_a_sentence_stays_one(message: str) -> None:
    assert parts(message) == ([Prose(message)] if message else [])


def test_two_sequences_are_compared_where_they_differ() -> None:
    got = np.arange(20.0)
    got[[3, 7]] = -1
    found = comparison_in(f"Expected {list(range(20))}; got {got}.")
    assert found == Comparison(((3, "3", "-1."), (7, "7", "-1.")), 2, 20)
    lines = comparison_text(found).splitlines()
    assert lines[0] == "2 of 20 entries differ:"
    assert lines[2].split() == ["3", "3", "-1."]


def test_a_long_comparison_is_cut_and_says_so() -> None:
    found = comparison_in(f"got {[0] * 30}, expected {[1] * 30}")
    assert found is not None
    assert len(found.rows) == 6
    assert found.rows[0] == (0, "1", "0")
    assert found.caption == "30 of 30 entries differ; the first 6"


def test_numpys_and_pandas_own_messages_are_understood() -> None:
    with pytest.raises(AssertionError) as raised:
        np.testing.assert_allclose(np.array([1, 2, 3.0]), np.array([1, 2, 4.0]))
    assert comparison_in(str(raised.value)) == Comparison(((2, "4.", "3."),), 1, 3)
    with pytest.raises(AssertionError) as raised:
        pd.testing.assert_series_equal(pd.Series([1, 5]), pd.Series([1, 6]))
    assert comparison_in(str(raised.value)) == Comparison(((1, "6", "5"),), 1, 2)


def test_frames_and_arrays_keep_their_lines() -> None:
    frame = pd.DataFrame({"rate": [0.5, 0.25], "n": [1, 20]})
    assert parts(f"A ratio is positive:\n{frame}\nLook again.") == [
        Prose("A ratio is positive:"),
        Block(str(frame)),
        Prose("Look again."),
    ]
    assert parts(f"twice: got [ 1  2]\n{frame}") == [Prose("twice: got [ 1  2]"), Block(str(frame))]
    assert parts(f"it came out as {np.eye(2)}") == [
        Prose("it came out as"),
        Block("[[1. 0.]\n [0. 1.]]"),
    ]
