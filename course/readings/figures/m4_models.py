"""Figures and numbers of the chapter on models: ladders, calibration, retrieval, training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course import plots
from course.worlds import feed, retrieval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORLDS = (1, 2, 3, 4, 5)
TRIES = 20
SIZES = (50, 100, 200, 500, 1000, 2000, 5000, 20_000)
"""Sizes of calibration sets."""
CANDIDATES = (10, 20, 40, 80, 160, 400)
SHELF = 5
GIGABYTE, BANDWIDTH, LINK_LATENCY = 1e9, 25e9, 5e-6
"""Bytes of a gradient, bytes per second and seconds per message of a link."""

# --- Stages ---------------------------------------------------------------------------------------

_STAGES = (
    ("retrieve", "10 million → 500\ntwo towers, rules", "5 ms"),
    ("rank", "500 → 50\na probability each", "30 ms"),
    ("calibrate", "a probability\nthat holds", "0.1 ms"),
    ("value", "mix heads,\nprices, quotas", "1 ms"),
    ("list", "ten videos,\nno repeats", "2 ms"),
)
_DATA = ("rows to fit", "rows to fit", "rows of its own", "rows to choose by", "rows to test once")


def draw_stages() -> Figure:
    """Draw the stages from catalogue to list, with time spent and data needed."""
    from matplotlib.patches import FancyBboxPatch

    fig, ax = plots.figure(width=9.0, height=2.1)
    ax.set(xlim=(0, len(_STAGES)), ylim=(-0.05, 1.3))
    ax.axis("off")
    style = "round,pad=0,rounding_size=0.06"
    for place, ((name, what, time), data) in enumerate(zip(_STAGES, _DATA, strict=True)):
        colour = plots.HONEST if place in (0, 1, 2) else plots.QUIET
        box = FancyBboxPatch((place + 0.07, 0.3), 0.86, 0.95, boxstyle=style, fill=False)
        box.set(edgecolor=colour, linewidth=1.4)
        ax.add_patch(box)
        x = place + 0.5
        ax.text(x, 1.07, name, ha="center", fontsize=11, fontweight="bold", color=colour)
        ax.text(x, 0.77, what, ha="center", va="center", fontsize=9, color=plots.TRUTH)
        ax.text(x, 0.4, time, ha="center", fontsize=9, color=plots.QUIET)
        ax.text(x, 0.03, data, ha="center", fontsize=9, color=plots.NAIVE)
        if place:
            ax.annotate(
                "",
                (place + 0.07, 0.78),
                (place - 0.07, 0.78),
                arrowprops={"arrowstyle": "->", "color": plots.QUIET},
            )
    return fig


# --- The winner of many ---------------------------------------------------------------------------


@cache
def races() -> pd.DataFrame:
    """Return AUC against logistic regression of boosted trees, in several worlds.

    Returns
    -------
    pandas.DataFrame
        One row per world and number of tries: gain in AUC that the best of the first tries shows
        on the rows that chose it (`shown`), and on later rows (`later`).
    """
    table = []
    for world in WORLDS:
        impressions, events = feed.log(
            world, days=11, users=2500, randomised_share=0.12, log_features=True
        )
        rows = feed.labelled(impressions, events)
        rows = rows[rows["bucket"] == "random"]
        day = (rows["timestamp"] - feed.FIRST_DAY).dt.days.to_numpy()
        half = rows["watch_value"] >= 0.5 * rows["length_s"]
        y = ((rows["clicked"] == 1) & half).to_numpy().astype(int)
        X, user = rows[list(feed.FEATURES)].to_numpy(), rows["user_id"].to_numpy()
        train, later = day < 8, day >= 9
        some = np.random.default_rng(0).permutation(np.unique(user[day == 8]))[:120]
        chosen = (day == 8) & np.isin(user, some)
        plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[train], y[train])

        def auc(model, at, X=X, y=y):
            return roc_auc_score(y[at], model.predict_proba(X[at])[:, 1])

        rng = np.random.default_rng(world)
        people = np.unique(user[train])
        scores = []
        for seed in range(TRIES):
            part = train & np.isin(user, people[rng.random(len(people)) < 0.5])
            trees = HistGradientBoostingClassifier(
                max_iter=40,
                max_leaf_nodes=6,
                min_samples_leaf=40,
                max_features=0.5,
                random_state=seed,
            ).fit(X[part], y[part])
            scores.append((auc(trees, chosen), auc(trees, later)))
        shown, delivered = np.array(scores).T
        for tries in range(1, TRIES + 1):
            best = int(shown[:tries].argmax())
            table.append(
                {
                    "world": world,
                    "tries": tries,
                    "shown": shown[best] - auc(plain, chosen),
                    "later": delivered[best] - auc(plain, later),
                }
            )
    return pd.DataFrame(table)


def race(tries: int, which: str) -> float:
    """Return the mean gain in AUC over the worlds."""
    table = races()
    return float(table.loc[table["tries"] == tries, which].mean())


def draw_winner() -> Figure:
    """Draw shown and later gain by the number of tries."""
    mean = 100 * races().groupby("tries")[["shown", "later"]].mean()
    fig, ax = plots.figure(height=3.2)
    ax.axhline(0, color=plots.QUIET, linewidth=1)
    for name, colour, text in (
        ("shown", plots.NAIVE, "on the rows\nthat chose it"),
        ("later", plots.HONEST, "on later rows"),
    ):
        ax.plot(mean.index, mean[name], color=colour)
        plots.label(ax, TRIES, mean[name].iloc[-1], text, colour)
    ax.set(xlim=(0.5, 26), xlabel="number of tries, best one kept")
    ax.set_ylabel("AUC minus that of\nlogistic regression, points")
    ax.set_xticks([1, 5, 10, 15, 20])
    ax.set_title("The more tries, the better the number, not the model")
    return fig


# --- Calibration ----------------------------------------------------------------------------------


def _rows(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds of an over-confident model with a kink, and true probabilities."""
    z = rng.standard_normal(n) - 1.0
    return 2 * z + 5 * np.maximum(z + 0.5, 0), expit(z)


def _loss(truth: np.ndarray, p: np.ndarray) -> float:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    entropy = truth * np.log(truth) + (1 - truth) * np.log(1 - truth)
    return float(np.mean(entropy - truth * np.log(p) - (1 - truth) * np.log(1 - p)))


@cache
def calibrations() -> pd.DataFrame:
    """Return what calibrated forecasts lose against the truth, in thousandths of a nat per row.

    Returns
    -------
    pandas.DataFrame
        Index: size of the calibration set; columns: means over repeats, per method.
    """
    rng = np.random.default_rng(1)
    z_new, truth = _rows(rng, 20_000)
    table = {}
    for size in SIZES:
        lost = {"none": [], "temperature": [], "Platt": [], "isotonic": []}
        for _ in range(40 if size <= 1000 else 12):
            z, q = _rows(rng, size)
            y = (rng.random(size) < q).astype(int)
            if y.min() == y.max():
                continue
            sign = 2 * y - 1
            scale = minimize(lambda a, s=sign, z=z: np.logaddexp(0, -a * s * z).mean(), [1.0]).x
            platt = LogisticRegression(C=100).fit(z[:, None], y)
            steps = IsotonicRegression(out_of_bounds="clip").fit(z, y)
            lost["none"].append(_loss(truth, expit(z_new)))
            lost["temperature"].append(_loss(truth, expit(scale * z_new)))
            lost["Platt"].append(_loss(truth, platt.predict_proba(z_new[:, None])[:, 1]))
            lost["isotonic"].append(_loss(truth, steps.predict(z_new)))
        table[size] = {name: 1000 * np.mean(values) for name, values in lost.items()}
    return pd.DataFrame(table).T


def draw_calibration() -> Figure:
    """Draw the loss by method and size of the calibration set."""
    table = calibrations()
    fig, ax = plots.figure(height=3.2)
    colours = (plots.NAIVE, plots.PALETTE[3], plots.HONEST, plots.PALETTE[2])
    for name, colour in zip(table, colours, strict=True):
        ax.plot(table.index, table[name], "o-", markersize=4, color=colour)
        plots.label(ax, SIZES[-1], table[name].iloc[-1], name, colour)
    ax.set(xscale="log", yscale="log", xlim=(40, 80_000))
    ax.set(xlabel="rows in the calibration set", ylabel="lost per row, 1/1000 nat")
    ax.set_xticks([50, 200, 1000, 5000, 20_000], ["50", "200", "1,000", "5,000", "20,000"])
    ax.set_yticks([1, 10, 100], ["1", "10", "100"])
    ax.set_title("Platt for hundreds of rows, isotonic for thousands")
    return fig


# --- Retrieval ------------------------------------------------------------------------------------


@cache
def shelf() -> pd.DataFrame:
    """Return the share of requests with a watch.

    Returns
    -------
    pandas.DataFrame
        Index: candidates; columns: (ranker, retriever); 'peculiar' orders by P / p, which is what
        in-batch softmax without correction learns, 'likely' by P.
    """
    truth = retrieval.true_probability(SHELF)
    share = truth.mean(axis=0)
    scores = {"popular": np.tile(share, (len(truth), 1)), "peculiar": truth / share}
    scores["likely"] = truth
    table = {}
    for ranker in ("heavy", "light"):
        for name, values in scores.items():
            order = np.argsort(-values, axis=1)
            table[ranker, name] = [
                100 * retrieval.true_watch_rate(order[:, :n], ranker, SHELF, n_requests=4000)
                for n in CANDIDATES
            ]
    return pd.DataFrame(table, index=CANDIDATES)


def watched(ranker: str, retriever: str, n: int) -> float:
    """Return the share of requests with a watch, in per cent."""
    return float(shelf().loc[n, (ranker, retriever)])


def draw_shelf() -> Figure:
    """Draw watches by number of candidates for three retrievers and two rankers."""
    table = shelf()
    fig, axes = plots.figure(2, width=4.4, height=3.2)
    kinds = (
        ("likely", plots.HONEST, "corrected"),
        ("popular", plots.QUIET, "popularity"),
        ("peculiar", plots.NAIVE, "not corrected"),
    )
    for ax, ranker in zip(axes, ("heavy", "light"), strict=True):
        for name, colour, text in kinds:
            values = table[ranker, name]
            ax.plot(table.index, values, "o-", markersize=4, color=colour)
            if ranker == "heavy":
                shift = (-14, 14) if name == "likely" else (8, -9)
                plots.label(ax, 20, values.loc[20], text, colour, xytext=shift)
        ax.set(xscale="log", ylim=(10, 65), xlabel="candidates from the retriever")
        ax.set_xticks(CANDIDATES, [str(n) for n in CANDIDATES])
        ax.minorticks_off()
        ax.set_title(f"{ranker} ranker")
    axes[0].set_ylabel("requests with a watch, %")
    return fig


# --- Training -------------------------------------------------------------------------------------


def ring_seconds(
    workers: int, size: float = GIGABYTE, bandwidth: float = BANDWIDTH, delay: float = 0.0
) -> float:
    """Return the time of a ring all-reduce (Patarasuk & Yuan 2009).

    Each of N workers sends 2 (N - 1) messages of size / N bytes.
    """
    return 2 * (workers - 1) * delay + 2 * (workers - 1) / workers * size / bandwidth


def everyone_seconds(workers: int, size: float = GIGABYTE, bandwidth: float = BANDWIDTH) -> float:
    """Return the time if each worker sends its whole gradient to each other one."""
    return (workers - 1) * size / bandwidth


def amdahl(share: float, workers: int) -> float:
    """Return the speed-up if a share of the work is divided among workers (Amdahl 1967)."""
    return 1 / ((1 - share) + share / workers)


@cache
def straggler(workers: int, sigma: float = 0.1, steps: int = 4000) -> float:
    """Return the mean time of a synchronous step over the median time of one worker."""
    rng = np.random.default_rng(3)
    return float(np.exp(sigma * rng.standard_normal((steps, workers))).max(axis=1).mean())


DAYS, BATCHES, BATCH, WIDTH = 30, 24, 500, 8
BROKEN_DAY, BROKEN_HOURS = 22, range(8, 12)


@cache
def ageing() -> pd.DataFrame:
    """Return the NE per day of three ways to train while the causes drift.

    Log-odds are linear with weights that walk at random. For four hours of one day all labels are
    lost (read as 0) on their way to training; forecasts are judged by the true labels.

    Returns
    -------
    pandas.DataFrame
        Index: day; columns `once` (trained on the first five days), `nightly` (on the five days
        before, with a gate that refuses a day whose share of positives is off by a tenth) and
        `online` (a gradient step per hour, after the hour was forecast).
    """
    rng = np.random.default_rng(4)
    weight, frames = rng.standard_normal(WIDTH) * 0.6, []
    for _ in range(DAYS * BATCHES):
        weight = weight * 0.9995 + 0.02 * rng.standard_normal(WIDTH)
        X = rng.standard_normal((BATCH, WIDTH))
        frames.append((X, (rng.random(BATCH) < expit(X @ weight - 1)).astype(int)))
    broken = {BROKEN_DAY * BATCHES + hour for hour in BROKEN_HOURS}
    arrived = [np.zeros_like(y) if k in broken else y for k, (_, y) in enumerate(frames)]

    def fitted(days: list[int]) -> LogisticRegression:
        hours = [h for day in days for h in range(day * BATCHES, (day + 1) * BATCHES)]
        X = np.concatenate([frames[h][0] for h in hours])
        return LogisticRegression().fit(X, np.concatenate([arrived[h] for h in hours]))

    def share(day: int) -> float:
        return float(np.mean(arrived[day * BATCHES : (day + 1) * BATCHES]))

    once = fitted(list(range(5)))
    online = np.append(once.coef_[0], once.intercept_)
    table = {}
    for day in range(5, DAYS):
        good = [d for d in range(day) if abs(share(d) / share(0) - 1) < 0.1 or d < 5]
        nightly = fitted(good[-5:])
        losses = {"once": [], "nightly": [], "online": []}
        for hour in range(day * BATCHES, (day + 1) * BATCHES):
            X, y = frames[hour]
            wide = np.column_stack([X, np.ones(BATCH)])
            forecasts = {
                "once": once.predict_proba(X)[:, 1],
                "nightly": nightly.predict_proba(X)[:, 1],
                "online": expit(wide @ online),
            }
            for name, p in forecasts.items():
                losses[name].append(-np.log(np.where(y == 1, p, 1 - p)).mean())
            online = online - 0.5 * wide.T @ (forecasts["online"] - arrived[hour]) / BATCH
        truth = np.concatenate([y for _, y in frames[day * BATCHES : (day + 1) * BATCHES]]).mean()
        entropy = -truth * np.log(truth) - (1 - truth) * np.log(1 - truth)
        table[day] = {name: np.mean(values) / entropy for name, values in losses.items()}
    return pd.DataFrame(table).T


def mean_ne(name: str, first: int, last: int) -> float:
    """Return the mean NE of a way to train over days."""
    return float(ageing().loc[first:last, name].mean())


def draw_training() -> Figure:
    """Draw the time of an all-reduce by workers, and the NE by day of three ways to train."""
    fig, (left, right) = plots.figure(2, width=4.6, height=3.2)
    workers = np.array([2, 4, 8, 16, 32, 64])
    for seconds, colour in ((ring_seconds, plots.HONEST), (everyone_seconds, plots.NAIVE)):
        values = [1000 * seconds(int(n)) for n in workers]
        left.plot(workers, values, "o-", markersize=4, color=colour)
    left.text(14, 850, "everyone to everyone", color=plots.NAIVE, ha="right", fontsize=10)
    left.text(14, 95, "ring", color=plots.HONEST, fontsize=10)
    left.set(xscale="log", yscale="log", xlabel="workers", ylabel="one all-reduce of 1 GB, ms")
    left.set_xticks(workers, [str(n) for n in workers])
    left.set_yticks([50, 100, 500, 2000], ["50", "100", "500", "2,000"])
    left.minorticks_off()
    left.set_title("Communication")
    table = ageing()
    colours = {"once": plots.QUIET, "nightly": plots.HONEST, "online": plots.NAIVE}
    for name, colour in colours.items():
        right.plot(table.index, table[name], color=colour)
        plots.label(right, table.index[-1], table[name].iloc[-1], name, colour)
    right.set(xlim=(5, 36), xlabel="day", ylabel="NE of the day's forecasts")
    right.set_xticks([5, 10, 15, 20, 25, 30])
    right.set_title("Freshness")
    return fig


FIGURES: dict[str, Callable[[], Figure]] = {
    "m4_stages": draw_stages,
    "m4_winner": draw_winner,
    "m4_calibration": draw_calibration,
    "m4_shelf": draw_shelf,
    "m4_training": draw_training,
}
"""Figures by the stem of their file."""

NUMBERS: dict[str, Callable[[], float]] = {
    **{
        f"gain of the best of {tries}, {which}": partial(race, tries, which)
        for tries in (1, 20)
        for which in ("shown", "later")
    },
    **{
        f"lost, {name}, {size} rows": partial(
            lambda s, n: float(calibrations().loc[s, n]), size, name
        )
        for name in ("none", "temperature", "Platt", "isotonic")
        for size in (100, 1000, 2000, 20_000)
    },
    **{
        f"watched, {ranker}, {name}, {n}": partial(watched, ranker, name, n)
        for ranker in ("heavy", "light")
        for name in ("popular", "peculiar", "likely")
        for n in CANDIDATES
    },
    "all-reduce of 1 GB, 2 workers, ms": lambda: 1000 * ring_seconds(2),
    "all-reduce of 1 GB, 8 workers, ms": lambda: 1000 * ring_seconds(8),
    "all-reduce of 1 GB, 64 workers, ms": lambda: 1000 * ring_seconds(64),
    "latency term, 64 workers, ms": lambda: (
        1000 * (ring_seconds(64, delay=LINK_LATENCY) - ring_seconds(64))
    ),
    "everyone to everyone, 8 workers, ms": lambda: 1000 * everyone_seconds(8),
    "everyone to everyone, 64 workers, ms": lambda: 1000 * everyone_seconds(64),
    "Amdahl, 95 %, 8 workers": lambda: amdahl(0.95, 8),
    "Amdahl, 95 %, 64 workers": lambda: amdahl(0.95, 64),
    "Amdahl, 95 %, no end": lambda: 1 / 0.05,
    "straggler, 8 workers": partial(straggler, 8),
    "straggler, 64 workers": partial(straggler, 64),
    **{
        f"NE, {name}, days {first} to {last}": partial(mean_ne, name, first, last)
        for name in ("once", "nightly", "online")
        for first, last in ((5, 9), (22, 22), (25, 29), (10, 21))
    },
    "embedding table, GB": lambda: 100e6 * 128 * 4 / 1e9,
}
"""Numbers that the chapter quotes."""
