"""The pages of the reading chapters."""

from __future__ import annotations

from pathlib import Path

from course.catalogue import Module
from generate.links import with_page_links

_INTRODUCTION = """\
# Readings

One chapter per step. Each begins with a decision that goes wrong, names the mechanism, and ends
with the questions that interviewers ask about it. The figures and the numbers in the text are
computed from the course's [simulated worlds](../worlds/index.md), and its tests compute them again.

"""


def reading_pages(root: Path, modules: list[Module]) -> dict[str, bytes]:
    """Return the chapters, their figures and the list of them, by path in the site.

    Parameters
    ----------
    root
        Root of the repository.
    modules
        The course's modules; their chapters come first, in order, and others after them.
    """
    folder = root / "course" / "readings"
    own = [module.reading for module in modules if module.reading]
    chapters = [*own, *(path for path in sorted(folder.glob("*.md")) if path not in own)]
    pages = {
        f"readings/figures/{path.name}": path.read_bytes()
        for path in sorted((folder / "figures").glob("*.png"))
    }
    for path in chapters:
        page = f"readings/{path.name}"
        text = with_page_links(path.read_text(encoding="utf-8"), path, page, root)
        pages[page] = text.encode()
    listed = "\n".join(path.stem for path in chapters)
    pages["readings/index.md"] = f"{_INTRODUCTION}```{{toctree}}\n{listed}\n```\n".encode()
    return pages
