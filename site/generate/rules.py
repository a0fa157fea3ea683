"""The rules that a lab's source must hold to, as a list for the author's guide."""

from __future__ import annotations

import inspect

from authoring.rules import RULES


def rules_list() -> str:
    """Return each rule that is enforced, by name and with what it asks, as Markdown."""
    return "\n".join(
        f"`{rule.__name__}`\n: {' '.join(inspect.getdoc(rule).split())}\n" for rule in RULES
    )
