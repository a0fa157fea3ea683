"""What an instructor and their student see of a grading, in a real browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from conftest import PRACTICE, ROOT, Course
from jupyter_servers import free_port, serving
from nbformat import NotebookNode
from playwright.sync_api import Page, expect

from authoring.tree import Tree
from browser.conftest import assert_accessible

MODULE = PRACTICE.split("/")[0]
STUDENT = "ada"
ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "halve": "def halve(x):\n    return x // 2",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, instructor_notebook: NotebookNode) -> Course:
    """A course in which one submission, half of it right, was graded and has its feedback."""
    root = tmp_path_factory.mktemp("instructor") / "course"
    source = Tree(root).instructor(PRACTICE)
    source.parent.mkdir(parents=True)
    nbformat.write(instructor_notebook, source)
    course = Course(root)
    ran(course, "generate_assignment", MODULE)
    notebook = nbformat.read(root / "release" / f"{PRACTICE}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = ANSWERS.get(cell.metadata.nbgrader.grade_id, cell.source)
    nbformat.write(notebook, course.submitted(STUDENT) / f"{PRACTICE.split('/')[1]}.ipynb")
    ran(course, "autograde", MODULE)
    ran(course, "generate_feedback", MODULE)
    return course


def ran(course: Course, *words: str) -> None:
    outcome = course.nbgrader(*words)
    assert outcome.returncode == 0, f"{words}: {outcome.stderr[-2000:]}"


def test_the_formgrader_shows_the_grades(page: Page, course: Course, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={free_port()}"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    environment = {key: value for key, value in os.environ.items() if "JUPYTER" not in key}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with serving(command, course.root, environment) as server:
        page.goto(server.address("/formgrader/gradebook"))
        page.get_by_role("link", name=MODULE).click()
        page.get_by_role("link", name=PRACTICE.split("/")[1]).click()
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Submission"))
        expect(row).to_have_count(1)
        expect(row).to_contain_text("4 / 6")
        row.get_by_role("link").first.click()
        expect(page.get_by_text("half of 7 came out as 3")).to_be_visible()


def test_the_feedback_page_says_what_passed_and_what_did_not(
    page: Page, foreign: list[str], course: Course, picture: Callable[..., None]
) -> None:
    feedback = course.root / "gradebook" / "feedback" / STUDENT / f"{PRACTICE}.html"
    page.goto(feedback.as_uri())
    body = page.locator("body")
    expect(body).to_contain_text("Doubles every number of an array")
    expect(body).to_contain_text("half of 7 came out as 3: don't round")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page, "html")
    page.emulate_media(color_scheme="light")
    picture(page, "feedback")
    assert not foreign
