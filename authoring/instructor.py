"""Have the instructor notebooks in place when nbgrader looks for them.

They are generated and not in git, so that a fresh clone has none; nbgrader has no hook that runs
early enough to make them, except its configuration file.
"""

from __future__ import annotations

import sys

from authoring.tree import REPOSITORY, Tree


def write_missing_notebooks(tree: Tree = REPOSITORY) -> None:
    """Write the instructor notebook of each lab that has none, or an older one than its source.

    A notebook that its author has edited is left as it is. A source that can't be built is said,
    and nbgrader goes on with what there is.
    """
    stale = [name for name in tree.lab_names() if _is_stale(name, tree)]
    if not stale:
        return
    # Imported here: most nbgrader commands find nothing to write.
    from authoring.build import write_instructor_notebook
    from authoring.rules import LabRefusedError

    for name in stale:
        try:
            write_instructor_notebook(name, tree)
        except LabRefusedError as refusal:
            print(refusal, file=sys.stderr)


def _is_stale(name: str, tree: Tree) -> bool:
    source, notebook = tree.source(name), tree.instructor(name)
    return not notebook.exists() or notebook.stat().st_mtime < source.stat().st_mtime
