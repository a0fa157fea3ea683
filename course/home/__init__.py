"""The course home: a page in JupyterLab with the modules, progress, and what is next.

`labextensions` holds the page, as JupyterLab loads it; `server` tells it how things stand.
"""

from pathlib import Path

LABEXTENSIONS = Path(__file__).parent / "labextensions"
"""The folder in which JupyterLab finds the page."""
