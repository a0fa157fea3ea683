"""The figures of the lab on serving: long to draw, and nothing that it teaches.

Timings differ from run to run, so titles are computed from what is drawn, and alternative texts
hold only what is the same on every machine. What was recorded is marked as such below the axis.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from course import plots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axis import Axis

    from course.serving.live import Timings


def _note(source: str) -> str:
    """Return where timings come from, in lines that fit below an axis."""
    return "\n".join(textwrap.wrap(f"({source})", 62))


def _milliseconds(axis: Axis) -> None:
    """Label a logarithmic axis of latencies with plain numbers."""
    axis.set_major_locator(FixedLocator([2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000]))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_locator(NullLocator())


def draw_loads(
    timings: Timings, loads: Sequence[int], long_run: pd.DataFrame, limit_ms: float
) -> None:
    """Draw latency against offered load: live on the left, simulated on the right.

    Parameters
    ----------
    timings
        Bursts named ``"40 / s"`` and so on.
    loads
        Offered loads of these bursts, rising, in requests per second.
    long_run
        Of `course.worlds.traffic.load_test`; the first and last of its loads are compared.
    limit_ms
        Drawn as a line.
    """
    fig, (left, right) = plots.figure(2, width=4.9)
    live = {q: [timings.quantile(f"{load} / s", q) for load in loads] for q in (0.5, 0.99)}
    by_load = long_run.fillna({"latency_ms": 1_000}).groupby("offered_per_s")["latency_ms"]
    for q, name, colour in ((0.5, "median", plots.HONEST), (0.99, "p99", plots.NAIVE)):
        left.plot(loads, live[q], "o-", color=colour)
        simulated = by_load.quantile(q)
        right.plot(simulated.index, simulated, "o-", color=colour)
        plots.label(right, simulated.index[-1], simulated.iloc[-1], name, colour)
        plots.label(left, loads[-1], live[q][-1], name, colour)
    right.axhline(limit_ms, color=plots.QUIET, linewidth=1.2, linestyle="--")
    plots.label(right, simulated.index[0], limit_ms, "limit", plots.QUIET, xytext=(0, 8))
    unit = "offered load, requests per second"
    left.set(yscale="log", xlabel=f"{unit}\n{_note(timings.source)}", ylabel="latency, ms")
    left.set(
        title=f"p99: {live[0.99][0]:.0f} ms at {loads[0]}/s, {live[0.99][-1]:.0f} at {loads[-1]}/s"
    )
    p99 = by_load.quantile(0.99)
    right.set(yscale="log", xlabel=unit, xmargin=0.2)
    times = p99.iloc[-1] / p99.iloc[0]
    right.set(title=f"Simulated: {times:.0f} times the p99 at {p99.index[-1]:.0f}/s")
    left.margins(x=0.2)
    _milliseconds(left.yaxis)
    _milliseconds(right.yaxis)
    said = ", ".join(f"{value:.0f} ms at {load:.0f}/s" for load, value in p99.items())
    plots.show(
        fig,
        alt="Median and p99 of latency against offered load. Left: timings of a live "
        "run, or recorded ones; they differ between machines. "
        f"Right: simulated p99, {said}; the limit is {limit_ms:.0f} ms.",
    )


def draw_servers(timings: Sequence[Timings]) -> None:
    """Draw median and p99 of each burst of some runs, among them `plain` and `batched`."""
    everything = [(name, part) for part in timings for name in part.requests["burst"].unique()]
    fig, ax = plots.figure(height=3.6)
    tail = {}
    for place, (name, part) in enumerate(everything):
        median, tail[name] = part.quantile(name, 0.5), part.quantile(name, 0.99)
        ax.plot([median, tail[name]], [place, place], color=plots.PALETTE[place], linewidth=5)
        ax.plot(median, place, "o", color=plots.PALETTE[place], markersize=9)
    ax.set_yticks(range(len(everything)), [name for name, _ in everything])
    ax.invert_yaxis()
    # One recorded run marks the whole figure.
    source = max((part.source for part in timings), key=lambda said: said.startswith("recorded"))
    ax.set(
        xscale="log", xlabel=f"latency, ms: median (dot) to p99 (end of the bar)\n{_note(source)}"
    )
    _milliseconds(ax.xaxis)
    ax.set_title(
        f"p99 at 240/s: one by one {tail['plain']:.0f} ms, in batches {tail['batched']:.0f} ms"
    )
    plots.show(
        fig,
        alt="Median and p99 of five live bursts: plain, batched and cached at 240 requests per "
        "second, stalling and hedged at 80. Timings of a live run, or recorded ones; they differ "
        "between machines.",
    )


def draw_recall(
    own_curve: tuple[Sequence[float], Sequence[float]],
    curves: pd.DataFrame,
    source: str,
    title: str,
) -> None:
    """Draw recall against distances computed, and against time.

    Parameters
    ----------
    own_curve
        Distances per query and recall, of the learner's index.
    curves, source
        Of `course.serving.compare_indexes`.
    title
        The finding.
    """
    fig, (left, right) = plots.figure(2, width=4.9)
    left.plot(*own_curve, "o--", color=plots.NAIVE, zorder=3)
    plots.label(left, own_curve[0][0], own_curve[1][0], "your IVF", plots.NAIVE, xytext=(8, -4))
    for (name, part), colour in zip(
        curves.groupby("index", sort=False),
        (plots.TRUTH, plots.HONEST, plots.PALETTE[2]),
        strict=True,
    ):
        for ax, column in ((left, "distances"), (right, "microseconds")):
            ax.plot(part[column], part["recall"], "o-", color=colour)
            place = (part[column].iloc[0], part["recall"].iloc[0])
            beside = (-6, -12) if name == "HNSW" else (-4, 11)
            plots.label(ax, *place, f"faiss {name}", colour, xytext=beside)
    left.set(xscale="log", xlabel="distances computed per query", ylabel="recall@10")
    right.set(xscale="log", xlabel=f"time per query, microseconds\n{_note(source)}")
    left.set(title=title, ymargin=0.15, xmargin=0.15)
    right.set(title="Time of faiss on one thread", ymargin=0.15, xmargin=0.15)
    plots.show(
        fig,
        alt="Recall@10 on held-out queries against distances computed per query, for your inverted "
        "file, faiss IVF, faiss HNSW and exact search; right, against time, which differs between "
        "machines. All curves rise to 1; the graph needs the fewest distances.",
    )
