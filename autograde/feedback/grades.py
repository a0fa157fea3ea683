"""What the gradebook says of one submitted notebook."""

from __future__ import annotations

from dataclasses import dataclass

from nbgrader.api import Gradebook


@dataclass(frozen=True)
class CellGrade:
    """The points of one cell.

    Attributes
    ----------
    points, most
        Points given, extra credit included, and points to be had.
    extra
        Points of extra credit.
    by_hand
        Whether an instructor gave or changed them.
    pending
        Whether an instructor is still to give them.
    """

    points: float
    most: float
    extra: float = 0
    by_hand: bool = False
    pending: bool = False


@dataclass(frozen=True)
class NotebookGrades:
    """The points and comments of one submitted notebook, by the cells' nbgrader ids.

    Attributes
    ----------
    penalty
        Points taken off the whole module for a late submission.
    comments
        What an instructor wrote.
    """

    points: float
    most: float
    penalty: float
    cells: dict[str, CellGrade]
    comments: dict[str, str]

    @property
    def pending(self) -> bool:
        """Whether an instructor is still to give some points."""
        return any(cell.pending for cell in self.cells.values())


def read_grades(place: dict[str, str]) -> NotebookGrades:
    """Read a notebook's grades.

    Parameters
    ----------
    place
        What nbgrader says of the notebook: ``db_url``, ``notebook``, ``assignment``, ``student``.
    """
    with Gradebook(place["db_url"]) as gradebook:
        found = gradebook.find_submission_notebook(
            place["notebook"], place["assignment"], place["student"]
        )
        return NotebookGrades(
            points=found.score,
            most=found.max_score,
            penalty=found.late_submission_penalty or 0,
            cells={
                grade.name: CellGrade(
                    points=grade.score or 0,
                    most=grade.max_score or 0,
                    extra=grade.extra_credit or 0,
                    by_hand=grade.manual_score is not None or bool(grade.extra_credit),
                    pending=bool(grade.needs_manual_grade),
                )
                for grade in found.grades
            },
            comments={
                comment.name: comment.manual_comment
                for comment in found.comments
                if comment.manual_comment
            },
        )
