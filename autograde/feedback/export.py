"""What nbgrader's ``generate_feedback`` is configured with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

from autograde.feedback.grades import read_grades
from autograde.feedback.page import make_page
from course.checks.card import prose

TEMPLATES = Path(__file__).parent / "templates"


class FeedbackExporter(HTMLExporter):
    """nbconvert's HTML exporter with this course's template.

    A class of its own, because the formgrader has another template for ``HTMLExporter``.
    """

    @property
    def default_config(self) -> Config:
        """Where the template is."""
        own = {
            "template_name": "course_feedback",
            "extra_template_basedirs": [str(TEMPLATES)],
        }
        config = Config({"FeedbackExporter": own})
        inherited = super().default_config.copy()
        inherited.merge(config)
        return inherited

    def default_filters(self) -> Iterator[tuple[str, Callable]]:
        """Nbconvert's filters, and one for sentences with code between backticks."""
        yield from super().default_filters()
        yield "message", _message


def _message(text: str) -> Markup:
    return Markup(prose(text))


class PrepareFeedback(NbGraderPreprocessor):
    """Works out what the page says, from the graded notebook and the gradebook."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Give the template its page."""
        place = resources["nbgrader"]
        resources["feedback"] = make_page(nb, read_grades(place), place)
        return nb, resources
