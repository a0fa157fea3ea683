"""Grade a notebook with the learner's code in a sandbox and the checks in a process of their own.

This takes the place of nbgrader's ``Execute`` preprocessor: what goes in is the notebook that was
rebuilt from the release, with its hidden tests; what comes out is the same notebook with outputs.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float, Integer, Unicode

from autograde.arms_length.cluster import ClusterService
from autograde.arms_length.plan import Cell, Kind, Submission, owner
from autograde.arms_length.service import GradingService, shared_service
from autograde.ingest import add_notes, tell_sandbox
from autograde.outputs import clean_outputs
from autograde.sandbox import Limits, choose_tier
from autograde.side_files import read_side_files
from course.checks.magics import CheckResult
from course.checks.naming import check_name
from course.checks.verdict import Status, Verdict

NOT_PLAYED = "This cell plays your functions in the world. It is worth no points: not run here."


class ExecuteApart(NbGraderPreprocessor):
    """Runs a submission's notebook at arm's length and puts the outputs into it."""

    timeout = Integer(
        30,
        help="Seconds that one cell may run, and that all checks of one exercise may wait.",
    ).tag(config=True)
    notebook_seconds = Integer(300, help="Seconds for a whole notebook.").tag(config=True)
    memory_megabytes = Integer(1024, help="Memory that a submission's processes may use.").tag(
        config=True
    )
    side_file_megabytes = Float(
        5.0, help="Size of the files beside the notebook that are taken along."
    ).tag(config=True)
    workers = Integer(1, help="How many submissions are graded at the same time.").tag(config=True)
    cluster = Unicode("", help="Address of a Dask scheduler whose workers grade.").tag(config=True)
    allow_unsafe = Bool(
        False, help="Grade without a sandbox where there is none: only your own notebooks."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Grade one notebook.

        Raises
        ------
        NoSandboxError
            If this machine has no sandbox for strangers' code.
        GradingFailedError
            If the processes that grade have ended, twice in a row.
        """
        submission = self.submission(nb, Path(resources["metadata"]["path"]))
        service = self.service()
        result = service.grade(submission)
        given = iter(service.given_outputs(submission))
        for cell in submission.cells:
            _fill(nb.cells[cell.index], cell, result["cells"].get(cell.index), given)
        add_notes(nb, [str(note)[:500] for note in result["notes"]])
        tell_sandbox(nb, result["tier"], result["seconds"])
        return nb, resources

    def submission(self, nb: NotebookNode, folder: Path) -> Submission:
        """Return what there is to grade in a notebook and the folder that it is in."""
        megabytes = self.side_file_megabytes
        return Submission(
            submission_cells(nb),
            read_side_files(folder, int(megabytes * 1_000_000)),
            call_seconds=self.timeout,
            total_seconds=self.notebook_seconds,
        )

    def service(self) -> GradingService | ClusterService:
        """Return this process's grading service."""
        limits = Limits(
            memory_bytes=self.memory_megabytes << 20,
            cpu_seconds=self.notebook_seconds,
            wall_seconds=self.notebook_seconds,
        )
        if self.cluster:
            return cluster_service(self.cluster, limits)
        tier = choose_tier(allow_unsafe=self.allow_unsafe)
        return shared_service(tier, limits, self.workers)


@functools.lru_cache(maxsize=1)
def cluster_service(address: str, limits: Limits) -> ClusterService:
    """Return this process's connection to a cluster."""
    return ClusterService(address, limits)


def submission_cells(nb: NotebookNode) -> list[Cell]:
    """Return a notebook's code cells as what there is to grade."""
    exercises = [
        cell.metadata.nbgrader.grade_id
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    return [
        _cell(index, cell, exercises)
        for index, cell in enumerate(nb.cells)
        if cell.cell_type == "code"
    ]


def _cell(index: int, cell: NotebookNode, exercises: list[str]) -> Cell:
    nbgrader = cell.metadata.get("nbgrader", {})
    if not nbgrader:
        return Cell(index, Kind.LEARNER, cell.source)
    name = nbgrader.grade_id
    if nbgrader.solution:
        return Cell(index, Kind.LEARNER, cell.source, exercise=name)
    if nbgrader.grade:
        check = check_name(name)
        source = cell.source.partition("\n")[2]
        exercise = owner(check, exercises)
        return Cell(index, Kind.CHECK, source, exercise, check, float(nbgrader.points))
    played = cell.source.startswith("%%play ")
    return Cell(index, Kind.PLAY if played else Kind.GIVEN, cell.source)


def _fill(cell: NotebookNode, what: Cell, result: dict[str, Any] | None, given: Any) -> None:
    """Put into a notebook's cell what came of it."""
    cell.outputs = []
    cell.execution_count = None
    if what.kind is Kind.GIVEN:
        cell.outputs = [NotebookNode(output) for output in next(given)]
    elif result is None:
        cell.outputs = [new_output("stream", name="stdout", text=NOT_PLAYED)]
    elif "error" in result:
        name, text = result["error"]
        cell.outputs = [new_output("error", ename=name, evalue=text, traceback=[text])]
    elif "verdict" in result:
        verdict = result["verdict"]
        verdict = Verdict(**verdict | {"status": Status(verdict["status"])})
        bundle = CheckResult(verdict)._repr_mimebundle_()
        cell.outputs = [new_output("execute_result", bundle)]
    else:
        cell.outputs = clean_outputs(result["outputs"])
