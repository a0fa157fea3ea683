"""nbgrader reads this file when one of its commands is run at the root of the course."""

from pathlib import Path

from authoring.instructor import write_missing_notebooks
from autograde.nbgrader_settings import configure

root = Path(__file__).parent
configure(get_config(), root)  # noqa: F821 (nbgrader defines it)
write_missing_notebooks()
