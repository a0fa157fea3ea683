"""Figures and numbers of the chapter on requirements: fleets, latency, errors, flipped designs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course import plots
from course.worlds import upload_check
from course.worlds.interview import SHORT_VIDEO_APP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORLD, DAY = 1, 1
"""Machines and models, and the day that is played; the lab uses the same."""
SPEC = dict(SHORT_VIDEO_APP)
FLEETS = (4, 6, 8, 10, 11, 12, 13, 14, 16, 18, 22)
DRAWS = 200_000
USERS = np.geomspace(5e4, 2e7, 30)
LIMITS = np.geomspace(0.12, 6, 60)
FLIPS: dict[str, tuple[dict[str, float], bool]] = {
    "as agreed": ({}, False),
    "4 s": ({"p99_limit_s": 4.0}, False),
    "1 s": ({"p99_limit_s": 1.0}, False),
    "0.3 s": ({"p99_limit_s": 0.3}, False),
    "0.3 s, checked first": ({"p99_limit_s": 0.3}, True),
    "100,000 users": ({"daily_users": 1e5}, False),
    "half the reviewers": ({"reviews_per_day": 7_000.0}, False),
}
"""Changed constraints, and whether nothing may go live before its check."""

# --- Stages ---------------------------------------------------------------------------------------

_BOXES = {
    "receive": (0, 0, "receive"),
    "account_store": (1, 0, "read account"),
    "caption_model": (2, 1, "caption model"),
    "thumbnail_model": (2, 0, "thumbnail model"),
    "index_server": (2, -1, "12 index servers"),
    "deep_frames": (3, 0, "large model,\n15 % of uploads"),
}
_ENDS = ((4.15, 1, "publish"), (4.15, 0, "people look"), (4.15, -1, "block"))


def stage_p99(name: str) -> float:
    """Return the p99 of one stage in seconds, measured by itself."""
    return float(np.quantile(upload_check.stage_samples(2, DRAWS, world=WORLD)[name], 0.99))


def draw_stages() -> Figure:
    """Draw the stages of the cascade, with the p99 that each has by itself."""
    samples = upload_check.stage_samples(2, DRAWS, world=WORLD)
    fig, ax = plots.figure(width=8.4, height=3.3)
    for name, (x, y, text) in _BOXES.items():
        p99 = np.quantile(samples[name], 0.99)
        _box(ax, x, y, f"{text}\np99 {p99:.2f} s", plots.HONEST)
    for x, y, text in _ENDS:
        _box(ax, x, y, text, plots.TRUTH)
        _arrow(ax, 3.42, 0, x - 0.42, y)
    for y in (1, 0, -1):
        _arrow(ax, 1.42, 0, 1.58, y)
        _arrow(ax, 2.42, y, 2.58, 0)
    _arrow(ax, 0.42, 0, 0.58, 0)
    ax.annotate(
        "verdicts become labels",
        (2.0, -1.55),
        xytext=(4.15, -1.55),
        color=plots.QUIET,
        ha="center",
        va="center",
        fontsize=9.5,
        arrowprops={"arrowstyle": "->", "color": plots.QUIET},
    )
    ax.set(xlim=(-0.5, 4.7), ylim=(-1.8, 1.5))
    ax.set_axis_off()
    added = sum(
        max(np.quantile(samples[stage], 0.99) for stage, _ in step)
        for step in upload_check.plan_of("cascade", SPEC)
    )
    whole = designs().loc["cascade", "latency_p99_s"]
    ax.set_title(f"The steps' p99s add to {added:.2f} s; the whole has {whole:.2f} s")
    return fig


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour}
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=plots.TRUTH, bbox=frame)


def _arrow(ax: Axes, x: float, y: float, to_x: float, to_y: float) -> None:
    line = {"arrowstyle": "->", "color": plots.QUIET}
    ax.annotate("", (to_x, to_y), xytext=(x, y), arrowprops=line)


# --- Fleet ----------------------------------------------------------------------------------------


@cache
def designs() -> pd.DataFrame:
    """Measure the six designs for the app, as the lab does."""
    return upload_check.designs(SPEC, WORLD)


@cache
def fleet_days() -> pd.DataFrame:
    """Return p99 and longest wait, in seconds, of the cascade on one day, by number of servers."""
    rows = {}
    for servers in FLEETS:
        day = upload_check.play_day("cascade", SPEC, DAY, world=WORLD, servers=servers)
        rows[servers] = {"p99": day.outcome["p99_s"], "longest": day.wait_s.max()}
    return pd.DataFrame.from_dict(rows, orient="index")


def erlang_c(servers: int, busy: float) -> float:
    """Return the probability of waiting in M/M/c (Erlang 1917), `busy` servers' worth of work.

    Raises
    ------
    ValueError
        If the work is not less than the servers.
    """
    if not 0 < busy < servers:
        raise ValueError(f"{busy} busy servers of {servers}: the queue has no steady state.")
    blocked = 1.0
    for count in range(1, servers + 1):  # Erlang B, by its recursion in the number of servers
        blocked = busy * blocked / (count + busy * blocked)
    return blocked / (1 - busy / servers * (1 - blocked))


def time_in_system(servers: int, utilisation: float) -> float:
    """Return the mean time in M/M/c, waiting and served, in service times."""
    waits = erlang_c(servers, servers * utilisation)
    return 1 + waits / (servers * (1 - utilisation))


def draw_fleet() -> Figure:
    """Draw the longest wait by fleet on a played day, and the knee of M/M/c by fleet size."""
    days = fleet_days()
    fig, (left, right) = plots.figure(2, width=4.6, height=3.3)
    left.plot(days.index, days["longest"].clip(lower=0.01), "o-", color=plots.TRUTH, markersize=4)
    for servers, text, colour in (
        (4, "the average", plots.NAIVE),
        (11, "the busiest hour", plots.NAIVE),
        (18, "the busiest hour at 0.6", plots.HONEST),
    ):
        longest = max(days.loc[servers, "longest"], 0.01)
        place = {"xytext": (-4, -14), "ha": "right"} if servers == 18 else {"xytext": (7, 5)}
        left.plot(servers, longest, "o", color=colour, markersize=8)
        plots.label(left, servers, longest, f"{servers}: {text}", colour, **place)
    left.set(yscale="log", xlabel="servers", ylabel="longest wait of the day")
    left.set_xticks(range(4, 24, 4))
    left.set_yticks([0.01, 1, 60, 3600], ["10 ms", "1 s", "1 min", "1 h"])
    left.set_title("Sized for …")
    utilisation = np.linspace(0.05, 0.97, 93)
    for servers, colour in zip((1, 4, 16, 64), plots.PALETTE, strict=False):
        times = [time_in_system(servers, u) for u in utilisation]
        right.plot(utilisation, times, color=colour)
        where = int(np.searchsorted(times, 3.2 if servers > 1 else 4.5))
        where = min(where, len(times) - 1)
        name = "1 server" if servers == 1 else str(servers)
        beside = {"ha": "right", "xytext": (-6, 0)}
        plots.label(right, utilisation[where], times[where], name, colour, **beside)
    right.set(xlabel="utilisation", ylabel="mean time, service times", ylim=(0.8, 6))
    right.set_title("Small fleets queue earlier")
    return fig


# --- Latency --------------------------------------------------------------------------------------


@cache
def added_over_true(kind: str, stages: int) -> float:
    """Return the sum of the stages' p99s over the p99 of their sum.

    Parameters
    ----------
    kind
        `"smooth"`: log-normal stages, sigma 0.6. `"rare"`: 0.05 s, or 1 s for 0.8 % of calls.
    stages
        How many independent stages are passed one after the other.
    """
    rng = np.random.default_rng([stages, 17])
    if kind == "smooth":
        seconds = rng.lognormal(0, 0.6, (stages, DRAWS))
    else:
        seconds = np.where(rng.random((stages, DRAWS)) < 0.008, 1.0, 0.05)
    return float(np.quantile(seconds, 0.99, axis=1).sum() / np.quantile(seconds.sum(axis=0), 0.99))


def any_slow(servers: int, slow_share: float) -> float:
    """Return the share of requests that meet a slow server (Dean & Barroso 2013)."""
    return 1 - (1 - slow_share) ** servers


@cache
def hedged(delay_s: float = 0.1) -> dict[str, float]:
    """Return p90 of a search over 12 index servers without and with a second call, and its load.

    A call that has not answered after `delay_s` is sent again, to a copy; the first answer counts.
    """
    rng = np.random.default_rng(23)
    measured = upload_check.stage_samples(2, DRAWS, world=WORLD)["index_server"]
    first, second = (rng.choice(measured, (12, 100_000)) for _ in range(2))
    late = first > delay_s
    answered = np.where(late, np.minimum(first, delay_s + second), first)
    return {
        "plain": float(np.quantile(first.max(axis=0), 0.9)),
        "hedged": float(np.quantile(answered.max(axis=0), 0.9)),
        "load": float(late.mean()),
    }


def draw_latency() -> Figure:
    """Draw what adding percentiles does, and how often a fan-out meets a slow server."""
    fig, (left, right) = plots.figure(2, width=4.6, height=3.3)
    stages = range(1, 9)
    for kind, colour, text in (
        ("smooth", plots.HONEST, "smooth stages: too high"),
        ("rare", plots.NAIVE, "rare delays: too low"),
    ):
        ratio = [added_over_true(kind, count) for count in stages]
        left.plot(stages, ratio, "o-", color=colour, markersize=4)
        x, lift = (1.2, 24) if kind == "smooth" else (3, 18)
        plots.label(left, x, ratio[3], text, colour, xytext=(0, lift), ha="left")
    left.axhline(1, color=plots.QUIET, linewidth=1, linestyle="--")
    left.set(xlabel="stages in a row", ylabel="p99s added, over the true p99", ylim=(0, 2.2))
    left.set_title("Percentiles do not add")
    servers = np.geomspace(1, 1000, 60)
    for share, colour in zip((0.01, 0.001, 0.0001), plots.PALETTE, strict=False):
        right.plot(servers, 100 * any_slow(servers, share), color=colour)
        where = 130 if share == 0.01 else 420 if share == 0.001 else 1000
        place = {"ha": "right", "xytext": (-6, 8)}
        text = f"{100 * share:g} % slow"
        plots.label(right, where, 100 * any_slow(where, share), text, colour, **place)
    right.set(xscale="log", xlabel="servers that are all waited for", ylabel="requests hit, %")
    right.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    right.set_title("A rare delay becomes a usual one")
    return fig


# --- Errors ---------------------------------------------------------------------------------------


def precision(prevalence: float, caught: float, false_alarms: float) -> float:
    """Return the precision that rates of detection and false alarm imply at a prevalence."""
    hits = prevalence * caught
    return hits / (hits + (1 - prevalence) * false_alarms)


def review_zone() -> tuple[float, float]:
    """Return between which probabilities a look by a reviewer is the cheapest action (Chow)."""
    low = SPEC["review_euros"] / SPEC["harmful_euros"]
    return low, 1 - SPEC["review_euros"] / SPEC["blocked_euros"]


def threshold() -> float:
    """Return the probability from which blocking costs less than publishing (Elkan 2001)."""
    return SPEC["blocked_euros"] / (SPEC["blocked_euros"] + SPEC["harmful_euros"])


@cache
def review_week() -> dict[str, float]:
    """Return the cost of a week of scored uploads, in euros per day of the app, by policy.

    One upload in 50 is drawn and one review in 50 is to be had, as in the lab: a threshold of 0.5;
    the best threshold; 280 reviews a day for the highest scores; for the largest savings.
    """
    week = upload_check.scored_uploads(7, 20_000, separation=2.5)
    p, day = week["p_harmful"].to_numpy(), week["day"].to_numpy()
    publish, block = SPEC["harmful_euros"] * p, SPEC["blocked_euros"] * (1 - p)
    automatic = np.minimum(publish, block)
    capacity = int(SPEC["reviews_per_day"] / 50)
    costs = {"0.5": np.where(p >= 0.5, block, publish), "threshold": automatic}
    for name, order in (("highest", p), ("savings", automatic)):
        cost = automatic.copy()
        for today in np.unique(day):
            rows = np.flatnonzero(day == today)
            chosen = rows[np.argsort(-order[rows])[:capacity]]
            cost[chosen] = np.minimum(cost[chosen], SPEC["review_euros"])
            if name == "highest":  # whoever reviews the top does not ask what it would save
                cost[chosen] = SPEC["review_euros"]
        costs[name] = cost
    return {name: float(cost.sum() * 50 / 7) for name, cost in costs.items()}


def draw_errors() -> Figure:
    """Draw precision against prevalence, and the cost of each action against probability."""
    fig, (left, right) = plots.figure(2, width=4.6, height=3.3)
    prevalence = np.geomspace(0.0005, 0.5, 100)
    for caught, alarms, text, colour in (
        (0.8, 0.02, "catches 80 %,\n2 % false alarms", plots.NAIVE),
        (0.6, 0.002, "60 %, 0.2 %", plots.HONEST),
    ):
        left.plot(100 * prevalence, 100 * precision(prevalence, caught, alarms), color=colour)
        at = 0.01 if alarms > 0.01 else 0.003
        place = {"xytext": (10, -10)} if alarms > 0.01 else {"xytext": (-8, 6), "ha": "right"}
        plots.label(left, 100 * at, 100 * precision(at, caught, alarms), text, colour, **place)
    left.axvline(0.3, color=plots.QUIET, linewidth=1, linestyle="--")
    left.set(xscale="log", xlabel="harmful uploads, %", ylabel="harmful among flagged, %")
    left.set_xticks([0.1, 0.3, 1, 10, 50], ["0.1", "0.3", "1", "10", "50"])
    left.set_title("Precision is the app's, too")
    p = np.linspace(0, 1, 201)
    publish, block = SPEC["harmful_euros"] * p, SPEC["blocked_euros"] * (1 - p)
    review = np.full(len(p), SPEC["review_euros"])
    for cost, colour in ((publish, plots.NAIVE), (block, plots.HONEST), (review, plots.TRUTH)):
        right.plot(p, cost, color=colour, linewidth=1.5)
    low, high = review_zone()
    right.axvspan(low, high, color=plots.QUIET, alpha=0.15, linewidth=0)
    plots.label(right, 0.21, 3.15, "publish", plots.NAIVE)
    plots.label(right, 0.36, 2.0, "block", plots.HONEST)
    plots.label(right, 0.36, 0.78, "review", plots.TRUTH)
    right.set(xlabel="probability of harm", ylabel="expected cost, €", ylim=(0, 3.4))
    right.set_title(f"A look pays from {low:.2f} to {high:.2f}")
    return fig


# --- Flips ----------------------------------------------------------------------------------------


def cheapest(measured: pd.DataFrame, spec: dict, *, check_first: bool = False) -> pd.Series:
    """Return the euros per day of the feasible designs, the cheapest first."""
    expected = upload_check.expected_day(measured, spec)
    feasible = (measured["latency_p99_s"] <= spec["p99_limit_s"]) & (
        expected["to_people"] <= spec["reviews_per_day"]
    )
    if check_first:
        feasible &= measured["harm_before_check"] == 0
    return expected["euros"][feasible].sort_values()


@cache
def flip(name: str) -> tuple[str, float]:
    """Return the design of choice under a changed constraint, and its euros per day."""
    change, check_first = FLIPS[name]
    spec = SPEC | change
    measured = upload_check.designs(spec, WORLD) if "daily_users" in change else designs()
    euros = cheapest(measured, spec, check_first=check_first)
    return str(euros.index[0]), float(euros.iloc[0])


@cache
def design_map() -> np.ndarray:
    """Return the position in `DESIGNS` of the cheapest design, by limit (rows) and users.

    Reviewers grow with the users: 14,000 reviews a day for 5 million. -1: no design is feasible.
    """
    choice = np.full((len(LIMITS), len(USERS)), -1)
    for column, users in enumerate(USERS):
        spec = SPEC | {"daily_users": users, "reviews_per_day": 14_000 * users / 5e6}
        measured = upload_check.designs(spec, WORLD, n=50_000)
        for row, limit in enumerate(LIMITS):
            euros = cheapest(measured, spec | {"p99_limit_s": limit})
            if len(euros):
                choice[row, column] = upload_check.DESIGNS.index(euros.index[0])
    return choice


def fewest_users() -> float:
    """Return from how many users on a model pays, at the app's limit, in steps of the map."""
    row = int(np.searchsorted(LIMITS, SPEC["p99_limit_s"]))
    models = [upload_check.DESIGNS.index(name) for name in ("small_model", "cascade")]
    return float(USERS[np.flatnonzero(np.isin(design_map()[row], models))[0]])


def draw_flips() -> Figure:
    """Draw which design is cheapest by users and latency limit."""
    choice = design_map()
    fig, ax = plots.figure(width=6.6, height=3.8)
    tints = {-1: "#FFFFFF"} | dict(enumerate(plots.PALETTE))
    for number in np.unique(choice):
        where = choice == number
        picture = np.ma.masked_where(~where, np.ones(choice.shape))
        ax.pcolormesh(USERS, LIMITS, picture, cmap=_one_colour(tints[number]), alpha=0.3)
        rows, columns = np.nonzero(where)
        name = "none is fast enough" if number < 0 else upload_check.DESIGNS[number]
        x, y = np.exp(np.log(USERS[columns]).mean()), np.exp(np.log(LIMITS[rows]).mean())
        if name == "cascade":  # beside the mark of the lab
            x, y = x / 1.8, y * 1.15
        ax.text(x, y, name, ha="center", va="center", fontsize=10, color=plots.TRUTH)
    ax.plot(SPEC["daily_users"], SPEC["p99_limit_s"], "o", color=plots.TRUTH)
    plots.label(ax, SPEC["daily_users"], SPEC["p99_limit_s"], "the lab", xytext=(6, -9))
    ax.set(xscale="log", yscale="log", xlabel="daily users", ylabel="p99 limit, s")
    ax.set_xticks([1e5, 1e6, 1e7], ["100,000", "1 million", "10 million"])
    ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    ax.minorticks_off()
    ax.set_title("Two requirements choose the design")
    return fig


def _one_colour(colour: str) -> object:
    from matplotlib.colors import ListedColormap

    return ListedColormap([colour])


FIGURES: dict[str, Callable[[], Figure]] = {
    "m1_stages": draw_stages,
    "m1_fleet": draw_fleet,
    "m1_latency": draw_latency,
    "m1_errors": draw_errors,
    "m1_flips": draw_flips,
}

NUMBERS: dict[str, Callable[[], float]] = {
    "uploads per second": lambda: 1e6 / 86_400,
    "uploads per second, peak": lambda: 3e6 / 86_400,
    "index, GB": lambda: 1e6 * 91 * 512 * 4 / 1e9,
    "index servers": lambda: upload_check.index_servers(SPEC),
    "storage, TB": lambda: 1e6 * 91 * 2e6 * 3 / 1e12,
    "server seconds of the cascade": lambda: designs().loc["cascade", "service_s"],
    "servers busy on average": lambda: 1e6 / 86_400 * designs().loc["cascade", "service_s"],
    "servers busy at peak": lambda: 3e6 / 86_400 * designs().loc["cascade", "service_s"],
    "servers at 0.6": lambda: upload_check.servers_for(designs().loc["cascade", "service_s"], SPEC),
    **{
        f"longest wait, {servers} servers": lambda servers=servers: fleet_days().loc[
            servers, "longest"
        ]
        for servers in (4, 11, 18)
    },
    **{
        f"time in system, {servers} servers at {use}": lambda servers=servers, use=use: (
            time_in_system(servers, use)
        )
        for servers in (1, 16)
        for use in (0.5, 0.8, 0.95)
    },
    "Erlang C, 8 of 10": lambda: erlang_c(10, 8),
    "p99 of the cascade": lambda: designs().loc["cascade", "latency_p99_s"],
    "mean of the cascade": lambda: designs().loc["cascade", "latency_mean_s"],
    **{f"p99, {name}": lambda name=name: stage_p99(name) for name in _BOXES},
    "p99s added, cascade": lambda: sum(
        max(stage_p99(stage) for stage, _ in step) for step in upload_check.plan_of("cascade", SPEC)
    ),
    "added over true, 4 smooth": lambda: added_over_true("smooth", 4),
    "added over true, 4 rare": lambda: added_over_true("rare", 4),
    "any of 12 slow": lambda: any_slow(12, 0.01),
    "any of 100 slow": lambda: any_slow(100, 0.01),
    "any of 117 slow": lambda: any_slow(117, 0.01),
    "leaf quantile for 99 % over 100": lambda: 0.99 ** (1 / 100),
    **{
        f"hedging, {name}": lambda name=name: hedged()[name] for name in ("plain", "hedged", "load")
    },
    "precision, balanced": lambda: precision(0.5, 0.8, 0.02),
    "precision, app": lambda: precision(0.003, 0.8, 0.02),
    "precision, app, strict": lambda: precision(0.003, 0.6, 0.002),
    "threshold": threshold,
    "review from": lambda: review_zone()[0],
    "review to": lambda: review_zone()[1],
    **{
        f"review week, {name}": lambda name=name: review_week()[name]
        for name in ("0.5", "threshold", "highest", "savings")
    },
    **{f"euros, {name}": lambda name=name: flip(name)[1] for name in FLIPS},
    **{
        f"choice, {name}": lambda name=name: upload_check.DESIGNS.index(flip(name)[0])
        for name in FLIPS
    },
    "saved by the cascade": lambda: flip("0.3 s, checked first")[1] - flip("as agreed")[1],
    "rules of the start-up over a team": lambda: flip("100,000 users")[1] / 3_500,
    "fewest users with a model": fewest_users,
}
