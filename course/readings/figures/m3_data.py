"""Figures and numbers of the chapter on data: splits, joins, transforms, late labels, thinning."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from course import plots
from course.worlds import ads, feed, subscribers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORLDS = (1, 2, 3)
"""Seeds of the subscriber worlds that an average is taken over."""
NUMERIC = subscribers.BEHAVIOUR + subscribers.DEVICE
TEST_FROM = 75
"""Day on which the test period of a time split begins; the history has 105 days."""
KEEP_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
REQUESTS = 200_000


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(learning_rate=0.2, max_iter=50, random_state=0)


def _days(rows: pd.DataFrame) -> np.ndarray:
    return (rows["snapshot"] - subscribers.FIRST_DAY).dt.days.to_numpy()


class _Numeric:
    """A fitted model that is handed whole tables by the world."""

    def __init__(self, model: HistGradientBoostingClassifier) -> None:
        self._model = model

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return self._model.predict_proba(rows[NUMERIC])


@cache
def split_promises() -> pd.DataFrame:
    """Return what each split promises, and what serving delivers, as AUC.

    Returns
    -------
    pandas.DataFrame
        One row per seed of `WORLDS`; columns `random rows`, `new accounts`, `new people`,
        `the future`, `both`, and the deliveries `strangers` and `known viewers`.
    """
    table = {}
    for seed in WORLDS:
        rows, person = subscribers.make(seed), subscribers.truth(seed)["person"]
        day, lapsed = _days(rows), rows["lapsed"]
        later = np.flatnonzero(day >= TEST_FROM)
        earlier = np.flatnonzero(day + subscribers.LABEL_DELAY_DAYS <= TEST_FROM)
        people = list(GroupKFold(5).split(rows, groups=person))
        folds = {
            "random rows": KFold(5, shuffle=True, random_state=0),
            "new accounts": list(GroupKFold(5).split(rows, groups=rows["user_id"])),
            "new people": people,
            "the future": [(earlier, later)],
            "both": [(np.intersect1d(earlier, a), np.intersect1d(later, b)) for a, b in people],
        }
        table[seed] = {
            name: cross_val_score(_trees(), rows[NUMERIC], lapsed, cv=cv, scoring="roc_auc").mean()
            for name, cv in folds.items()
        }
        model = _Numeric(_trees().fit(rows[NUMERIC], lapsed))
        table[seed]["strangers"] = subscribers.serve(model, seed, n_viewers=20_000)["auc"]
        served = subscribers.serve(model, seed, known=True, n_weeks_served=4)
        table[seed]["known viewers"] = served["auc"]
    return pd.DataFrame(table).T


def draw_splits() -> Figure:
    """Draw the promises of five splits against two deliveries."""
    table = split_promises()
    mean = table.mean()
    splits = ["random rows", "the future", "new accounts", "new people", "both"]
    fig, ax = plots.figure(height=3.6)
    for place, name in enumerate(splits):
        colour = plots.NAIVE if name == "random rows" else plots.HONEST
        ax.plot(table[name], [place] * len(table), "o", color=colour, alpha=0.35, markersize=6)
        ax.plot(mean[name], place, "o", color=colour, markersize=9)
        # The label of the split nearest to the dashed line goes to its other side.
        side = {"xytext": (-10, 0), "ha": "right"} if name == "the future" else {"xytext": (10, 0)}
        edge = table[name].min() if name == "the future" else table[name].max()
        plots.label(ax, edge, place, f"{mean[name]:.2f}", colour, **side)
    for name in ("strangers", "known viewers"):
        ax.axvline(mean[name], color=plots.TRUTH, linestyle="-" if name == "strangers" else "--")
        ax.text(
            mean[name], -0.85, f" {name}\n {mean[name]:.2f}", va="center", ha="left", fontsize=10
        )
    ax.set_yticks(range(5), splits)
    ax.set(xlim=(0.5, 0.9), ylim=(4.5, -1.3), xlabel="AUC: promised (dots) and delivered (lines)")
    ax.grid(axis="y", visible=False)
    ax.set_title("Each split answers another question")
    return fig


def _lapse_share(rows: pd.DataFrame, newest: int, oldest: int = 28) -> np.ndarray:
    """Return each row's share of lapses among its account's rows of `newest` to `oldest` days ago.

    The share is shrunk towards .3 with the weight of one row.
    """
    day, lapsed = _days(rows), rows["lapsed"].to_numpy()
    share = np.empty(len(rows))
    for at in rows.groupby("user_id").indices.values():
        ago = day[at][:, None] - day[at][None, :]
        used = (ago >= newest) & (ago <= oldest)
        share[at] = (used @ lapsed[at] + 0.3) / (used.sum(axis=1) + 1)
    return share


@cache
def joins() -> pd.DataFrame:
    """Return offline and served AUC of three ways to join a viewer's recent lapse share.

    Returns
    -------
    pandas.DataFrame
        Index: the join; columns `offline`, `served` (the feature as it is known when the viewer is
        scored), and `mismatch`, the share of test rows whose feature is more than .05 away from the
        served one. Means over `WORLDS`.
    """
    newest = {"own row included": 0, "by event time": 1, "by availability": 14}
    results = []
    for seed in WORLDS:
        rows = subscribers.make(seed, second_account_share=0)
        day, lapsed = _days(rows), rows["lapsed"].to_numpy()
        train, test = day + subscribers.LABEL_DELAY_DAYS <= TEST_FROM, day >= TEST_FROM
        shares = {name: _lapse_share(rows, ago) for name, ago in newest.items()}
        behaviour = rows[subscribers.BEHAVIOUR].to_numpy()
        for name, share in shares.items():
            model = LogisticRegression().fit(np.c_[behaviour, share][train], lapsed[train])
            row = {"join": name}
            for where, seen in (("offline", share), ("served", shares["by availability"])):
                scores = model.predict_proba(np.c_[behaviour, seen][test])[:, 1]
                row[where] = roc_auc_score(lapsed[test], scores)
            row["mismatch"] = np.mean(np.abs(share - shares["by availability"])[test] > 0.05)
            results.append(row)
    return pd.DataFrame(results).groupby("join", sort=False).mean()


def draw_joins() -> Figure:
    """Draw offline and served AUC of three joins, and how many feature values differ."""
    table = joins()
    fig, (left, right) = plots.figure(2, width=4.4, height=3.2)
    for place, row in enumerate(table.to_dict("records")):
        left.plot([row["offline"], row["served"]], [place, place], color=plots.QUIET, linewidth=1)
        left.plot(row["offline"], place, "o", color=plots.NAIVE, markersize=9)
        left.plot(row["served"], place, "o", color=plots.TRUTH, markersize=7)
        apart = row["offline"] - row["served"] > 0.05
        text = (
            f"{row['offline']:.2f} offline"
            if apart
            else f"{row['offline']:.2f}, {row['served']:.2f}"
        )
        plots.label(left, row["offline"], place, text, plots.NAIVE if apart else plots.TRUTH)
        if apart:
            plots.label(
                left,
                row["served"],
                place,
                f"{row['served']:.2f} served",
                xytext=(-8, 0),
                ha="right",
            )
        right.barh(place, 100 * row["mismatch"], color=plots.NAIVE, height=0.5)
        plots.label(right, 100 * row["mismatch"], place, f"{100 * row['mismatch']:.0f} %")
    left.set_yticks(range(len(table)), table.index)
    left.set(xlim=(0.6, 1.08), ylim=(2.5, -0.5), xlabel="AUC")
    left.set_xticks([0.6, 0.7, 0.8, 0.9, 1.0])
    left.set_title("AUC sees the crude leak")
    right.set_yticks(range(len(table)), [""] * len(table))
    right.set(xlim=(0, 80), ylim=(2.5, -0.5), xlabel="rows whose value differs when served, %")
    right.set_title("Comparing rows sees both")
    for ax in (left, right):
        ax.grid(axis="y", visible=False)
    return fig


@cache
def selection_on_noise() -> pd.DataFrame:
    """Return cross-validated accuracy on pure noise when columns are selected before or inside.

    Returns
    -------
    pandas.DataFrame
        Index: number of candidate columns, of which 25 are kept; columns `before` and `inside`.
        200 rows, means over six surveys.
    """
    table = {}
    for n_columns in (25, 100, 500, 2000, 5000):
        scores = []
        for seed in range(6):
            answers, lapsed = subscribers.survey(seed, 200, n_columns, missing_share=0)
            folds = KFold(5, shuffle=True, random_state=seed)
            classifier = make_pipeline(StandardScaler(), LogisticRegression())
            chosen = SelectKBest(k=25).fit_transform(answers, lapsed)
            inside = make_pipeline(SelectKBest(k=25), classifier)
            scores.append(
                (
                    cross_val_score(classifier, chosen, lapsed, cv=folds).mean(),
                    cross_val_score(inside, answers, lapsed, cv=folds).mean(),
                )
            )
        table[n_columns] = dict(zip(("before", "inside"), np.mean(scores, axis=0), strict=True))
    return pd.DataFrame(table).T


def draw_selection() -> Figure:
    """Draw the accuracy that selection before the split finds in noise."""
    table = 100 * selection_on_noise()
    fig, ax = plots.figure()
    ax.plot(table.index, table["before"], "o-", color=plots.NAIVE)
    ax.plot(table.index, table["inside"], "o-", color=plots.HONEST)
    ax.text(
        450,
        table["before"][500] + 3,
        "selected before the split",
        color=plots.NAIVE,
        ha="right",
        fontsize=10,
    )
    ax.text(
        450, 45, "selected inside each fold", color=plots.HONEST, ha="right", va="top", fontsize=10
    )
    for kind, colour in (("before", plots.NAIVE), ("inside", plots.HONEST)):
        plots.label(ax, 5000, table[kind][5000], f"{table[kind][5000]:.0f} %", colour)
    ax.set(xscale="log", xlim=(20, 9000), ylim=(38, 90))
    ax.set_xticks([25, 100, 500, 2000, 5000], ["25", "100", "500", "2,000", "5,000"])
    ax.minorticks_off()
    ax.set(xlabel="columns of pure noise to choose 25 from", ylabel="accuracy in 5 folds, %")
    ax.set_title("The more columns you screen, the better noise looks")
    return fig


@cache
def late_labels() -> pd.DataFrame:
    """Return reports per 1,000 clicks by day of the click, as a two-week log shows them.

    Returns
    -------
    pandas.DataFrame
        Index: age of the day in days at the end of the log (1 is the last day); columns `naive`
        (reports that have arrived), `weighted` (each weighted by one over the probability of having
        arrived) and `final` (once all have arrived).
    """
    impressions, events = feed.log(1, days=14, users=30_000)
    now = impressions["timestamp"].max().normalize() + pd.Timedelta(days=1)
    clicks = events["impression_id"][events["kind"] == "click"]
    impressions = impressions[impressions["impression_id"].isin(clicks)]
    rows = feed.labelled(impressions, events, as_of=now)
    rows["final"] = feed.labelled(impressions, events)["reported"]

    # The delay is learned from reports on days old enough for nearly all of them to be in.
    reports = events[events["kind"] == "report"].merge(rows[["impression_id", "timestamp"]])
    mature = reports["timestamp"] < now - pd.Timedelta(days=8)
    known = reports["arrival_time"] <= now
    delay = np.sort((reports["arrival_time"] - reports["timestamp"])[mature & known])
    age = (now - rows["timestamp"]).to_numpy()
    arrived = np.searchsorted(delay, age, side="right") / len(delay)
    rows["weighted"] = rows["reported"] / np.maximum(arrived, 0.02)
    rows["age"] = (now - rows["timestamp"]).dt.ceil("D").dt.days
    means = rows.groupby("age")[["reported", "weighted", "final"]].mean()
    return (1000 * means).rename(columns={"reported": "naive"})


@cache
def report_delay() -> float:
    """Return the mean time from a report to its arrival, in days."""
    _, events = feed.log(1, days=7, users=30_000)
    reports = events[events["kind"] == "report"]
    return float(
        (reports["arrival_time"] - reports["event_time"]).dt.total_seconds().mean() / 86_400
    )


def draw_late_labels() -> Figure:
    """Draw the report rate by age, as counted, as weighted and as it turns out."""
    table = late_labels()
    fig, ax = plots.figure()
    day = -table.index
    ax.plot(day, table["final"], color=plots.TRUTH, linewidth=1.5, linestyle="--")
    ax.plot(day, table["naive"], "o-", color=plots.NAIVE)
    ax.plot(day, table["weighted"], "o-", color=plots.HONEST, linewidth=1, markersize=5)
    ax.text(-3.2, 2.4, "as counted today", color=plots.NAIVE, ha="right", va="center", fontsize=10)
    top = table[["final", "weighted"]].to_numpy().max()
    ax.text(
        -14,
        top + 2.6,
        "weighted by 1 / share arrived",
        color=plots.HONEST,
        va="center",
        fontsize=10,
    )
    ax.text(
        -14,
        top + 1.2,
        "once every report is in (dashed)",
        color=plots.TRUTH,
        va="center",
        fontsize=10,
    )
    ax.set(ylim=(0, top + 3.6), xlabel="day of the click, counted back from today")
    ax.set_ylabel("reports per 1,000 clicks")
    ax.set_xticks([-14, -12, -10, -8, -6, -4, -2, -1])
    ax.set_title("Abuse seems to vanish every day, at the right edge")
    return fig


@cache
def thinned_profits() -> pd.DataFrame:
    """Return a day's expected profit in euros for a perfect model of thinned rows.

    Returns
    -------
    pandas.DataFrame
        Index: keep rate of the negatives; columns `as trained`, `times w`, `corrected`.
    """
    table = {}
    for keep_rate in KEEP_RATES:
        table[keep_rate] = {}
        for repair in ("as trained", "times w", "corrected"):

            def predict(
                requests: pd.DataFrame, keep_rate: float = keep_rate, repair: str = repair
            ) -> np.ndarray:
                rate = ads.true_ctr(1, requests)
                score = rate / (rate + (1 - rate) * keep_rate)
                if repair == "as trained":
                    return score
                if repair == "times w":
                    return score * keep_rate
                return corrected(score, keep_rate)

            served = ads.run_auction(predict, 1, REQUESTS)
            table[keep_rate][repair] = ads.expected_profit(1, served)
    return pd.DataFrame(table).T


def corrected(score: np.ndarray | float, keep_rate: float) -> np.ndarray | float:
    """Undo thinning: q = p / (p + (1 - p) / w), He et al. 2014, section 6.3."""
    return score / (score + (1 - score) / keep_rate)


def thinned(rate: float, keep_rate: float) -> float:
    """Return the share of positives after negatives are kept with probability `keep_rate`."""
    return rate / (rate + (1 - rate) * keep_rate)


def draw_keep_rate() -> Figure:
    """Draw the profit of a day against the keep rate, by repair."""
    table = thinned_profits()
    fig, ax = plots.figure()
    ax.axhline(0, color=plots.QUIET, linewidth=1)
    colours = {"as trained": plots.NAIVE, "times w": plots.PALETTE[3], "corrected": plots.HONEST}
    for name, colour in colours.items():
        ax.plot(table.index, table[name], "o-", color=colour)
    ax.text(0.011, 820, "odds corrected", color=plots.HONEST, va="center", fontsize=10)
    ax.text(0.019, -260, "multiplied by w", color=plots.PALETTE[3], va="center", fontsize=10)
    ax.text(0.06, -1850, "as trained", color=plots.NAIVE, va="center", fontsize=10)
    ax.set(xscale="log", ylim=(-2400, 1100), xlabel="keep rate w of the negatives")
    ax.set_xticks(KEEP_RATES, [f"{rate:g}" for rate in KEEP_RATES])
    ax.minorticks_off()
    ax.set_yticks([-2000, -1000, 0, 1000], ["−2,000", "−1,000", "0", "1,000"])
    ax.set_ylabel("profit of one day, euros")
    ax.set_title("One and the same ranking, paid by its probabilities")
    return fig


@cache
def target_encodings() -> dict[str, float]:
    """Return test AUC with a noise category encoded in three ways; means over `WORLDS`.

    `everything`: means of all rows; `own rows`: means of the training rows, applied to themselves;
    `cross-fitted`: scikit-learn's `TargetEncoder`; `none`: the category left out.
    """
    results = []
    for seed in WORLDS:
        rows = subscribers.make(seed, user_effect=0, second_account_share=0)
        test = np.random.default_rng(seed).random(len(rows)) < 0.25
        train, lapsed = ~test, rows["lapsed"]
        category = rows[["last_creator"]]
        means = lapsed[train].groupby(rows["last_creator"][train]).mean()
        encoder = TargetEncoder(cv=KFold(5, shuffle=True, random_state=0))
        fitted = encoder.fit_transform(category[train], lapsed[train])[:, 0]
        codes = {
            "everything": lapsed.groupby(rows["last_creator"]).transform("mean").to_numpy(),
            "own rows": rows["last_creator"].map(means).fillna(lapsed[train].mean()).to_numpy(),
        }
        codes["cross-fitted"] = np.empty(len(rows))
        codes["cross-fitted"][train] = fitted
        codes["cross-fitted"][test] = encoder.transform(category[test])[:, 0]
        codes["none"] = np.zeros(len(rows))
        row = {}
        for name, code in codes.items():
            X = np.c_[rows[subscribers.BEHAVIOUR].to_numpy(), code]
            scores = _trees().fit(X[train], lapsed[train]).predict_proba(X[test])[:, 1]
            row[name] = roc_auc_score(lapsed[test], scores)
        results.append(row)
    return pd.DataFrame(results).mean().to_dict()


@cache
def smote_places() -> dict[str, float]:
    """Return the AUC that a forest shows with SMOTE `before` the folds and `inside` them."""
    rows = ads.impressions(1, 5000)
    X, y = rows[list(ads.FEATURES)].to_numpy(), rows["clicked"].to_numpy()
    forest = RandomForestClassifier(30, random_state=0)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    smote = SMOTE(random_state=0)
    pipeline = make_sampling_pipeline(smote, forest)
    return {
        "before": cross_val_score(
            forest, *smote.fit_resample(X, y), cv=folds, scoring="roc_auc"
        ).mean(),
        "inside": cross_val_score(pipeline, X, y, cv=folds, scoring="roc_auc").mean(),
    }


def true_share(observed: float, sensitivity: float, specificity: float) -> float:
    """Return the true rate behind an imperfect labeller's, Rogan and Gladen 1978."""
    return (observed + specificity - 1) / (sensitivity + specificity - 1)


def colliding_share(n_ids: float, n_buckets: float) -> float:
    """Return the share of ids that share their bucket with another, by occupancy."""
    return -np.expm1((n_ids - 1) * np.log1p(-1 / n_buckets))


FIGURES = {
    "m3_splits": draw_splits,
    "m3_joins": draw_joins,
    "m3_selection": draw_selection,
    "m3_late_labels": draw_late_labels,
    "m3_keep_rate": draw_keep_rate,
}

NUMBERS = {
    **{
        f"AUC, {name}": lambda name=name: split_promises()[name].mean()
        for name in (
            "random rows",
            "new accounts",
            "new people",
            "the future",
            "both",
            "strangers",
            "known viewers",
        )
    },
    **{
        f"{what}, join {name}": lambda name=name, what=what: joins().loc[name, what]
        for name in ("own row included", "by event time", "by availability")
        for what in ("offline", "served", "mismatch")
    },
    "gap, join by event time": lambda: (
        joins().loc["by event time", "offline"] - joins().loc["by event time", "served"]
    ),
    "accuracy on noise, 25 columns, before": lambda: selection_on_noise()["before"][25],
    "accuracy on noise, lowest inside": lambda: selection_on_noise()["inside"].min(),
    "accuracy on noise, highest inside": lambda: selection_on_noise()["inside"].max(),
    "accuracy on noise, 100 columns, before": lambda: selection_on_noise()["before"][100],
    "accuracy on noise, 5000 columns, before": lambda: selection_on_noise()["before"][5000],
    "accuracy on noise, 5000 columns, inside": lambda: selection_on_noise()["inside"][5000],
    "reports per 1000 clicks, last day, naive": lambda: late_labels()["naive"][1],
    "reports per 1000 clicks, last day, weighted": lambda: late_labels()["weighted"][1],
    "reports per 1000 clicks, last day, final": lambda: late_labels()["final"][1],
    "mean delay of a report, days": report_delay,
    "click rate of ads": lambda: ads.impressions(1, REQUESTS)["clicked"].mean(),
    **{
        f"profit at keep rate {rate:g}, {name}": lambda rate=rate, name=name: thinned_profits().loc[
            rate, name
        ]
        for rate in (0.05, 0.5)
        for name in ("as trained", "times w", "corrected")
    },
    "share of clicks after 1.8 %, w = .05": lambda: thinned(0.018, 0.05),
    "share of positives after 5 %, w = .1": lambda: thinned(0.05, 0.1),
    "keep rate for an even split of 5 %": lambda: 0.05 / 0.95,
    "threshold on the score for 1 %, w = .05": lambda: thinned(0.01, 0.05),
    "logit shift for w = .05": lambda: np.log(0.05),
    "keep rate of sampling_strategy=.1 at 20 of 1000": lambda: (20 / 0.1) / 980,
    **{
        f"target encoding, {name}": lambda name=name: target_encodings()[name]
        for name in ("everything", "own rows", "cross-fitted", "none")
    },
    "SMOTE before the folds, AUC": lambda: smote_places()["before"],
    "SMOTE inside the folds, AUC": lambda: smote_places()["inside"],
    "true share behind .73 at Se .9, Sp .65": lambda: true_share(0.73, 0.9, 0.65),
    "share of 1e6 ids that collide in 1e7 buckets": lambda: colliding_share(1e6, 1e7),
}
