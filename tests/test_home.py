"""What the course home asks of the server, and how JupyterLab comes by the page."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from conftest import PRACTICE, ROOT
from jupyter_core.paths import jupyter_path
from jupyter_servers import Server, free_port, serving
from jupyterlab_server.config import get_page_config
from nbformat import NotebookNode

from course import cli
from course.checks.verdict import Status, Verdict
from course.progress import record_check
from course.workspace import working_copy

CONFIGURATION = re.compile(r'id="jupyter-config-data"[^>]*>(.*?)</script>', re.DOTALL)
PROGRAM = """
import sys; from pathlib import Path; from course.jupyter import start_jupyterlab
start_jupyterlab(None, port=int(sys.argv[2]), browser=False, repository=Path(sys.argv[1]))
"""


@dataclass
class Home:
    """A JupyterLab server on a clone."""

    clone: Path
    server: Server

    def ask(
        self, path: str, body: dict[str, str] | None = None, *, with_token: bool = True
    ) -> tuple[int, str]:
        """Return the status and the text that a request is answered with."""
        headers = {"Authorization": f"token {self.server.token}"} if with_token else {}
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.server.base}/{path}", content, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()


@pytest.fixture
def clone(
    tmp_path: Path, released_notebook: NotebookNode, instructor_notebook: NotebookNode
) -> Path:
    """A clone with the practice lab."""
    return put_labs(tmp_path / "clone", released_notebook, instructor_notebook)


def put_labs(root: Path, release: NotebookNode, solution: NotebookNode) -> Path:
    for tree, notebook in {"release": release, "solutions": solution}.items():
        path = root / tree / f"{PRACTICE}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return root


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory,
    released_notebook: NotebookNode,
    instructor_notebook: NotebookNode,
) -> Iterator[Home]:
    """JupyterLab as `make lab` starts it, on a clone with the practice lab."""
    folder = tmp_path_factory.mktemp("home")
    clone = put_labs(folder / "clone", released_notebook, instructor_notebook)
    surroundings = {key: value for key, value in os.environ.items() if "JUPYTER" not in key}
    command = [sys.executable, "-c", PROGRAM, str(clone), str(free_port())]
    with serving(command, ROOT, surroundings | {"HOME": str(folder)}) as server:
        yield Home(clone, server)


def test_the_home_tells_how_things_stand_and_keeps_up(home: Home) -> None:
    status, text = home.ask("course/home")
    before = json.loads(text)
    assert (status, before["points"], before["max_points"]) == (200, 0, 6)
    assert before["modules"][0]["labs"][0]["name"] == PRACTICE
    assert before["next"]["exercise"] == "double"

    verdict = Verdict("double", Status.PASSED, 1, 1, "Doubles a number")
    assert record_check(PRACTICE, verdict, home.clone) is None
    after = json.loads(home.ask("course/home")[1])
    assert after["points"] == 1
    assert after["modules"][0]["labs"][0]["status"] == "in progress"


def test_strangers_are_told_nothing(home: Home) -> None:
    assert home.ask("course/home", with_token=False)[0] == 403
    assert home.ask("course/copy", {"lab": PRACTICE}, with_token=False)[0] == 403
    assert not working_copy("m0_practice/none", home.clone).exists()


def test_a_working_copy_that_is_gone_is_made_and_one_that_is_there_is_left(home: Home) -> None:
    copy = working_copy(PRACTICE, home.clone)
    copy.unlink(missing_ok=True)
    status, text = home.ask("course/copy", {"lab": "doubling"})
    assert (status, json.loads(text)) == (200, {"path": f"workspace/{PRACTICE}.ipynb"})
    release = (home.clone / "release" / f"{PRACTICE}.ipynb").read_bytes()
    assert copy.read_bytes() == release

    copy.write_text("the learner's own")
    assert home.ask("course/copy", {"lab": PRACTICE})[0] == 200
    assert copy.read_text() == "the learner's own"
    copy.unlink()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"lab": "doublin"}, "Did you mean `m0_practice/doubling`?"),
        ({"lab": "../../etc/passwd"}, "There is no lab"),
        ({}, "Expected the name of a lab"),
    ],
)
def test_a_lab_that_is_not_there_is_a_sentence(
    home: Home, body: dict[str, str], sentence: str
) -> None:
    status, text = home.ask("course/copy", body)
    assert status == 409
    assert sentence in json.loads(text)["message"]


def test_a_damaged_release_is_a_sentence(home: Home) -> None:
    damaged = home.clone / "release" / "m0_practice" / "damaged.ipynb"
    damaged.write_text('{"cells": [')
    try:
        status, text = home.ask("course/home")
    finally:
        damaged.unlink()
    assert status == 409
    assert "damaged" in json.loads(text)["message"]


def test_jupyterlab_has_the_page_and_leaves_out_what_is_for_instructors(home: Home) -> None:
    assert home.server.opens == "/lab"
    found = CONFIGURATION.search(home.ask("lab")[1])
    assert found
    configuration = json.loads(found.group(1))
    loaded = {item["name"]: item["load"] for item in configuration["federated_extensions"]}
    assert "course-home" in loaded
    for name in (loaded["course-home"], "static/plugin.js", "static/page.js", "static/home.css"):
        assert home.ask(f"lab/extensions/course-home/{name}")[0] == 200, name
    for panel in ("formgrader", "create-assignment", "course-list", "validate-assignment"):
        assert f"@jupyter/nbgrader:{panel}" in configuration["disabledExtensions"]


def test_the_jupyterlab_that_an_instructor_starts_is_not_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    configuration = get_page_config(jupyter_path("labextensions"))
    names = {item["name"] for item in configuration["federated_extensions"]}
    assert "@jupyter/nbgrader" in names
    assert "course-home" not in names
    disabled = configuration["disabledExtensions"]
    assert not [name for name in disabled if name.startswith("@jupyter/nbgrader")]


@pytest.mark.parametrize(("words", "opened"), [([], None), (["doubling"], PRACTICE)])
def test_make_lab_opens_the_home_unless_a_lab_is_named(
    clone: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], opened: str | None
) -> None:
    started = []
    monkeypatch.setattr(cli, "start_jupyterlab", lambda notebook, **_: started.append(notebook))
    cli.main(["lab", *words, "--no-browser"], clone)
    assert started == [opened and working_copy(opened, clone)]
