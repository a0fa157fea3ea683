"""The environment that nbgrader needs around it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def put_tools_on_path() -> None:
    """Put this Python's folder of commands on the path, once.

    nbgrader starts `alembic` by its name when it opens a gradebook, which fails where the
    environment was not activated.
    """
    tools = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if tools not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, path])
