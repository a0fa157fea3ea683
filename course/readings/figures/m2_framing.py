"""Figures and numbers of the chapter on framing: labels, delays, objectives, mixtures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from course import plots
from course.worlds import conversions, feed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORLD = 1
TODAY, MEAN_DELAY = 60.0, 8.0
"""End of the log of clicks on ads, and mean time from click to order, in days."""
NEW_CAMPAIGNS = 8
"""Campaigns from this number on were launched in the last two weeks."""
OBJECTIVES = ("click", "completion", "like", "seconds")
WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights of the likes in click · like^w."""

# --- Stages ---------------------------------------------------------------------------------------

_STAGES = (
    ("goal", "people come back,\nads are sold"),
    ("objective", "what is maximised,\nwhat is guarded"),
    ("label", "unit, moment,\nwindow, zeros"),
    ("heads", "click, completion,\nseconds, like"),
    ("score", "product or sum,\norder or value"),
    ("list", "ten videos,\nshown today"),
)


def draw_stages() -> Figure:
    """Draw the stages from a goal to a list, and the way back."""
    fig, ax = plots.figure(width=9.0, height=2.7)
    ax.set(xlim=(0, len(_STAGES)), ylim=(-0.75, 1.25))
    ax.axis("off")
    for place, (name, what) in enumerate(_STAGES):
        colour = plots.HONEST if place in (1, 2, 4) else plots.QUIET
        x = place + 0.5
        ax.text(
            x,
            0.72,
            f"{name}\n",
            ha="center",
            va="center",
            fontsize=11,
            fontweight="bold",
            color=colour,
        )
        ax.text(x, 0.48, what, ha="center", va="center", fontsize=8.5, color=plots.TRUTH)
        ax.add_patch(_box(place + 0.06, 0.2, 0.88, 0.85, colour))
        if place:
            _arrow(ax, (place - 0.06, 0.62), (place + 0.06, 0.62), plots.QUIET)
    last = len(_STAGES) - 0.5
    _arrow(ax, (last, 0.18), (2.5, 0.18), plots.NAIVE, "arc3,rad=-.22")
    _arrow(ax, (last, 0.18), (0.5, 0.18), plots.HONEST, "arc3,rad=-.26")
    ax.text(4.0, -0.12, "clicks: minutes", ha="center", color=plots.NAIVE, fontsize=9)
    ax.text(1.3, -0.5, "habits: weeks", ha="center", color=plots.HONEST, fontsize=9)
    return fig


def _box(x: float, y: float, width: float, height: float, colour: str) -> object:
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.06"
    return FancyBboxPatch(
        (x, y), width, height, boxstyle=style, fill=False, edgecolor=colour, linewidth=1.4
    )


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    bend: str = "arc3",
) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.4, "connectionstyle": bend}
    ax.annotate("", end, start, arrowprops=look)


# --- Late labels ----------------------------------------------------------------------------------


@cache
def clicks_on_ads() -> pd.DataFrame:
    """Return clicks with `age`, `delay` (true) and `known` (the order has come by today)."""
    clicks, _ = conversions.make(WORLD)
    truth = conversions.true_delays(WORLD)
    age = TODAY - clicks["clicked_at"]
    return clicks.assign(age=age, delay=truth["delay"], known=truth["delay"] <= age)


@cache
def windows() -> pd.DataFrame:
    """Return by window in days the mean label of mature clicks and the share that is mature.

    Old campaigns only, so that the same campaigns are averaged at each window. Column `corrected`
    is the label so far over the chance that it shows by now, the same at each window.
    """
    rows = clicks_on_ads()
    rows = rows[rows["campaign"] < NEW_CAMPAIGNS]
    table = {}
    for window in (1, 2, 3, 5, 7, 10, 14, 21, 30, 45):
        mature = rows[rows["age"] >= window]
        label = mature["delay"] <= window
        table[window] = {"label": label.mean(), "mature": len(mature) / len(rows)}
    return pd.DataFrame(table).T.assign(
        truth=rows["delay"].notna().mean(), naive=rows["known"].mean(), corrected=_corrected(rows)
    )


def _corrected(rows: pd.DataFrame) -> float:
    """Return the orders so far over the sum of the chances to have shown by now."""
    return rows["known"].sum() / (1 - np.exp(-rows["age"] / MEAN_DELAY)).sum()


@cache
def campaigns() -> pd.DataFrame:
    """Return per campaign the rate `naive` (orders so far), `corrected` and `truth`."""
    groups = clicks_on_ads().groupby("campaign")
    table = {c: {"naive": g["known"].mean(), "corrected": _corrected(g)} for c, g in groups}
    return pd.DataFrame(table).T.assign(truth=conversions.true_rates(WORLD))


def week(by: str) -> float:
    """Return next week's euros if the three campaigns with the highest rate get the clicks."""
    best = campaigns()[by].nlargest(3).index.to_numpy()
    return float(conversions.next_week(WORLD, best)["euros"].sum())


def draw_windows() -> Figure:
    """Draw what a window's label says, and what a campaign's rate so far says."""
    table, by_campaign = windows(), campaigns()
    fig, (left, right) = plots.figure(2, width=4.6, height=3.4)
    left.plot(table.index, 100 * table["label"], "o-", color=plots.NAIVE)
    left.plot(table.index, 100 * table["mature"] / 10, "o-", color=plots.QUIET, markersize=4)
    left.axhline(100 * table["truth"].iloc[0], color=plots.TRUTH, linewidth=1.2, linestyle="--")
    left.text(45, 100 * table["truth"].iloc[0] + 0.3, "will order some day", ha="right", fontsize=9)
    left.text(9, 5.6, "ordered within W", color=plots.NAIVE, fontsize=9)
    left.text(45, 1.1, "clicks that have\na label, ÷ 10", color=plots.QUIET, ha="right", fontsize=9)
    left.set(xlabel="window W, days", ylabel="% of clicks", ylim=(0, 11.5))
    left.set_title("The window is part of the label")
    places = range(len(by_campaign))
    right.plot(places, 100 * by_campaign["naive"], "o", color=plots.NAIVE)
    right.plot(places, 100 * by_campaign["corrected"], "o", color=plots.HONEST)
    right.plot(places, 100 * by_campaign["truth"], "_", color=plots.TRUTH, markersize=13)
    right.text(7.3, 7.2, "so far", color=plots.NAIVE, fontsize=9)
    right.text(7.2, 20.8, "corrected", color=plots.HONEST, fontsize=9, ha="right")
    right.set(xlabel="campaign (8 to 11 are new)", ylabel="orders, % of clicks", ylim=(0, 25))
    right.set_xticks([0, 4, 8, 11])
    right.set_title("Young campaigns look bad")
    return fig


# --- Objectives -----------------------------------------------------------------------------------


def inputs(table: pd.DataFrame | dict[str, np.ndarray]) -> np.ndarray:
    """Return the features of impressions or candidates, shape (videos, features)."""
    columns = {name: np.asarray(table[name], dtype=float).ravel() for name in feed.FEATURES}
    columns["length_s"] = np.log(columns["length_s"] / 30)
    columns["age_days"] = columns["age_days"] / 10
    return np.column_stack(list(columns.values()))


@cache
def shown() -> pd.DataFrame:
    """Return a week's impressions in random lists, with features and labels."""
    impressions, events = feed.log(WORLD, days=7, randomised_share=0.2, log_features=True)
    random_lists = impressions[impressions["bucket"] == "random"].reset_index(drop=True)
    return feed.labelled(random_lists, events)


@cache
def heads() -> dict[str, LogisticRegression]:
    """Fit one model per label; the one of `seconds` is weighted, and its odds are seconds."""
    rows = shown()
    X, clicked = inputs(rows), rows["clicked"]
    labels = {
        "click": clicked,
        "completion": rows["watch_value"] >= 0.8 * rows["length_s"],
        "like": rows["liked"],
    }
    models = {name: LogisticRegression().fit(X, label) for name, label in labels.items()}
    weights = np.where(clicked == 1, rows["watch_value"], 1.0)
    models["seconds"] = LogisticRegression().fit(X, clicked, sample_weight=weights)
    return models


def mixture(weights: dict[str, float]) -> feed.Policy:
    """Return the policy that ranks by a weighted product of heads."""

    def policy(requests: pd.DataFrame, candidates: dict[str, np.ndarray]) -> np.ndarray:
        X = inputs(candidates)
        # Logarithms of probabilities; of the weighted model, the logarithm of the odds.
        parts = [
            weight
            * (
                heads()[name].decision_function(X)
                if name == "seconds"
                else np.log(heads()[name].predict_proba(X)[:, 1])
            )
            for name, weight in weights.items()
        ]
        return np.sum(parts, axis=0).reshape(candidates["video_id"].shape)

    return policy


def _served(policy: feed.Policy) -> dict[str, float]:
    """Serve a policy for two weeks to 5,000 users, and return what the app looks at."""
    outcome = feed.serve(policy, WORLD, days=14, first_day=7, log_features=True)
    total, second_week = outcome.days.sum(numeric_only=True), outcome.days.tail(7)
    videos = outcome.impressions[["thumbnail_score", "quality_score", "length_s"]].mean()
    return {
        **videos.to_dict(),
        "per session": total["clicks"] / total["sessions"],
        "per day": second_week["clicks"].mean(),
        "retention": second_week["retention"].mean(),
        "hours per day": second_week["watch_seconds"].mean() / 3600,
        "last day": outcome.days["active_users"].iloc[-1],
        "second day": outcome.days["active_users"].iloc[1],
        "per session, two days": outcome.days["clicks"].iloc[:2].sum()
        / outcome.days["sessions"].iloc[:2].sum(),
    }


@cache
def served() -> pd.DataFrame:
    """Return what two weeks bring, for production, single objectives and mixtures of heads."""
    table = {"popularity": _served(feed.PRODUCTION)}
    table |= {name: _served(mixture({name: 1.0})) for name in OBJECTIVES}
    both = {"click": 1.0, "seconds": 1.0}
    table["click · seconds"] = _served(mixture(both))
    table["click · seconds · completion"] = _served(mixture(both | {"completion": 1.0}))
    return pd.DataFrame(table).T


def lift(name: str, what: str) -> float:
    """Return how much more of something a ranking brings than popularity."""
    return float(served().loc[name, what] / served().loc["popularity", what] - 1)


@cache
def like_weights() -> pd.DataFrame:
    """Return what two weeks of click · like^w bring, by w."""
    return pd.DataFrame({w: _served(mixture({"click": 1.0, "like": w})) for w in WEIGHTS}).T


def best_in_week(week: int) -> float:
    """Return the weight of the likes, of `WEIGHTS`, with the most clicks in a week from 1 on."""
    clicks = {}
    for weight in WEIGHTS:
        policy = mixture({"click": 1.0, "like": weight})
        days = feed.serve(policy, WORLD, days=7 * week, first_day=7, keep_log=False).days
        clicks[weight] = days["clicks"].tail(7).sum()
    return max(clicks, key=lambda weight: clicks[weight])


def draw_tastes() -> Figure:
    """Draw what each objective shows, and what it does to users."""
    table = served().loc[["popularity", *OBJECTIVES]]
    fig, axes = plots.figure(3, width=3.1, height=3.2)
    bait = table["thumbnail_score"] - table["quality_score"]
    panels = (
        ("Bait", bait, "thumbnail − quality score", "{:+.1f}"),
        ("Length", table["length_s"], "seconds per video shown", "{:.0f}"),
        ("Return", 100 * table["retention"], "retention in week 2, %", "{:.0f}"),
    )
    colours = [plots.QUIET, plots.NAIVE, *[plots.HONEST] * 3]
    for ax, (title, values, unit, form) in zip(axes, panels, strict=True):
        ax.barh(range(5), values, color=colours, height=0.6)
        widest = values.abs().max()
        for place, value in enumerate(values):
            beside = max(value, 0) + 0.04 * widest
            ax.text(beside, place, form.format(value).replace("-", "−"), va="center", fontsize=9)
        ax.set_yticks(range(5), table.index if ax is axes[0] else [""] * 5)
        ax.set(ylim=(4.6, -0.6), xlabel=unit, title=title)
        ax.set_xlim(min(values.min() * 1.15, 0), widest * 1.3)
        ax.grid(axis="y", visible=False)
    return fig


def draw_tradeoff() -> Figure:
    """Draw clicks per session and clicks per day by the weight of the likes."""
    table, base = like_weights(), served().loc["popularity"]
    fig, (left, right) = plots.figure(2, width=4.6, height=3.4)
    left.plot(table["per session"], 100 * table["retention"], "o-", color=plots.HONEST)
    for weight, row in table.iterrows():
        plots.label(left, row["per session"], 100 * row["retention"], f"{weight:g}")
    left.plot(base["per session"], 100 * base["retention"], "s", color=plots.QUIET)
    plots.label(left, base["per session"], 100 * base["retention"], "popularity", plots.QUIET)
    left.set(xlabel="clicks per session", ylabel="retention, week 2, %", xlim=(0.96, 1.4))
    left.set_title("More of one costs the other …")
    place = np.arange(len(table))
    right.plot(place, table["per day"], "o-", color=plots.HONEST)
    right.axhline(base["per day"], color=plots.QUIET, linewidth=1.2, linestyle="--")
    right.text(6, base["per day"] + 40, "popularity", color=plots.QUIET, ha="right", fontsize=9)
    right.set_xticks(place, [f"{weight:g}" for weight in table.index])
    right.set(xlabel="weight of the likes", ylabel="clicks per day, week 2")
    right.set_title("… and per day there is a best")
    return fig


# --- Expected seconds -----------------------------------------------------------------------------


@cache
def prototype() -> dict[str, float]:
    """Return what rankings by clicks and by weighted odds do where clicks mislead.

    One feature x ~ N(0, 1), P(click) = sigmoid(-3.2 + .8 x), seconds after a click exponential with
    mean exp(3 - 1.4 x), 200,000 impressions.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal(200_000)
    chance = 1 / (1 + np.exp(3.2 - 0.8 * x))
    clicked = (rng.random(len(x)) < chance).astype(int)
    seconds = clicked * rng.exponential(np.exp(3 - 1.4 * x))
    truth, X = chance * np.exp(3 - 1.4 * x), x[:, None]
    by_click = LogisticRegression().fit(X, clicked).decision_function(X)
    weighted = LogisticRegression().fit(X, clicked, sample_weight=np.where(clicked, seconds, 1.0))
    odds = np.exp(weighted.decision_function(X))
    return {
        "click order": float(spearmanr(by_click, truth)[0]),
        "odds order": float(spearmanr(odds, truth)[0]),
        "odds": odds.mean(),
        "sigmoid": (odds / (1 + odds)).mean(),
        "truth": truth.mean(),
    }


@cache
def reliability() -> pd.DataFrame:
    """Return seconds promised and seen by tenth of the weighted model's odds, on later days."""
    impressions, events = feed.log(
        WORLD, days=7, first_day=7, randomised_share=0.2, log_features=True
    )
    rows = feed.labelled(impressions[impressions["bucket"] == "random"], events)
    odds = np.exp(heads()["seconds"].decision_function(inputs(rows)))
    tenth = pd.qcut(odds, 10, labels=False)
    table = pd.DataFrame({"odds": odds, "sigmoid": odds / (1 + odds), "seen": rows["watch_value"]})
    return table.groupby(tenth).mean()


def draw_odds() -> Figure:
    """Draw seconds promised by odds and by the sigmoid against those seen later."""
    table = reliability()
    fig, ax = plots.figure(height=3.4)
    top = table[["odds", "seen"]].to_numpy().max() * 1.1
    ax.plot([0.14, top], [0.14, top], color=plots.TRUTH, linewidth=1, linestyle="--")
    ax.plot(table["seen"], table["odds"], "o-", color=plots.HONEST)
    ax.plot(table["seen"], table["sigmoid"], "o-", color=plots.NAIVE)
    plots.label(ax, table["seen"].iloc[-1], table["odds"].iloc[-1], "odds", plots.HONEST)
    plots.label(ax, table["seen"].iloc[-1], table["sigmoid"].iloc[-1], "sigmoid", plots.NAIVE)
    ticks = [0.25, 0.5, 1, 2, 4, 8]
    ax.set(xscale="log", yscale="log", xlim=(0.13, 9))
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="seconds per impression a week later", ylabel="seconds promised")
    ax.set_title("The weighted model's odds are seconds")
    return fig


def heavy_share(top: float) -> float:
    """Return the share of the week's impressions that the most active users make."""
    counts = shown()["user_id"].value_counts()
    return float(counts.head(round(top * len(counts))).sum() / counts.sum())


def _watched() -> pd.Series:
    rows = shown()
    return rows.loc[rows["clicked"] == 1, "watch_value"]


def length_gap(what: str) -> float:
    """Return long over short videos (above, below 30 s): seconds or share watched per click."""
    rows = shown()[shown()["clicked"] == 1]
    value = rows["watch_value"] / (1 if what == "seconds" else rows["length_s"])
    return float(value[rows["length_s"] > 30].mean() / value[rows["length_s"] < 30].mean())


FIGURES: dict[str, Callable[[], Figure]] = {
    "m2_stages": draw_stages,
    "m2_windows": draw_windows,
    "m2_tastes": draw_tastes,
    "m2_odds": draw_odds,
    "m2_tradeoff": draw_tradeoff,
}

NUMBERS: dict[str, Callable[[], float]] = {
    "clicks per session in two days, popularity": lambda: served().loc[
        "popularity", "per session, two days"
    ],
    "clicks per session in two days, click": lambda: served().loc["click", "per session, two days"],
    "lift of clicks per session in two days": lambda: lift("click", "per session, two days"),
    "lift of users on the second day, click": lambda: lift("click", "second day"),
    "lift of users on the last day, click": lambda: lift("click", "last day"),
    **{
        f"{what}, {name}": lambda name=name, what=what: served().loc[name, what]
        for name in (
            "popularity",
            *OBJECTIVES,
            "click · seconds",
            "click · seconds · completion",
        )
        for what in ("per session", "per day", "retention", "length_s", "hours per day")
    },
    **{
        f"lift of {what}, {name}": lambda name=name, what=what: lift(name, what)
        for name in (*OBJECTIVES, "click · seconds", "click · seconds · completion")
        for what in ("per session", "per day", "length_s", "hours per day")
    },
    **{
        f"bait, {name}": lambda name=name: (
            served().loc[name, "thumbnail_score"] - served().loc[name, "quality_score"]
        )
        for name in ("popularity", *OBJECTIVES)
    },
    **{
        f"{what}, like weight {weight:g}": lambda weight=weight, what=what: like_weights().loc[
            weight, what
        ]
        for weight in WEIGHTS
        for what in ("per session", "per day", "retention")
    },
    "best like weight per day in week 6": lambda: best_in_week(6),
    "best like weight per day": lambda: like_weights()["per day"].idxmax(),
    "best weight against clicks alone, per day": lambda: (
        like_weights()["per day"].max() / like_weights()["per day"][0.0] - 1
    ),
    **{
        f"{column} at window {window}": lambda window=window, column=column: windows().loc[
            window, column
        ]
        for window in (3, 7, 14, 30)
        for column in ("label", "mature")
    },
    **{
        f"old campaigns, {what}": lambda what=what: windows()[what].iloc[0]
        for what in ("truth", "naive", "corrected")
    },
    **{
        f"new campaigns, {what}": lambda what=what: campaigns()[what].loc[NEW_CAMPAIGNS:].mean()
        for what in ("truth", "naive", "corrected")
    },
    **{f"euros, {by}": lambda by=by: week(by) for by in ("naive", "corrected", "truth")},
    **{
        f"prototype, {what}": lambda what=what: prototype()[what]
        for what in ("click order", "odds order", "odds", "sigmoid", "truth")
    },
    "seconds per impression": lambda: shown()["watch_value"].mean(),
    "share of clicks": lambda: shown()["clicked"].mean(),
    "seconds per click": lambda: _watched().mean(),
    "median seconds per click": lambda: _watched().median(),
    "90 % quantile of seconds per click": lambda: _watched().quantile(0.9),
    "sum of seconds over impressions without a click": lambda: (
        shown()["watch_value"].sum() / (shown()["clicked"] == 0).sum()
    ),
    "largest error of the odds by tenth": lambda: float(
        (reliability()["odds"] / reliability()["seen"] - 1).abs().max()
    ),
    "odds, highest tenth": lambda: reliability()["odds"].iloc[-1],
    "sigmoid, highest tenth": lambda: reliability()["sigmoid"].iloc[-1],
    "seen, highest tenth": lambda: reliability()["seen"].iloc[-1],
    "share of impressions of the busiest twentieth": lambda: heavy_share(0.05),
    "long over short, seconds": lambda: length_gap("seconds"),
    "long over short, share": lambda: length_gap("share"),
}
