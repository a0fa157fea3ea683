"""A lab's given cells, run once: what each of them defined, so that it can be had again at once."""

from __future__ import annotations

from dataclasses import dataclass

from autograde.arms_length.shell import CellRun, RecordingShell


@dataclass(frozen=True)
class _Change:
    """What one given cell did to the names of the notebook."""

    bound: dict[str, object]
    removed: list[str]


class GivenCells:
    """The given cells of a lab, run in a shell.

    They run once per process. A fork of the process then goes through a submission and, wherever
    the notebook has a given cell, gets that cell's names back as they were after it ran: what a
    learner has bound to one of them in between is replaced, as it would be in a notebook that is
    run from the top.

    What this does not give: the effect of a learner's change *inside* a given object on a later
    given cell. Given cells see each other only.

    Parameters
    ----------
    shell
        The shell to run in.
    sources
        The cells' code, in order.
    """

    def __init__(self, shell: RecordingShell, sources: list[str]) -> None:
        self.shell = shell
        self.runs: list[CellRun] = []
        self._changes: list[_Change] = []
        self._before = dict(shell.user_ns)
        for source in sources:
            self._run(source)
        self._reached = len(sources)

    def _run(self, source: str) -> None:
        names = self.shell.user_ns
        before = dict(names)
        self.runs.append(self.shell.run(source))
        bound = {
            name: value
            for name, value in names.items()
            if name not in before or before[name] is not value
        }
        self._changes.append(_Change(bound, [name for name in before if name not in names]))

    def rewind(self) -> None:
        """Go back to before the first given cell; a fork begins with this."""
        names = self.shell.user_ns
        for name in [name for name in names if name not in self._before]:
            del names[name]
        names.update(self._before)
        self._reached = 0

    def advance(self, count: int) -> None:
        """Go on until ``count`` given cells have had their effect."""
        names = self.shell.user_ns
        for change in self._changes[self._reached : count]:
            names.update(change.bound)
            for name in change.removed:
                names.pop(name, None)
        self._reached = max(self._reached, count)
