"""The worked notebook of a lab: its solution, executed, for self-study."""

from __future__ import annotations

import copy
import json
import tempfile

from nbclient import NotebookClient
from nbformat import NotebookNode

from authoring.lab import SOLUTION_BEGIN, SOLUTION_END, Lab
from authoring.notebook import SETUP_POSITION
from authoring.rules import LabRefusedError, Problem
from course.checks.magics import VERDICT_MIME
from course.checks.naming import check_id

QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]
"""Keeps a kernel's remarks on its own transport out of the build's output."""
CELL_SECONDS = 120
"""How long one cell of a worked lab may take before the build gives up on it."""


def make_solution(lab: Lab, instructor: NotebookNode) -> NotebookNode:
    """Execute a lab's solution in a kernel and return the notebook with its outputs.

    Raises
    ------
    LabRefusedError
        If a cell fails, or the solution does not pass one of the lab's own checks.
    """
    notebook = copy.deepcopy(instructor)
    for cell in notebook.cells:
        cell.source = _without_solution_markers(cell.source)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            allow_errors=True,
            record_timing=False,
            extra_arguments=QUIET_KERNEL,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    failures = list(_failures(lab, notebook))
    if failures:
        raise LabRefusedError(f"source/{lab.name}.py", failures)
    return notebook


def essence(notebook: NotebookNode) -> str:
    """Return what must be the same when a worked notebook is built again.

    Cells and text outputs are; images, ids of outputs and execution counts are not.
    """
    cells = []
    for cell in notebook.cells:
        outputs = [_output_essence(output) for output in cell.get("outputs", [])]
        cells.append([cell.cell_type, cell.id, cell.source, cell.metadata, _join_streams(outputs)])
    return json.dumps(cells, sort_keys=True)


def _without_solution_markers(source: str) -> str:
    lines = source.splitlines()
    kept = [line for line in lines if SOLUTION_BEGIN not in line and SOLUTION_END not in line]
    return "\n".join(kept)


def _failures(lab: Lab, notebook: NotebookNode) -> list[Problem]:
    found = []
    checks = {check_id(name): cell for name, cell in lab.checks.items()}
    lines = [cell.line for cell in lab.cells]
    lines.insert(SETUP_POSITION, 1)
    for cell, line in zip(notebook.cells, lines, strict=True):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(Problem(line, f"This cell raises {output.ename}: {output.evalue}"))
        name = cell.metadata.nbgrader.grade_id
        if name in checks:
            verdict = _verdict(cell)
            if verdict.get("status") != "passed":
                said = verdict.get("message", "it gave no verdict")
                found.append(
                    Problem(line, f"The solution does not pass `{checks[name].check}`: {said}")
                )
        elif any(_is_note(output) for output in cell.get("outputs", [])):
            found.append(Problem(line, f"This cell could not be played: {_text(cell)}"))
    return found


def _verdict(cell: NotebookNode) -> dict[str, object]:
    for output in cell.outputs:
        if VERDICT_MIME in output.get("data", {}):
            return output.data[VERDICT_MIME]
    return {}


def _is_note(output: NotebookNode) -> bool:
    text = output.get("data", {}).get("text/plain", "")
    return text.startswith(("Waiting: ", "This cell could not run with your answers: "))


def _text(cell: NotebookNode) -> str:
    return " ".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def _output_essence(output: NotebookNode) -> list[object]:
    if output.output_type == "stream":
        return ["stream", output.name, output.text]
    if output.output_type == "error":
        return ["error", output.ename, output.evalue]
    data = output.get("data", {})
    return [output.output_type, data.get("text/plain"), data.get(VERDICT_MIME)]


def _join_streams(outputs: list[list[object]]) -> list[list[object]]:
    """Join neighbouring prints, which a kernel may send in any number of pieces."""
    joined: list[list[object]] = []
    for output in outputs:
        if joined and output[0] == "stream" and joined[-1][:2] == output[:2]:
            joined[-1] = [*output[:2], joined[-1][2] + output[2]]
        else:
            joined.append(output)
    return joined
