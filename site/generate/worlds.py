"""The pages of the worlds: what each assumes and where it ends, and its functions.

The texts are the docstrings of the modules; autodoc puts them in when the site is built.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import posixpath
import re
import textwrap
from pathlib import Path
from types import ModuleType

from sphinx.pycode import ModuleAnalyzer

import course.worlds
from course.catalogue import Module

_INTRODUCTION = """\
# Worlds

A world is a simulator with planted truth. It draws tables such as a company would have, plays out
what you decide, and knows what no company knows: why it happened. Labs, readings and checks all run
in these. Each page says what its world assumes and where it ends, and lists its functions; what
begins with `true_` looks up the planted truth, for checks and reveals.

The same seed gives the same world, on every machine.

```{toctree}
:maxdepth: 1
"""
_IMPORT = re.compile(r"from course\.worlds(?:\.(\w+))?(?:\.\w+)* import ([\w, ]+)")
_CONTRACTS = {"feed": {"policies": "Ranking policies"}}
"""Submodules whose docstring is part of how a world is used, and the heading for each."""


def world_names() -> list[str]:
    """Return the names of all worlds, in order."""
    return sorted(module.name for module in pkgutil.iter_modules(course.worlds.__path__))


def worlds_of(text: str) -> list[str]:
    """Return the worlds that a notebook or a chapter names in imports and links, in order."""
    found = set(re.findall(r"\.\./worlds/(\w+)", text))
    for package, names in _IMPORT.findall(text):
        found |= {package} if package else set(names.replace(" ", "").split(","))
    return [name for name in world_names() if name in found]


def world_pages(root: Path, modules: list[Module]) -> dict[str, bytes]:
    """Return the page of each world and the list of all, by path in the site.

    Parameters
    ----------
    root
        Root of the repository.
    modules
        The course's modules, for what each world is used in.
    """
    uses = _uses(root, modules)
    pages = {f"worlds/{name}.rst": _world_page(name, uses).encode() for name in world_names()}
    listed = "\n".join(world_names())
    pages["worlds/index.md"] = f"{_INTRODUCTION}{listed}\n```\n".encode()
    return pages


def _uses(root: Path, modules: list[Module]) -> dict[str, list[str]]:
    """Return the pages, without endings, that each world is used in."""
    texts = {
        f"readings/{path.stem}": path
        for path in sorted((root / "course" / "readings").glob("*.md"))
    }
    texts |= {f"labs/{lab.name}": lab.release for module in modules for lab in module.labs}
    uses: dict[str, list[str]] = {name: [] for name in world_names()}
    for page, path in texts.items():
        for name in worlds_of(path.read_text(encoding="utf-8")):
            uses[name].append(page)
    return uses


def _world_page(name: str, uses: dict[str, list[str]]) -> str:
    full = f"course.worlds.{name}"
    module = importlib.import_module(full)
    title = re.split(r"[:,.]", inspect.getdoc(module).splitlines()[0])[0]
    parts = [_heading(title, "="), f".. automodule:: {full}\n"]
    for submodule, heading in _CONTRACTS.get(name, {}).items():
        parts += [_heading(heading, "-"), f".. automodule:: {full}.{submodule}\n"]
    parts.append(f".. py:currentmodule:: {full}\n")
    if uses[name]:
        links = [f"* :doc:`{posixpath.relpath(page, 'worlds')}`" for page in uses[name]]
        parts += [_heading("Where it is used", "-"), "\n".join(links) + "\n"]
    for heading, described in _sections(module).items():
        if described:
            parts += [_heading(heading, "-"), "\n".join(described)]
    return "\n".join(parts)


def _sections(module: ModuleType) -> dict[str, list[str]]:
    """Return the directives that describe a world's public names, by heading."""
    sections = {"Functions": [], "Planted truth": [], "Classes": [], "Constants": []}
    described = _described_constants(module)
    for name in _public_names(module):
        value = getattr(module, name)
        place = f"{module.__name__}.{name}"
        if inspect.isfunction(value):
            heading = "Planted truth" if name.startswith("true_") else "Functions"
            sections[heading].append(f".. autofunction:: {place}\n")
        elif inspect.isclass(value):
            sections["Classes"].append(f".. autoclass:: {place}\n   :members:\n")
        elif name in described:
            text = textwrap.indent(described[name], "   ")
            sections["Constants"].append(f".. py:data:: {name}\n\n{text}\n")
    return sections


def _public_names(module: ModuleType) -> list[str]:
    """Return the names that a world offers, in its own order."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    return [name for node in tree.body for name in _bound(node) if not name.startswith("_")]


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _described_constants(module: ModuleType) -> dict[str, str]:
    """Return what the texts below a world's constants say, submodules included."""
    inside = pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}.")
    found = {}
    for place in [*(item.name for item in inside), module.__name__]:
        for (owner, name), lines in ModuleAnalyzer.for_module(place).find_attr_docs().items():
            if not owner:
                found[name] = "\n".join(lines).strip()
    return found


def _heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n"
