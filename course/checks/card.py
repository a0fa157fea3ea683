"""How a verdict looks: a card in the notebook, lines in a terminal.

Words carry the meaning, since an untrusted notebook loses colours; colours come from JupyterLab's
own variables with fall-backs that read on light and dark pages.
"""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass

from course.checks.evidence import Block, Comparison, comparison_text, parts
from course.checks.verdict import Status, Verdict
from course.hints import Hint

WORDS = {
    Status.PASSED: "Passed",
    Status.FAILED: "Not yet",
    Status.NOT_STARTED: "Not started",
    Status.BROKEN: "The check itself failed",
    Status.DEFERRED: "Run when graded",
}
"""A verdict's status as a learner reads it."""

_EDGES = {
    Status.PASSED: "#2e7d32",
    Status.FAILED: "#c62828",
    Status.NOT_STARTED: "#757575",
    Status.BROKEN: "#b26a00",
    Status.DEFERRED: "#757575",
}
_BOX = (
    "border:1px solid var(--jp-border-color2,#bdbdbd);border-left:5px solid {edge};"
    "border-radius:3px;padding:8px 12px;margin:4px 0;max-width:52rem;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color1,inherit)"
)
_LINE = "margin-top:4px"
_CODE = (
    "overflow-x:auto;margin:4px 0;padding:6px 8px;border-radius:3px;font-size:90%;line-height:1.4;"
    "border:1px solid var(--jp-border-color2,#bdbdbd);background:transparent;color:inherit;"
    "font-family:var(--jp-code-font-family,ui-monospace,monospace)"
)
_CAPTION = "text-align:left;white-space:nowrap;color:inherit"
_CELL = "text-align:left;padding:2px 12px 2px 0;color:inherit"


@dataclass(frozen=True)
class Around:
    """What a learner at work is told around a verdict; a grader's card has none of it.

    Attributes
    ----------
    meaning
        What a pass rests on: which part of the check was run.
    advice
        What to do first, where the fault is not in the answer itself.
    hints
        The hints of this exercise that were not shown yet, in order.
    after
        A line on what there is to see besides: a solution, when no hint is left or all has passed.
    standing
        Points so far in this lab.
    remark
        What could not be done, such as noting the progress.
    """

    meaning: str = ""
    advice: str = ""
    hints: tuple[Hint, ...] = ()
    after: str = ""
    standing: str = ""
    remark: str = ""


NOTHING_AROUND = Around()


def verdict_text(verdict: Verdict, note: str = "", around: Around = NOTHING_AROUND) -> str:
    """Return a verdict as plain text, for terminals and other front ends."""
    lines = [_headline(verdict)]
    for part in parts(verdict.message):
        text = comparison_text(part) if isinstance(part, Comparison) else part.text
        lines.append(textwrap.indent(text, "  "))
    hint = f"`%hint` shows {around.hints[0].title}." if around.hints else ""
    trace = "`%trace` shows where it was raised." if verdict.trace else ""
    rest = (note, around.meaning, around.advice, trace, hint, around.after)
    lines += [f"  {text}" for text in (*rest, around.standing, around.remark) if text]
    return "\n".join(lines)


def verdict_html(verdict: Verdict, note: str = "", around: Around = NOTHING_AROUND) -> str:
    """Return a verdict as a card for the notebook and the feedback page."""
    shown = [f"<strong>{html.escape(_headline(verdict))}</strong>"]
    shown += [_part(part) for part in parts(verdict.message)]
    shown += [_line(text) for text in (around.advice,) if text]
    shown += [_small(text) for text in (note, around.meaning) if text]
    if verdict.trace:
        shown.append(folded("Where it was raised", code(verdict.trace)))
    if around.hints:
        shown.append(_ladder(around.hints))
    rest = (around.after, around.standing, around.remark)
    shown += [_small(text) for text in rest if text]
    return card(_EDGES[verdict.status], shown)


def note_html(headline: str, text: str) -> str:
    """Return a quiet card that states something, without a verdict."""
    return quiet_card(headline, [_line(text)])


def quiet_card(headline: str, body: list[str]) -> str:
    """Return a card without a verdict around pieces of HTML."""
    shown = [f"<strong>{html.escape(headline)}</strong>", *body]
    return card(_EDGES[Status.NOT_STARTED], shown)


def card(edge: str, body: list[str]) -> str:
    """Return a card with a coloured edge around pieces of HTML."""
    return f'<div role="status" style="{_BOX.format(edge=edge)}">{"".join(body)}</div>'


def folded(title: str, body: str) -> str:
    """Return a piece of HTML that opens when its title is clicked."""
    summary = f'<summary style="cursor:pointer">{html.escape(title)}</summary>'
    return f'<details style="{_LINE}">{summary}{body}</details>'


def hint_html(hint: Hint, after: str = "") -> str:
    """Return a hint's text, with a piece of HTML after it; it is the lab's own, and is HTML."""
    return f'<div style="{_LINE}">{hint.html}</div>{after}'


def code(text: str) -> str:
    """Return text whose spaces and line breaks matter; it can be scrolled with the keyboard."""
    return f'<pre tabindex="0" style="{_CODE}">{html.escape(text)}</pre>'


def prose(text: str) -> str:
    """Escape a message and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text)).replace("\n", "<br>")


def table(caption: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table."""
    heads = "".join(f'<th scope="col" style="{_CELL}">{html.escape(cell)}</th>' for cell in head)
    lines = (
        "".join(f'<td style="{_CELL}">{html.escape(cell)}</td>' for cell in row) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<table style="{_LINE};border-collapse:collapse;margin-left:0;font-size:inherit">'
        f'<caption style="{_CAPTION}">{html.escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def points_of(points: float, most: float) -> str:
    """Return points in words: '2 of 3 points'."""
    return f"{points:g} of {most:g} {'point' if most == 1 else 'points'}"


def _headline(verdict: Verdict) -> str:
    points = points_of(verdict.points, verdict.max_points)
    if verdict.status is Status.DEFERRED:
        points = points_of(verdict.points, verdict.max_points).partition(" of ")[2]
    subject = verdict.title or verdict.check
    return f"{WORDS[verdict.status]} · {subject} ({points})"


def _part(part: object) -> str:
    if isinstance(part, Comparison):
        rows = [(str(position), *pair) for position, *pair in part.rows]
        return table(part.caption, ("position", "expected", "got"), rows)
    return code(part.text) if isinstance(part, Block) else _line(part.text)


def _ladder(hints: tuple[Hint, ...]) -> str:
    """Return hints one inside the other, so that they are opened step by step."""
    shown = ""
    for hint in reversed(hints):
        shown = folded(hint.title, hint_html(hint, shown))
    return shown


def _line(text: str) -> str:
    return f'<div style="{_LINE}">{prose(text)}</div>'


def _small(text: str) -> str:
    return f'<div style="{_LINE}"><small>{prose(text)}</small></div>'
