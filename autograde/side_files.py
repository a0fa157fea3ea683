"""Files that were handed in beside a notebook: which are taken along, and which are set aside.

nbgrader copies all that lies in a submission's folder, and follows links while it does. A link to
the gradebook, a pipe that never ends or a file of gigabytes is moved out of the way first.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from nbgrader.utils import parse_utc

LARGEST_FILE = 20_000_000
"""Bytes of one file."""
LARGEST_TOTAL = 50_000_000
"""Bytes of all files together."""
MOST_FILES = 200
TIME_STAMP = "timestamp.txt"
"""nbgrader's own file: when the submission came. It stops at one that it can't read."""
DEEPEST = 8
"""Folders within one another."""
_LONGEST_NAME = 80
_LONGEST_TIME = 200
_UNUSUAL = re.compile(r"[^\w .()\-]", re.ASCII)
_REASONS = {
    "link": "a link",
    "odd": "no regular file",
    "large": "too large",
    "many": "one too many",
    "time": "not a time",
}


def set_aside_odd_files(folder: Path, aside: Path) -> list[str]:
    """Move what is no ordinary file of a fair size out of a submission.

    Parameters
    ----------
    folder
        A submission: the folder of one student and module.
    aside
        Where to move it; made if there is something to move.

    Returns
    -------
    list of str
        Names of what was moved, relative to the folder.
    """
    moved = []
    if folder.is_symlink():
        names = [path.name for path in folder.glob("*.ipynb")]
        _move(folder, aside / f"0-link-{folder.name}")
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        return [folder.name]
    odd = list(_odd_files(folder))
    if odd:  # of an earlier submission, what was set aside is no longer told
        shutil.rmtree(aside, ignore_errors=True)
    for path, reason in odd:
        name = path.relative_to(folder).as_posix()
        _move(path, aside / f"{len(moved)}-{reason}-{path.name[-_LONGEST_NAME:]}")
        moved.append(name)
        if path.parent == folder and path.suffix == ".ipynb":
            path.touch()  # its student is still graded, and told why with no points
    return moved


def set_aside_in_class(submitted: Path) -> None:
    """Move what is no ordinary file out of all submissions, which are by student and module."""
    for folder in sorted(submitted.glob("*/*")):
        if folder.is_dir():
            set_aside_odd_files(folder, aside_of(folder))


def aside_of(folder: Path) -> Path:
    """Return where odd files of a submission go: beside ``submitted``, by student and module."""
    return folder.parents[2] / "set_aside" / folder.parent.name / folder.name


def set_aside_names(aside: Path) -> list[str]:
    """Return what was moved out of a submission, each with why, for a note to its student."""
    if not aside.is_dir():
        return []
    names = []
    for entry in sorted(os.listdir(aside)):
        _, _, rest = entry.partition("-")
        reason, _, name = rest.partition("-")
        why = _REASONS.get(reason)
        # It goes into a cell of Markdown: a name may say nothing but a name.
        shown = _UNUSUAL.sub("_", name if why else entry)
        names.append(f"`{shown}` ({why or 'a link'})")
    return names


def read_side_files(folder: Path, most_bytes: int) -> dict[str, bytes]:
    """Return the ordinary files beside a notebook, by name, as many as fit.

    Notebooks and nbgrader's own time stamp are left out. No link is followed.
    """
    files: dict[str, bytes] = {}
    left = most_bytes
    for path, status in _walk(folder):
        if path.suffix == ".ipynb" or path.name == TIME_STAMP:
            continue
        if not stat.S_ISREG(status.st_mode) or status.st_size > left or len(files) >= MOST_FILES:
            continue
        content = _read(path, left)
        if content is not None:
            files[path.relative_to(folder).as_posix()] = content
            left -= len(content)
    return files


def _odd_files(folder: Path) -> Iterator[tuple[Path, str]]:
    count = total = 0
    for path, status in _walk(folder):
        if stat.S_ISLNK(status.st_mode):
            yield path, "link"
        elif not stat.S_ISREG(status.st_mode):
            yield path, "odd"
        elif status.st_size > LARGEST_FILE:
            yield path, "large"
        elif path == folder / TIME_STAMP and not _is_time(path):
            yield path, "time"
        elif path.suffix != ".ipynb":
            count, total = count + 1, total + status.st_size
            if count > MOST_FILES or total > LARGEST_TOTAL:
                yield path, "many"


def _walk(folder: Path, depth: int = 0) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all that lies in a folder but the folders in it; links are yielded, not followed."""
    for name in sorted(os.listdir(folder)):
        path = folder / name
        try:
            status = os.lstat(path)
        except OSError:
            continue
        # A folder in the place of a file that nbgrader opens is no folder to look into.
        in_place = depth == 0 and (path.suffix == ".ipynb" or name == TIME_STAMP)
        if stat.S_ISDIR(status.st_mode) and depth < DEEPEST and not in_place:
            yield from _walk(path, depth + 1)
        else:
            yield path, status


def _read(path: Path, most_bytes: int) -> bytes | None:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None
            content = stream.read(most_bytes + 1)
    except OSError:
        return None
    return content if len(content) <= most_bytes else None


def _is_time(path: Path) -> bool:
    content = _read(path, _LONGEST_TIME)
    try:
        parse_utc((content or b"").decode().strip())
    except (ValueError, AttributeError, OverflowError, TypeError):
        return False
    return True


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(path, target)
