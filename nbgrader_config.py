"""nbgrader reads this file when one of its commands is run at the root of the course."""

import sys
from pathlib import Path

from authoring.instructor import write_missing_notebooks
from autograde.nbgrader_settings import configure, make_folders

root = Path(__file__).parent
# JupyterLab reads this file too, and a learner's clone needs no gradebook: only for the commands
# of nbgrader, and for the one that grades a class.
if Path(sys.argv[0]).stem in ("nbgrader", "grade"):
    make_folders(root)
    write_missing_notebooks()
configure(get_config(), root)  # noqa: F821 (nbgrader defines it)
