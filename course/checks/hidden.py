"""Where a check's hidden part is found when a learner studies alone.

In self-study the whole repository is on the learner's disk: the hidden part of a check stands in
the worked notebook under ``solutions/``. In a class, where learners hold only the release and the
installed package, there is none to be found and the card says that it is run when graded.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from course.checks.verdict import HIDDEN_BEGIN

REPOSITORY = Path(__file__).resolve().parents[2]
"""Root of the clone, when the package is installed from one."""


def full_check(lab: str, name: str, repository: Path = REPOSITORY) -> str | None:
    """Return the whole source of a check, hidden part included, or None if it isn't on this disk.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    name
        Name of the check.
    repository
        Root of the clone.
    """
    path = repository / "solutions" / f"{lab}.ipynb"
    try:
        return _checks(path, path.stat().st_mtime_ns).get(name)
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=8)
def _checks(path: Path, modified: int) -> dict[str, str]:
    """Read the checks of a worked notebook, once for each time that it has changed."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    checks = {}
    for cell in notebook["cells"]:
        nbgrader = cell.get("metadata", {}).get("nbgrader", {})
        if nbgrader.get("grade"):
            magic, _, body = "".join(cell["source"]).partition("\n")
            checks[magic.split()[1]] = body
    return checks


def has_hidden_part(source: str) -> bool:
    """Say whether a check's source has a hidden region in it."""
    return HIDDEN_BEGIN in source
