"""The learner's command line, and the JupyterLab that it starts."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from clones import answer, cell_of, make_clone
from conftest import PRACTICE, ROOT
from nbformat import NotebookNode

from course import jupyter
from course.checks.verdict import Status, Verdict
from course.cli import main
from course.errors import CourseError
from course.jupyter import choose_port, jupyterlab_command
from course.labs import find_lab, lab_of_notebook
from course.progress import PROGRESS_FILE, read_progress, record_check
from course.workspace import prepare_workspace, working_copy

RIGHT = "def double(x):\n    return 2 * np.asarray(x)"


@pytest.fixture
def clone(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Path:
    """A clone with the practice lab."""
    return make_clone(tmp_path, released_notebook, instructor_notebook)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_check_prints_points_and_messages_and_says_by_exit_code_whether_all_passed(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    prepare_workspace(clone)
    path = working_copy(PRACTICE, clone)
    notebook = nbformat.read(path, as_version=4)
    answers = {"double": "def double(x):\n    return 2 * x", "halve": "def halve(x):\n    return 4"}
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    nbformat.write(notebook, path)

    assert main(["check", "doubling"], clone) == 1
    printed = capsys.readouterr().out
    for part in (
        "Doubles every number of an array",
        "passed",
        "not yet",
        "half of 7 came out as 4: don't round",
        "4 of 6",
    ):
        assert part in printed

    notebook.cells = [cell for cell in notebook.cells if cell.metadata.nbgrader.grade_id != "halve"]
    nbformat.write(notebook, path)
    assert main(["check", str(path)], clone) == 1
    assert "`halve` was missing" in capsys.readouterr().out


def test_a_whole_solution_passes(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = clone / "solutions" / f"{PRACTICE}.ipynb"
    assert main(["check", str(path)], clone) == 0
    assert "6 of 6" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "doublin"], "There is no lab `doublin`. Did you mean `m0_practice/doubling`?"),
        (["check", "m0_practise/doubling"], "Did you mean `m0_practice/doubling`?"),
        (["lab", "zebra"], "There is no lab `zebra`. There are: m0_practice/doubling."),
        (["check", "doubling"], "`make lab LAB=m0_practice/doubling` puts your working copy there"),
        (["check"], "Name the lab to check"),
        (["lab", "--port", "0"], "0 is no port"),
        (["status", "zebra"], "There is no lab `zebra`"),
        (["hint", "doubling", "halve"], "has no hints"),
        (["hint", "doubling", "treble"], "It has `double`, `halve`."),
        (["solution", "doubling", "treble"], "It has `double`, `halve`."),
        (["reset", "doubling"], "`make lab LAB=m0_practice/doubling` puts a fresh one there"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_code_2(
    clone: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(words, clone) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err


def test_an_unknown_command_is_a_usage_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["chekc"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_a_truncated_notebook_is_a_sentence(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = clone / "workspace" / f"{PRACTICE}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text('{"cells": [')
    assert main(["check", "doubling"], clone) == 2
    assert "it may have been cut off" in capsys.readouterr().err


def test_lab_prepares_the_workspace_and_says_what_it_did(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "--no-start"], clone) == 0
    assert "1 new working copy in workspace/" in capsys.readouterr().out
    assert main(["lab", "--no-start"], clone) == 0
    assert capsys.readouterr().out == ""


def run(capsys: pytest.CaptureFixture[str], clone: Path, *words: str) -> tuple[int, str]:
    """Run a command in a wide terminal; return its exit code and all that it printed."""
    code = main(list(words), clone)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out + captured.err


def test_status_and_next_follow_the_learner(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    code, printed = run(capsys, clone, "status")
    assert code == 0
    for part in ("doubling", "Doubling", "0 of 6", "not started", "Next: Exercise 1 · Double"):
        assert part in printed
    prepare_workspace(clone)
    answer(working_copy(PRACTICE, clone), double=RIGHT)
    run(capsys, clone, "check", "doubling")
    assert "Next: Exercise 2 · Halve (3 points)" in run(capsys, clone, "next")[1]
    code, printed = run(capsys, clone, "status", "doubling")
    assert "3 of 3" in printed
    assert "done" in printed
    assert "3 of 6" in run(capsys, clone, "labs")[1]


def test_hints_and_solution_are_shown_and_noted(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    prepare_workspace(clone)
    answer(working_copy(PRACTICE, clone), double="def double(x):\n    return mine(x)")
    code, printed = run(capsys, clone, "hint", "doubling", "double")
    assert code == 0
    assert "Hint 1: the idea: Twice is `x + x`." in printed
    assert "`course hint m0_practice/doubling double` shows one more" in printed
    assert "Hint 2: the tool" in run(capsys, clone, "hint", "doubling")[1]
    code, printed = run(capsys, clone, "solution", "doubling", "double")
    for part in ("mine(x)", "2 * np.asarray(x)", "Another right answer: adds a number to itself"):
        assert part in printed
    assert f"solutions/{PRACTICE}.ipynb" in run(capsys, clone, "solution", "doubling")[1]
    known = read_progress(clone).lab(PRACTICE)
    assert (known.hints, known.solutions) == ({"double": 2}, {"double"})


def test_reset_names_its_backup(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare_workspace(clone)
    copy = working_copy(PRACTICE, clone)
    answer(copy, double=RIGHT)
    code, printed = run(capsys, clone, "reset", "doubling", "double")
    assert code == 0
    backup = re.search(r"kept in (workspace/\S+\.ipynb)", printed).group(1)
    assert cell_of(clone / backup, "double") == RIGHT
    assert "NotImplementedError" in cell_of(copy, "double")
    assert find_lab(backup, clone) == PRACTICE


def test_an_answer_that_passes_only_live_is_named_with_what_is_missing(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_workspace(clone)
    copy = working_copy(PRACTICE, clone)
    live = "def double(x):\n    return factor * np.asarray(x)"
    for check in ("double", "double_arrays"):
        record_check(PRACTICE, Verdict(check, Status.PASSED, 1, 1, "t"), clone)

    answer(copy, double=live)
    printed = run(capsys, clone, "check", "doubling")[1]
    assert printed.count("fails from a clean start") == 1
    assert "`factor` is defined in no cell" in printed

    notebook = nbformat.read(copy, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("factor = 2"))
    nbformat.write(notebook, copy)
    printed = run(capsys, clone, "check", "doubling")[1]
    assert "`factor` is defined further below, in the cell that begins `factor = 2`" in printed

    run(capsys, clone, "reset", "doubling")
    printed = run(capsys, clone, "check", "doubling")[1]
    assert "your saved notebook does not have it" in printed

    answer(copy, double=RIGHT)
    assert "has passed" not in run(capsys, clone, "check", "doubling")[1]


def test_only_a_notebook_of_the_workspace_counts_as_progress(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, clone, "check", str(clone / "solutions" / f"{PRACTICE}.ipynb"))[0] == 0
    assert read_progress(clone).labs == {}


def test_progress_that_cannot_be_written_is_said_and_the_grade_is_shown(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_workspace(clone)
    answer(working_copy(PRACTICE, clone), double=RIGHT)
    (clone / PROGRESS_FILE).mkdir()
    code, printed = run(capsys, clone, "check", "doubling")
    assert code == 1
    assert "3 of 6" in printed
    assert printed.count("could not be added to your progress") == 1
    code, printed = run(capsys, clone, "status")
    assert code == 0
    assert "cannot be read (is a directory" in printed


def test_a_check_of_an_earlier_release_says_so(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_workspace(clone)
    release = clone / "release" / f"{PRACTICE}.ipynb"
    release.write_text(release.read_text().replace("# Doubling", "# Doubling, told better"))
    main(["check", "doubling"], clone)
    assert "of an earlier release of this lab" in capsys.readouterr().out


def test_a_lab_is_found_by_any_of_its_names(clone: Path) -> None:
    for name in ("doubling", PRACTICE, f"workspace/{PRACTICE}.ipynb", f"source/{PRACTICE}.py"):
        assert find_lab(name, clone) == PRACTICE
    beside = f"workspace/{PRACTICE}.new-0123abcd.ipynb"
    assert find_lab(beside, clone) == PRACTICE
    # A notebook is known by what it says, whatever a browser called its file.
    renamed = clone / "my work (2).ipynb"
    renamed.write_bytes((clone / "release" / f"{PRACTICE}.ipynb").read_bytes())
    assert lab_of_notebook(renamed, clone) == PRACTICE


def test_a_wanted_port_that_is_taken_is_a_sentence(taken_port: int) -> None:
    with pytest.raises(CourseError, match=f"Port {taken_port} cannot be used"):
        choose_port(taken_port)


def test_the_next_free_port_is_chosen(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter, "FIRST_PORT", taken_port)
    assert choose_port() > taken_port


def test_no_free_port_is_a_sentence(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter, "FIRST_PORT", taken_port)
    monkeypatch.setattr(jupyter, "TRIED_PORTS", 1)
    with pytest.raises(CourseError, match="make lab PORT=9000"):
        choose_port()


def test_a_notebook_with_a_space_in_its_name_can_be_opened(tmp_path: Path) -> None:
    command = jupyterlab_command(
        tmp_path / "a b.ipynb", port=8888, browser=False, repository=tmp_path
    )
    assert "--LabApp.default_url=/lab/tree/a%20b.ipynb" in command
    assert "--no-browser" in command


def test_jupyterlab_starts_on_the_lab_and_keeps_to_itself(clone: Path, tmp_path: Path) -> None:
    """The server answers, serves the clone, and has the course's settings."""
    prepare_workspace(clone)
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import sys; from pathlib import Path; from course.cli import main; "
        "sys.exit(main(['lab', 'doubling', '--no-browser'], Path(sys.argv[1])))"
    )
    surroundings = {key: value for key, value in os.environ.items() if "JUPYTER" not in key}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(clone)],
        cwd=ROOT,
        env=surroundings | {"HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            base, page, token = _address(server)
            assert page == f"/lab/tree/workspace/{PRACTICE}.ipynb"
            assert "JupyterLab" in _get(f"{base}{page}?token={token}")
            assert "doubling.ipynb" in _get(
                f"{base}/api/contents/release/m0_practice?token={token}"
            )
            listed = json.loads(_get(f"{base}/lab/api/settings?token={token}"))["settings"]
            schemas = {item["id"]: item["schema"].get("properties", {}) for item in listed}
            documents = schemas["@jupyterlab/docmanager-extension:plugin"]
            assert documents["defaultViewers"]["default"] == {"markdown": "Markdown Preview"}
            news = schemas["@jupyterlab/apputils-extension:notification"]
            assert news["fetchNews"]["default"] == "false"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    assert not (home / ".jupyter" / "lab").exists()


def _address(server: subprocess.Popen[str]) -> tuple[str, str, str]:
    """Read a server's lines until it says where it is: address, page, token."""
    read = []
    ends = time.monotonic() + 60
    while time.monotonic() < ends and server.stdout is not None:
        line = server.stdout.readline()
        read.append(line)
        if found := re.search(r"(http://localhost:\d+)(\S*)\?token=(\w+)", line):
            return found.group(1), found.group(2), found.group(3)
        if not line and server.poll() is not None:
            break
    raise AssertionError(f"JupyterLab did not say where it is:\n{''.join(read)}")


def _get(address: str) -> str:
    for _ in range(50):
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return answer.read().decode("utf-8")
        except urllib.error.URLError:  # not listening yet
            time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer.")
