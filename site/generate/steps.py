"""The steps of the course, for its first page."""

from __future__ import annotations

import textwrap

from course.catalogue import Module


def steps_list(modules: list[Module]) -> str:
    """Return each module with its chapter and its labs, as Markdown.

    Parameters
    ----------
    modules
        The course's modules, in order.
    """
    steps = "\n\n".join(map(_step, modules))
    return f":::{{container}} steps\n{steps}\n:::\n"


def _step(module: Module) -> str:
    lines = [f"**{module.title}**", "", module.teaches, ""]
    if module.reading:
        lines.append(f"- [The chapter](readings/{module.reading.name})")
    for lab in module.labs:
        size = f"{lab.points:g} points"
        if lab.minutes:
            size += f", {lab.minutes} minutes"
        lines.append(f"- [{lab.title}](labs/{lab.name}.md) · {size}")
    return "1. " + textwrap.indent("\n".join(lines), "   ").lstrip()
