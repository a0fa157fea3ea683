"""What a grade depends on, in one short text: equal fingerprints need no second grading."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import course
from autograde.ingest import NOTES_KEY, UnreadableError, read_file
from autograde.side_files import LARGEST_FILE, read_side_files

_WORLDS = re.compile(r"course\.worlds(?:\.(\w+)| import ([\w ,]+))")


def fingerprint(
    submitted: Path, release: Path, stored: Iterable[tuple[str, str, float | None]]
) -> str:
    """Return what tells one grading from another that could have another result.

    Parameters
    ----------
    submitted
        The submitted notebook; the files beside it count, too.
    release
        The lab's release.
    stored
        The lab's cells in the gradebook: name, source with hidden tests, and points.

    Returns
    -------
    str
        A hexadecimal number that changes with the submission, the lab, its hidden tests, the worlds
        that it imports, and the rules by which a check's verdict is found. Versions of libraries
        are left out: `--force` grades anew after an upgrade.
    """
    whole = hashlib.sha256()
    try:
        whole.update(hashlib.sha256(read_file(submitted)).digest())
    except UnreadableError as reason:
        whole.update(str(reason).encode())
    for name, content in read_side_files(submitted.parent, LARGEST_FILE).items():
        whole.update(json.dumps(name).encode() + hashlib.sha256(content).digest())
    whole.update(json.dumps(sorted(stored, key=str)).encode())
    lab = release.read_text(encoding="utf-8")
    whole.update(lab.encode())
    for path in _sources("\n".join([lab, *(source for _, source, _ in stored)])):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def kept_fingerprint(metadata: dict[str, object]) -> str:
    """Return the fingerprint that a graded notebook keeps in its metadata, or an empty text."""
    kept = metadata.get(NOTES_KEY)
    return str(kept.get("fingerprint", "")) if isinstance(kept, dict) else ""


def _sources(lab: str) -> list[Path]:
    """Return the files of this course that decide a lab's verdicts."""
    package = Path(course.__file__).parent
    files = [package / "checks" / "verdict.py"]
    for one, several in _WORLDS.findall(lab):
        for name in re.findall(r"\w+", one or several):
            world = package / "worlds" / name
            files += [world.with_suffix(".py")] if world.with_suffix(".py").exists() else []
            files += sorted(world.rglob("*.py"))
    return list(dict.fromkeys(files))
