"""What a lab's own cells define: which cell to run, and what a learner has overwritten."""

from __future__ import annotations

import ast
import functools
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LONGEST_LINE = 60


@dataclass
class Given:
    """The names that a lab's cells define at their top level.

    Attributes
    ----------
    cells
        For each name, words for the first cell that defines it.
    imports
        For each imported name, its module and, if it is a part of that, its name there.
    """

    cells: dict[str, str] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def overwritten(self, namespace: Mapping[str, object]) -> list[str]:
        """Return the imported names that stand for something else in a namespace."""
        return [
            name
            for name, (module, part) in self.imports.items()
            if name in namespace and not _is_import(namespace[name], module, part)
        ]


def given_names(lab: str, repository: Path) -> Given:
    """Return what the cells of a lab's release define; nothing, where it cannot be read.

    Parameters
    ----------
    lab
        The lab, as ``module/stem``.
    repository
        Root of the clone.
    """
    path = repository / "release" / f"{lab}.ipynb"
    try:
        return _given(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Given()


@functools.lru_cache(maxsize=8)
def _given(path: Path, modified: int) -> Given:
    """Read a notebook, once for each time that it has changed."""
    found = Given()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] != "code" or nbgrader.get("grade"):
            continue
        source = "".join(cell["source"])
        is_answer = bool(nbgrader.get("solution"))
        words = f"the cell of `{nbgrader['grade_id']}`" if is_answer else cell_in_words(source)
        for name in names_defined_in(source):
            found.cells.setdefault(name, words)
        for name, origin in _imports(source):
            found.imports[name] = origin
    return found


def cell_in_words(source: str) -> str:
    """Return words by which a reader finds a cell: its first line of code."""
    lines = [line.strip() for line in source.splitlines()]
    first = next((line for line in lines if line and line[0] not in "#%"), "")
    short = first if len(first) <= _LONGEST_LINE else f"{first[: _LONGEST_LINE - 1]}…"
    return f"the cell that begins `{short}`"


def names_defined_in(source: str) -> set[str]:
    """Return the names that a cell defines at its top level."""
    tree = _parsed(source)
    names = {name for name, _ in _imports(source)}
    for node in _top_level(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _imports(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the names that a cell imports, each with its module and its name there."""
    for node in _top_level(_parsed(source)):
        if isinstance(node, ast.Import):
            for item in node.names:
                module = item.name if item.asname else item.name.partition(".")[0]
                yield item.asname or module, (module, "")
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for item in node.names:
                yield item.asname or item.name, (node.module or "", item.name)


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree that are not inside a function, a class or a comprehension."""
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    inner |= ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, inner):
            yield from _top_level(node)


def _parsed(source: str) -> ast.Module:
    """Parse a cell without its magics; a cell that cannot be parsed defines nothing."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _is_import(value: object, module: str, part: str) -> bool:
    """Say whether a value is what an import gives, as far as the module is loaded."""
    if module not in sys.modules:
        return True
    if not part:
        return value is sys.modules[module]
    known = getattr(sys.modules[module], part, sys.modules.get(f"{module}.{part}", value))
    return value is known
