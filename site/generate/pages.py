"""All pages of the site: those written by hand, and those made of the repository's files."""

from __future__ import annotations

from pathlib import Path

from course.catalogue import catalogue
from generate.labs import lab_pages
from generate.links import MissingPageError
from generate.readings import reading_pages
from generate.rules import rules_list
from generate.steps import steps_list
from generate.worlds import world_pages

__all__ = ["MissingPageError", "site_pages"]


def site_pages(root: Path) -> dict[str, bytes]:
    """Return the contents of all pages, and of the files beside them, by path in the site.

    Parameters
    ----------
    root
        Root of the repository.

    Raises
    ------
    MissingPageError
        If a page links to a file of the repository that the site has no page for.
    """
    modules = catalogue(root)
    written = root / "site" / "pages"
    pages = {
        path.relative_to(written).as_posix(): path.read_bytes()
        for path in sorted(written.rglob("*"))
        if path.is_file()
    }
    pages |= reading_pages(root, modules)
    pages |= lab_pages(root, modules)
    pages |= world_pages(root, modules)
    pages["steps.inc"] = steps_list(modules).encode()
    pages["guides/author/rules.inc"] = rules_list().encode()
    return pages
