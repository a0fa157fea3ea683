"""What ``%hint``, ``%solution``, ``%progress`` and ``%trace`` show, as a card and as text."""

from __future__ import annotations

from course.checks.at_work import AtWork
from course.checks.card import code, folded, hint_html, points_of, prose, quiet_card, table
from course.errors import CourseError
from course.hints import hints_of
from course.progress import record_hint, record_solution
from course.solution_view import answer_in, solution_of

_COLUMN = '<div style="flex:1 1 15rem;min-width:0"><strong>{title}</strong>{code}</div>'


class Shown:
    """Something to read: a card where there are cards, text elsewhere."""

    def __init__(self, text: str, html: str) -> None:
        self.text, self.html = text, html

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def show_hints(learner: AtWork, named: str, command: str = "%{action} {exercise}") -> Shown:
    """Show one more hint of an exercise, below those that were shown, and note that it was.

    Parameters
    ----------
    learner
        Who asks.
    named
        The exercise; empty for that of the latest check, or the first unsolved.
    command
        How a reader of this asks for a hint or a solution, with ``{action}`` and ``{exercise}``.

    Raises
    ------
    CourseError
        If the lab has no such exercise, or the exercise no hint.
    """
    exercise = learner.exercise(named)
    hints = hints_of(learner.lab, exercise.name, learner.repository)
    more, solution = (
        f"`{command.format(action=action, exercise=exercise.name)}`"
        for action in ("hint", "solution")
    )
    if not hints:
        raise CourseError(
            f"{exercise.title} has no hints. Its text above the cell says what is asked; "
            f"{solution} shows a worked answer."
        )
    shown = min(learner.progress().hints.get(exercise.name, 0) + 1, len(hints))
    remark = record_hint(learner.lab, exercise.name, shown, learner.repository)
    after = (
        f"{more} shows one more."
        if shown < len(hints)
        else f"That is all of them. {solution} shows a worked answer beside yours."
    )
    lines = [f"{hint.title}: {hint.text}" for hint in hints[:shown]]
    body = [f"<div><em>{prose(hint.title)}</em>{hint_html(hint)}</div>" for hint in hints[:shown]]
    notes = [after, *([remark] if remark else [])]
    headline = f"{exercise.title}: hint {shown} of {len(hints)}"
    return Shown(
        "\n".join([headline, *lines, *notes]),
        quiet_card(headline, body + [f"<div><small>{prose(note)}</small></div>" for note in notes]),
    )


def show_solution(learner: AtWork, named: str, own: str) -> Shown:
    """Show the solution of an exercise beside the learner's own, and note that it was shown.

    Raises
    ------
    CourseError
        If the lab has no such exercise, or its solution is not on this disk.
    """
    exercise = learner.exercise(named)
    solution = solution_of(learner.lab, exercise.name, own, learner.repository)
    remark = record_solution(learner.lab, exercise.name, learner.repository)
    yours = own or _saved_answer(learner, exercise.name)
    columns = _COLUMN.format(title="Yours", code=code(yours.strip()))
    columns += _COLUMN.format(title="Worked", code=code(solution.worked))
    body = [f'<div style="display:flex;flex-wrap:wrap;gap:0 16px;margin-top:4px">{columns}</div>']
    text = ["Yours:", yours.strip(), "", "Worked:", solution.worked]
    if solution.alternative:
        title = f"Another right answer: {solution.title}"
        body.append(folded(title, code(solution.alternative)))
        text += ["", f"{title}:", solution.alternative]
    if remark:
        body.append(f"<div><small>{prose(remark)}</small></div>")
        text.append(remark)
    headline = f"{exercise.title}: a solution"
    return Shown("\n".join([headline, *text]), quiet_card(headline, body))


def _saved_answer(learner: AtWork, exercise: str) -> str:
    """Return an exercise's cell as the working copy has it saved."""
    try:
        saved = answer_in(learner.entry.working_copy, exercise)
    except (OSError, ValueError):
        saved = ""
    return saved or "# Not in this session yet: run the cell of your answer to see it here."


def show_progress(learner: AtWork) -> Shown:
    """Show a learner's points and states in one lab, by exercise."""
    entry, progress = learner.entry, learner.progress()
    rows = [
        (
            exercise.title,
            f"{exercise.earned(progress):g} of {exercise.points:g}",
            exercise.status(progress),
        )
        for exercise in entry.exercises
    ]
    caption = f"{points_of(entry.earned(progress), entry.points)} in this lab"
    remark = learner.remark()
    body = [table(caption, ("exercise", "points", "state"), rows)]
    body += [f"<div><small>{prose(remark)}</small></div>"] if remark else []
    lines = [f"{points:>10}  {state:<11}  {title}" for title, points, state in rows]
    text = "\n".join([f"{entry.title}: {caption}", *lines, *([remark] if remark else [])])
    return Shown(text, quiet_card(entry.title, body))


def show_trace(trace: str) -> Shown:
    """Show the calls that led to what an answer raised.

    Raises
    ------
    CourseError
        If nothing was raised.
    """
    if not trace:
        raise CourseError("The check that was run last did not end in an error of your code.")
    return Shown(trace, quiet_card("Where it was raised", [code(trace)]))
