"""The release of a lab, made by nbgrader's own ``generate_assignment``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from authoring.lab import Lab
from authoring.rules import LabRefusedError, release_problems


class ReleaseFailedError(Exception):
    """nbgrader could not make a release; the text is what it logged."""


def make_release(lab: Lab, instructor: NotebookNode) -> NotebookNode:
    """Return the release of a lab, as nbgrader makes it from the instructor notebook.

    nbgrader works in a folder and with a gradebook of its own, so that a build never touches an
    instructor's.

    Raises
    ------
    ReleaseFailedError
        If nbgrader refuses the notebook.
    LabRefusedError
        If the release would hold solution or hidden-test text.
    """
    # Imported here: nbgrader takes a second to import, and most calls find nothing to build.
    from nbgrader.apps import NbGraderAPI
    from nbgrader.utils import setenv
    from traitlets.config import Config

    # nbgrader starts `alembic` by name when it makes a gradebook.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = root / "source" / lab.module / f"{lab.stem}.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(instructor, source)
        config = Config()
        config.CourseDirectory.root = str(root)
        config.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"
        api = NbGraderAPI(config=config)
        api.log.propagate = False
        with setenv(PATH=path):
            outcome = api.generate_assignment(lab.module, force=True)
        if not outcome["success"]:
            raise ReleaseFailedError(outcome.get("log") or outcome.get("error"))
        release = nbformat.read(root / "release" / lab.module / f"{lab.stem}.ipynb", as_version=4)
    leaks = release_problems(lab, [cell.source for cell in release.cells])
    if leaks:
        raise LabRefusedError(f"source/{lab.name}.py", leaks)
    return release
