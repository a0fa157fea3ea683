"""The release of a lab, made by nbgrader's own ``generate_assignment``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from authoring.environment import put_tools_on_path
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
    from traitlets.config import Config

    put_tools_on_path()

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = root / "source" / lab.module / f"{lab.stem}.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(instructor, source)
        config = Config()
        config.CourseDirectory.root = str(root)
        config.Exchange.root = str(root)
        config.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"
        api = NbGraderAPI(config=config)
        api.log.propagate = False
        outcome = api.generate_assignment(lab.module, force=True)
        if not outcome["success"]:
            raise ReleaseFailedError(outcome.get("log") or outcome.get("error"))
        release = nbformat.read(root / "release" / lab.module / f"{lab.stem}.ipynb", as_version=4)
    leaks = release_problems(lab, [cell.source for cell in release.cells])
    if leaks:
        raise LabRefusedError(f"source/{lab.name}.py", leaks)
    return release
