"""The texts of a notebook as HTML that fits into the feedback page."""

from __future__ import annotations

import html

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograde.feedback.mathematics import formula

_PICTURES = ("data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/svg+xml;")


class HeadingLevels:
    """Puts a notebook's headings below one of the page's, in steps of one.

    Parameters
    ----------
    top
        Level of the notebook's first headings in the page.
    """

    def __init__(self, top: int) -> None:
        self.top, self._open = top, []

    def level(self, own: int) -> int:
        """Return the page's level of the next heading, by its level in the notebook."""
        self._open = [*(outer for outer in self._open if outer < own), own]
        return min(self.top + len(self._open) - 1, 6)


def to_html(source: str, levels: HeadingLevels, *, trusted: bool) -> str:
    """Return Markdown as HTML.

    Parameters
    ----------
    source
        The Markdown.
    levels
        The headings before it.
    trusted
        Whether the text is the release's own. HTML and formulae of others are shown as written.
    """
    return MarkdownWithMath(renderer=_Renderer(levels, trusted=trusted)).render(source)


class _Renderer(IPythonRenderer):
    def __init__(self, levels: HeadingLevels, *, trusted: bool) -> None:
        super().__init__(escape=not trusted, allow_harmful_protocols=False)
        self.levels, self.trusted = levels, trusted

    def heading(self, text: str, level: int, **attrs: object) -> str:
        own = self.levels.level(level)
        return f"<h{own}>{text}</h{own}>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        # Nothing is fetched: a picture is in the page or it is a sentence.
        if self.trusted and url.startswith(_PICTURES):
            return super().image(text, url, title)
        return f"<em>[picture: {html.escape(text)}]</em>"

    def block_math(self, body: str) -> str:
        return self._formula(body, display=True)

    def inline_math(self, body: str) -> str:
        return self._formula(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def _formula(self, latex: str, *, display: bool) -> str:
        if self.trusted:
            return formula(latex.strip(), display=display)
        return f"<code>{html.escape(latex)}</code>"
