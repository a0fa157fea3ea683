"""Figures and numbers of the chapter on monitoring: drift, harm, thresholds, policies, loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from course import plots
from course.worlds import incidents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORLD = 1
POLICY_SEEDS = (1, 2, 3)
LOOP_SEEDS = range(10)
TEAM_SIZES = {"tapes": 8, "rows": 600}
RETRAIN_EUROS, STALE_EUROS = incidents.ACTION_EUROS["retrain"], 200
"""Price of a training run, and what the model loses a day for each day of its age."""
CADENCES = np.arange(1, 31)

# --- Stages ---------------------------------------------------------------------------------------

_BOXES = (
    (0, 0, "pipeline"),
    (1, 0, "features"),
    (2, 0, "model"),
    (3, 0, "decisions"),
    (4, 0, "labels"),
)
_EVIDENCE = (
    (1, "impossible values,\nPSI per feature\nminutes"),
    (2, "PSI of scores,\nimplied prior\nminutes"),
    (3, "rates, vetoes,\nreports by users\nhours"),
    (4, f"AUC, calibration,\nmatured cohort\n{incidents.LABEL_DELAY} days"),
)
_ACTIONS = ((0, "fix"), (2, "re-weight, roll back"), (4, "retrain"))


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour}
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, color=plots.TRUTH, bbox=frame)


def draw_stages() -> Figure:
    """Draw the path of a prediction, the evidence at each stage and the actions."""
    fig, ax = plots.figure(width=8.4, height=3.3)
    for x, y, text in _BOXES:
        _box(ax, x, y, text, plots.TRUTH)
        if x:
            arrow = {"arrowstyle": "->", "color": plots.QUIET}
            ax.annotate("", (x - 0.4, 0), xytext=(x - 0.6, 0), arrowprops=arrow)
    for x, text in _EVIDENCE:
        ax.plot([x, x], [0.25, 0.6], color=plots.HONEST, linewidth=1)
        _box(ax, x, 1, text, plots.HONEST)
    for x, text in _ACTIONS:
        ax.plot([x, x], [-0.25, -0.6], color=plots.NAIVE, linewidth=1)
        _box(ax, x, -0.8, text, plots.NAIVE)
    ax.text(-0.45, 1, "evidence", color=plots.HONEST, va="center")
    ax.text(0.45, -0.8, "actions", color=plots.NAIVE, va="center")
    ax.set(xlim=(-0.5, 4.6), ylim=(-1.2, 1.55))
    ax.axis("off")
    ax.set_title("The surest evidence comes last")
    return fig


# --- Drift and harm -------------------------------------------------------------------------------


@cache
def drift_and_harm() -> pd.DataFrame:
    """Return what each incident of the first tape shows and costs.

    Returns
    -------
    pandas.DataFrame
        Index: kind; columns `psi` (largest of a feature over the whole incident), `score psi`,
        `auc`, `ratio`, `euros` (lost a day).
    """
    tape, quiet, harm = (
        incidents.tape(WORLD),
        incidents.reference(WORLD),
        incidents.true_harm(WORLD),
    )
    found = {}
    for row in incidents.true_incidents(WORLD).itertuples():
        rows = tape[tape["day"].between(row.first_day, row.last_day)]
        label = rows["signed_on"].notna()
        names = [*incidents.FEATURES, "score"]
        index = incidents.psi
        each = [index(quiet[name].to_numpy()[None], rows[name].to_numpy()[None]) for name in names]
        found[row.kind] = {
            "psi": max(each[:-1])[0],
            "score psi": each[-1][0],
            "auc": roc_auc_score(label, rows["score"]),
            "ratio": rows["score"].mean() / label.mean(),
            "euros": harm.loc[row.first_day : row.last_day].mean(),
        }
    return pd.DataFrame(found).T


@cache
def paged_share() -> float:
    """Return the share of the tape's loss on days with a PSI above 0.25."""
    tape, quiet = incidents.tape(WORLD), incidents.reference(WORLD)
    names = list(incidents.FEATURES)
    old = quiet[names].to_numpy().T
    paged = [
        incidents.psi(old, day[names].to_numpy().T).max() > 0.25 for _, day in tape.groupby("day")
    ]
    harm = incidents.true_harm(WORLD)
    return float(harm[np.array(paged)].sum() / harm.sum())


def draw_drift_and_harm() -> Figure:
    """Draw the harm of each incident over its PSI."""
    table = drift_and_harm()
    fig, ax = plots.figure()
    ax.axvline(0.25, color=plots.QUIET, linewidth=1, linestyle="--")
    ax.text(0.27, 27, "conventional limit", color=plots.QUIET, fontsize=9)
    for kind, row in table.iterrows():
        loud = row["psi"] > 0.25
        harmful = row["euros"] > 0
        colour = plots.HONEST if loud == harmful else plots.NAIVE
        ax.plot(row["psi"], row["euros"] / 1000, "o", color=colour, markersize=9)
        below = {"ha": "center", "xytext": (0, -14)}
        place = below if kind == "creator_attack" else {"xytext": (8, 0)}
        plots.label(ax, row["psi"], row["euros"] / 1000, kind.replace("_", " "), colour, **place)
    ax.set(xscale="log", xlim=(5e-4, 60), ylim=(-2, 30))
    ax.set(xlabel="largest PSI of a feature", ylabel="thousand euros lost a day")
    ax.set_title("How loud a shift is says little about its price")
    return fig


# --- Null distribution ----------------------------------------------------------------------------

SIZES = (50, 100, 200, 400, 800, 1_600, 3_200)


@cache
def null_psi(rows: int) -> np.ndarray:
    """Return PSI of 1,000 pairs of quiet windows with so many rows each."""
    rng = np.random.default_rng(rows)
    draws = min(1_000, 2_000_000 // rows)
    return incidents.psi(rng.random((draws, rows)), rng.random((draws, rows)))


def draw_null() -> Figure:
    """Draw mean and upper tail of PSI between quiet windows, by their size."""
    sizes = np.array(SIZES)
    fig, ax = plots.figure()
    high = [np.quantile(null_psi(rows), 0.99) for rows in SIZES]
    ax.plot(sizes, [null_psi(rows).mean() for rows in SIZES], "o", color=plots.HONEST)
    ax.plot(sizes, high, "o", color=plots.NAIVE)
    ax.plot(sizes, 2 / sizes * 9, color=plots.HONEST, linewidth=1)
    ax.plot(sizes, 2 / sizes * chi2.ppf(0.99, 9), color=plots.NAIVE, linewidth=1)
    plots.label(ax, sizes[-1], 2 / sizes[-1] * 9, "mean", plots.HONEST)
    plots.label(ax, sizes[-1], high[-1], "99th percentile", plots.NAIVE)
    for limit in (0.1, 0.25):
        ax.axhline(limit, color=plots.QUIET, linewidth=1, linestyle="--")
        ax.text(9_000, limit * 1.08, f"{limit}", color=plots.QUIET, fontsize=9, ha="right")
    ax.set(xscale="log", yscale="log", xlim=(40, 10_000))
    ax.set_xticks([50, 200, 800, 3_200], ["50", "200", "800", "3,200"])
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.set(xlabel="rows in either window", ylabel="PSI of quiet days, 10 bins")
    ax.set_title("A limit of 0.1 means other things at other sizes")
    return fig


# --- On call --------------------------------------------------------------------------------------


def _evidence(report: pd.DataFrame) -> np.ndarray:
    gap = np.abs(logit(report["implied_prior"]) - logit(report["served_prior"]))
    rested, quiet = report["days_since_action"] > 3, report["feature_psi"] < 0.1
    attack = report["worst_feature"].eq("creator_score") & ~quiet
    rules = [
        report["implausible"] > 0.3,
        attack & (report["last_action"] != "roll_back"),
        quiet & (gap > 0.4) & rested,
        ~attack & (report["matured_auc"] < 0.77) & rested,
    ]
    return np.select(rules, ["fix_pipeline", "roll_back", "reweight", "retrain"], "none")


def _retrain_on_psi(report: pd.DataFrame) -> np.ndarray:
    due = (report["feature_psi"] > 0.25) & (report["days_since_action"] > 3)
    return np.where(due, "retrain", "none")


def _retrain_on_auc(report: pd.DataFrame) -> np.ndarray:
    due = (report["matured_auc"] < 0.77) & (report["days_since_action"] > 3)
    return np.where(due, "retrain", "none")


def _fix_on_psi(report: pd.DataFrame) -> np.ndarray:
    return np.where(report["feature_psi"] > 0.25, "fix_pipeline", "none")


POLICIES = {
    "retrain on PSI": _retrain_on_psi,
    "retrain on AUC": _retrain_on_auc,
    "fix on PSI": _fix_on_psi,
    "by kind of evidence": _evidence,
}


@cache
def policy_euros() -> pd.Series:
    """Return thousand euros per market in 60 days, mean over seeds, by policy."""
    rows = []
    for seed in POLICY_SEEDS:
        row = {"nobody on call": incidents.floor(seed, **TEAM_SIZES).euros}
        for name, policy in POLICIES.items():
            row[name] = incidents.run(policy, seed, **TEAM_SIZES).euros
        row["all-knowing"] = incidents.ceiling(seed, **TEAM_SIZES).euros
        rows.append(row)
    return pd.DataFrame(rows).mean() / 1000


def draw_policies() -> Figure:
    """Draw what 60 days cost under each policy."""
    euros = policy_euros()
    fig, ax = plots.figure()
    for place, (name, value) in enumerate(euros.items()):
        colour = plots.QUIET if name in ("nobody on call", "all-knowing") else plots.NAIVE
        ax.barh(place, value, color=plots.HONEST if name == "by kind of evidence" else colour)
        plots.label(ax, value, place, f"{value:,.0f}")
    ax.set_yticks(range(len(euros)), list(euros.index))
    ax.invert_yaxis()
    ax.set(xlabel="thousand euros per market in 60 days", xmargin=0.15)
    ax.set_title("The wrong reflex costs more than no reflex")
    return fig


# --- Cadence and loops ----------------------------------------------------------------------------


def cadence_euros(days: np.ndarray | float) -> np.ndarray:
    """Return euros a day when a model is retrained every so many days.

    Its age grows from 0 to `days`, so the mean loss is that of half the cadence.
    """
    return RETRAIN_EUROS / np.asarray(days) + STALE_EUROS * np.asarray(days) / 2


def best_cadence() -> float:
    """Return the cadence in days with the least cost: the square root law."""
    return float(np.sqrt(2 * RETRAIN_EUROS / STALE_EUROS))


def tolerable(side: int) -> float:
    """Return the shortest (0) or longest (1) cadence within 5 % of the least cost, in days."""
    days = np.linspace(1, 40, 39_001)
    good = days[cadence_euros(days) <= 1.05 * cadence_euros(best_cadence())]
    return float(good[-side])


def draw_cadence() -> Figure:
    """Draw cost per day over the cadence of retraining."""
    fig, ax = plots.figure()
    ax.plot(CADENCES, cadence_euros(CADENCES) / 1000, color=plots.TRUTH)
    ax.plot(CADENCES, RETRAIN_EUROS / CADENCES / 1000, color=plots.NAIVE, linewidth=1)
    ax.plot(CADENCES, STALE_EUROS * CADENCES / 2 / 1000, color=plots.HONEST, linewidth=1)
    plots.label(ax, 22, 0.5, "training runs", plots.NAIVE)
    plots.label(ax, 23, 2.0, "staleness", plots.HONEST)
    plots.label(ax, 17, 2.5, "together", plots.TRUTH)
    ax.axvspan(tolerable(0), tolerable(1), color=plots.QUIET, alpha=0.2, linewidth=0)
    ax.set(ylim=(0, 5), xlabel="days between training runs", ylabel="thousand euros a day")
    ax.set_title(f"{tolerable(0):.0f} to {tolerable(1):.0f} days are within 5 % of the best")
    return fig


@cache
def loop(epsilon: float) -> tuple[float, float, float]:
    """Return final quality, best possible quality and items ever shown, means over seeds."""

    def choose(
        estimates: np.ndarray, requests: int, slots: int, share: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, None]:
        best = np.argsort(-estimates, kind="stable")[:slots]
        drawn = rng.integers(0, len(estimates), (requests, slots))
        return np.where(rng.random((requests, slots)) < share, drawn, best), None

    runs = [incidents.feedback_loop(choose, seed, epsilon=epsilon) for seed in LOOP_SEEDS]
    rows = [(run["quality"][-50:].mean(), run["best"], run["ever_shown"]) for run in runs]
    quality, best, shown = np.mean(rows, axis=0)
    return float(quality), float(best), float(shown)


FIGURES: dict[str, Callable[[], Figure]] = {
    "m7_stages": draw_stages,
    "m7_drift_and_harm": draw_drift_and_harm,
    "m7_null": draw_null,
    "m7_policies": draw_policies,
    "m7_cadence": draw_cadence,
}
"""Figures of the chapter, in its order."""
NUMBERS: dict[str, Callable[[], float]] = {
    "share of the loss that paged": paged_share,
    **{
        f"{what}, {kind}": lambda kind=kind, what=what: drift_and_harm().loc[kind, what]
        for kind in incidents.KINDS
        for what in ("psi", "score psi", "auc", "ratio", "euros")
    },
    "mean PSI at 100 rows": lambda: null_psi(100).mean(),
    "above 0.1 at 100 rows": lambda: (null_psi(100) > 0.1).mean(),
    "99th percentile at 3200 rows": lambda: np.quantile(null_psi(3_200), 0.99),
    "law, one alarm a month, 6 features, 1500 and 6000 rows": lambda: (
        (1 / 1_500 + 1 / 6_000) * chi2.ppf(1 - 1 / 180, 9)
    ),
    "false alarms a day, 100 features": lambda: 100 * 0.05,
    **{
        f"thousand euros, {name}": lambda name=name: policy_euros()[name]
        for name in ("nobody on call", *POLICIES, "all-knowing")
    },
    "saved by evidence": lambda: (
        (policy_euros()["nobody on call"] - policy_euros()["by kind of evidence"])
        / (policy_euros()["nobody on call"] - policy_euros()["all-knowing"])
    ),
    "best cadence": best_cadence,
    "shortest tolerable": lambda: tolerable(0),
    "longest tolerable": lambda: tolerable(1),
    "quality, greedy": lambda: loop(0.0)[0],
    "quality, exploring": lambda: loop(0.2)[0],
    "quality, best": lambda: loop(0.2)[1],
    "shown, greedy": lambda: loop(0.0)[2],
    "shown, exploring": lambda: loop(0.2)[2],
    "minutes of budget": lambda: 0.001 * 30 * 24 * 60,
}
"""Every number that the chapter quotes from a simulation or a formula."""
