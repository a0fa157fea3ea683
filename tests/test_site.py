"""The web site: built without a warning, complete, whole, and in need of no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from built_site import Site, build_site
from conftest import ROOT
from test_readme import MAKEFILE

GUIDES = sorted((ROOT / "site" / "pages").rglob("*.md"))
MADE_AT_RUN_TIME = (".venv", "workspace/", "gradebook", "site/_build")
CHAPTERS = sorted(path.stem for path in (ROOT / "course" / "readings").glob("*.md"))
LABS = sorted(
    path.relative_to(ROOT / "release").with_suffix("").as_posix()
    for path in (ROOT / "release").glob("*/*.ipynb")
)
WORLDS = sorted(
    path.stem
    for path in (ROOT / "course" / "worlds").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
    if path.stem != "__init__"
)

_LOADED = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src"}
_STYLE_ADDRESS = re.compile(r"""(?:url\(|@import\s)\s*["']?((?:https?:)?//[^"')\s]+)""")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built once."""
    return build_site(tmp_path_factory)


@pytest.fixture(scope="session")
def pages(site: Site) -> dict[str, BeautifulSoup]:
    """The parsed pages, by their path in the site."""
    assert site.succeeded, site.log[-4000:]
    return {
        name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for name, path in site.pages().items()
    }


@pytest.fixture(scope="session")
def reached(pages: dict[str, BeautifulSoup]) -> set[str]:
    """The pages that menus and tables of contents lead to from the first page."""
    found, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in found or name not in pages:
            continue
        found.add(name)
        for part in pages[name].select("nav, .toctree-wrapper"):
            waiting += [to[0] for address in links(part) if (to := target(name, address))]
    return found


def links(page: BeautifulSoup) -> Iterator[str]:
    """Yield the addresses that a page links to, on its own host and beyond."""
    for anchor in page.find_all("a", href=True):
        yield anchor["href"]


def target(page: str, address: str) -> tuple[str, str] | None:
    """Return the file and the place in it that a link of a page leads to, or None if elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    here = Path("/", page).parent
    path = (here / unquote(parts.path)).as_posix() if parts.path else f"/{page}"
    steps: list[str] = []
    for step in path.split("/")[1:]:
        if step == "..":
            steps.pop()
        elif step != ".":
            steps.append(step)
    return "/".join(steps), unquote(parts.fragment)


def test_it_builds_without_a_warning(site: Site) -> None:
    assert site.succeeded, site.log[-4000:]
    assert "WARNING" not in site.log


@pytest.mark.parametrize(
    "page",
    [
        *(f"readings/{chapter}.html" for chapter in CHAPTERS),
        *(f"labs/{lab}.html" for lab in LABS),
        *(f"solutions/{lab}.html" for lab in LABS),
        *(f"worlds/{world}.html" for world in WORLDS),
    ],
)
def test_it_has_a_page_of(page: str, reached: set[str]) -> None:
    assert page in reached, f"no menu or table of contents leads to {page}, or it isn't there"


def test_it_loads_nothing_from_elsewhere(site: Site, pages: dict[str, BeautifulSoup]) -> None:
    for name, page in pages.items():
        for tag, attribute in _LOADED.items():
            for element in page.find_all(tag):
                address = str(element.get(attribute, ""))
                assert not urlsplit(address).netloc, f"{name} loads {address}"
        for style in page.find_all("style"):
            assert not _STYLE_ADDRESS.search(style.get_text()), name
    sheets = list(site.html.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        found = _STYLE_ADDRESS.search(sheet.read_text(encoding="utf-8"))
        assert not found, f"{sheet.name} loads {found and found[1]}"


def test_every_link_within_it_leads_somewhere(site: Site, pages: dict[str, BeautifulSoup]) -> None:
    places = {
        name: {element["id"] for element in page.find_all(id=True)} | {"", "top"}
        for name, page in pages.items()
    }
    broken = set()
    for name, page in pages.items():
        for address in links(page):
            to = target(name, address)
            if to is None:
                continue
            file, place = to
            if file in pages:
                if place not in places[file]:
                    broken.add(f"{name}: {address}")
            elif not (site.html / file).is_file():
                broken.add(f"{name}: {address}")
    assert not broken, "\n".join(sorted(broken))


def test_formulas_are_shown(pages: dict[str, BeautifulSoup]) -> None:
    for chapter in CHAPTERS:
        source = (ROOT / "course" / "readings" / f"{chapter}.md").read_text(encoding="utf-8")
        written = len(re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", source, re.DOTALL))
        shown = len(article(pages[f"readings/{chapter}.html"]).find_all("math"))
        assert shown == written, f"{chapter} has {written} formulas and shows {shown}"
    for name, page in pages.items():
        if name.startswith(("readings/", "labs/", "solutions/")):
            assert not raw_formulas(article(page)), name


def article(page: BeautifulSoup) -> Tag:
    """Return the part of a page that is its own."""
    found = page.select_one("article")
    assert found is not None
    return found


def raw_formulas(part: Tag) -> list[str]:
    """Return what stands in a text as LaTeX, code aside."""
    words = [
        text
        for text in part.find_all(string=True)
        if not any(parent.name in ("pre", "code", "style", "script") for parent in text.parents)
    ]
    return [text for text in words if re.search(r"\\[(\[a-zA-Z]|\$", text)]


def test_every_figure_has_alternative_text(pages: dict[str, BeautifulSoup]) -> None:
    figures = [
        (name, image)
        for name, page in pages.items()
        if name.startswith(("index", "readings/", "solutions/"))
        for image in page.select("article img")
    ]
    assert len(figures) > 50
    for name, image in figures:
        assert len(str(image.get("alt", "")).split()) > 5, f"{name}: {str(image)[:200]}"


def test_it_names_no_place_of_this_machine(site: Site) -> None:
    places = {str(ROOT), str(site.html.parent), sys.prefix, str(Path.home())}
    for name, path in site.pages().items():
        text = path.read_text(encoding="utf-8")
        assert not [place for place in places if f"{place}/" in text], name


def test_the_search_finds_words_of_all_kinds_of_page(site: Site) -> None:
    index = (site.html / "searchindex.js").read_text(encoding="utf-8")
    for word in ("leakag", "propens", "gradebook", "run_auction"):
        assert word in index


def test_a_link_without_a_page_ends_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "site")
    from generate.links import MissingPageError, with_page_links

    chapter = tmp_path / "course" / "readings" / "m1.md"
    release = tmp_path / "release" / "m1" / "lab.ipynb"
    for path in (chapter, release):
        path.parent.mkdir(parents=True)
        path.write_text("")
    good = "[a lab](../../release/m1/lab.ipynb) ![a picture](figures/a.png) [a site](https://x.org)"
    turned = with_page_links(good, chapter, "readings/m1.md", tmp_path)
    assert turned == good.replace("../../release/m1/lab.ipynb", "../labs/m1/lab.md")
    for bad in ("[gone](../../release/m1/gone.ipynb)", "[code](m1.md) [outside](../../../x.md)"):
        with pytest.raises(MissingPageError, match="Mend the link"):
            with_page_links(bad, chapter, "readings/m1.md", tmp_path)


def test_a_formula_that_cannot_be_shown_ends_the_build(tmp_path: Path) -> None:
    place = str(ROOT / "site")
    settings = f"import sys; sys.path.insert(0, {place!r})\nextensions = ['mathml']\n"
    (tmp_path / "conf.py").write_text(f"{settings}html_math_renderer = 'mathml'\n")

    def build(formula: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "index.rst").write_text(f"Page\n====\n\n:math:`{formula}`\n")
        command = [sys.executable, "-m", "sphinx", "-W", "-q", str(tmp_path), str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert build(r"\frac{1}{n}").returncode == 0
    outcome = build(r"\nosuchcommand{1}")
    assert outcome.returncode != 0
    assert "cannot be shown as MathML" in outcome.stderr


def commands(text: str) -> list[str]:
    """Return the commands and names in a guide: lines after a prompt, and what is in backticks."""
    prompted = re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    inline = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*prompted, *re.findall(r"`([^`\n]+)`", inline)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_what_a_guide_names_is_there(guide: Path) -> None:
    from nbgrader.apps import NbGraderApp

    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    for command in commands(guide.read_text(encoding="utf-8")):
        words = command.split()
        if words[0] == "make" and len(words) > 1:
            assert words[1] in targets, command
        if words[0] == "nbgrader" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in NbGraderApp.subcommands, command
        for word in words:
            if re.fullmatch(r"[\w./-]+", word) and word.endswith(("/", ".py", ".yml")):
                known = word.startswith(MADE_AT_RUN_TIME) or (ROOT / word).exists()
                assert known or word == "some_file.csv", f"{guide.name} names {word}"
