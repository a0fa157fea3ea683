"""The learner's working copies: ``workspace/<module>/<lab>.ipynb``.

A copy belongs to the learner from the moment it is made: nothing here writes over one, or over
anything else that is in its place. When a lab has changed since its copy was made, the new release
arrives beside it, once. What each copy was made from is noted in ``workspace/.copies.json``;
without that note, a copy is known by the cells that it shares with the release.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from course.checks.hidden import REPOSITORY
from course.errors import CourseError
from course.files import replace_file, write_new
from course.labs import lab_names

NOTE = ".copies.json"


@dataclass
class Workspace:
    """What a preparation did.

    Attributes
    ----------
    copied
        Labs that got a working copy.
    remarks
        Sentences for the learner on everything else that they should know.
    """

    copied: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass
class _Origin:
    """The releases that a lab's files in the workspace were made from, as digests."""

    copy: str
    beside: list[str] = field(default_factory=list)


def working_copy(lab: str, repository: Path = REPOSITORY) -> Path:
    """Return where a lab's working copy is."""
    return repository / "workspace" / f"{lab}.ipynb"


def prepare_workspace(repository: Path = REPOSITORY) -> Workspace:
    """Put a working copy of every released lab in place, where there is none.

    Raises
    ------
    CourseError
        If the workspace cannot be written, or there is no release.
    """
    labs = lab_names(repository)
    if not labs:
        raise CourseError(
            "There is no lab in `release/`. In a fresh clone it has some; `make build` makes them "
            "from `source/`."
        )
    done = Workspace()
    note = repository / "workspace" / NOTE
    try:
        note.parent.mkdir(exist_ok=True)
        origins, damaged = _read_note(note)
        if damaged:
            kept = note.with_name(f"{NOTE}.damaged")
            os.replace(note, kept)
            done.remarks.append(
                f"The note of what your copies were made from was damaged; it is now "
                f"workspace/{kept.name}. Your notebooks are as you left them."
            )
        before = json.dumps(_as_data(origins))
        try:
            for lab in labs:
                _prepare(lab, repository, origins, done)
        finally:
            if damaged or json.dumps(_as_data(origins)) != before:
                _write_note(note, origins)
    except OSError as error:
        place = error.filename or note.parent
        raise CourseError(
            f"The workspace cannot be written ({error.strerror}: {place}). Make the folder "
            "`workspace` writable, or move what is in its place, and run `make lab` again."
        ) from error
    return done


def note_fresh_copy(lab: str, repository: Path = REPOSITORY) -> None:
    """Note that a lab's working copy is the present release again.

    Raises
    ------
    OSError
        If the note cannot be written.
    """
    note = repository / "workspace" / NOTE
    origins, _ = _read_note(note)
    release = (repository / "release" / f"{lab}.ipynb").read_bytes()
    origins[lab] = _Origin(hashlib.sha256(release).hexdigest())
    _write_note(note, origins)


def from_earlier_release(lab: str, repository: Path = REPOSITORY) -> bool:
    """Say whether a lab's working copy is known to be of another release than the present one."""
    origins, _ = _read_note(repository / "workspace" / NOTE)
    release = (repository / "release" / f"{lab}.ipynb").read_bytes()
    return lab in origins and origins[lab].copy != hashlib.sha256(release).hexdigest()


def _prepare(lab: str, repository: Path, origins: dict[str, _Origin], done: Workspace) -> None:
    """See to one lab's working copy."""
    release = (repository / "release" / f"{lab}.ipynb").read_bytes()
    digest = hashlib.sha256(release).hexdigest()
    target = working_copy(lab, repository)
    if write_new(target, release):
        origins[lab] = _Origin(digest)
        done.copied.append(lab)
        return
    shown = target.relative_to(repository).as_posix()
    origin = origins.get(lab)
    if origin is None:
        if _same_lab(target, release):
            origins[lab] = _Origin(digest)
        else:
            done.remarks.append(
                f"{shown} is not a copy of the present lab and is left alone. To get one, give "
                "that file another name and run `make lab` again."
            )
        return
    if digest in (origin.copy, *origin.beside):
        return
    beside = target.with_name(f"{target.stem}.new-{digest[:8]}.ipynb")
    write_new(beside, release)
    origin.beside.append(digest)
    done.remarks.append(
        f"The lab {lab} has changed since you began it. Your notebook {shown} is as you left it; "
        f"the new one is beside it, as {beside.name}."
    )


def _same_lab(copy: Path, release: bytes) -> bool:
    """Say whether a file is a notebook with all the locked cells of a release."""
    try:
        return _locked_cells(release) <= _locked_cells(copy.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _locked_cells(notebook: bytes) -> set[tuple[str, str]]:
    cells = json.loads(notebook)["cells"]
    return {
        (cell["metadata"]["nbgrader"]["grade_id"], "".join(cell["source"]).strip())
        for cell in cells
        if cell["metadata"].get("nbgrader", {}).get("locked")
    }


def _read_note(path: Path) -> tuple[dict[str, _Origin], bool]:
    """Return what is noted of each copy, and whether the note is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        origins = {}
        for lab, origin in data.items():
            beside = origin["beside"]
            if not isinstance(origin["copy"], str) or not isinstance(beside, list):
                return {}, True
            origins[lab] = _Origin(origin["copy"], [str(digest) for digest in beside])
    except FileNotFoundError:
        return {}, False
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, True
    return origins, False


def _write_note(path: Path, origins: dict[str, _Origin]) -> None:
    text = json.dumps(_as_data(origins), indent=1, sort_keys=True) + "\n"
    replace_file(path, text.encode())


def _as_data(origins: dict[str, _Origin]) -> dict[str, dict[str, object]]:
    return {lab: {"copy": item.copy, "beside": item.beside} for lab, item in origins.items()}
