"""What there is to grade: a lab's cells in their order, and what one submission puts into them."""

from __future__ import annotations

import hashlib
import json
import re
import symtable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from autograde.arms_length.definitions import only_defines
from course.checks.naming import exercise_of

_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)


class Kind(StrEnum):
    """What a cell of a notebook to be graded is."""

    GIVEN = "given"
    """The lab's own, the same for everybody: run once and shared."""
    LEARNER = "learner"
    """An answer, or a cell that the learner added."""
    PLAY = "play"
    """The lab's own, on the learner's functions: worth nothing, run only if something needs it."""
    CHECK = "check"


@dataclass(frozen=True)
class Cell:
    """One code cell of a notebook to be graded.

    Attributes
    ----------
    index
        Its place in the notebook.
    kind, source
        What it is, and its code; of a check, without the line with the magic.
    exercise
        The exercise that it answers or checks, or an empty text.
    check, points
        Of a check: its name and what it is worth.
    """

    index: int
    kind: Kind
    source: str
    exercise: str = ""
    check: str = ""
    points: float = 0


@dataclass(frozen=True)
class Submission:
    """A notebook to be graded.

    Attributes
    ----------
    cells
        Its code cells, in order.
    files
        Files that were handed in beside the notebook, by name.
    call_seconds
        How long one cell may run, and all checks of one exercise together may wait for the
        learner's code.
    total_seconds
        How long all of it may take.
    """

    cells: list[Cell]
    files: dict[str, bytes] = field(default_factory=dict)
    call_seconds: float = 30
    total_seconds: float = 300

    @property
    def exercises(self) -> list[str]:
        """Names of the exercises, each once, in order."""
        return list(dict.fromkeys(cell.exercise for cell in self.cells if cell.exercise))

    @cached_property
    def key(self) -> str:
        """What tells this submission from any other."""
        whole = hashlib.sha256(self.as_data()["cells"])
        for name, content in self.files.items():
            whole.update(json.dumps(name).encode() + hashlib.sha256(content).digest())
        whole.update(f"{self.call_seconds} {self.total_seconds}".encode())
        return whole.hexdigest()

    def given(self) -> list[str]:
        """Return the sources of the given cells, in order."""
        return [cell.source for cell in self.cells if cell.kind is Kind.GIVEN]

    def needs_plays(self) -> bool:
        """Say whether a learner's cell reads a name that only a play cell binds."""
        bound_by: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        read: set[str] = set()
        for cell in self.cells:
            reads, binds = _global_names(cell.source)
            bound_by[cell.kind] |= binds
            if cell.kind is Kind.LEARNER:
                read |= reads
        only_played = bound_by[Kind.PLAY] - bound_by[Kind.GIVEN] - bound_by[Kind.LEARNER]
        return bool(read & only_played)

    def only_defines(self) -> bool:
        """Say whether the learner's cells surely do nothing but bind names."""
        if self.files or self.needs_plays():
            return False
        return all(only_defines(cell.source) for cell in self.cells if cell.kind is Kind.LEARNER)

    def as_data(self) -> dict[str, Any]:
        """Return the submission as plain data."""
        data = {name: getattr(self, name) for name in ("files", "call_seconds", "total_seconds")}
        cells = [asdict(cell) | {"kind": str(cell.kind)} for cell in self.cells]
        return data | {"cells": json.dumps(cells, ensure_ascii=False).encode()}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Submission:
        """Return the submission that `as_data` made data of."""
        cells = [Cell(**cell | {"kind": Kind(cell["kind"])}) for cell in json.loads(data["cells"])]
        return cls(**data | {"cells": cells})


def given_key(given: list[str]) -> str:
    """Return what tells a lab's given cells from those of other labs and releases."""
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()


def owner(check: str, exercises: list[str]) -> str:
    """Return the exercise that a check belongs to, or an empty text."""
    return exercise_of(check, exercises) or ""


def _global_names(source: str) -> tuple[set[str], set[str]]:
    """Return the names of the notebook that a cell's code reads, and those that it binds."""
    body = source.partition("\n")[2] if source.startswith("%%") else source
    # A magic gets its line as text, which may be code.
    magics = [match[0] for match in _MAGIC.finditer(body)]
    reads, binds = set(re.findall(r"\w+", " ".join(magics))), set()
    try:
        whole = symtable.symtable(_MAGIC.sub(r"\1pass", body), "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return reads, binds
    scopes = [whole]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            if scope is whole or symbol.is_global():
                reads |= {symbol.get_name()} if symbol.is_referenced() else set()
                binds |= {symbol.get_name()} if symbol.is_assigned() else set()
    return reads, binds
