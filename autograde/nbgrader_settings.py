"""Settings of nbgrader for this course, called from the configuration file at the root."""

from __future__ import annotations

import os
from pathlib import Path

from traitlets.config import Config

from authoring.environment import put_tools_on_path
from autograde.side_files import set_aside_in_class

COURSE_ID = "ml_system_design"
GRADEBOOK_VARIABLE = "COURSE_GRADEBOOK"
"""Environment variable that names another folder than ``gradebook`` for what grading makes."""
DATABASE_VARIABLE = "COURSE_DATABASE"
"""Environment variable with the address of another database than a file in the gradebook's folder,
as in ``postgresql+psycopg://user@host/course``."""
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
    """Make the folders that nbgrader expects to be there, fit for its commands.

    nbgrader reads a submission's time stamp before any hook of ours: one that is a pipe would hold
    it for ever, so that odd files are moved out of all submissions here.
    """
    gradebook, exchange = _run_time_folders(root)
    set_aside_in_class(gradebook / "submitted")
    for folder in (gradebook, exchange):
        folder.mkdir(parents=True, exist_ok=True)
    # nbgrader asks that everybody can write to the exchange.
    exchange.chmod(0o777)


def database_url(gradebook: Path) -> str:
    """Return the address of the database with the grades, as SQLAlchemy reads it."""
    return os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{gradebook / 'gradebook.db'}"


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
    config.CourseDirectory.db_url = database_url(gradebook)
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
    config.ExportApp.plugin_class = "autograde.exports.SafeCSV"
    config.CourseExport.folder = str(gradebook)
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
    config.Autograde.pre_convert_hook = "autograde.preprocessors.set_odd_files_aside"
    # The cells that are graded are the release's own: their metadata needs no check of each.
    config.Autograde.sanitize_preprocessors = [
        "autograde.preprocessors.RebuildSubmission",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "autograde.records.OverwriteFromGradebook",
    ]
    config.Autograde.autograde_preprocessors = [
        "autograde.apart.ExecuteApart",
        "autograde.preprocessors.SettleChecks",
        "nbgrader.preprocessors.LimitOutput",
        "autograde.records.SaveGrades",
        "autograde.records.LatePenalties",
    ]
    config.ExecuteApart.timeout = CELL_SECONDS
    config.ExecuteApart.notebook_seconds = NOTEBOOK_SECONDS


def _feedback(config: Config) -> None:
    config.GenerateFeedback.exporter_class = "autograde.feedback.FeedbackExporter"
    config.GenerateFeedback.preprocessors = ["autograde.feedback.PrepareFeedback"]
