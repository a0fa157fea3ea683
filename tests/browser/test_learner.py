"""What a learner sees, from the course home to the solution, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import nbformat
import pytest
from conftest import PRACTICE, ROOT
from jupyter_servers import Server
from nbformat import NotebookNode
from playwright.sync_api import Locator, Page, expect

from browser.conftest import Clone, assert_accessible, learner_server
from course.catalogue import catalogue
from course.checks.magics import VERDICT_MIME
from course.checks.verdict import Status, Verdict
from course.labs import lab_names
from course.progress import record_check

REAL_LAB = "m3_data/leakage_free_splits"
BY_LABEL = """\
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import StratifiedKFold
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return list(folds.split(rows, rows["lapsed"]))
"""
"""A wrong answer: folds that keep the share of labels, and not the users together."""
TALL = {"width": 1280, "height": 2400}
"""Room for a whole practice lab: JupyterLab takes cells that are out of sight off the page."""
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
CARDS = ".jp-OutputArea-output [role=status]"
ERROR_OUTPUT = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
STDERR_OUTPUT = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"


def open_home(page: Page, server: Server) -> Locator:
    """Open JupyterLab as `make lab` does and return the course home."""
    page.goto(server.address("/lab"))
    home = page.locator(".course-home")
    expect(home.get_by_role("heading", level=1)).to_have_text("Machine-learning system design")
    return home


def go_home(page: Page) -> None:
    """Use the button that is always there."""
    page.locator("#course-home-button").get_by_role("button", name="Course home").click()


def choose(page: Page, *names: str) -> None:
    """Choose from JupyterLab's menus, one name per level."""
    page.get_by_role("menubar").get_by_role("menuitem", name=names[0], exact=True).click()
    for name in names[1:]:
        page.locator(".lm-Menu").get_by_text(name, exact=True).last.click()


def wait_for_kernel(page: Page) -> None:
    """Wait until the open notebook's kernel has nothing to do.

    What is run before that is lost, and a server that is told to stop before that does not.
    """
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")


def code_cell(page: Page, text: str) -> Locator:
    """Return the code cell of the open notebook that has a text in its source."""
    source = page.locator(".cm-content", has_text=text)
    return page.locator(f"{NOTEBOOK} .jp-CodeCell", has=source)


def run(page: Page, cell: Locator) -> None:
    """Run one cell."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def answer(page: Page, exercise: str, code: str) -> None:
    """Write an answer over an exercise's cell, and run it."""
    cell = code_cell(page, f"def {exercise}(x)")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")


def save(page: Page) -> None:
    """Save the open notebook, and wait until its tab shows no changes."""
    page.locator(f"{NOTEBOOK} [data-jp-item-name='save'] jp-button").click()
    tab = page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    expect(tab).not_to_have_class(re.compile("jp-mod-dirty"))


def use_theme(page: Page, theme: str) -> None:
    choose(page, "Settings", "Theme", theme)
    light = "true" if theme == "JupyterLab Light" else "false"
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)


def notebook_of(clone: Clone, lab: str) -> NotebookNode:
    """Read a working copy, as it was saved."""
    return nbformat.read(clone.root / "workspace" / f"{lab}.ipynb", as_version=4)


def prompt_of_last(page: Page, clone: Clone, lab: str) -> Locator:
    """Return the number beside the last code cell, near which Run All leaves the notebook."""
    cells = notebook_of(clone, lab).cells
    last = max(index for index, cell in enumerate(cells) if cell.cell_type == "code")
    return page.locator(f".jp-CodeCell[data-windowed-list-index='{last}'] .jp-InputPrompt")


def scroll_to(page: Page, cell: Locator) -> None:
    """Bring a cell into sight, from the top of the notebook."""
    page.locator(f"{NOTEBOOK} .jp-WindowedPanel-outer").hover()
    page.mouse.wheel(0, -1_000_000)
    for _ in range(200):
        if cell.count():
            cell.scroll_into_view_if_needed()
            return
        page.mouse.wheel(0, 400)
        page.wait_for_function("() => new Promise(done => requestAnimationFrame(() => done(1)))")
    raise AssertionError(f"no cell {cell}")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_from_home_through_a_lab_to_its_solution_and_back(
    page: Page, foreign: list[str], practice_clone: Clone, theme: str
) -> None:
    page.set_viewport_size(TALL)
    with learner_server(practice_clone) as server:
        home = open_home(page, server)
        use_theme(page, theme)
        card = home.locator(f"[data-lab='{PRACTICE}']")
        expect(card).to_contain_text("Not started · 0 of 6 points")
        assert_accessible(page, ".course-home")
        assert_accessible(page, "#course-home-button")

        # Run All with nothing solved.
        card.get_by_role("button", name="Start: Doubling").click()
        expect(code_cell(page, "def double(x)")).to_be_visible()
        wait_for_kernel(page)
        choose(page, "Run", "Run All Cells")
        expect(page.locator(CARDS).filter(has_text="Not started · ")).to_have_count(4)
        expect(page.locator(CARDS).filter(has_text="Waiting")).to_have_count(1)
        assert page.locator(ERROR_OUTPUT).count() == 0
        assert page.locator(STDERR_OUTPUT).count() == 0
        assert_accessible(page, CARDS)

        # A wrong answer: its message and its hint.
        check = code_cell(page, "%%check double 1")
        answer(page, "double", "def double(x):\n    return x + 1")
        run(page, check)
        verdict = check.locator(CARDS)
        expect(verdict).to_contain_text("Not yet · Doubles a number")
        expect(verdict).to_contain_text("double(2) should be 4, it is 3")
        verdict.get_by_text("Hint 1: the idea").click()
        expect(verdict.get_by_text("Twice a number is the number plus itself.")).to_be_visible()
        assert_accessible(page, CARDS)

        # The right answer: the card, and progress on the home page.
        answer(page, "double", "def double(x):\n    return 2 * x")
        run(page, check)
        expect(verdict).to_contain_text("Passed · Doubles a number")
        hidden = code_cell(page, "%%check double_arrays")
        run(page, hidden)
        expect(hidden.locator(CARDS)).to_contain_text("Passed · Doubles every number of an array")
        assert_accessible(page, CARDS)
        go_home(page)
        expect(card).to_contain_text("In progress · 3 of 6 points")
        expect(home.get_by_label("What is next")).to_contain_text("Exercise 2 · Halve")
        assert_accessible(page, ".course-home")

        # The solution, one click away.
        card.get_by_role("button", name="Solution: Doubling").click()
        expect(code_cell(page, "np.asarray(x) / 2")).to_be_visible()

        # Reset, and what was passed stays passed.
        go_home(page)
        card.get_by_role("button", name="Continue: Doubling").click()
        save(page)
        choose(page, "File", "Close Tab")
        practice_clone.course("reset", "doubling", "double")
        go_home(page)
        card.get_by_role("button", name="Continue: Doubling").click()
        expect(code_cell(page, "def double(x)")).to_contain_text("# YOUR CODE HERE")
        wait_for_kernel(page)
        go_home(page)
        expect(card).to_contain_text("In progress · 3 of 6 points")
    assert not foreign


def test_the_home_page_leads_everywhere_by_keyboard_and_in_a_narrow_window(
    page: Page, practice_clone: Clone
) -> None:
    practice_clone.add(REAL_LAB)
    page.set_viewport_size({"width": 420, "height": 800})
    with learner_server(practice_clone) as server:
        home = open_home(page, server)
        overflow = "page => page.scrollWidth - page.clientWidth"
        assert home.evaluate(overflow) == 0, "the page must be scrolled sideways"

        # By keyboard: the buttons follow each other as they are read.
        home.get_by_label("What is next").get_by_role("button").focus()
        reached = []
        for _ in range(7):
            reached.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
            page.keyboard.press("Tab")
        assert reached == [
            "Start with Exercise 1 · Double",
            "Reading: Practice",
            "Start: Doubling",
            "Solution: Doubling",
            "Reading: Data",
            "Start: Leakage-free splits",
            "Solution: Leakage-free splits",
        ]

        # A home that was closed opens again, and is there after a reload.
        choose(page, "File", "Close Tab")
        expect(home).to_have_count(0)
        go_home(page)
        expect(home.get_by_role("heading", level=1)).to_be_visible()
        page.reload()
        expect(home.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("tab", name="Course home")).to_have_count(1)

        home.get_by_role("button", name="Reading: Practice").focus()
        page.keyboard.press("Enter")
        chapter = page.locator(".jp-MarkdownViewer")
        expect(chapter.get_by_role("heading", level=1)).to_contain_text("twice is not the same")

        # A working copy that is gone is made again.
        (practice_clone.root / "workspace" / f"{PRACTICE}.ipynb").unlink()
        go_home(page)
        home.get_by_role("button", name="Start with Exercise 1").click()
        expect(code_cell(page, "def double(x)")).to_be_visible()
        wait_for_kernel(page)

        # The launcher and the command palette lead home too.
        for way in ("launcher", "palette"):
            if way == "launcher":
                choose(page, "File", "New Launcher")
                page.locator(".jp-LauncherCard", has_text="Course home").click()
            else:
                page.keyboard.press("Control+Shift+C")
                page.locator(".lm-CommandPalette-input").fill("Course home")
                page.locator(".lm-CommandPalette-item", has_text="Course home").click()
            expect(home).to_be_visible()
            page.get_by_role("tab", name="doubling.ipynb").click()
            expect(home).to_be_hidden()


def test_a_real_lab(page: Page, clone: Clone, picture: Callable[..., None]) -> None:
    clone.add(*lab_names(ROOT))
    done = catalogue(clone.root)[0].labs[0]
    for exercise in done.exercises:
        for check, points in exercise.checks.items():
            passed = Verdict(check, Status.PASSED, points, points, exercise.title)
            assert record_check(done.name, passed, clone.root) is None
    with learner_server(clone, REAL_LAB) as server:
        page.goto(server.address(server.opens))
        wait_for_kernel(page)
        choose(page, "Run", "Run All Cells")
        expect(prompt_of_last(page, clone, REAL_LAB)).to_have_text(
            re.compile(r"\d"), timeout=120_000
        )
        save(page)
        outputs = [
            output
            for cell in notebook_of(clone, REAL_LAB).cells
            if cell.cell_type == "code"
            for output in cell.outputs
        ]
        verdicts = [
            output.data[VERDICT_MIME]["status"]
            for output in outputs
            if VERDICT_MIME in output.get("data", {})
        ]
        release = nbformat.read(ROOT / "release" / f"{REAL_LAB}.ipynb", as_version=4)
        checks = [cell for cell in release.cells if cell.metadata.nbgrader.grade]
        assert verdicts == ["not started"] * len(checks)
        assert not [output for output in outputs if output.output_type == "error"]
        assert not [output for output in outputs if output.get("name") == "stderr"]

        exercise = code_cell(page, "def split_new_users(")
        scroll_to(page, exercise)
        exercise.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(BY_LABEL)
        page.keyboard.press("Control+Enter")
        shape, disjoint = (
            code_cell(page, text)
            for text in ("%%check split_new_users 1", "%%check split_new_users_disjoint")
        )
        run(page, shape)
        expect(shape.locator(CARDS)).to_contain_text("Passed · ")
        run(page, disjoint)
        expect(disjoint.locator(CARDS)).to_contain_text("your folds are stratified by label")
        picture(page, "lab")
        use_theme(page, "JupyterLab Dark")
        picture(page, "lab-dark")
        use_theme(page, "JupyterLab Light")
        go_home(page)
        expect(page.locator(f"[data-lab='{REAL_LAB}']")).to_contain_text("In progress · 1 of")
        finished = page.locator(f"[data-lab='{done.name}']")
        expect(finished).to_contain_text(f"Done · {done.points:g} of {done.points:g} points")
        expect(finished.get_by_role("button", name=f"Open again: {done.title}")).to_be_visible()
        picture(page, "home")

        # What is next is where Continue leads.
        page.get_by_label("What is next").get_by_role("button").click()
        expect(page.get_by_role("heading", name="Exercise 0 · Predict")).to_be_in_viewport()
