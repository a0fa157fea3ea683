"""A clone of the course, its JupyterLab, and a browser that looks at it.

`SCREENSHOTS=docs pytest tests/browser` also writes the pictures of the README there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PRACTICE, ROOT
from jupyter_servers import Server, free_port, serving
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from authoring.lab import parse_lab
from authoring.notebook import to_notebook
from authoring.release import make_release

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ACTION_SECONDS = 30
HINTS = """\
# <details><summary>Hint 1: the idea</summary>Twice a number is the number plus itself.</details>
# <details><summary>Hint 2: the tool</summary><code>np.asarray</code> makes an array.</details>
"""


def find_browser(own: str) -> str:
    """Return the path of an installed Chromium: $CHROMIUM, one on the path, or Playwright's own."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS), own]
    for path in candidates:
        if path and Path(path).is_file():
            return path
    pytest.fail(
        "The browser tests found no Chromium. Install one (Debian: `apt-get install chromium`; "
        "elsewhere Google Chrome, or `playwright install chromium`), or name it: CHROMIUM=/path."
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium.

    For one module only: while it is there, no other test in this process can run an event loop.
    """
    with sync_playwright() as playwright:
        own = playwright.chromium
        browser = own.launch(executable_path=find_browser(own.executable_path))
        yield browser
        browser.close()


@pytest.fixture
def foreign() -> list[str]:
    """The addresses on other machines that the pages of a test have asked for, in vain."""
    return []


@pytest.fixture
def context(browser: Browser, foreign: list[str]) -> Iterator[BrowserContext]:
    """A browser without history, cut off from the internet."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(ACTION_SECONDS * 1000)
    expect.set_options(timeout=ACTION_SECONDS * 1000)
    context.route(
        lambda address: urlsplit(address).hostname not in ("localhost", "127.0.0.1", None),
        lambda route: (foreign.append(route.request.url), route.abort()),
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()


@pytest.fixture
def picture() -> Callable[..., None]:
    """Return a function that writes a picture for the README, when that is asked for."""
    folder = os.environ.get("SCREENSHOTS")

    def write(page: Page | Locator, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")

    return write


@dataclass
class Clone:
    """A clone of the course.

    Its own copy of the package is what its notebooks import, so that its progress is its own.
    """

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a learner who works in it."""
        kept = {key: value for key, value in os.environ.items() if "JUPYTER" not in key}
        return kept | {
            "HOME": str(self.root.parent / "home"),
            "PYTHONPATH": str(self.root),
        }

    def course(self, *words: str) -> str:
        """Run one of the learner's commands and return what it printed."""
        outcome = subprocess.run(
            [sys.executable, "-m", "course", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    def add(self, *labs: str) -> None:
        """Add labs of the course, as they are released."""
        for lab in labs:
            for tree in ("release", "solutions"):
                target = self.root / tree / f"{lab}.ipynb"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / tree / f"{lab}.ipynb", target)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone without any lab yet."""
    root = tmp_path / "clone"
    left_out = shutil.ignore_patterns("__pycache__")
    for package in ("course", "autograde", "authoring"):
        shutil.copytree(ROOT / package, root / package, ignore=left_out)
    (tmp_path / "home").mkdir()
    return Clone(root)


@pytest.fixture
def practice_clone(clone: Clone) -> Clone:
    """A clone with the practice lab, its two hints and a chapter."""
    source = (ROOT / "tests" / "labs" / f"{PRACTICE}.py").read_text(encoding="utf-8")
    question = "Return twice `x`, a number or an array.\n"
    assert question in source
    lab = parse_lab(PRACTICE, source.replace(question, f"{question}#\n{HINTS}"))
    instructor = to_notebook(lab)
    for tree, notebook in (("release", make_release(lab, instructor)), ("solutions", instructor)):
        path = clone.root / tree / f"{PRACTICE}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    chapter = clone.root / "course" / "readings" / f"{PRACTICE.split('/')[0]}.md"
    chapter.write_text("# Practice: twice is not the same as square\n\nA chapter to read.\n")
    return clone


def learner_server(clone: Clone, *words: str) -> AbstractContextManager[Server]:
    """Start what ``make lab`` starts."""
    port = str(free_port())
    command = [sys.executable, "-m", "course", "lab", *words, "--no-browser", "--port", port]
    return serving(command, clone.root, clone.environment)


def assert_accessible(page: Page, part: str) -> None:
    """Assert that axe-core finds no serious fault in a part of a page, named by a selector."""
    assert page.locator(part).count(), f"there is no {part} on the page"
    found = Axe().run(page, context={"include": [[part]]}).response["violations"]
    faults = [
        f"{fault['id']} ({fault['impact']}): {fault['help']}\n  {node['html'][:300]}\n"
        f"  {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
    assert not faults, "\n".join(faults)
