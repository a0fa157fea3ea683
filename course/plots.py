"""The house style of the course's figures.

A figure answers one question of the text: its title states the finding, its axes carry units, and
its series are labelled where they are rather than in a legend. Colours are the Okabe-Ito set
(Okabe & Ito 2008), which stays apart under the common forms of colour blindness; the background is
always light, so that a figure reads the same in JupyterLab's dark theme.
"""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAIVE = "#D55E00"
"""Colour of the naive decision, and of what went wrong."""
HONEST = "#0072B2"
"""Colour of the repaired decision, and of what is right."""
TRUTH = "#1B1B1B"
"""Colour of what the world did."""
QUIET = "#767676"
"""Colour of context: grid-like lines, references, annotations."""
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1B1B1B")
"""Colours for further series, in the order of use."""

_STYLE = {
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": TRUTH,
    "xtick.color": TRUTH,
    "ytick.color": TRUTH,
    "grid.color": "#E3E3E3",
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def figure(columns: int = 1, *, width: float = 6.0, height: float = 3.5) -> tuple[Figure, Axes]:
    """Make a figure in the house style.

    Parameters
    ----------
    columns
        Number of panels side by side.
    width, height
        Size of one panel, in inches.

    Returns
    -------
    fig, ax
        The figure, and its axes (an array of them for more than one panel).
    """
    # For the session and not for this call alone: titles and labels are set after it.
    sns.set_theme(style="whitegrid", palette=PALETTE, rc=_STYLE)
    fig, ax = plt.subplots(1, columns, figsize=(width * columns, height), layout="constrained")
    return fig, ax


def label(ax: Axes, x: float, y: float, text: str, color: str = TRUTH, **kwargs: object) -> None:
    """Write a direct label beside a mark, in data coordinates, offset a little to the right."""
    options = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 10}
    ax.annotate(text, (x, y), color=color, **(options | kwargs))


class _FigureWithAlt:
    """A rendered figure that carries its alternative text wherever a front end can show one."""

    def __init__(self, png: bytes, alt: str) -> None:
        self.png, self.alt = png, alt

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        encoded = base64.b64encode(self.png).decode("ascii")
        picture = f'<img alt="{html.escape(self.alt, quote=True)}" style="max-width:100%" '
        picture += f'src="data:image/png;base64,{encoded}">'
        data = {
            "image/png": encoded,
            "text/html": picture,  # JupyterLab shows alternative text only from here
            "text/plain": f"[figure] {self.alt}",
        }
        return data, {"image/png": {"alt": self.alt}}


def show(fig: Figure, *, alt: str) -> None:
    """Display a figure once, with alternative text for readers who cannot see it.

    Parameters
    ----------
    fig
        The figure; it is closed, so that the notebook does not show it a second time.
    alt
        One or two sentences that say what the figure shows, with its numbers.

    Raises
    ------
    ValueError
        If the alternative text is empty.
    """
    if not alt.strip():
        raise ValueError("A figure needs alternative text: pass alt='what the figure shows'.")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(fig)
    from IPython.display import display

    display(_FigureWithAlt(buffer.getvalue(), alt))
