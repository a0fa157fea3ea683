"""Formulae as MathML, which browsers show by themselves: no script, no font, no network."""

from __future__ import annotations

import html
from xml.etree import ElementTree

from latex2mathml.converter import convert

_LONG_FORMULA = 50
"""Characters of LaTeX from which a displayed formula may be wider than a phone."""


def formula(latex: str, *, display: bool) -> str:
    """Return LaTeX as MathML, or as it was written if it can't be turned into MathML."""
    mathml = _mathml(latex, display=display)
    if mathml is None:
        return f"<code>{html.escape(latex)}</code>"
    if not display:
        return mathml
    # Formulae don't wrap: one that may be too wide can be scrolled, with the keyboard as well.
    reach = ' tabindex="0" role="group" aria-label="Formula"' if len(latex) > _LONG_FORMULA else ""
    return f'<span class="formula"{reach}>{mathml}</span>'


def _mathml(latex: str, *, display: bool) -> str | None:
    # The converter passes these two on as they are, which would not be well-formed.
    source = latex.replace("<", r"\lt ").replace(">", r"\gt ")
    try:
        mathml = convert(source, display="block" if display else "inline")
        root = ElementTree.fromstring(mathml)
    except Exception:  # the converter has a dozen kinds of error, without a common base
        return None
    unknown = any("\\" in text for text in root.itertext())
    return None if unknown else mathml
