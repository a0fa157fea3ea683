"""Where the files of a lab are. One stem names a lab in every tree."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """The repository's folders, from its root."""

    root: Path

    def lab_names(self) -> list[str]:
        """Return the names of all labs, as ``module/stem``, in order."""
        sources = (self.root / "source").glob("*/*.py")
        return sorted(f"{path.parent.name}/{path.stem}" for path in sources)

    def find(self, name: str) -> str:
        """Return the full name of a lab, from its full name, its stem or one of its files.

        Raises
        ------
        LookupError
            If there is no such lab; the sentence names the nearest.
        """
        known = self.lab_names()
        stem = Path(name).name.removesuffix(".py").removesuffix(".ipynb")
        full = "/".join([*Path(name).parts[-2:-1], stem])
        for lab in known:
            if full in (lab, lab.split("/")[1]):
                return lab
        near = difflib.get_close_matches(full, known, n=1, cutoff=0.5)
        near += difflib.get_close_matches(stem, [lab.split("/")[1] for lab in known], n=1)
        advice = f" Did you mean `{near[0]}`?" if near else f" There are: {', '.join(known)}."
        raise LookupError(f"There is no lab `{name}`.{advice}")

    def source(self, name: str) -> Path:
        """Return a lab's source, written by hand."""
        return self.root / "source" / f"{name}.py"

    def instructor(self, name: str) -> Path:
        """Return a lab's instructor notebook, generated, not in git."""
        return self.root / "source" / f"{name}.ipynb"

    def release(self, name: str) -> Path:
        """Return the notebook that learners open, generated."""
        return self.root / "release" / f"{name}.ipynb"

    def solution(self, name: str) -> Path:
        """Return the worked notebook, generated."""
        return self.root / "solutions" / f"{name}.ipynb"

    def state(self, name: str) -> Path:
        """Return the note on a lab's last build."""
        return self.root / ".build" / f"{name}.json"

    def relative(self, path: Path) -> str:
        """Return a path as a reader at the root would write it."""
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )


REPOSITORY = Tree(Path(__file__).resolve().parents[1])
"""The clone that this code is in."""
