"""The way of a lab: source, instructor notebook, release, solution, and back."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from authoring.build import Built, build
from authoring.lab import parse_lab, write_lab
from authoring.notebook import ImportRefusedError, from_notebook, to_notebook
from authoring.rules import LabRefusedError
from authoring.tree import Tree

GOOD = (Path(__file__).parents[1] / "labs/m0_practice/doubling.py").read_text()
NAME = "m0_practice/doubling"


def repository(root: Path, text: str = GOOD) -> Tree:
    tree = Tree(root)
    tree.source(NAME).parent.mkdir(parents=True)
    tree.source(NAME).write_text(text)
    return tree


def files(tree: Tree) -> dict[str, bytes]:
    paths = (tree.instructor(NAME), tree.release(NAME), tree.solution(NAME))
    return {path.suffix + path.parent.parent.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A repository whose practice lab has been built."""
    tree = repository(tmp_path_factory.mktemp("repository"))
    [outcome] = build([NAME], tree=tree)
    assert isinstance(outcome, Built)
    return tree


def test_release_has_every_cell_and_no_secret(built: Tree) -> None:
    release = nbformat.read(built.release(NAME), as_version=4)
    text = "\n".join(cell.source for cell in release.cells)
    assert text.count("raise NotImplementedError()") == 2
    assert "np.asarray(x) / 2" not in text
    assert "don't round" not in text
    assert "# Keeps the fraction of an odd number" in text
    assert all(not cell.get("outputs") for cell in release.cells)


def test_solution_is_executed_and_earns_all_points(built: Tree) -> None:
    solution = nbformat.read(built.solution(NAME), as_version=4)
    points = [
        float(output.data["text/plain"])
        for cell in solution.cells
        if cell.metadata.nbgrader.grade
        for output in cell.outputs
    ]
    assert points == [1, 2, 1, 2]


def test_nothing_is_written_when_nothing_changed(built: Tree) -> None:
    before = files(built)
    stamps = {path: path.stat().st_mtime_ns for path in built.root.rglob("release/*/*.ipynb")}
    [outcome] = build([NAME], tree=built)
    assert outcome == Built(NAME, [], up_to_date=True)
    assert files(built) == before
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


def test_a_build_from_nothing_is_the_same_to_the_byte(built: Tree, tmp_path: Path) -> None:
    other = repository(tmp_path)
    list(build([NAME], tree=other))
    assert files(other) == files(built)


def test_check_finds_a_release_edited_by_hand(built: Tree) -> None:
    kept = built.release(NAME).read_bytes()
    built.release(NAME).write_bytes(kept.replace(b"Doubling", b"Tripling"))
    [outcome] = build([NAME], check=True, tree=built)
    built.release(NAME).write_bytes(kept)
    assert outcome.written == [f"release/{NAME}.ipynb"]


def test_a_solution_that_fails_its_own_check_is_refused(tmp_path: Path) -> None:
    tree = repository(tmp_path, GOOD.replace("np.asarray(x) / 2", "np.asarray(x) // 2"))
    [refusal] = build([NAME], tree=tree)
    assert isinstance(refusal, LabRefusedError)
    line = next(n for n, t in enumerate(GOOD.splitlines(), 1) if 'check="halve_odd"' in t)
    expected = f"source/{NAME}.py:{line}: The solution does not pass `halve_odd`: half of 7"
    assert str(refusal).startswith(expected)
    assert not tree.release(NAME).exists()


def test_a_given_cell_that_raises_is_refused(tmp_path: Path) -> None:
    tree = repository(tmp_path, GOOD.replace("numbers = np.arange(5)", "numbers = 1 / 0"))
    [refusal] = build([NAME], tree=tree)
    assert "This cell raises ZeroDivisionError" in str(refusal)


def test_source_survives_the_way_to_the_notebook_and_back() -> None:
    lab = parse_lab(NAME, GOOD)
    assert write_lab(from_notebook(to_notebook(lab), lab)) == GOOD


def test_edits_in_jupyterlab_come_back() -> None:
    lab = parse_lab(NAME, GOOD)
    notebook = to_notebook(lab)
    [check] = [cell for cell in notebook.cells if cell.source.startswith("%%check halve_odd")]
    check.source = check.source.replace("half of 7", "half of seven")
    check.metadata.nbgrader["points"] = 3  # as nbgrader's Create Assignment bar sets it
    notebook.cells.append(new_code_cell("print('new')"))
    text = write_lab(from_notebook(notebook, lab))
    changed = GOOD.replace("half of 7", "half of seven")
    changed = changed.replace('check="halve_odd" points=2', 'check="halve_odd" points=3')
    assert text == changed + "\n# %%\nprint('new')\n"


def test_a_cell_graded_by_hand_is_refused_by_the_import() -> None:
    lab = parse_lab(NAME, GOOD)
    notebook = to_notebook(lab)
    notebook.cells[4].metadata.nbgrader.update(grade=True, solution=True, points=1)
    with pytest.raises(ImportRefusedError, match="graded by hand"):
        from_notebook(notebook, lab)


def test_a_build_never_writes_over_an_edited_notebook(built: Tree) -> None:
    path = built.instructor(NAME)
    kept = path.read_text()
    path.write_text(kept.replace("Doubling", "Twofold"))
    [refusal] = build([NAME], tree=built)
    edited = path.read_text()
    path.write_text(kept)
    assert "bring them back with `make import" in str(refusal)
    assert "Twofold" in edited


def test_the_notebook_follows_the_source(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    list(build([NAME], tree=tree))
    tree.source(NAME).write_text(GOOD.replace("# Doubling", "# Twofold"))
    os.utime(tree.source(NAME))
    [outcome] = build([NAME], tree=tree)
    assert outcome.written == [f"release/{NAME}.ipynb", f"solutions/{NAME}.ipynb"]
    assert "Twofold" in tree.instructor(NAME).read_text()


@pytest.mark.parametrize("name", ["doubling", NAME, f"source/{NAME}.py", f"release/{NAME}.ipynb"])
def test_a_lab_is_found_by_its_names(built: Tree, name: str) -> None:
    assert built.find(name) == NAME


def test_a_typo_gets_the_nearest_name(built: Tree) -> None:
    with pytest.raises(LookupError, match="Did you mean `m0_practice/doubling`"):
        built.find("m0_practice/doublign")
