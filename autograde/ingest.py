"""Take in a submission: data from a stranger, of which only the answers are kept.

The notebook that is run is rebuilt from the release's own cells. From the submission come the text
of its solution cells and a bounded number of extra cells, nothing else: no metadata, no tags, no
outputs, no check cells. What had to be repaired is said in notes, which the grader and the learner
both see.
"""

from __future__ import annotations

import copy
import json
import os
import stat

import nbformat
from nbformat import NotebookNode

from course.checks.verdict import visible_part

LARGEST_FILE = 20_000_000
"""Bytes; a notebook with its figures is a few million."""
LARGEST_CELL = 200_000
"""Characters of one cell's source."""
MOST_CELLS = 400
MOST_EXTRA_CELLS = 60

SUBMITTED_AS = "submitted_as"
"""Key of a submitted cell's metadata under which nbgrader's id is kept, if it had one."""
_LONGEST_ID = 200

NOTES_KEY = "course"
"""Key of the notebook's metadata under which the notes are kept."""


class UnreadableError(Exception):
    """A submitted file that can't be graded; the text says why, for the learner to read."""


def read_submission(path: str | os.PathLike[str]) -> NotebookNode:
    """Read a submitted notebook, older formats included.

    Of its cells, the kind, the text and nbgrader's id are taken, and nothing else of it.

    Raises
    ------
    UnreadableError
        If it is not a regular file, too large, not JSON, or not a notebook.
    """
    content = read_file(path)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableError("The file is not JSON; it may have been cut off.") from None
    if not isinstance(data, dict) or not isinstance(data.get("nbformat"), int):
        raise UnreadableError("The file is JSON, but not a notebook.")
    if data["nbformat"] < 4:
        return _upgrade(data)
    if data["nbformat"] > 4 or not isinstance(data.get("cells"), list):
        raise UnreadableError(f"The notebook's format ({data['nbformat']}) is not known.")
    if len(data["cells"]) > MOST_CELLS:
        raise UnreadableError(f"The notebook has more than {MOST_CELLS} cells.")
    return _plain(data["cells"])


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read a stranger's file.

    Raises
    ------
    UnreadableError
        If it is not a regular file, or too large.
    """
    # A link would be followed to a solution, a pipe would hang, a device would never end.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        raise UnreadableError("The file could not be opened, or is a link.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("This is not a regular file.")
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if status.st_size > LARGEST_FILE:
            raise UnreadableError(f"The file is larger than {LARGEST_FILE // 1_000_000} MB.")
        return stream.read(LARGEST_FILE + 1)


def rebuild(submission: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Put a submission's answers into the release's cells.

    Parameters
    ----------
    submission
        What was sent, as `read_submission` returns it; nothing in it is trusted.
    release
        The release that the learner was given.

    Returns
    -------
    notebook, notes
        The notebook to run, and sentences on what was repaired.
    """
    position = {_grade_id(cell): index for index, cell in enumerate(release.cells)}
    answers, extras, notes = _take_answers(submission, release, position)
    notebook = copy.deepcopy(release)
    cells = [_extra_cell(-1, n, text) for n, text in enumerate(extras.get(-1, []))]
    for index, cell in enumerate(notebook.cells):
        if index in answers:
            cell.source = answers[index]
        cells.append(cell)
        cells += [_extra_cell(index, n, text) for n, text in enumerate(extras.get(index, []))]
    notebook.cells = cells
    return notebook, notes


def add_notes(notebook: NotebookNode, notes: list[str]) -> None:
    """Keep notes with a notebook, for reports and for the learner's feedback."""
    kept = notebook.metadata.setdefault(NOTES_KEY, NotebookNode())
    kept["notes"] = [*kept.get("notes", []), *notes]


def keep_fingerprint(notebook: NotebookNode, text: str) -> None:
    """Keep with a notebook what its grade depends on; see `autograde.fingerprint`."""
    notebook.metadata.setdefault(NOTES_KEY, NotebookNode())["fingerprint"] = text


def mark_graded(notebook: NotebookNode) -> None:
    """Say in a notebook that its grading came to its end."""
    notebook.metadata.setdefault(NOTES_KEY, NotebookNode())["graded"] = True


def tell_sandbox(notebook: NotebookNode, tier: str, seconds: dict[str, float]) -> None:
    """Say in a notebook how its code was confined, and how long each exercise's own code took."""
    kept = notebook.metadata.setdefault(NOTES_KEY, NotebookNode())
    kept["sandbox"] = tier
    kept["seconds"] = {name: round(float(spent), 3) for name, spent in seconds.items()}


def is_graded(notebook: NotebookNode) -> bool:
    """Say whether a notebook's grading came to its end, rather than being killed on the way."""
    return notebook.metadata.get(NOTES_KEY, {}).get("graded") is True


def notes_of(notebook: NotebookNode) -> list[str]:
    """Return the notes kept with a notebook."""
    return list(notebook.metadata.get(NOTES_KEY, {}).get("notes", []))


def _upgrade(data: dict[str, object]) -> NotebookNode:
    try:
        old = nbformat.reads(json.dumps(data), as_version=nbformat.NO_CONVERT)
        return _plain(nbformat.convert(old, 4).cells)
    except Exception:  # nbformat raises many kinds for an odd old notebook
        raise UnreadableError(
            f"The notebook's format ({data['nbformat']}) is old and could not be upgraded."
        ) from None


def _plain(cells: list[object]) -> NotebookNode:
    """Return a notebook with what is taken of a submission's cells: kind, text and id."""
    kept = [
        nbformat.from_dict(
            {
                "id": f"submitted-{number}",
                "cell_type": cell["cell_type"],
                "source": _source(cell),
                "metadata": {SUBMITTED_AS: _grade_id(cell)},
            }
        )
        for number, cell in enumerate(cells)
        if _is_cell(cell)
    ]
    notebook = nbformat.v4.new_notebook()
    notebook.cells = kept
    return notebook


def _take_answers(
    submission: NotebookNode, release: NotebookNode, position: dict[str, int]
) -> tuple[dict[int, str], dict[int, list[str]], list[str]]:
    """Sort a submission's cells into answers and extras, by place in the release."""
    answers: dict[int, str] = {}
    extras: dict[int, list[str]] = {}
    notes: list[str] = []
    seen: set[str] = set()
    left_out, here, extra_count = 0, -1, 0
    for cell in submission.cells:
        kind, text, grade_id = cell.cell_type, cell.source, cell.metadata[SUBMITTED_AS]
        known = position.get(grade_id)
        if known is not None and grade_id not in seen:
            here = known
            seen.add(grade_id)
            if _is_solution(release.cells[known]):
                if kind == "code" and len(text) <= LARGEST_CELL:
                    answers[known] = text
                else:
                    notes.append(f"The cell of `{grade_id}` was not code of a fair size; unsolved.")
            elif visible_part(text) != visible_part(release.cells[known].source):
                notes.append(f"The given cell `{grade_id}` was not as released; it was put back.")
            continue
        # A copy of an exercise's cell runs where the learner put it; a copied check is dropped.
        copied_answer = known is not None and _is_solution(release.cells[known])
        if kind != "code" or not text.strip():
            continue
        if (grade_id is not None and not copied_answer) or len(text) > LARGEST_CELL:
            left_out += 1
        elif extra_count < MOST_EXTRA_CELLS:
            extras.setdefault(here, []).append(text)
            extra_count += 1
        else:
            left_out += 1
    notes += _missing(release, seen)
    if left_out:
        notes.append(f"{left_out} cells that are not of this release were left out.")
    return answers, extras, notes


def _missing(release: NotebookNode, seen: set[str]) -> list[str]:
    notes = []
    for cell in release.cells:
        grade_id = _grade_id(cell)
        if grade_id not in seen and (_is_solution(cell) or cell.metadata.nbgrader.grade):
            notes.append(f"The cell `{grade_id}` was missing; it was put back as released.")
    return notes


def _extra_cell(index: int, number: int, text: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(text, id=f"extra-{index + 1}-{number}")


def _grade_id(cell: NotebookNode) -> str | None:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return grade_id if isinstance(grade_id, str) and len(grade_id) < _LONGEST_ID else None


def _is_cell(cell: object) -> bool:
    return isinstance(cell, dict) and isinstance(cell.get("cell_type"), str)


def _source(cell: dict[str, object]) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    # A lone surrogate can be in JSON but not in a file that a kernel reads.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
