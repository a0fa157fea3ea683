"""Links from a file of the repository to another, as links from page to page."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


class MissingPageError(Exception):
    """A page links to a file that the site has no page for; its text says which."""


def page_of(file: str) -> str | None:
    """Return the page that shows a file of the repository, or None if there is none.

    Parameters
    ----------
    file
        The file's path from the root of the repository, with slashes.
    """
    folder, _, name = file.partition("/")
    stem = posixpath.splitext(name)[0]
    if folder == "release":
        return f"labs/{stem}.md"
    if folder == "solutions":
        return file
    if file.startswith("course/readings/") and file.endswith(".md"):
        return file.removeprefix("course/")
    if file.startswith("course/worlds/") and file.endswith(".py"):
        return f"worlds/{file.split('/')[2].removesuffix('.py')}.rst"
    return None


def with_page_links(text: str, file: Path, page: str, root: Path) -> str:
    """Return a Markdown text with its links to files turned into links to their pages.

    Parameters
    ----------
    text
        The text of `file`.
    file
        Where the text stands in the repository.
    page
        Where it will stand in the site.
    root
        Root of the repository.

    Raises
    ------
    MissingPageError
        If a link leads to no file, or to one without a page.
    """

    def turned(match: re.Match[str]) -> str:
        target, _, anchor = match["target"].partition("#")
        if not target or "://" in target:
            return match[0]
        linked = Path(os.path.normpath(file.parent / target))
        inside = linked.relative_to(root).as_posix() if linked.is_relative_to(root) else None
        found = page_of(inside) if inside and linked.exists() else None
        if found is None:
            raise MissingPageError(
                f"{file.relative_to(root).as_posix()} links to {target}, for which the site has no "
                "page. Mend the link, or give the file a page in site/generate/links.py."
            )
        relative = posixpath.relpath(found, posixpath.dirname(page))
        return f"[{match['text']}]({relative}{'#' + anchor if anchor else ''})"

    return _LINK.sub(turned, text)
