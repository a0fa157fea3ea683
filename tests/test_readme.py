"""What the README tells people to type and to open is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MADE_AT_RUN_TIME = (".venv", "workspace/", "gradebook/")

_TARGET = re.compile(r"\bmake ([a-z]+)\b")


def code() -> list[str]:
    """Return the README's code: fenced lines, and what stands between backticks."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    return [*"\n".join(fenced).splitlines(), *re.findall(r"`([^`\n]+)`", rest)]


def make_targets() -> set[str]:
    """Return the targets that the Makefile has."""
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def named_paths() -> list[str]:
    """Return the paths that the README names: in code, in its tree, in links."""
    words = [word for line in code() for word in line.split("#")[0].split()]
    words += re.findall(r"\]\(([^)]+)\)", README)
    # The explanations in the tree of folders are after the first word of their line.
    words += re.findall(r"\b(autograde/\S+/)", README)
    cleaned = {word.strip("`,;:()").rstrip(".") for word in words}
    endings = (".py", ".yml", ".png", ".ipynb", ".txt", ".md")
    return sorted(
        word
        for word in cleaned
        if re.fullmatch(r"[\w./-]+", word) and (word.endswith(endings) or "/" in word)
    )


@pytest.mark.parametrize("target", sorted(set(_TARGET.findall("\n".join(code())))))
def test_every_make_target_exists(target: str) -> None:
    assert target in make_targets()


@pytest.mark.parametrize("path", named_paths())
def test_every_path_exists(path: str) -> None:
    if not path.startswith(MADE_AT_RUN_TIME):
        assert (ROOT / path).exists(), f"the README names {path}"


def test_the_readme_has_what_it_promises() -> None:
    assert {"lab", "test", "check", "build", "import", "bank", "class"} <= set(
        _TARGET.findall("\n".join(code()))
    )
    assert "![A lab in JupyterLab](docs/lab.png)" in README
    assert len(named_paths()) > 10


def test_every_make_target_says_what_it_does() -> None:
    described = set(re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert described == make_targets()
    listed = re.search(r"^\.PHONY: ([^\\\n]*(?:\\\n[^\\\n]*)*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    assert set(listed.group(1).replace("\\", "").split()) == make_targets()


def test_nbgrader_commands_are_nbgraders() -> None:
    from nbgrader.apps import NbGraderApp

    known = set(NbGraderApp.subcommands)
    used = {line.split()[1] for line in code() if line.startswith("nbgrader ")}
    assert used >= {"generate_assignment", "collect", "generate_feedback", "export"}
    assert used <= known
