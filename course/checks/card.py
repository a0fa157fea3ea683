"""How a verdict looks: a card in the notebook, lines in a terminal.

Words carry the meaning, since an untrusted notebook loses colours; colours come from JupyterLab's
own variables with fall-backs that read on light and dark pages.
"""

from __future__ import annotations

import html
import re

from course.checks.verdict import Status, Verdict

_WORDS = {
    Status.PASSED: "Passed",
    Status.FAILED: "Not yet",
    Status.NOT_STARTED: "Not started",
    Status.BROKEN: "The check itself failed",
    Status.DEFERRED: "Run when graded",
}
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


def verdict_text(verdict: Verdict, note: str = "") -> str:
    """Return a verdict as plain text, for terminals and other front ends."""
    lines = [_headline(verdict)]
    lines += [f"  {part}" for part in (verdict.message, note) if part]
    return "\n".join(lines)


def verdict_html(verdict: Verdict, note: str = "") -> str:
    """Return a verdict as a card for the notebook and the feedback page."""
    parts = [f"<strong>{html.escape(_headline(verdict))}</strong>"]
    if verdict.message:
        parts.append(f'<div style="margin-top:4px">{_prose(verdict.message)}</div>')
    if note:
        parts.append(f'<div style="margin-top:4px"><small>{_prose(note)}</small></div>')
    return _card(_EDGES[verdict.status], parts)


def note_html(headline: str, text: str) -> str:
    """Return a quiet card that states something, without a verdict."""
    parts = [f"<strong>{html.escape(headline)}</strong>"]
    parts.append(f'<div style="margin-top:4px">{_prose(text)}</div>')
    return _card(_EDGES[Status.NOT_STARTED], parts)


def _headline(verdict: Verdict) -> str:
    unit = "point" if verdict.max_points == 1 else "points"
    points = f"{verdict.points:g} of {verdict.max_points:g} {unit}"
    if verdict.status is Status.DEFERRED:
        points = f"{verdict.max_points:g} {unit}"
    subject = verdict.title or verdict.check
    return f"{_WORDS[verdict.status]} · {subject} ({points})"


def _prose(text: str) -> str:
    """Escape a message and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text)).replace("\n", "<br>")


def _card(edge: str, parts: list[str]) -> str:
    return f'<div role="status" style="{_BOX.format(edge=edge)}">{"".join(parts)}</div>'
