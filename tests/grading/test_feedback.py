"""The feedback page that nbgrader generate_feedback makes: what it says, and what it keeps out."""

from __future__ import annotations

import itertools
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import PRACTICE, ROOT, Course
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from authoring.tree import Tree
from autograde.feedback.export import TEMPLATES
from autograde.feedback.markdown import HeadingLevels, to_html
from autograde.feedback.mathematics import formula
from autograde.nbgrader_settings import COURSE_ID

MODULE = "m0_practice"
RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "halve": "def halve(x):\n    return x / 2",
}
RUNS_SCRIPTS = "<script>alert(1)</script><img src='https://example.org/x' onerror='alert(2)'>"
FIGURE_CELL = """import matplotlib.pyplot as plt
from course import plots

figure, axes = plt.subplots()
axes.plot([1, 2])
plots.show(figure, alt="A line that rises")
"""
HOSTILE_ANSWER = f"""def halve(x):
    # </code></pre>{RUNS_SCRIPTS}
    return {RUNS_SCRIPTS!r}
"""
HOSTILE_CELL = f"""from IPython.display import HTML, SVG, Image, Javascript, Markdown, display

print({RUNS_SCRIPTS!r})
display(HTML({RUNS_SCRIPTS!r}))
display(Javascript("alert(3)"))
display(Markdown({RUNS_SCRIPTS!r}))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(4)"></svg>'))
display({{"image/png": '"><script>alert(5)</script>'}}, raw=True)
display(Image(data=b"\\x89PNG\\r\\n", format="png", alt='"><script>alert(6)</script>'))
raise ValueError({RUNS_SCRIPTS!r})
"""


def solve(notebook: NotebookNode, **answers: str) -> NotebookNode:
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


def with_a_figure(released: NotebookNode) -> NotebookNode:
    notebook = solve(released, **RIGHT)
    notebook.cells.insert(3, new_code_cell(FIGURE_CELL))
    return notebook


def hostile(released: NotebookNode) -> NotebookNode:
    notebook = solve(released, double=RIGHT["double"], halve=HOSTILE_ANSWER)
    notebook.cells.insert(2, new_code_cell(HOSTILE_CELL))
    notebook.cells.insert(0, new_markdown_cell(RUNS_SCRIPTS))
    notebook.cells[1].source += RUNS_SCRIPTS
    return notebook


CLASS = {
    "all_right": with_a_figure,
    "half_done": lambda released: solve(released, halve="def halve(x):\n    return x // 2"),
    "crashes": lambda released: solve(
        released, **RIGHT | {"double": "import os\n\n\ndef double(x):\n    os._exit(0)"}
    ),
    "hostile": hostile,
    "by_hand": lambda released: solve(released, halve="def halve(x):\n    return x // 2"),
    "cut_off": lambda released: solve(released, **RIGHT),
}


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory,
    instructor_notebook: NotebookNode,
    released_notebook: NotebookNode,
) -> dict[str, BeautifulSoup]:
    """The page of each member of a class, from nbgrader's own commands."""
    course = Course(tmp_path_factory.mktemp("feedback"))
    source = Tree(course.root).instructor(PRACTICE)
    source.parent.mkdir(parents=True)
    nbformat.write(instructor_notebook, source)
    ran(course, "generate_assignment", MODULE)
    for student, submission in CLASS.items():
        nbformat.write(submission(released_notebook), course.submitted(student) / "doubling.ipynb")
    ran(course, "autograde", MODULE)
    _grade_by_hand(course)
    _cut_off(course)
    ran(course, "generate_feedback", MODULE)
    folder = course.root / "gradebook" / "feedback"
    texts = {name: (folder / name / f"{PRACTICE}.html").read_text() for name in CLASS}
    return {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}


def ran(course: Course, *words: str) -> None:
    outcome = course.nbgrader(*words)
    assert outcome.returncode == 0, f"{words}: {outcome.stderr[-2000:]}"


def _grade_by_hand(course: Course) -> None:
    url = f"sqlite:///{course.root / 'gradebook' / 'gradebook.db'}"
    with Gradebook(url, COURSE_ID) as book:
        comment = book.find_comment("halve", "doubling", MODULE, "by_hand")
        comment.manual_comment = "See <b>integer</b> division: `//` drops the rest."
        grade = book.find_grade("check-halve_odd", "doubling", MODULE, "by_hand")
        grade.manual_score = 0.5
        grade = book.find_grade("check-halve", "doubling", MODULE, "by_hand")
        grade.extra_credit = 1
        grade = book.find_grade("check-double", "doubling", MODULE, "by_hand")
        grade.needs_manual_grade = True
        [lab] = book.find_submission(MODULE, "by_hand").notebooks
        lab.late_submission_penalty = 1.5
        book.db.commit()


def _cut_off(course: Course) -> None:
    path = course.root / "gradebook" / "autograded" / "cut_off" / f"{PRACTICE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["course"].pop("graded")
    path.chmod(0o644)
    nbformat.write(notebook, path)


def summary(page: BeautifulSoup) -> str:
    return text(page.find("section", attrs={"aria-labelledby": "summary"}))


def text(element: object) -> str:
    return " ".join(element.get_text(" ").split())


def exercises(page: BeautifulSoup) -> dict[str, tuple[str, str]]:
    rows = page.select("table.exercises tbody tr")
    cells = [[text(cell) for cell in row.find_all(["th", "td"])] for row in rows]
    return {title: (result, points) for title, result, points in cells}


def test_the_summary_says_in_words_what_passed_and_what_did_not(pages: dict) -> None:
    said = summary(pages["half_done"])
    assert "1 of 6 points" in said
    assert exercises(pages["half_done"]) == {
        "Exercise 1 · Double": ("Not started", "0 of 3"),
        "Exercise 2 · Halve": ("1 of 2 checks passed", "1 of 3"),
    }
    assert "Not yet · Keeps the fraction of an odd number (0 of 2 points)" in said
    assert "half of 7 came out as 3: don't round" in said


def test_who_passed_everything_is_told_so(pages: dict) -> None:
    said = summary(pages["all_right"])
    assert "6 of 6 points" in said
    assert "Checks: 4 passed." in said
    assert [result for result, _ in exercises(pages["all_right"]).values()] == ["Passed"] * 2
    assert "What to look at" not in said


def test_a_check_that_could_not_run_says_why(pages: dict) -> None:
    said = summary(pages["crashes"])
    assert exercises(pages["crashes"])["Exercise 1 · Double"] == ("Not run", "0 of 3")
    assert "Notes on your submission" in said
    assert "ended the Python process" in said
    assert "3 of 6 points" in said


def test_an_instructors_points_comments_and_penalties_are_shown(pages: dict) -> None:
    page = pages["by_hand"]
    said = summary(page)
    assert "(0.5 of 2 points, given by hand)" in said
    assert "A penalty of 1.5 points is taken off what the whole module earned" in said
    assert "Some points are still to be given by hand" in said
    assert exercises(page)["Exercise 2 · Halve"][0].endswith("with a comment")
    answer = page.find(id="halve")
    assert "See <b>integer</b> division: // drops the rest." in text(answer.select_one(".comment"))
    assert "(2 of 1 point, with 1 of extra credit)" in text(page.find(id="check-halve"))


def test_a_grading_that_was_cut_off_is_not_shown_as_final(pages: dict) -> None:
    assert "Not final. Grading of this notebook was cut off" in summary(pages["cut_off"])
    assert "Not final" not in summary(pages["all_right"])


def test_the_notebook_is_there_with_code_and_outputs(pages: dict) -> None:
    page = pages["all_right"]
    assert "return 2 * np.asarray(x)" in page.find(id="double").get_text()
    outputs = [text(output) for output in page.select("pre.output")]
    played = [label for label in page.select(".label") if "Given code" in label.get_text()]
    assert len(played) == 3, "the setup, the lab's own code and the cell that plays"
    assert any(outputs), "the last cell prints, or says why it did not"


@pytest.mark.parametrize("student", CLASS)
def test_no_line_of_a_hidden_test_is_shown(pages: dict, student: str) -> None:
    shown = pages[student].get_text()
    assert "answer = double(numbers + 1)" not in shown
    assert "came out as {answer}" not in shown
    assert "HIDDEN TESTS" not in shown
    assert "assert double(2) == 4" in shown, "the visible part of a check is shown"


@pytest.mark.parametrize("student", CLASS)
def test_nothing_on_the_page_can_run_or_fetch(pages: dict, student: str) -> None:
    page = pages[student]
    assert not page.find_all(["script", "iframe", "object", "embed", "link", "base", "form", "svg"])
    for element in page.find_all(True):
        assert not [name for name in element.attrs if name.startswith("on")], element
        for name in ("href", "src"):
            assert element.get(name, "#").startswith(("#", "data:image/png;", "data:image/jpeg;"))
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src" not in policy


def test_a_strangers_html_is_shown_as_text(pages: dict) -> None:
    page = pages["hostile"]
    assert RUNS_SCRIPTS in page.find(id="halve").get_text(), "the answer's code"
    assert RUNS_SCRIPTS in page.find(id="check-halve").get_text(), "the check's message"
    # The broken picture is left out, and the other's description is text.
    described = {picture["alt"] for picture in page.find_all("img")}
    assert described <= {'"><script>alert(6)</script>', "Figure without a description"}


def test_a_figure_keeps_its_description(pages: dict) -> None:
    [figure] = pages["all_right"].find_all("img")
    assert figure["alt"] == "A line that rises"
    assert len(figure["src"]) > 1000


@pytest.mark.parametrize("student", CLASS)
def test_the_page_is_well_ordered_for_every_reader(pages: dict, student: str) -> None:
    page = pages[student]
    assert page.html["lang"] == "en"
    assert page.title.get_text() == "Feedback: Doubling"
    assert [len(page.find_all(name)) for name in ("header", "main", "footer", "h1")] == [1] * 4
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile(r"^h[1-6]$"))]
    steps = [after - before for before, after in itertools.pairwise(levels)]
    assert max(steps) <= 1, levels
    names = [element["id"] for element in page.find_all(id=True)]
    assert len(names) == len(set(names))
    assert {link["href"][1:] for link in page.find_all("a")} <= set(names)
    assert page.body.find(True)["href"] == "#content"
    for table in page.find_all("table"):
        assert table.caption
        assert all(cell.get("scope") for cell in table.find_all("th"))


def test_the_page_is_light(pages: dict) -> None:
    assert len(str(pages["half_done"])) < 40_000


def test_every_formula_of_every_lab_becomes_mathml() -> None:
    count = 0
    for path in sorted((ROOT / "release").glob("*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "markdown" or "$" not in cell.source:
                continue
            shown = BeautifulSoup(
                to_html(cell.source, HeadingLevels(3), trusted=True), "html.parser"
            )
            count += len(shown.find_all("math"))
            for code in shown.find_all("code"):
                assert "\\" not in code.get_text(), f"{path.stem}: {code.get_text()}"
                code.extract()
            assert "$" not in shown.get_text(), f"{path.stem}: {shown.get_text()}"
    assert count > 100


@pytest.mark.parametrize("latex", [r"\frac{", r"\nosuchcommand{x}", "", r"x_1_2_{"])
def test_latex_that_is_none_stays_readable(latex: str) -> None:
    shown = BeautifulSoup(formula(latex, display=True), "html.parser")
    assert shown.find("math") is None
    assert shown.code.get_text() == latex


def test_a_comparison_in_a_formula_is_no_tag() -> None:
    shown = BeautifulSoup(formula("a < b > c", display=False), "html.parser")
    assert shown.math.get_text() == "a<b>c"


def test_texts_of_others_have_no_html_no_pictures_and_no_formulae() -> None:
    source = f"{RUNS_SCRIPTS}\n\n[x](javascript:alert(1)) ![y](https://example.org/y.png) $<b>x$"
    shown = BeautifulSoup(to_html(source, HeadingLevels(3), trusted=False), "html.parser")
    assert {element.name for element in shown.find_all(True)} <= {"p", "a", "em", "code"}
    assert not [link for link in shown.find_all("a") if "javascript" in link["href"]]


def test_headings_go_down_in_steps_of_one() -> None:
    levels = HeadingLevels(3)
    assert [levels.level(own) for own in (1, 3, 3, 2, 3, 4, 1, 6)] == [3, 4, 4, 4, 5, 6, 3, 4]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_read(scheme: int) -> None:
    """WCAG AA asks for a contrast of 4.5 between a text and its ground."""
    style = (TEMPLATES / "course_feedback" / "style.css").read_text()
    colours = dict(
        re.findall(r"--(\w+): (#\w{6});", re.findall(r":root \{(.*?)\}", style, re.S)[scheme])
    )
    grounds = [colours.pop("page"), colours.pop("panel")]
    colours.pop("line")
    assert len(colours) == 12
    for name, colour in colours.items():
        assert min(contrast(colour, ground) for ground in grounds) >= 4.5, name


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
