"""Figures and numbers of the chapter on serving: queues, tails, indexes, releases, costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans

from course import plots
from course.worlds import traffic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORLD = 1
SERVICE_MS = 5.0
LOADS = (*range(20, 200, 20), 190)
PROBES = (1, 2, 4, 8, 16, 32)

# --- Stages ---------------------------------------------------------------------------------------

_ONLINE = (
    (0, "request"),
    (1, "gateway,\ncache"),
    (2, "features"),
    (3, "retrieve\n(index)"),
    (4, "rank\n(replicas)"),
    (5, "list"),
)
_BELOW = (
    (1, "last list"),
    (2, "feature store"),
    (3, "build index"),
    (4, "export, canary"),
    (5, "popular videos"),
)


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour}
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=plots.TRUTH, bbox=frame)


def draw_stages() -> Figure:
    """Draw the path of a request, and what is made for it beforehand."""
    fig, ax = plots.figure(width=8.6, height=2.9)
    for x, text in _ONLINE:
        _box(ax, x, 1, text, plots.HONEST)
        if x:
            arrow = {"arrowstyle": "->", "color": plots.QUIET}
            ax.annotate("", (x - 0.37, 1), xytext=(x - 0.63, 1), arrowprops=arrow)
    for x, text in _BELOW:
        ax.plot([x, x], [0.28, 0.66], color=plots.QUIET, linewidth=1)
        _box(ax, x, 0, text, plots.NAIVE)
    ax.text(-0.42, 1.62, "online, in milliseconds", color=plots.HONEST)
    ax.text(
        -0.42, -0.6, "offline, in hours, and there when the online path fails", color=plots.NAIVE
    )
    ax.set(xlim=(-0.5, 5.5), ylim=(-0.75, 1.8))
    ax.axis("off")
    ax.set_title("Each online stage rests on something that was made before")
    return fig


# --- Queues ---------------------------------------------------------------------------------------


@cache
def p99_by_load(spread: float) -> dict[int, float]:
    """Return the p99 in ms at each load, at a replica with this spread of service times."""
    tested = traffic.load_test(
        WORLD,
        LOADS,
        service_ms=SERVICE_MS,
        spread=spread,
        requests=30_000,
        repeats=2,
        patience_ms=1e9,
    )
    p99 = tested.groupby("offered_per_s")["latency_ms"].quantile(0.99)
    return {int(load): float(value) for load, value in p99.items()}


def erlang_c(load: float, servers: int) -> float:
    """Return the probability that a request waits, of Poisson arrivals at equal servers.

    Parameters
    ----------
    load
        Arrival rate times mean service time, below `servers` (Erlang 1917).
    servers
        Number of servers with one common queue.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def draw_load() -> Figure:
    """Draw the p99 against utilisation for equal and for spread service times."""
    fig, ax = plots.figure()
    for spread, name, colour in (
        (0.0, "equal service times", plots.HONEST),
        (0.5, "spread", plots.PALETTE[4]),
        (1.0, "widely spread", plots.NAIVE),
    ):
        p99 = p99_by_load(spread)
        ax.plot([load / 200 for load in p99], list(p99.values()), "o-", color=colour, ms=4)
        plots.label(ax, 0.95, p99[190], name, colour, xytext=(6, 5 if spread else -5))
    ax.axvline(0.7, color=plots.QUIET, linewidth=1.2, linestyle="--")
    plots.label(ax, 0.7, 900, "a common target", plots.QUIET, xytext=(-96, 0))
    ax.set(yscale="log", xlim=(0.05, 1.3), xlabel="utilisation", ylabel="p99 latency, ms")
    ax.set_xticks([0.2, 0.4, 0.6, 0.8, 1.0])
    ax.set_yticks([10, 30, 100, 300, 1_000], ["10", "30", "100", "300", "1,000"])
    ax.set_title("The tail rises long before the server is full")
    return fig


# --- Hedging --------------------------------------------------------------------------------------


@cache
def hedged(delay_ms: float) -> tuple[float, float, float]:
    """Return median and p95 of requests with 100 calls, and the extra load, at a hedge's delay."""
    first, second = traffic.calls(WORLD, 4_000)
    slowest = np.where(first > delay_ms, np.minimum(first, delay_ms + second), first).max(axis=1)
    median, p95 = np.quantile(slowest, (0.5, 0.95))
    return float(median), float(p95), float((first > delay_ms).mean())


def draw_hedge() -> Figure:
    """Draw the requests' median and the extra load against the delay of the copy."""
    delays = np.array([0, 2, 4, 6, 8, 10, 15, 20, 30, 50, 80, 120, 160])
    median, p95, extra = np.array([hedged(float(delay)) for delay in delays]).T
    fig, (left, right) = plots.figure(2, width=4.5)
    left.plot(delays, median, "o-", color=plots.HONEST, ms=4)
    left.plot(delays, p95, "o-", color=plots.PALETTE[4], ms=4)
    left.axhline(hedged(1e9)[0], color=plots.QUIET, linewidth=1.2, linestyle="--")
    plots.label(left, 0, hedged(1e9)[0], "median without", plots.QUIET, xytext=(2, 9))
    plots.label(left, 50, median[9], "median", plots.HONEST, xytext=(4, -12))
    plots.label(left, 50, p95[9], "p95", plots.PALETTE[4], xytext=(-8, 14))
    left.set(xlabel="copy sent after, ms", ylabel="latency of the request, ms", ylim=(0, 220))
    left.set_title("Late copies come too late …")
    right.plot(delays, 100 * extra, "o-", color=plots.NAIVE, ms=4)
    right.set(xlabel="copy sent after, ms", ylabel="extra load, %", xlim=(-2, 52))
    right.set_title("… early ones double the load")
    return fig


# --- Indexes --------------------------------------------------------------------------------------


@cache
def recall_by_lists(n_lists: int) -> list[tuple[float, float]]:
    """Return (share of distances computed, recall@10) per number of probed lists."""
    everything, _ = traffic.video_vectors(WORLD, 4_300)
    vectors, queries = everything[:4_000], everything[4_000:]
    quantiser = KMeans(n_clusters=n_lists, n_init=1, max_iter=20, random_state=0).fit(vectors)
    squared = (vectors**2).sum(axis=1) - 2 * queries @ vectors.T
    exact = squared.argsort(axis=1)[:, :10]
    centres = quantiser.cluster_centers_
    order = ((centres**2).sum(axis=1) - 2 * queries @ centres.T).argsort(axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(n_lists)[None], axis=1)
    # The place of a video's list in the query's order decides when it is read.
    read_at = place[:, quantiser.labels_]
    found_at = np.take_along_axis(read_at, exact, axis=1)
    return [
        ((n_lists + (read_at < probes).sum(axis=1).mean()) / 4_000, (found_at < probes).mean())
        for probes in PROBES
        if probes < n_lists
    ]


def draw_index() -> Figure:
    """Draw recall against work for inverted files with few and many lists."""
    fig, ax = plots.figure()
    for n_lists, colour in ((16, plots.NAIVE), (64, plots.HONEST), (256, plots.PALETTE[2])):
        curve = recall_by_lists(n_lists)
        work, recall = zip(*curve, strict=True)
        ax.plot([100 * share for share in work], recall, "o-", color=colour, ms=5)
        plots.label(ax, 100 * work[0], recall[0], f"{n_lists} lists", colour, xytext=(9, -4))
    ax.set(xscale="log", xlabel="distances computed, % of exact search", ylabel="recall@10")
    ax.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.set_title("Few lists read too much; many cost centroids")
    return fig


# --- Releases -------------------------------------------------------------------------------------


def _wilson(requests: np.ndarray, errors: np.ndarray, z: float) -> np.ndarray:
    """Decide by a Wilson interval: -1 above 2 %, 1 below 4 %, else 0."""
    count = np.where(requests > 0, requests, np.nan)
    rate = errors / count
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(rate * (1 - rate) / count + (z / (2 * count)) ** 2)
    return np.where(centre - half > 0.02, -1, np.where(centre + half < 0.04, 1, 0))


def _sequential(requests: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Decide by Wald's test of 2 % against 4 %, at 99 to 1."""
    evidence = errors * log(2) + (requests - errors) * log(0.96 / 0.98)
    return np.where(evidence >= log(99), -1, np.where(evidence <= -log(99), 1, 0))


def _observed(requests: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Decide at once by the observed rate."""
    return np.where(errors > 0.03 * requests, -1, 1)


RULES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "observed rate": _observed,
    "95 % interval": lambda requests, errors: _wilson(requests, errors, 1.96),
    "3-sigma interval": lambda requests, errors: _wilson(requests, errors, 3.0),
    "sequential test": _sequential,
}


@cache
def mistakes(rule: str, per_hour: int = 100) -> tuple[float, float]:
    """Return shares of 4,000 releases: sound ones rolled back, bad ones promoted, in 24 looks."""
    shares = []
    for error_rate, wrong in ((0.02, -1), (0.04, 1)):
        made = traffic.canary_counts(7, 4_000, 24, per_hour=per_hour, error_rate=error_rate)
        said = RULES[rule](*made)
        first = said[np.arange(len(said)), (said != 0).argmax(axis=1)]
        shares.append(float((first == wrong).mean()))
    return shares[0], shares[1]


def draw_release() -> Figure:
    """Draw how often each rule of a canary is wrong."""
    fig, ax = plots.figure(height=3.2)
    for place, rule in enumerate(RULES):
        sound, bad = (100 * share for share in mistakes(rule))
        ax.barh(place - 0.19, sound, 0.36, color=plots.HONEST)
        ax.barh(place + 0.19, bad, 0.36, color=plots.NAIVE)
        plots.label(
            ax, sound, place - 0.19, f"{sound:.1f} %" + (", sound rolled back" * (not place))
        )
        plots.label(ax, bad, place + 0.19, f"{bad:.1f} %" + (", bad promoted" * (not place)))
    ax.set_yticks(range(len(RULES)), list(RULES))
    ax.invert_yaxis()
    ax.set(xlabel="wrong decisions in 24 hourly looks, % of the releases", xlim=(0, 60))
    ax.set_title("Looking every hour needs a rule made for it")
    return fig


FIGURES: dict[str, Callable[[], Figure]] = {
    "m6_stages": draw_stages,
    "m6_load": draw_load,
    "m6_hedge": draw_hedge,
    "m6_index": draw_index,
    "m6_release": draw_release,
}
"""Figures of the chapter, in its order."""


def _euros(design: str) -> float:
    row = traffic.designs().set_index("design").loc[design]
    return float(row["lists_computed"] * row["euros_per_million"])


def _wasted(design: str) -> float:
    row = traffic.designs().set_index("design").loc[design]
    return float(1 - row["lists_shown"] / row["lists_computed"])


NUMBERS: dict[str, Callable[[], float]] = {
    **{
        f"p99 at {load}/s, spread {spread:g}": lambda load=load, spread=spread: p99_by_load(spread)[
            load
        ]
        for spread in (0.0, 0.5, 1.0)
        for load in (20, 140, 180, 190)
    },
    **{f"M/M/1 at {load:g}": lambda load=load: 1 / (1 - load) for load in (0.5, 0.8, 0.95)},
    "waits, 8 of 10": lambda: erlang_c(8, 10),
    "waits, 80 of 100": lambda: erlang_c(80, 100),
    "in the system at 150/s and 12 ms": lambda: 150 * 0.012,
    "slow requests of 100 calls": lambda: 1 - 0.99**100,
    "quantile of a leaf": lambda: 0.99 ** (1 / 100),
    "median without a hedge": lambda: hedged(1e9)[0],
    **{
        f"{what}, hedge after {delay}": lambda delay=delay, place=place: hedged(float(delay))[place]
        for delay in (0, 5, 20)
        for place, what in enumerate(("median", "p95", "extra load"))
    },
    "carried one by one": lambda: 1_000 / 4.3,
    "carried in batches of 16": lambda: 16_000 / (4 + 16 * 0.3),
    "traffic of 1 % of the users": lambda: (
        (1 / np.arange(1, 201)).sum() / (1 / np.arange(1, 20_001)).sum()
    ),
    "lists for a million": lambda: np.sqrt(8e6),
    "share read of a million": lambda: (np.sqrt(8e6) + 8e6 / np.sqrt(8e6)) / 1e6,
    "GB of a billion vectors": lambda: 1e9 * 128 * 4 / 1e9,
    "GB of codes": lambda: 1e9 * 16 * 8 / 8 / 1e9,
    "GB of links": lambda: 1e9 * (32 + 16 / log(16)) * 4 / 1e9,
    **{
        f"{what}, {n_lists} lists, 8 probes": lambda n_lists=n_lists, place=place: recall_by_lists(
            n_lists
        )[3][place]
        for n_lists in (16, 64, 256)
        for place, what in enumerate(("work", "recall"))
    },
    **{
        f"{what}, {rule}": lambda rule=rule, place=place: mistakes(rule)[place]
        for rule in RULES
        for place, what in enumerate(("sound rolled back", "bad promoted"))
    },
    **{f"euros, {name}": lambda name=name: _euros(name) for name in traffic.designs()["design"]},
    **{f"wasted, {name}": lambda name=name: _wasted(name) for name in traffic.designs()["design"]},
}
"""Every number that the chapter quotes from a simulation or a formula."""
