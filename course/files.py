"""Write a file whole or not at all, so that a crash or a full disk leaves the old one as it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_new(target: Path, content: bytes) -> bool:
    """Write a file unless there is one; say whether it was written.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if os.path.lexists(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with _written_beside(target, content) as name:
        try:
            os.link(name, target)  # fails where something has appeared meanwhile
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            os.rename(name, target)
    return True


def replace_file(target: Path, content: bytes) -> None:
    """Write a file in the place of the one that is there.

    Raises
    ------
    OSError
        If it cannot be written; the old one is as it was.
    """
    with _written_beside(target, content) as name:
        os.replace(name, target)


@contextmanager
def _written_beside(target: Path, content: bytes) -> Iterator[str]:
    """Yield the name of a file with some content, in the folder of another; it does not stay."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(name, 0o644)
        yield name
    finally:
        if os.path.exists(name):
            os.unlink(name)
