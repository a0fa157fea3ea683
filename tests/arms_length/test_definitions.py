"""Cells that only define are told from all that could do more."""

from __future__ import annotations

import pytest

from autograde.arms_length.definitions import only_defines


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def f(x):\n    print(x)\n    return x",
        "def f(x: int, *rest: list[int], y=3, z: np.ndarray | None = None) -> 'text':\n    pass",
        "def f(table=rows, size=-1):\n    return table",
        "import numpy as np\nfrom math import sqrt\n'a note'\nLIMIT = {'a': [1, -2.5]}",
        "# nothing but a comment",
        "async def f():\n    pass",
    ],
)
def test_it_only_defines(source: str) -> None:
    assert only_defines(source)


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "x = make()",
        "x = y",
        "x.limit = 3",
        "x['a'] = 3",
        "x += 1",
        "del x",
        "for x in rows:\n    pass",
        "if True:\n    x = 1",
        "def f(x=make()):\n    pass",
        "def f(x, *, y=make()):\n    pass",
        "def f(x: make()):\n    pass",
        "def f(x) -> make():\n    pass",
        "@cache\ndef f(x):\n    pass",
        "class Model(Base):\n    pass",
        "f'{make()}'",
        "%time make()",
        "!ls",
        "def f(:",
    ],
)
def test_it_may_do_more(source: str) -> None:
    assert not only_defines(source)
