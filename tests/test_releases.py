"""Run All on each release, as a learner who has solved nothing: no traceback, nothing earned."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from authoring.tree import REPOSITORY
from autograde.execute import BoundedExecute
from course.checks.magics import VERDICT_MIME


@pytest.mark.parametrize("lab", REPOSITORY.lab_names())
def test_run_all_goes_through_an_unsolved_lab(lab: str, tmp_path: Path) -> None:
    notebook = nbformat.read(REPOSITORY.release(lab), as_version=4)
    executor = BoundedExecute(timeout=120, extra_arguments=["--IPKernelApp.log_level=ERROR"])
    executor.preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    outputs = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [(place, o.evalue) for place, o in outputs if o.output_type == "error"] == []
    verdicts = [o.data[VERDICT_MIME] for _, o in outputs if VERDICT_MIME in o.get("data", {})]
    checks = sum(bool(cell.metadata.nbgrader.grade) for cell in notebook.cells)
    assert len(verdicts) == checks
    assert {verdict["status"] for verdict in verdicts} == {"not started"}
