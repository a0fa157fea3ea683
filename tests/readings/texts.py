"""The chapters as they read."""

from __future__ import annotations

from pathlib import Path

READINGS = Path(__file__).resolve().parents[2] / "course" / "readings"


def text_of(chapter: str) -> str:
    """Return a chapter's Markdown."""
    return (READINGS / f"{chapter}.md").read_text(encoding="utf-8")
