"""Read the evidence out of a check's message: sentences, tables of data, expected against got.

The checks say in words what is wrong and put the evidence into the sentence: an array, a frame, the
two sides of a comparison, or what numpy's and pandas' own testing functions write. Here it is taken
apart, so that a card can set arrays as arrays and show of a long comparison what differs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_ROWS = 6
"""Rows of a comparison that are shown; the number of all differences is always said."""

_EXPECTED = re.compile(
    r"(?:expected|should be|instead of|rather than|desired|\[right\])\W*$", re.IGNORECASE
)
_GOT = re.compile(
    r"(?:got|found|came out as|it is|returned|gave|was|actual|\[left\])\W*$", re.IGNORECASE
)
_BEGINS_DATA = re.compile(r"^ *\[|^ {2,}\S")
_GOES_ON = re.compile(r"\S {2,}\S|^\.\.\.")


@dataclass(frozen=True)
class Prose:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class Block:
    """Data whose spaces and line breaks matter: an array, a frame."""

    text: str


@dataclass(frozen=True)
class Comparison:
    """Two sequences of one length, of which some entries differ.

    Attributes
    ----------
    rows
        Position, expected and got of the first entries that differ.
    differing, length
        How many entries differ, and how many there are.
    """

    rows: tuple[tuple[int, str, str], ...]
    differing: int
    length: int

    @property
    def caption(self) -> str:
        """What is compared, in words."""
        shown = len(self.rows)
        first = f"; the first {shown}" if shown < self.differing else ""
        return f"{self.differing} of {self.length} entries differ{first}"


def parts(message: str) -> list[Prose | Block | Comparison]:
    """Take a message apart, in its own order; a comparison comes after the rest."""
    found: list[Prose | Block | Comparison] = []
    for is_data, text in _runs(_broken_before_arrays(message).splitlines()):
        found.append(Block(text) if is_data else Prose(text))
    comparison = _comparison(message)
    return [*found, comparison] if comparison else found


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison as a table in plain text."""
    table = [("position", "expected", "got")]
    table += [(str(position), *pair) for position, *pair in comparison.rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    ]
    return "\n".join([f"{comparison.caption}:", *lines])


def _broken_before_arrays(message: str) -> str:
    """Begin a new line where an array of several lines begins within one."""
    return re.sub(r"(\S) (\[\[?[^\[\]\n]*\]?\n\s+\[)", r"\1\n\2", message)


def _runs(lines: list[str]) -> list[tuple[bool, str]]:
    """Return the runs of lines that are data, and those that are not, each joined."""
    runs: list[tuple[bool, list[str]]] = []
    several = len(lines) > 1
    for line in lines:
        if not line.strip():
            continue
        within = bool(runs) and runs[-1][0]
        is_data = several and bool(_BEGINS_DATA.search(line) or (within and _GOES_ON.search(line)))
        if runs and runs[-1][0] == is_data:
            runs[-1][1].append(line)
        else:
            runs.append((is_data, [line]))
    return [(is_data, "\n".join(run)) for is_data, run in runs]


def _comparison(message: str) -> Comparison | None:
    """Return the comparison of the two sequences that a message calls expected and got."""
    sides: dict[str, list[str]] = {}
    for start, end in _sequences(message):
        before = message[:start].removesuffix("array(").rstrip()
        for side, words in (("expected", _EXPECTED), ("got", _GOT)):
            if words.search(before):
                sides.setdefault(side, _entries(message[start + 1 : end]))
    expected, got = sides.get("expected", []), sides.get("got", [])
    if len(expected) != len(got) or len(expected) < 2 or "..." in expected + got:
        return None
    pairs = zip(expected, got, strict=True)
    differing = [(place, *pair) for place, pair in enumerate(pairs) if not _same(*pair)]
    if not differing:
        return None
    return Comparison(tuple(differing[:MOST_ROWS]), len(differing), len(expected))


def _sequences(message: str) -> list[tuple[int, int]]:
    """Return where the flat sequences between square brackets begin and end."""
    return [match.span(0) for match in re.finditer(r"\[[^\[\]()]*[\s,][^\[\]()]*\]", message)]


def _entries(inside: str) -> list[str]:
    text = inside.rstrip("]")
    entries = text.split(",") if "," in text else text.split()
    return [entry.strip() for entry in entries if entry.strip()]


def _same(one: str, other: str) -> bool:
    """Say whether two entries mean the same, however they are written: 4. is 4."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one.strip("'\"") == other.strip("'\"")
