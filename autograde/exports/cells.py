"""What may stand in a cell of a CSV file that somebody will open in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_DECIMALS = Decimal("0.0001")
_FORMULA = "=+-@"
# A spreadsheet may take a semicolon for the separator, and what follows it for a cell of its own.
_INNER_CELL = re.compile(r"(;\s*)(?=[=+\-@＝＋－＠])")


def number(value: float) -> str:
    """Return a number of points with at most four decimals, and none that it doesn't need.

    Sums of binary fractions are off by less than that: 5.333299999 is meant as 5.3333.
    """
    text = format(Decimal(repr(float(value))).quantize(_DECIMALS), "f").rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def text(value: object) -> str:
    """Return words as one line that no spreadsheet takes for a formula.

    A cell that would begin with ``=``, ``+``, ``-`` or ``@``, in whatever width, gets an
    apostrophe before it, as spreadsheets mark text. Control characters, tabs and line ends
    included, become spaces.
    """
    words = "" if value is None else str(value)
    line = "".join(" " if _is_control(letter) else letter for letter in words).strip()
    line = _INNER_CELL.sub(r"\1'", line)
    return f"'{line}" if _begins_formula(line) else line


def _is_control(letter: str) -> bool:
    # Zl and Zp are Unicode's own line ends.
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def _begins_formula(line: str) -> bool:
    # Invisible marks (Cf) belong into names of some scripts, and could also hide a formula.
    visible = "".join(letter for letter in line if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", visible).lstrip()[:1] in tuple(_FORMULA)
