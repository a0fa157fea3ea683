"""A learner at work in a real IPython shell, in the workspace of a clone."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from clones import answer, make_clone
from conftest import PRACTICE
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from nbformat import NotebookNode

from course.checks.card import verdict_text
from course.checks.magics import VERDICT_MIME, CheckResult
from course.checks.verdict import Status
from course.progress import PROGRESS_FILE, read_progress
from course.workspace import prepare_workspace, working_copy

RIGHT = "def double(x):\n    return 2 * np.asarray(x)"
SQUARE = "def double(x):\n    return np.asarray(x) ** 2"


class Learner:
    """A learner who runs cells of the practice lab's working copy."""

    def __init__(self, root: Path, shell: InteractiveShell) -> None:
        self.root, self.shell = root, shell
        self.cells = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in nbformat.read(working_copy(PRACTICE, root), as_version=4).cells
        }

    def run(self, source: str) -> object:
        """Run a cell as a front end would; a traceback fails the test."""
        outcome = self.shell.run_cell(source, store_history=True)
        outcome.raise_error()
        return outcome.result

    def start(self) -> Learner:
        """Run the setup cell and the lab's first cell."""
        self.run(self.cells["setup"])
        self.run("import numpy as np\n\nnumbers = np.arange(5)")
        return self

    def check(self, name: str) -> CheckResult:
        """Run a check's cell."""
        result = self.run(self.cells[f"check-{name}"])
        assert isinstance(result, CheckResult), result
        return result

    def said(self, name: str) -> str:
        """Run a check's cell and return all that it says."""
        result = self.check(name)
        return verdict_text(result.verdict, result.note, result.around)

    @property
    def progress(self) -> dict[str, bool]:
        """Return which checks the progress file says were passed."""
        checks = read_progress(self.root).lab(PRACTICE).checks
        return {name: check.passed for name, check in checks.items()}


@pytest.fixture
def clone(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Path:
    make_clone(tmp_path, released_notebook, instructor_notebook)
    prepare_workspace(tmp_path)
    return tmp_path


@pytest.fixture
def enter(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Learner]:
    """Open the working copy in a shell of its own."""
    monkeypatch.chdir(working_copy(PRACTICE, clone).parent)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return lambda: Learner(clone, InteractiveShell())


@pytest.fixture
def learner(enter: Callable[[], Learner]) -> Learner:
    return enter().start()


def test_a_wrong_answer_gets_its_message_its_hints_and_its_standing(learner: Learner) -> None:
    learner.run(SQUARE)
    result = learner.check("double_arrays")
    html = result._repr_mimebundle_()["text/html"]
    for part in (
        "Not yet · Doubles every number of an array (0 of 2 points)",
        "twice 1 to 5 came out as [ 1  4  9 16 25]",
        "Hint 1: the idea",
        "Hint 2: the tool",
        "<code>x + x</code>",
        "0 of 6 points in this lab",
    ):
        assert part in html, part
    assert "Traceback" not in html
    assert learner.progress == {"double_arrays": False}
    assert read_progress(learner.root).lab(PRACTICE).hints == {}


def test_a_right_answer_says_what_the_pass_rests_on(learner: Learner) -> None:
    learner.run(RIGHT)
    assert "All of it was run: 1 condition that you see, none hidden." in learner.said("double")
    assert "Exercise done" not in learner.said("double")
    said = learner.said("double_arrays")
    assert "Its hidden part was run: 1 condition." in said
    assert "Exercise done. `%solution double` shows other right answers" in said
    assert "3 of 6 points in this lab." in said
    assert learner.progress == {"double": True, "double_arrays": True}


def test_a_graders_card_has_nothing_of_the_learners(
    enter: Callable[[], Learner], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "gradebook" / "autograded"
    elsewhere.mkdir(parents=True)
    learner = enter()
    monkeypatch.chdir(elsewhere)
    learner.start().run("def double(x):\n    return x")
    html = learner.check("double")._repr_mimebundle_()["text/html"]
    assert "Not yet · Doubles a number" in html
    assert "in this lab" not in html
    assert "Hint" not in html
    assert not (learner.root / PROGRESS_FILE).exists()
    assert "belong to a working copy" in repr(learner.run("%solution double"))


def test_the_data_of_a_verdict_is_what_graders_know(learner: Learner) -> None:
    learner.run("def double(x):\n    return 1 / 0")
    data = learner.check("double")._repr_mimebundle_()
    assert data["text/plain"] == "0"
    assert set(data[VERDICT_MIME]) == {
        *("check", "status", "points", "max_points", "title", "message", "by_assert", "note")
    }


def test_hints_come_one_by_one_and_are_noted(learner: Learner) -> None:
    learner.run(SQUARE)
    learner.check("double_arrays")
    first = learner.run("%hint")
    assert "Hint 1: the idea: Twice is `x + x`." in repr(first)
    assert "Hint 2" not in repr(first)
    second = learner.run("%hint double")
    assert "Hint 2: the tool: `np.asarray(x)`" in repr(second)
    assert "<code>np.asarray(x)</code>" in second._repr_html_()
    assert read_progress(learner.root).lab(PRACTICE).hints == {"double": 2}
    assert "`%solution double` shows a worked answer beside yours." in learner.said("double_arrays")
    assert "has no hints" in repr(learner.run("%hint halve"))
    assert "has no exercise `treble`" in repr(learner.run("%hint treble"))


def test_a_solution_stands_beside_the_learners_own_and_another(learner: Learner) -> None:
    learner.run(SQUARE)
    shown = learner.run("%solution double")
    html = shown._repr_html_()
    for part in ("** 2", "return 2 * np.asarray(x)", "Another right answer: adds a number"):
        assert part in html, part
        assert part in repr(shown), part
    assert "SOLUTION" not in html
    assert read_progress(learner.root).lab(PRACTICE).solutions == {"double"}
    # Having seen it costs nothing.
    learner.run(RIGHT)
    assert learner.check("double").verdict.points == 1


def test_after_a_restart_a_solution_stands_beside_the_saved_answer(learner: Learner) -> None:
    answer(working_copy(PRACTICE, learner.root), double=SQUARE)
    assert "** 2" in repr(learner.run("%solution double"))


def test_a_missing_solution_is_a_sentence(learner: Learner) -> None:
    (learner.root / "solutions" / f"{PRACTICE}.ipynb").unlink()
    assert "is not on this machine" in repr(learner.run("%solution double"))
    learner.run(RIGHT)
    assert learner.check("double_arrays").verdict.status is Status.DEFERRED
    assert learner.progress == {}


def test_progress_is_a_table(learner: Learner) -> None:
    learner.run(RIGHT)
    learner.check("double")
    shown = learner.run("%progress")
    assert "1 of 6 points in this lab" in repr(shown)
    assert "<td" in shown._repr_html_()
    assert "in progress" in repr(shown)


def test_a_traceback_is_there_when_it_is_asked_for(learner: Learner) -> None:
    learner.run(
        "def half_done(x):\n    return x.nothing\n\ndef double(x):\n    return half_done(x)"
    )
    html = learner.check("double")._repr_mimebundle_()["text/html"]
    assert "<summary" in html
    assert "Where it was raised" in html
    trace = repr(learner.run("%trace"))
    assert "double, line 5: return half_done(x)" in trace
    assert "half_done, line 2: return x.nothing" in trace
    assert "<check" not in trace
    learner.run(RIGHT)
    learner.check("double")
    assert "did not end in an error" in repr(learner.run("%trace"))


def test_an_endless_recursion_has_a_short_trace(learner: Learner) -> None:
    learner.run("def double(x):\n    return double(x)")
    learner.check("double")
    trace = repr(learner.run("%trace"))
    assert "more calls" in trace
    assert len(trace.splitlines()) < 20


def test_out_of_order_names_the_cell_to_run(enter: Callable[[], Learner]) -> None:
    learner = enter()
    learner.run(learner.cells["setup"])
    assert "`double` is defined in the cell of `double`. Run that first." in learner.said("double")
    learner.run("def double(x):\n    return np.asarray(x) * 2")
    assert "the cell that begins `import numpy as np`. Run that first." in learner.said("double")
    learner.run("import numpy as np")
    said = learner.said("double_arrays")
    assert "`numbers` is defined in the cell that begins `import numpy as np`" in said


def test_a_lab_is_known_without_its_first_cell(
    enter: Callable[[], Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setup cell was deleted, and the checks are loaded by hand or by the kernel."""
    learner = enter()
    monkeypatch.setenv("JPY_SESSION_NAME", str(working_copy(PRACTICE, learner.root)))
    learner.run("%load_ext course.checks")
    learner.run(f"import numpy as np\nnumbers = np.arange(5)\n{RIGHT}")
    assert learner.check("double_arrays").verdict.status is Status.PASSED
    assert learner.progress == {"double_arrays": True}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("np = 3", "`np` no longer stands for what this lab imports"),
        ("double = 3", "`double` is a value now (int) and no function"),
    ],
)
def test_an_overwritten_name_is_named(learner: Learner, damage: str, said: str) -> None:
    learner.run(RIGHT)
    learner.run(damage)
    assert said in learner.said("double")


def test_names_that_the_magics_and_checks_use_can_be_taken(learner: Learner) -> None:
    learner.run(RIGHT)
    learner.run("check = lab = run_check = CheckResult = get_ipython = In = list = print = 3")
    assert learner.check("double_arrays").verdict.status is Status.PASSED
    assert "Worked" in repr(learner.run("%solution double"))
    learner.run("get_ipython = None")
    assert learner.check("double").verdict.status is Status.PASSED


def test_an_edited_first_line_is_a_sentence(learner: Learner) -> None:
    learner.run(RIGHT)
    for line in ("%%check", "%%check double", "%%check double many"):
        assert "Its first line was changed" in repr(learner.run(f"{line}\nassert True"))
    assert learner.progress == {}


def test_a_copy_of_an_older_release_counts_under_its_name(learner: Learner) -> None:
    release = learner.root / "release" / f"{PRACTICE}.ipynb"
    release.write_text(release.read_text().replace("# Doubles a number", "# Doubles numbers"))
    learner.run(RIGHT)
    learner.check("double")
    assert learner.progress == {"double": True}
    # A check that the present release no longer has is noted all the same.
    learner.run("%%check an_older_one 1\n# Held once\nassert double(1) == 2")
    assert learner.progress["an_older_one"]


def test_progress_that_cannot_be_written_is_said_once_per_check_and_nothing_is_lost(
    learner: Learner,
) -> None:
    (learner.root / PROGRESS_FILE).mkdir()
    learner.run(RIGHT)
    first = learner.said("double")
    assert first.startswith("Passed")
    assert "could not be added to your progress (is a directory" in first
    assert "3 of 6 points in this lab" in learner.said("double_arrays")
    (learner.root / PROGRESS_FILE).rmdir()
    assert "could not" not in learner.said("double")
    assert learner.progress == {"double": True}


def test_a_later_failure_does_not_take_a_pass_back(learner: Learner) -> None:
    learner.run(RIGHT)
    learner.check("double_arrays")
    learner.run(SQUARE)
    said = learner.said("double_arrays")
    assert "Not yet" in said
    assert "you passed this check before, and that stays yours" in said
    assert learner.progress["double_arrays"]


def test_two_notebooks_see_each_others_progress(
    learner: Learner, enter: Callable[[], Learner]
) -> None:
    learner.run(RIGHT)
    learner.check("double")
    other = enter().start()
    other.run("def halve(x):\n    return x / 2")
    assert "2 of 6 points in this lab" in other.said("halve")
    assert "4 of 6 points in this lab" in learner.said("double_arrays")


def test_a_damaged_release_costs_no_verdict(learner: Learner) -> None:
    learner.run(RIGHT)
    (learner.root / "release" / f"{PRACTICE}.ipynb").write_text("{")
    result = learner.check("double")
    assert result.verdict.status is Status.PASSED
    assert "cannot be read" in result.around.remark
    assert "cannot be read" in repr(learner.run("%progress"))


def test_a_terminal_shows_the_verdict_in_words(
    clone: Path, enter: Callable[[], Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(clone / "ipython"))
    learner = enter()
    learner.shell = TerminalInteractiveShell(simple_prompt=True)
    learner.start().run(SQUARE)
    bundle = learner.check("double_arrays")._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "twice 1 to 5 came out as" in bundle["text/plain"]


class _Balance(HTMLParser):
    """Sees whether every tag is closed, and collects what stands in scrolling boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self.open.append(tag)
        if tag == "pre":
            assert ("tabindex", "0") in attrs, "a scrolling box must be reached by keyboard"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_card_is_well_formed_and_escapes_what_learners_write(learner: Learner) -> None:
    shown = []
    for source in (
        "def double(x):\n    return '<b>'",
        "def double(x):\n    raise ValueError('<script>alert(1)</script>')",
        "def double(x):\n    return [x, '</pre><script>']",
        SQUARE,
        RIGHT,
    ):
        learner.run(source)
        shown += [learner.check(name) for name in ("double", "double_arrays")]
        shown += [learner.run("%solution double"), learner.run("%trace"), learner.run("%hint")]
    shown.append(learner.run("%progress"))
    for item in shown:
        bundle = item._repr_mimebundle_() if isinstance(item, CheckResult) else {}
        html = bundle.get("text/html") or item._repr_html_()
        balance = _Balance()
        balance.feed(html)
        assert balance.open == []
        assert "<script>" not in html
        json.dumps(bundle.get(VERDICT_MIME, {}))
