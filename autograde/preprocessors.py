"""What this course plugs into nbgrader's autograde and feedback, through its configuration."""

from __future__ import annotations

import copy
import functools
import html
import math
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode, default

from autograde.fingerprint import fingerprint
from autograde.ingest import (
    UnreadableError,
    add_notes,
    keep_fingerprint,
    mark_graded,
    notes_of,
    read_submission,
    rebuild,
)
from autograde.records import StoredCell, stored_cells
from autograde.side_files import aside_of, set_aside_names, set_aside_odd_files
from course.checks.magics import VERDICT_MIME
from course.checks.verdict import visible_part


class StaleGradebookError(Exception):
    """The gradebook holds another build of the lab than the release."""


class OtherCellsError(Exception):
    """The gradebook has grades for a lab whose cells are no longer the same."""


def set_odd_files_aside(assignment: str, student: str, notebooks: list[str]) -> None:
    """Move links, pipes and the like out of a submission; nbgrader's hook before it takes one."""
    for folder in dict.fromkeys(Path(notebook).parent for notebook in notebooks):
        set_aside_odd_files(folder, aside_of(folder))


class SubmissionExporter(NotebookExporter):
    """Reads what was submitted without trusting that it is a notebook.

    A file that can't be read becomes an empty notebook with a note: its student is graded, with no
    points and a reason, and the batch goes on.
    """

    @default("optimistic_validation")
    def _once(self) -> bool:
        # All steps are ours or nbgrader's: what they leave is looked at once, not after each.
        return True

    def from_filename(
        self, filename: str, resources: dict[str, object] | None = None, **options: object
    ) -> tuple[str, dict[str, object]]:
        """Convert a notebook file, or an empty notebook in its place."""
        path = Path(filename)
        if path.parents[2].name == "autograded":
            # Of the second half of a grading: what the first half has rebuilt and written.
            notebook = nbformat.reader.reads(path.read_text(encoding="utf-8"))
        else:
            notebook = _read_submitted(filename)
        resources = resources or {}
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(notebook, resources, **options)


def _read_submitted(filename: str) -> NotebookNode:
    try:
        return read_submission(filename)
    except UnreadableError as reason:
        notebook = new_notebook()
        add_notes(notebook, [f"The submitted notebook could not be graded. {reason}"])
        return notebook


class RebuildSubmission(NbGraderPreprocessor):
    """Puts the submitted answers into the release's own cells, before anything else is done."""

    release_directory = Unicode("release", help="Where the releases are, from the root.").tag(
        config=True
    )

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Rebuild one notebook; the notes on it go to its top and into its metadata."""
        place = resources["nbgrader"]
        path = Path(self.release_directory) / place["assignment"] / f"{place['notebook']}.ipynb"
        release = _read_release(path.read_text(encoding="utf-8"))
        stored = stored_cells(place["db_url"], place["assignment"], place["notebook"])
        _refuse_stale_gradebook(release, stored, place["assignment"])
        submitted = Path(resources["metadata"]["path"]) / f"{place['notebook']}.ipynb"
        unreadable = notes_of(nb) if not nb.cells else []
        if unreadable:
            notebook, notes = copy.deepcopy(release), unreadable
        else:
            notebook, notes = rebuild(nb, release)
        keep_fingerprint(notebook, fingerprint(submitted, path, stored))
        odd = set_aside_names(aside_of(Path(resources["metadata"]["path"])))
        if odd:
            notes = [*notes, f"Not taken along: {', '.join(odd[:10])}."]
        add_notes(notebook, notes)
        if notes:
            lines = "\n".join(f"- {html.escape(note, quote=False)}" for note in notes)
            notebook.cells.insert(0, new_markdown_cell(f"**Notes on this submission**\n\n{lines}"))
        return notebook, resources


@functools.lru_cache(maxsize=8)
def _read_release(text: str) -> NotebookNode:
    """Return the notebook that a release's file holds, for all who submit it; to be copied."""
    return nbformat.reads(text, as_version=4)


def _refuse_stale_gradebook(
    release: NotebookNode, stored: list[StoredCell], assignment: str
) -> None:
    """Raise if the gradebook was made from another build than the release."""
    known = {name: visible_part(source) for name, source, _ in stored}
    released = {
        cell.metadata.nbgrader.grade_id: visible_part(cell.source)
        for cell in release.cells
        if cell.metadata.get("nbgrader")
    }
    if known != released:
        raise StaleGradebookError(
            f"The gradebook holds another build of {assignment} than release/. Run "
            f"`nbgrader generate_assignment {assignment}`, then `nbgrader autograde "
            f"{assignment} --force`."
        )


class RefuseOtherCells(NbGraderPreprocessor):
    """Says what to do when a lab has got or lost cells while it has submissions.

    nbgrader can't change the cells of a notebook then, and says only that it can't. The class
    command can: see `autograde.gradebook.adapt_cells`.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Raise with the way out if nbgrader would refuse the notebook."""
        place = resources["nbgrader"]
        names = {
            cell.metadata.nbgrader.grade_id for cell in nb.cells if "nbgrader" in cell.metadata
        }
        with Gradebook(place["db_url"]) as gradebook:
            try:
                stored = gradebook.find_notebook(place["notebook"], place["assignment"])
            except MissingEntry:
                return nb, resources
            known = {cell.name for cell in stored.source_cells}
            if stored.submissions and known != names:
                raise OtherCellsError(
                    f"{place['notebook']} has other cells than in the gradebook, which holds "
                    f"grades for it. Run `python -m autograde.grade {place['assignment']}`: it "
                    "brings the gradebook to the lab's cells and grades all submissions anew. "
                    "Grades and comments given by hand are kept."
                )
        return nb, resources


class SettleChecks(NbGraderPreprocessor):
    """Leaves each check cell with one verdict that nbgrader scores as it is meant.

    nbgrader gives a check all of its points when it has no output, or a value that is no number,
    and none when anything was written to stderr, a warning included.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Settle all checks of a notebook and mark it as graded."""
        nb, resources = super().preprocess(nb, resources)
        mark_graded(nb)
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Keep a check's verdict; a check without one has failed."""
        if not utils.is_grade(cell) or utils.is_solution(cell) or cell.cell_type != "code":
            return cell, resources
        errors = [output for output in cell.outputs if output.output_type == "error"]
        verdicts = [output for output in cell.outputs if _points(output, cell) is not None]
        if errors:
            cell.outputs = errors
        elif len(verdicts) == 1:
            cell.outputs = verdicts
        else:
            text = "This check gave no verdict, so it earns no points."
            cell.outputs = [new_output("error", ename="NoVerdict", evalue=text, traceback=[text])]
        return cell, resources


def _points(output: NotebookNode, cell: NotebookNode) -> float | None:
    """Return the points that a check's output claims, if it is a verdict at all."""
    if output.output_type != "execute_result" or VERDICT_MIME not in output.get("data", {}):
        return None
    try:
        points = float(output.data.get("text/plain", ""))
    except ValueError:
        return None
    in_range = math.isfinite(points) and 0 <= points <= cell.metadata.nbgrader.points
    return points if in_range else None
