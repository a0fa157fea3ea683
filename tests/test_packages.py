"""What an installation brings along: the course, and not the right answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from setuptools import find_namespace_packages

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]


@pytest.fixture(scope="module")
def packages() -> set[str]:
    """The packages that are installed."""
    found = SETTINGS["packages"]["find"]
    names = {key: found[key] for key in found if key in ("include", "exclude")}
    assert names == found, "the settings have more in them than this test knows of"
    return set(find_namespace_packages(str(ROOT), **names))


def test_answers_are_not_installed(packages: set[str]) -> None:
    """Sandboxes can read all of the environment that they run in."""
    assert any((ROOT / "autograde" / "answers").glob("*/*/*.py"))
    assert [name for name in packages if "answers" in name] == []
    # An earlier installation left a list of files behind, which would be followed otherwise.
    assert SETTINGS["include-package-data"] is False
    declared = [pattern for patterns in SETTINGS["package-data"].values() for pattern in patterns]
    assert not any("answers" in pattern or pattern.startswith("*") for pattern in declared)


def test_all_else_is(packages: set[str]) -> None:
    written = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for name in ("course", "authoring", "autograde")
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert {
        "authoring",
        "autograde",
        "autograde.arms_length",
        "autograde.exports",
        "autograde.feedback",
        "autograde.sandbox",
        "course",
        "course.checks",
        "course.home",
        "course.serving",
    } <= written
    assert written <= packages
    for package in SETTINGS["package-data"]:
        assert package in packages
