"""Settings of nbgrader for this course, called from the configuration file at the root."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from traitlets.config import Config

from authoring.environment import put_tools_on_path

COURSE_ID = "ml_system_design"
GRADEBOOK_VARIABLE = "COURSE_GRADEBOOK"
"""Environment variable that names another folder than ``gradebook`` for what grading makes."""
EXCHANGE_VARIABLE = "COURSE_EXCHANGE"
"""Environment variable that names another exchange folder than the one in the gradebook's."""

# nbgrader's own list (0.9.6): its order matters, and a configured list replaces it whole.
_GENERATE = (
    "IncludeHeaderFooter",
    "InstantiateTests",
    "LockCells",
    "ClearSolutions",
    "ClearOutput",
    "CheckCellMetadata",
    "ComputeChecksums",
    "SaveCells",
    "ClearHiddenTests",
    "ClearMarkScheme",
    "ComputeChecksums",
    "CheckCellMetadata",
)

CELL_SECONDS = 30
NOTEBOOK_SECONDS = 300


def configure(config: Config, root: Path) -> None:
    """Tell nbgrader this course's folders, limits and grader.

    Parameters
    ----------
    config
        The configuration that nbgrader is loading.
    root
        The course's root: the folder with ``source``, ``release`` and ``gradebook``.
    """
    put_tools_on_path()
    _folders(config, root)
    _grading(config)
    _feedback(config)


def make_folders(root: Path) -> None:
    """Make the folders that nbgrader expects to be there."""
    gradebook, exchange = _run_time_folders(root)
    for folder in (gradebook, exchange):
        folder.mkdir(parents=True, exist_ok=True)
    # nbgrader asks that everybody can write to the exchange.
    exchange.chmod(0o777)


def _run_time_folders(root: Path) -> tuple[Path, Path]:
    gradebook = root / os.environ.get(GRADEBOOK_VARIABLE, "gradebook")
    return gradebook, root / os.environ.get(EXCHANGE_VARIABLE, gradebook / "exchange")


def _folders(config: Config, root: Path) -> None:
    gradebook, exchange = _run_time_folders(root)
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.course_id = COURSE_ID
    config.CourseDirectory.source_directory = "source"
    config.CourseDirectory.release_directory = "release"
    for name in ("submitted", "autograded", "feedback"):
        config.CourseDirectory[f"{name}_directory"] = os.path.relpath(gradebook / name, root)
    config.CourseDirectory.db_url = f"sqlite:///{gradebook / 'gradebook.db'}"
    # Lab sources hold the solutions; nbgrader would copy them into the release.
    config.CourseDirectory.ignore = [
        ".ipynb_checkpoints",
        "*.pyc",
        "__pycache__",
        "feedback",
        "*.py",
        ".*",
    ]
    config.Exchange.root = str(exchange)
    config.ExportPlugin.to = str(gradebook / "grades.csv")
    if gradebook.exists():
        config.NbGrader.logfile = str(gradebook / "nbgrader.log")


def _grading(config: Config) -> None:
    # A release that is in git is there already, and the gradebook still needs the assignment.
    config.GenerateAssignment.force = True
    config.GenerateAssignment.preprocessors = [
        "autograde.preprocessors.RefuseOtherCells",
        *(f"nbgrader.preprocessors.{name}" for name in _GENERATE),
    ]
    config.Autograde.exporter_class = "autograde.preprocessors.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = [
        "autograde.preprocessors.RebuildSubmission",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    config.Autograde.autograde_preprocessors = [
        "autograde.execute.BoundedExecute",
        "autograde.preprocessors.SettleChecks",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    config.Execute.timeout = CELL_SECONDS
    config.BoundedExecute.notebook_seconds = NOTEBOOK_SECONDS
    config.Execute.shutdown_kernel = "immediate"
    config.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    # A cell with this tag is skipped, and a check that is skipped would earn all of its points.
    config.Execute.skip_cells_with_tag = secrets.token_hex(16)
    # One numeric thread per kernel: grades must not depend on how many cores are free.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def _feedback(config: Config) -> None:
    config.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograde.preprocessors.ShowVisiblePart",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
