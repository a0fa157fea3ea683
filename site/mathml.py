"""Formulas as MathML, made when the site is built: nothing is loaded or run to show them.

MathML is shown by every current browser and read out by screen readers. A formula that cannot be
converted is a warning, and so ends the build.
"""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

_LOGGER = logging.getLogger(__name__)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the renderer with Sphinx, under the name ``mathml``."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    if node.get("number"):
        _LOGGER.warning("The site shows no numbers of equations.", location=node)
    # A wide formula scrolls in a narrow window, by keyboard too.
    start = '<div class="formula" tabindex="0" role="group" aria-label="Formula">'
    translator.body.append(f"{start}{_mathml(node, 'block')}</div>\n")
    raise nodes.SkipNode


def _mathml(node: nodes.math | nodes.math_block, display: str) -> str:
    formula = node.astext().strip()
    markup = convert(formula, display=display)
    # The converter passes on, letter for letter, a command that it doesn't know.
    if "\\" in markup:
        _LOGGER.warning("This formula cannot be shown as MathML: %s", formula, location=node)
    return markup
