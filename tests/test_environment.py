"""One environment, said in three files, and set up by one script."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course import environment
from course.environment import OLDEST, STAMP, SetUpError, make_ready

ROOT = Path(__file__).resolve().parents[1]
PINS = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def bounds(lines: list[str]) -> dict[str, str]:
    """Return the version bounds of requirements by package."""
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(item.name): str(item.specifier) for item in found}


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    """The project's table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def declared(project: dict[str, object]) -> dict[str, str]:
    """Bounds of all that pyproject.toml asks for, its extras included."""
    extras = project["optional-dependencies"].values()
    return bounds([*project["dependencies"], *(line for extra in extras for line in extra)])


def test_conda_users_get_the_same(declared: dict[str, str], project: dict[str, object]) -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    extras = project["optional-dependencies"]
    plain = bounds([item for item in listed if isinstance(item, str)])
    plain |= bounds(extras["browser"])  # by pip, below: conda-forge does not have them
    assert plain.pop("python") == project["requires-python"]
    assert plain.pop("pip") == ""
    assert plain == declared
    assert [item for item in listed if isinstance(item, dict)] == [{"pip": ["-e .[browser]"]}]


def test_constraints_are_names_and_versions_only() -> None:
    for line in PINS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line
    names = [canonicalize_name(line.split("==")[0]) for line in PINS]
    assert len(names) == len(set(names))


def test_constraints_satisfy_every_bound(declared: dict[str, str]) -> None:
    versions = {canonicalize_name(name): version for name, version in (p.split("==") for p in PINS)}
    for name, specifier in declared.items():
        assert name in versions, f"constraints.txt has no version of {name}"
        assert Requirement(f"{name}{specifier}").specifier.contains(versions[name]), name


def test_constraints_hold_what_the_packages_need_in_turn(declared: dict[str, str]) -> None:
    pinned = {canonicalize_name(line.split("==")[0]) for line in PINS}
    assert needed(set(declared)) <= pinned


def needed(names: set[str]) -> set[str]:
    """Return packages and all that they need, as installed here."""
    seen: set[str] = set()
    waiting = [(name, frozenset()) for name in names]
    done = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # of another platform
            continue
        seen.add(name)
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            wanted = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if marker is None or any(marker.evaluate(item) for item in wanted):
                found = canonicalize_name(requirement.name), frozenset(requirement.extras)
                waiting.append(found)
    return seen


def test_the_oldest_python_is_the_same_everywhere(project: dict[str, object]) -> None:
    dotted = ".".join(map(str, OLDEST))
    assert project["requires-python"] == f">={dotted}"
    assert f"Python {dotted}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Python {dotted}" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_set_up_script_can_be_read_by_old_pythons() -> None:
    """It must be able to say that a Python is too old."""
    import ast

    text = Path(environment.__file__).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported - {"__future__"} <= set(sys.stdlib_module_names)


@pytest.fixture
def active(tmp_path: Path) -> Path:
    """An active environment with a Python in it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


class Installed:
    """Takes the place of the installation and counts it."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *_: object) -> None:
        self.count += 1


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Installation, replaced by a counter."""
    counter = Installed()
    monkeypatch.setattr(environment, "_install", counter)
    return counter


def test_an_environment_is_installed_into_once(active: Path, installed: Installed) -> None:
    make_ready(active)
    make_ready(active)
    assert installed.count == 1
    (active / STAMP).write_text("of other dependencies")
    make_ready(active)
    assert installed.count == 2


def test_extras_are_added_when_they_are_needed_and_stay(
    active: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(environment, "_install", lambda *words: asked.append(words[-1]))
    make_ready(active, ["serving"])
    make_ready(active)
    make_ready(active, ["serving", "dev"])
    make_ready(active, ["serving"])
    assert asked == [["serving"], ["dev", "serving"]]
    (active / STAMP).write_text("of other dependencies\ndev")
    make_ready(active, ["serving"])
    assert asked[-1] == ["serving"]


def test_an_environment_that_was_moved_is_made_anew(
    active: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = Installed()
    monkeypatch.setattr(environment, "OWN", active)
    monkeypatch.setattr(environment, "_create_own", created)
    make_ready(active)
    (active / STAMP).write_text(f"{environment.ROOT}\nof other dependencies")
    make_ready(active)
    assert created.count == 0
    (active / STAMP).write_text("/another/clone\nthe rest")
    make_ready(active)
    assert (created.count, installed.count) == (1, 3)


def test_an_installation_that_fails_leaves_no_stamp(
    active: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SetUpError("no network")

    monkeypatch.setattr(environment, "_install", fail)
    with pytest.raises(SetUpError):
        make_ready(active)
    assert not (active / STAMP).exists()


def test_an_empty_active_environment_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match="has no Python in it"):
        make_ready(tmp_path / "gone")


def test_an_old_python_is_a_sentence(
    active: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "OLDEST", (9, 0))
    with pytest.raises(SetUpError, match=r"the course needs 9\.0 or later"):
        make_ready(active)
    assert installed.count == 0


def test_no_python_that_is_new_enough_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "OLDEST", (9, 0))
    with pytest.raises(SetUpError, match=r"needs Python 9\.0 or later; what is found"):
        environment.newest_python()


def test_the_ci_script_is_sound_bash() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
