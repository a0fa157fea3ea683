"""Where a confined process has its files."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders that a sandbox may write to.

    Attributes
    ----------
    work
        Its working folder.
    home
        Its home folder.
    temporary
        Its folder for temporary files.
    """

    work: Path
    home: Path
    temporary: Path

    def make(self, user: int) -> None:
        """Make the folders, in a folder that exists, for a user."""
        above = self.work.parent
        for folder in (self.work, self.home, self.temporary):
            folder.mkdir()
        if os.geteuid() != user:
            for folder in (above, self.work, self.home, self.temporary):
                os.chown(folder, user, user)

    def move_in(self) -> None:
        """Make these the folders that this process uses."""
        os.chdir(self.work)
        os.environ["HOME"] = str(self.home)
        os.environ["TMPDIR"] = str(self.temporary)
        tempfile.tempdir = None
