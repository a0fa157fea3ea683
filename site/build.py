"""Build the course's web site: ``python site/build.py`` (``make site``).

The pages are put together from the repository's own files (`generate`) and handed to Sphinx, for
which a warning is an error: a broken link, a formula that cannot be shown or a page that nothing
leads to ends the build. Nothing is fetched, and what is built asks no other host for anything.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from generate.pages import MissingPageError, site_pages
from sphinx.cmd.build import build_main

SITE = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Build the site; return 0 when all of it was built without a warning.

    Parameters
    ----------
    arguments
        The words of the command; those of the process if there are none.
    """
    parser = argparse.ArgumentParser(
        prog="python site/build.py", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--output", type=Path, default=SITE / "_build", help="folder for all that is made"
    )
    output = parser.parse_args(arguments).output.resolve()
    try:
        pages = site_pages(SITE.parent)
    except MissingPageError as error:
        print(error, file=sys.stderr)
        return 1
    source, html = output / "source", output / "html"
    if write_pages(pages, source):
        # Sphinx would leave the pages of what is gone.
        for folder in (html, output / "doctrees"):
            shutil.rmtree(folder, ignore_errors=True)
    strict = ["-W", "--keep-going", "-n"]
    places = ["-c", str(SITE), "-d", str(output / "doctrees"), str(source), str(html)]
    code = build_main(["-b", "html", *strict, *places])
    if code == 0:
        index = html / "index.html"
        shown = index.relative_to(Path.cwd()) if index.is_relative_to(Path.cwd()) else index
        print(f"The site is built. Open {shown} in a browser.")
    return code


def write_pages(pages: dict[str, bytes], folder: Path) -> bool:
    """Make a folder hold exactly these files, touching only those that differ.

    Parameters
    ----------
    pages
        Contents by path in the folder.
    folder
        Where they go; made if it isn't there.

    Returns
    -------
    bool
        Whether a file was there that is no longer wanted.
    """
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name, content in pages.items():
        path = folder / name
        if name not in present or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    unwanted = present - set(pages)
    for name in unwanted:
        (folder / name).unlink()
    return bool(unwanted)


if __name__ == "__main__":
    raise SystemExit(main())
