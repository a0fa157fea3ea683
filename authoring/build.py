"""Build labs: source → instructor notebook → release → executed solution.

What a lab was last built from and into is remembered under ``.build/``, so that a build does
nothing where nothing changed and never writes over an instructor notebook that its author has
edited in JupyterLab.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from authoring.lab import Lab, read_lab
from authoring.notebook import to_notebook
from authoring.release import make_release
from authoring.rules import LabRefusedError, Problem, problems
from authoring.solution import essence, make_solution
from authoring.tree import REPOSITORY, Tree

_TOOLS = ("nbgrader", "nbconvert", "nbformat", "ipykernel", "numpy", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Built:
    """What a build did with one lab: the files that it wrote, or would have written."""

    lab: str
    written: list[str]
    up_to_date: bool = False


def build(
    names: Iterable[str], *, check: bool = False, workers: int = 2, tree: Tree = REPOSITORY
) -> Iterator[Built | LabRefusedError]:
    """Build labs and yield what was done with each, as they end.

    Parameters
    ----------
    names
        Labs, as ``module/stem``.
    check
        Build everything anew and compare with what is in the tree, but write nothing.
    workers
        How many solutions are executed at the same time.
    tree
        The repository.
    """
    with ThreadPoolExecutor(workers) as pool:
        pending = []
        for name in names:
            try:
                prepared = _prepare(name, tree, check=check)
            except LabRefusedError as refusal:
                yield refusal
                continue
            if isinstance(prepared, Built):
                yield prepared
            else:
                pending.append(pool.submit(_finish, prepared, tree, check=check))
        for future in as_completed(pending):
            try:
                yield future.result()
            except LabRefusedError as refusal:
                yield refusal


def write_instructor_notebook(name: str, tree: Tree = REPOSITORY) -> bool:
    """Write a lab's instructor notebook if its source has changed; say whether it was written.

    Raises
    ------
    LabRefusedError
        If the source breaks a rule, or the notebook has edits that the source hasn't.
    """
    lab = _read(name, tree)
    return _write_instructor(lab, to_notebook(lab), tree)


def forget_instructor_edits(name: str, tree: Tree = REPOSITORY) -> None:
    """Take the instructor notebook as it is for the last one built, once it was imported."""
    _State(tree.state(name)).save(instructor=_hash(tree.instructor(name).read_bytes()))


@dataclass
class _Prepared:
    lab: Lab
    instructor: NotebookNode
    release: NotebookNode
    inputs: str


class _State:
    """What is remembered of a lab's last build."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.values: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.values = {}

    def save(self, **values: str) -> None:
        self.values |= values
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.values, indent=1, sort_keys=True), encoding="utf-8")


def _prepare(name: str, tree: Tree, *, check: bool) -> _Prepared | Built:
    lab, inputs = _read(name, tree), _inputs(name, tree)
    instructor = to_notebook(lab)
    if not check:
        _write_instructor(lab, instructor, tree)
        last = _State(tree.state(name)).values
        if last.get("inputs") == inputs and last.get("outputs") == _outputs(name, tree):
            return Built(name, [], up_to_date=True)
    return _Prepared(lab, instructor, make_release(lab, instructor), inputs)


def _finish(prepared: _Prepared, tree: Tree, *, check: bool) -> Built:
    name = prepared.lab.name
    solution = make_solution(prepared.lab, prepared.instructor)
    changed: dict[Path, NotebookNode] = {}
    if _differs(tree.release(name), prepared.release):
        changed[tree.release(name)] = prepared.release
    # Figures may change with the code that draws them; on a fresh clone, which remembers no build,
    # a figure that differs by a pixel is no reason to write.
    last = _State(tree.state(name)).values.get("inputs", prepared.inputs)
    redrawn = not check and last != prepared.inputs
    if redrawn or _solution_differs(tree.solution(name), solution):
        changed[tree.solution(name)] = solution
    if not check:
        for path, notebook in changed.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_text(notebook), encoding="utf-8")
        _State(tree.state(name)).save(inputs=prepared.inputs, outputs=_outputs(name, tree))
    return Built(name, [tree.relative(path) for path in changed])


def _read(name: str, tree: Tree) -> Lab:
    place = f"source/{name}.py"
    try:
        lab = read_lab(name, tree)
    except ValueError as error:
        raise LabRefusedError(place, [Problem(1, str(error))]) from error
    found = problems(lab)
    if found:
        raise LabRefusedError(place, found)
    return lab


def _write_instructor(lab: Lab, instructor: NotebookNode, tree: Tree) -> bool:
    path, text, state = tree.instructor(lab.name), _text(instructor), _State(tree.state(lab.name))
    present = path.read_text(encoding="utf-8") if path.exists() else None
    edited = present is not None and _hash(present.encode()) != state.values.get("instructor")
    if edited and present != text:
        sentence = (
            f"source/{lab.name}.ipynb has edits that are not in the source; bring them back with "
            f"`make import LAB={lab.name}`, or delete that file."
        )
        raise LabRefusedError(f"source/{lab.name}.py", [Problem(1, sentence)])
    if present == text:
        path.touch()  # newer than the source: nothing to write, until the source is saved again
    else:
        path.write_text(text, encoding="utf-8")
    state.save(instructor=_hash(text.encode()))
    return present != text


def _inputs(name: str, tree: Tree) -> str:
    """Hash all that a lab's build depends on: source, tools, and the course code it imports."""
    files = [tree.source(name), *sorted((tree.root / "authoring").glob("*.py"))]
    files += sorted((tree.root / "course" / "checks").glob("*.py"))
    files += sorted(_imported(tree.source(name), tree, set()))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    digest.update(" ".join(f"{tool}={version(tool)}" for tool in _TOOLS).encode())
    return digest.hexdigest()


def _imported(path: Path, tree: Tree, seen: set[Path]) -> set[Path]:
    """Return the modules of ``course`` that a file imports, and those that they import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = tree.root / f"{name.replace('.', '/')}.py"
            if name.startswith("course") and module.exists() and module not in seen:
                seen.add(module)
                _imported(module, tree, seen)
    return seen


def _outputs(name: str, tree: Tree) -> str:
    paths = (tree.release(name), tree.solution(name))
    return " ".join(_hash(path.read_bytes()) if path.exists() else "-" for path in paths)


def _differs(path: Path, notebook: NotebookNode) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != _text(notebook)


def _solution_differs(path: Path, solution: NotebookNode) -> bool:
    if not path.exists():
        return True
    try:
        present = nbformat.read(path, as_version=4)
    except Exception:  # nbformat raises many kinds for a damaged file
        return True
    return essence(present) != essence(solution)


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
