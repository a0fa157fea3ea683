"""Sphinx's settings for the course's web site; `build.py` calls Sphinx with them."""

import importlib
import inspect
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

project = "Machine-learning system design"
html_title = "Machine-learning system design, hands on"
html_short_title = "ML system design"
copyright = "the authors of the course; code BSD 3-Clause, texts CC BY 4.0"
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "mathml",
]
exclude_patterns = ["downloads/**", "**/*.inc", "*.inc"]

# The worked notebooks are committed with their outputs.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"

# In docstrings a name in backticks is a thing of the same module, or code.
default_role = "py:obj"
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    # Without the network there is nothing to link the types of other libraries to.
    ("py:.*", r"(numpy|np|pandas|pd|collections|typing|sklearn)\..*"),
]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
# A docstring may describe several arguments together, which fields of their own would tear apart.
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["course.css"]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "start": []}
html_theme_options = {
    "logo": {"text": html_short_title},
    # The theme's buttons that unfold a section have no name for screen readers.
    "navigation_depth": 1,
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app: Sphinx) -> None:
    """Say where constants are from; by itself viewcode takes the module of a value's type."""
    app.connect("viewcode-follow-imported", _module_of_constant)


def _module_of_constant(_: Sphinx, module: str, name: str) -> str | None:
    value = getattr(importlib.import_module(module), name, None)
    of_its_own = value is None or inspect.isclass(value) or inspect.isfunction(value)
    return None if of_its_own else module
