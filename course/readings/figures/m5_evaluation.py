"""Figures and numbers of the chapter on evaluation: metrics, off-policy estimates, experiments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression

from course import plots
from course.worlds import feed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORLD = 1
LIST_LENGTH = 10
CANDIDATES = 20
Z = 1.96
"""Half-width of a 95 % interval in standard errors."""

# --- Offline against online -----------------------------------------------------------------------


def _newest(requests: pd.DataFrame, candidates: dict[str, np.ndarray]) -> np.ndarray:
    return -candidates["age_days"]


def _blend(share: float) -> feed.LinearPolicy:
    """Move a share of the way from the weights of production to those of `BALANCED_POLICY`."""
    old, new = feed.PRODUCTION.weights, feed.BALANCED_POLICY.weights
    names = {**old, **new}
    return feed.LinearPolicy(
        {name: (1 - share) * old.get(name, 0) + share * new.get(name, 0) for name in names}
    )


POLICIES: dict[str, feed.Policy] = {
    "production + noise": feed.LinearPolicy(feed.PRODUCTION.weights, noise=0.3),
    "popularity only": feed.LinearPolicy({"popularity_score": 1.0}),
    "blend 25 %": _blend(0.25),
    "blend 50 %": _blend(0.5),
    "blend 75 %": _blend(0.75),
    "balanced": feed.BALANCED_POLICY,
    "balanced + noise": feed.LinearPolicy(feed.BALANCED_POLICY.weights, noise=1.0),
    "clicks": feed.CLICK_POLICY,
    "satisfaction": feed.SATISFACTION_POLICY,
    "topic only": feed.LinearPolicy({"topic_match": 1.0}),
    "thumbnail only": feed.LinearPolicy({"thumbnail_score": 1.0}),
    "quality only": feed.LinearPolicy({"quality_score": 1.0}),
    "own country first": feed.LinearPolicy({"same_country": 1.0, "topic_match": 0.2}),
    "newest first": _newest,
}
"""Fourteen candidates to replace production."""


@cache
def click_log() -> pd.DataFrame:
    """Return two weeks of production's log with a randomised bucket of 10 %, with labels."""
    log = feed.log(WORLD, days=14, users=5000, randomised_share=0.1)
    return feed.labelled(*log)


@cache
def click_rates() -> pd.DataFrame:
    """Return click rates by position relative to the first.

    Returns
    -------
    pandas.DataFrame
        Index: position; columns `all traffic`, `random bucket`, `examination` (planted truth).
    """
    rows = click_log()
    by_rank = {
        "all traffic": rows.groupby("position")["clicked"].mean(),
        "random bucket": rows[rows["bucket"] == "random"].groupby("position")["clicked"].mean(),
    }
    table = pd.DataFrame({name: rate / rate.iloc[0] for name, rate in by_rank.items()})
    return table.assign(examination=feed.true_examination())


def draw_examination() -> Figure:
    """Draw the click rate by position in all traffic and in the random bucket."""
    table = click_rates()
    fig, ax = plots.figure()
    ax.plot(table.index, table["examination"], color=plots.TRUTH, linewidth=1.5, linestyle="--")
    ax.plot(table.index, table["random bucket"], "o", color=plots.HONEST)
    ax.plot(table.index, table["all traffic"], "o-", color=plots.NAIVE, markersize=5)
    ax.text(4.1, 0.40, "random bucket (dots)", color=plots.HONEST, fontsize=10)
    ax.text(4.1, 0.335, "and true examination (dashed)", color=plots.TRUTH, fontsize=10)
    ax.text(2.15, 0.17, "all traffic", color=plots.NAIVE, fontsize=10)
    ax.set(ylim=(0, 1.05), xlabel="position in the list", ylabel="click rate, position 1 = 1")
    ax.set_xticks(range(1, 11))
    ax.set_title("All traffic makes low positions look worse than they are")
    return fig


def _scores(policy: feed.Policy, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return a policy's scores of all candidates, and the columns of the videos logged."""
    shown = rows["video_id"].to_numpy().reshape(-1, LIST_LENGTH)
    requests, candidates = feed.request_batch(WORLD, rows["request_id"].to_numpy()[::LIST_LENGTH])
    scores = np.asarray(policy(requests, candidates), dtype=float)
    return scores, (shown[:, :, None] == candidates["video_id"][:, None, :]).argmax(axis=2)


def _clicks(rows: pd.DataFrame) -> np.ndarray:
    return rows["clicked"].to_numpy().reshape(-1, LIST_LENGTH)


def naive_ndcg(policy: feed.Policy, rows: pd.DataFrame) -> float:
    """Return the mean NDCG@10 of a policy that re-ranks logged lists, clicks as relevance.

    Lists without a click are left out.
    """
    scores, columns = _scores(policy, rows)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    relevance = np.take_along_axis(_clicks(rows), order, axis=1)
    return ndcg(relevance).mean()


def agreement(policy: feed.Policy, rows: pd.DataFrame) -> float:
    """Return the mean rank correlation of a policy's order with production's on logged lists."""
    orders = []
    for ranker in (policy, feed.PRODUCTION):
        scores, columns = _scores(ranker, rows)
        ranks = stats.rankdata(np.take_along_axis(scores, columns, axis=1), axis=1)
        orders.append(ranks - ranks.mean(axis=1, keepdims=True))
    new, old = orders
    return float(((new * old).sum(axis=1) / np.sqrt((new**2).sum(1) * (old**2).sum(1))).mean())


def ndcg(relevance: np.ndarray, *, exponential: bool = False) -> np.ndarray:
    """Return the NDCG of ranked lists, shape (lists, places); lists of zeros are left out."""
    gain = np.exp2(relevance) - 1 if exponential else np.asarray(relevance, dtype=float)
    gain = gain[gain.sum(axis=1) > 0]
    discount = 1 / np.log2(np.arange(gain.shape[1]) + 2)
    return gain @ discount / (-np.sort(-gain, axis=1) @ discount)


def corrected_clicks(policy: feed.Policy, rows: pd.DataFrame, examined: np.ndarray) -> np.ndarray:
    """Return a policy's estimated clicks per request, one number per randomised request.

    In the random bucket each of n candidates stands at each position with probability 1/n, so a
    click divided by the mean examination sum(examined) / n estimates the video's click rate when
    looked at; times the examination where the policy puts the video, its clicks (position-based
    model, Craswell et al. 2008; weights as in Joachims et al. 2017).

    Parameters
    ----------
    rows
        Impressions of the random bucket.
    examined
        Examination by position, shape (10,).
    """
    scores, columns = _scores(policy, rows)
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(CANDIDATES)[None, :], axis=1)
    value = np.zeros(CANDIDATES)
    value[:LIST_LENGTH] = examined
    weight = value[np.take_along_axis(rank, columns, axis=1)] / (examined.sum() / CANDIDATES)
    return (_clicks(rows) * weight).sum(axis=1)


def _lift(numerator: pd.Series, denominator: pd.Series) -> tuple[float, float]:
    """Return the lift of paired totals per user, and its standard error over users."""
    ratio = numerator.sum() / denominator.sum()
    residual = numerator - ratio * denominator
    return ratio - 1, np.sqrt((residual**2).sum()) / denominator.sum()


@cache
def offline_and_online() -> pd.DataFrame:
    """Return what two offline numbers say about each policy, and what the experiment finds.

    Returns
    -------
    pandas.DataFrame
        Index: names of `POLICIES`; `ndcg` (naive, on production's lists of the last three days),
        `agreement` (with production's order of these lists), `estimate` and `estimate_se`
        (corrected lift of clicks per session over production), `online` and `online_se` (the same
        from an experiment of 14 days, 5,000 users per arm).
    """
    rows = click_log()
    randomised = rows[rows["bucket"] == "random"]
    ranked = rows[rows["bucket"] == "ranked"]
    last = ranked[
        ranked["timestamp"] >= ranked["timestamp"].max().normalize() - pd.Timedelta(days=2)
    ]
    examined = click_rates()["random bucket"].to_numpy()
    user = randomised["user_id"].to_numpy()[::LIST_LENGTH]
    base = pd.Series(corrected_clicks(feed.PRODUCTION, randomised, examined)).groupby(user).sum()

    arms = {"production": feed.PRODUCTION, **POLICIES}
    seen = feed.experiment(arms, WORLD, days=14, users=5000 * len(arms)).users
    per_arm = {}
    for arm, part in seen.groupby("arm", observed=True):
        rate = part["clicks"].sum() / part["sessions"].sum()
        residual = part["clicks"] - rate * part["sessions"]
        per_arm[arm] = rate, np.sqrt((residual**2).sum()) / part["sessions"].sum()
    control, control_se = per_arm["production"]

    table = {}
    for name, policy in POLICIES.items():
        clicks = pd.Series(corrected_clicks(policy, randomised, examined)).groupby(user).sum()
        estimate, estimate_se = _lift(clicks, base)
        rate, rate_se = per_arm[name]
        online_se = rate / control * np.hypot(rate_se / rate, control_se / control)
        table[name] = {
            "ndcg": naive_ndcg(policy, last),
            "agreement": agreement(policy, last),
            "estimate": estimate,
            "estimate_se": estimate_se,
            "online": rate / control - 1,
            "online_se": online_se,
        }
    return pd.DataFrame(table).T


def rank_correlation(column: str, other: str = "online", least_lift: float = -1) -> float:
    """Return Spearman's correlation of two columns, over policies of at least a lift online."""
    table = offline_and_online()
    table = table[table["online"] >= least_lift]
    return stats.spearmanr(table[column], table[other]).statistic


def share_inside() -> float:
    """Return the share of policies whose estimate and online lift agree within 1.96 errors."""
    table = offline_and_online()
    noise = np.hypot(table["estimate_se"], table["online_se"])
    return float(((table["estimate"] - table["online"]).abs() <= Z * noise).mean())


def draw_offline_online() -> Figure:
    """Draw the naive and the corrected offline number of every policy against its online lift."""
    table = offline_and_online()
    online, error = 100 * table["online"], 100 * Z * table["online_se"]
    fig, (left, right) = plots.figure(2, width=4.9, height=4.6)
    bars = {"fmt": "none", "elinewidth": 1, "color": plots.QUIET, "zorder": 1}
    left.errorbar(table["ndcg"], online, yerr=error, **bars)
    left.plot(table["ndcg"], online, "o", color=plots.NAIVE, markersize=7)
    right.plot([-35, 45], [-35, 45], color=plots.QUIET, linewidth=1, linestyle="--")
    estimate = 100 * table["estimate"]
    right.errorbar(estimate, online, yerr=error, xerr=100 * Z * table["estimate_se"], **bars)
    right.plot(estimate, online, "o", color=plots.HONEST, markersize=7)
    beside = {"blend 25 %": (-8, 8), "clicks": (8, 5), "balanced": (8, 2), "satisfaction": (8, -6)}
    beside |= {"production + noise": (-6, -12), "quality only": (10, -4)}
    for name, shift in beside.items():
        where = {"xytext": shift, "fontsize": 9, "ha": "left" if shift[0] > 0 else "right"}
        plots.label(left, table["ndcg"][name], online[name], name, plots.TRUTH, **where)
    above = {"clicks": (-8, 8), "blend 25 %": (-8, 9), "production + noise": (-8, 8)}
    above |= {"quality only": (10, -6), "satisfaction": (-9, 7), "balanced": (10, -8)}
    for name, shift in above.items():
        where = {"xytext": shift, "fontsize": 9, "ha": "left" if shift[0] > 0 else "right"}
        plots.label(right, estimate[name], online[name], name, plots.TRUTH, **where)
    for ax in (left, right):
        ax.axhline(0, color=plots.QUIET, linewidth=1)
        ax.set(ylim=(-38, 48))
    left.set(xlim=(0.5, 0.86), xlabel="NDCG@10 on production's lists")
    left.set_ylabel("online lift of clicks per session, %")
    right.set(xlim=(-38, 48), xlabel="corrected estimate of the lift, %")
    left.set_title(f"Naive: rank correlation {rank_correlation('ndcg'):.2f}")
    right.set_title(f"Corrected: {rank_correlation('estimate'):.2f}")
    return fig


# --- Off-policy estimates -------------------------------------------------------------------------

DISTANCES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How far the target's weights are moved from production's (0) to `CLICK_POLICY`'s (1)."""
_MODEL_SEES = ("topic_match", "popularity_score", "same_country")


@cache
def off_policy() -> pd.DataFrame:
    """Return the errors of four estimates of the click rate in first place.

    The logs come from production with a temperature; the target draws in the same way from weights
    further and further away. The reward model lacks the thumbnail, which clicks depend on.

    Returns
    -------
    pandas.DataFrame
        Index: `DISTANCES`; `requests`, `ess` (effective share of them, Kish 1965), `largest` (the
        largest weight), `truth`, and the root mean square errors `ips`, `snips`, `dr` and `model`
        and the mean error `model bias`, over 24 logs.
    """
    logging = feed.LinearPolicy(feed.PRODUCTION.weights, temperature=0.5)
    results = []
    for seed in range(24):
        log = feed.log(seed, days=2, users=2000, policy=logging, randomised_share=0.1)
        top = feed.labelled(*log).query("position == 1")
        requests, candidates = feed.request_batch(seed, top["request_id"].to_numpy())
        clicked, mu = top["clicked"].to_numpy(), top["propensity"].to_numpy()
        row = np.arange(len(top))
        shown = (candidates["video_id"] == top["video_id"].to_numpy()[:, None]).argmax(axis=1)

        X = np.stack([candidates[name] for name in _MODEL_SEES], axis=-1)
        model = LogisticRegression().fit(X[row, shown], clicked)
        q = model.predict_proba(X.reshape(-1, X.shape[-1]))[:, 1].reshape(X.shape[:2])
        grid = {
            "user_id": np.repeat(requests["user_id"].to_numpy(), CANDIDATES),
            "video_id": candidates["video_id"].ravel(),
            "day": np.repeat(requests["day"].to_numpy(), CANDIDATES),
        }
        rate = feed.true_response(seed, pd.DataFrame(grid))["click"].to_numpy().reshape(q.shape)
        for distance in DISTANCES:
            old, new = feed.PRODUCTION.weights, feed.CLICK_POLICY.weights
            weights = {
                name: (1 - distance) * old.get(name, 0) + distance * new.get(name, 0)
                for name in {**old, **new}
            }
            pi = feed.LinearPolicy(weights, temperature=0.5)(requests, candidates)["probabilities"]
            w = pi[row, shown] / mu
            truth, direct = (pi * rate).sum(axis=1).mean(), (pi * q).sum(axis=1).mean()
            results.append(
                {
                    "distance": distance,
                    "requests": len(top),
                    "ess": effective_size(w) / len(w),
                    "largest": w.max(),
                    "truth": truth,
                    "ips": (w * clicked).mean() - truth,
                    "snips": (w * clicked).sum() / w.sum() - truth,
                    "dr": direct + (w * (clicked - q[row, shown])).mean() - truth,
                    "model": direct - truth,
                }
            )
    groups = pd.DataFrame(results).groupby("distance")
    table = groups[["requests", "ess", "largest", "truth"]].mean()
    for name in ("ips", "snips", "dr", "model"):
        table[name] = groups[name].apply(lambda errors: np.sqrt((errors**2).mean()))
    return table.assign(**{"model bias": groups["model"].mean()})


def effective_size(weights: np.ndarray) -> float:
    """Return Kish's effective sample size, (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def draw_support() -> Figure:
    """Draw effective sample size and error as the target moves away from the logging policy."""
    table = off_policy()
    fig, (left, right) = plots.figure(2, width=4.6, height=3.5)
    left.plot(table.index, 100 * table["ess"], "o-", color=plots.HONEST)
    for distance in (0.0, 0.5, 1.0):
        share = table["ess"][distance]
        plots.label(
            left, distance, 100 * share, f"{100 * share:.0f} %", plots.HONEST, xytext=(6, 9)
        )
    left.set(ylim=(0, 110), xlim=(-0.05, 1.15), ylabel="effective share of the log, %")
    left.set_title("The log thins out")
    looks = {
        "model": ("model alone", plots.NAIVE, 0),
        "ips": ("IPS", plots.TRUTH, 5),
        "dr": ("DR", plots.PALETTE[2], 3),
        "snips": ("SNIPS", plots.HONEST, -7),
    }
    for name, (text, colour, shift) in looks.items():
        right.plot(table.index, 100 * table[name], "o-", color=colour, markersize=5)
        plots.label(right, 1, 100 * table[name][1.0], text, colour, xytext=(7, shift))
    right.set(xlim=(-0.05, 1.35), ylim=(0, 18.5), ylabel="error, percentage points")
    right.set_title("Every estimate pays for it")
    for ax in (left, right):
        ax.set_xticks(DISTANCES, ["0", "¼", "½", "¾", "1"])
        ax.set_xlabel("distance of the target from the logging policy")
    return fig


# --- Experiments ----------------------------------------------------------------------------------

ASSIGNMENTS = 2000
LOOKS = (1, 2, 3, 5, 7, 14)


@cache
def _null_run() -> feed.Outcome:
    return feed.serve(feed.PRODUCTION, WORLD, days=14, users=5000, keep_log=False)


class FalseAlarms(NamedTuple):
    """Shares of A/A experiments that are called significant at 5 %.

    Attributes
    ----------
    unit
        By analysis of the click rate per impression.
    looks
        Index: number of looks; columns `naive`, `Bonferroni`.
    design_effect
        Mean ratio of the standard error over users to the binomial one.
    """

    unit: pd.Series
    looks: pd.DataFrame
    design_effect: float


@cache
def false_alarms() -> FalseAlarms:
    """Return false-positive rates of 2,000 A/A assignments of one run of 14 days."""
    run = _null_run()
    columns = run.users[["clicks", "impressions"]].to_numpy()
    arms = feed.repeat_assignment(run.users["user_id"], columns, ASSIGNMENTS)
    rate = arms.total[..., 0] / arms.total[..., 1]
    pooled = arms.total[..., 0].sum(axis=1) / arms.total[..., 1].sum(axis=1)
    binomial = np.sqrt(pooled * (1 - pooled) * (1 / arms.total[..., 1]).sum(axis=1))
    cov, n = arms.covariance, arms.users
    linear = cov[..., 0, 0] - 2 * rate * cov[..., 0, 1] + rate**2 * cov[..., 1, 1]
    delta = np.sqrt((linear / (n * arms.mean[..., 1] ** 2)).sum(axis=1))
    per_user = np.sqrt((cov[..., 0, 0] / n).sum(axis=1))
    gap = rate[:, 1] - rate[:, 0]
    tests = {
        "impressions as units": gap / binomial,
        "delta method": gap / delta,
        "t-test of clicks per user": (arms.mean[:, 1, 0] - arms.mean[:, 0, 0]) / per_user,
    }
    unit = pd.Series({name: float((np.abs(z) > Z).mean()) for name, z in tests.items()})

    daily = run.user_days.pivot_table(
        index="user_id", columns="day", values="clicks", aggfunc="sum", fill_value=0
    ).cumsum(axis=1)
    arms = feed.repeat_assignment(daily.index, daily.to_numpy(), ASSIGNMENTS)
    variance = np.einsum("...ii->...i", arms.covariance) / arms.users[..., None]
    z = np.abs(arms.mean[:, 1] - arms.mean[:, 0]) / np.sqrt(variance.sum(axis=1))
    looks = {}
    for number in LOOKS:
        days = np.round(np.linspace(14 / number, 14, number)).astype(int) - 1
        strict = stats.norm.isf(0.025 / number)
        seen = z[:, days].max(axis=1)
        looks[number] = {"naive": (seen > Z).mean(), "Bonferroni": (seen > strict).mean()}
    return FalseAlarms(unit, pd.DataFrame(looks).T, float((delta / binomial).mean()))


def draw_false_alarms() -> Figure:
    """Draw false-positive rates by unit of analysis and by number of looks."""
    alarms = false_alarms()
    fig, (left, right) = plots.figure(2, width=4.6, height=3.3)
    for place, share in enumerate(alarms.unit):
        colour = plots.NAIVE if place == 0 else plots.HONEST
        left.barh(place, 100 * share, color=colour, height=0.55)
        plots.label(left, 100 * share, place, f"{100 * share:.0f} %", colour)
    left.set_yticks(
        range(3), ["impressions\nas units", "delta method", "t-test of\nclicks per user"]
    )
    left.set(xlim=(0, 50), ylim=(2.6, -0.6), xlabel="A/A tests called significant, %")
    left.axvline(5, color=plots.TRUTH, linewidth=1, linestyle="--")
    left.grid(axis="y", visible=False)
    left.set_title("The wrong unit, one look")
    table = 100 * alarms.looks
    right.plot(table.index, table["naive"], "o-", color=plots.NAIVE)
    right.plot(table.index, table["Bonferroni"], "o-", color=plots.HONEST)
    right.axhline(5, color=plots.TRUTH, linewidth=1, linestyle="--")
    last = table.index[-1]
    plots.label(right, last, table["naive"][last], f"{table['naive'][last]:.0f} %", plots.NAIVE)
    plots.label(
        right, last, table["Bonferroni"][last], f"{table['Bonferroni'][last]:.0f} %", plots.HONEST
    )
    right.text(5.5, 13.5, "stop at the first\np < .05", color=plots.NAIVE, ha="right", fontsize=10)
    right.text(4, 2.6, "each look at p < .05 / looks", color=plots.HONEST, fontsize=10, va="bottom")
    right.set(ylim=(0, 18), xlim=(0, 16.5), xlabel="looks during 14 days")
    right.set_xticks([1, 3, 5, 7, 14])
    right.set_title("The right unit, many looks")
    return fig


@cache
def pre_periods() -> pd.DataFrame:
    """Return what a pre-period buys CUPED: correlation and remaining variance by its length.

    Returns
    -------
    pandas.DataFrame
        Index: days before a test of 14 days; columns `correlation` of a user's clicks before and
        during the test, `variance` left (one minus its square), and `measured`: the variance of
        adjusted over raw effects across 2,000 A/A assignments.
    """
    table = {}
    for days in (1, 3, 7, 14, 28):
        arms = {"a": feed.PRODUCTION, "b": feed.PRODUCTION}
        users = feed.experiment(arms, WORLD, days=14, users=5000, pre_days=days).users
        before, during = users["pre_clicks"], users["clicks"]
        correlation = np.corrcoef(before, during)[0, 1]
        theta = np.cov(before, during)[0, 1] / before.var()
        both = np.c_[during, during - theta * (before - before.mean())]
        effects = np.diff(feed.repeat_assignment(users["user_id"], both, ASSIGNMENTS).mean, axis=1)
        raw, adjusted = effects[:, 0].var(axis=0)
        table[days] = {
            "correlation": correlation,
            "variance": 1 - correlation**2,
            "measured": adjusted / raw,
        }
    return pd.DataFrame(table).T


def draw_pre_period() -> Figure:
    """Draw the share of users that a test still needs, by length of the pre-period."""
    table = pre_periods()
    fig, ax = plots.figure(height=3.2)
    ax.bar(range(len(table)), 100 * table["variance"], color=plots.HONEST, width=0.7)
    ax.plot(range(len(table)), 100 * table["measured"], "D", color=plots.TRUTH, markersize=5)
    for place, row in enumerate(table.itertuples()):
        top = 100 * max(row.variance, row.measured) + 4
        ax.text(place, top, f"{100 * row.variance:.0f} %", ha="center", fontsize=10)
        ax.text(place, 4, f"ρ = {row.correlation:.2f}", ha="center", color="white", fontsize=10)
    ax.axhline(100, color=plots.QUIET, linewidth=1, linestyle="--")
    ax.text(4.4, 101, "without CUPED", ha="right", va="bottom", color=plots.QUIET, fontsize=10)
    ax.set_xticks(range(len(table)), [str(days) for days in table.index])
    ax.set(ylim=(0, 115), xlabel="days before the test that the covariate covers")
    ax.set_ylabel("users still needed, %")
    ax.grid(axis="x", visible=False)
    ax.set_title("Two weeks of history save about two thirds of the users")
    return fig


@cache
def crash(rate: float) -> dict[str, float]:
    """Return the read-out of a test of nothing in which a crash loses treated users.

    Parameters
    ----------
    rate
        Probability that a session of a treated user crashes; a user with a crash is not logged.

    Returns
    -------
    dict
        `control` and `treatment` (users), `p_srm`, `lift` of clicks per user, its `z`, and `bias`:
        the lift minus that of the same users without the crash.
    """

    def read(crash_rate: float) -> pd.DataFrame:
        arms = {"control": feed.PRODUCTION, "treatment": feed.PRODUCTION}
        users = feed.experiment(arms, WORLD, days=14, users=20_000, crash_rate=crash_rate).users
        return users.groupby("arm", observed=True)["clicks"].agg(["size", "mean", "var"])

    seen, sound = read(rate), read(0.0)
    lift, unharmed = (
        part.loc["treatment", "mean"] / part.loc["control", "mean"] - 1 for part in (seen, sound)
    )
    error = np.sqrt((seen["var"] / seen["size"]).sum())
    return {
        "control": float(seen.loc["control", "size"]),
        "treatment": float(seen.loc["treatment", "size"]),
        "p_srm": float(stats.chisquare(seen["size"]).pvalue),
        "lift": lift,
        "z": (seen.loc["treatment", "mean"] - seen.loc["control", "mean"]) / error,
        "bias": lift - unharmed,
    }


@cache
def long_run() -> pd.DataFrame:
    """Return daily lifts over production of two policies over four weeks, 20,000 users per arm.

    Returns
    -------
    pandas.DataFrame
        Index: day from 1; columns (`clicks` | `active_users` | `watch_seconds` | `per_session`,
        `clicks` | `satisfaction`), the second being the policy.
    """
    arms = {
        "production": feed.PRODUCTION,
        "clicks": feed.CLICK_POLICY,
        "satisfaction": feed.SATISFACTION_POLICY,
    }
    days = feed.experiment(arms, WORLD, days=28, users=60_000).days
    days = days.assign(per_session=days["clicks"] / days["sessions"])
    wide = days.pivot_table(index="day", columns="arm", observed=True)
    wide.index = np.arange(1, len(wide) + 1)
    lifts = {
        (what, arm): wide[what][arm] / wide[what]["production"] - 1
        for what in ("clicks", "active_users", "watch_seconds", "per_session")
        for arm in ("clicks", "satisfaction")
    }
    return pd.DataFrame(lifts)


def mean_lift(what: str, arm: str, first: int, last: int) -> float:
    """Return the mean daily lift of a policy from a first to a last day, both from 1."""
    return long_run()[what, arm].loc[first:last].mean()


def draw_long_run() -> Figure:
    """Draw daily clicks and daily users of two policies against production."""
    table = 100 * long_run()
    fig, axes = plots.figure(2, width=4.6, height=3.5)
    panels = {"clicks": "Clicks per day", "active_users": "Users per day"}
    for ax, (what, title) in zip(axes, panels.items(), strict=True):
        ax.axhline(0, color=plots.TRUTH, linewidth=1)
        for arm, colour in (("clicks", plots.NAIVE), ("satisfaction", plots.HONEST)):
            _weekly_line(ax, table[what, arm], colour)
        ax.set_title(title)
        ax.set(xlabel="day of the test", xlim=(0, 30), ylim=(-28, 44))
        ax.set_xticks([1, 7, 14, 21, 28])
    axes[0].set_ylabel("against production, %")
    axes[0].text(8.5, 32, "ranked by clicks", color=plots.NAIVE, fontsize=10)
    axes[0].text(3.5, -22, "ranked by satisfaction", color=plots.HONEST, fontsize=10)
    axes[1].text(27.5, 25, "ranked by satisfaction", color=plots.HONEST, fontsize=10, ha="right")
    axes[1].text(15, -25, "ranked by clicks", color=plots.NAIVE, fontsize=10, ha="right")
    return fig


def _weekly_line(ax: Axes, values: pd.Series, colour: str) -> None:
    """Draw daily dots and the line of their centred means over a week."""
    ax.plot(values.index, values, "o", color=colour, alpha=0.35, markersize=4)
    ax.plot(values.index, values.rolling(7, center=True, min_periods=4).mean(), color=colour)


# --- Formulas -------------------------------------------------------------------------------------


def average_precision(relevant_ranks: list[int], denominator: int) -> float:
    """Return average precision: the sum of precisions at the ranks of hits over a denominator."""
    return sum((hit + 1) / rank for hit, rank in enumerate(sorted(relevant_ranks))) / denominator


def precision_area(prevalence: float, separation: float = 1.5) -> float:
    """Return average precision of normal scores whose class means differ by `separation`."""
    threshold = np.linspace(-7, 9, 20_001)
    recall, false = stats.norm.sf(threshold - separation), stats.norm.sf(threshold)
    precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * false)
    return float(-np.trapezoid(precision, recall))


def sample_size(base: float, changed: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the users per arm that a two-sided test of two rates needs, unpooled variances."""
    z = stats.norm.isf(alpha / 2) + stats.norm.isf(1 - power)
    return z**2 * (base * (1 - base) + changed * (1 - changed)) / (changed - base) ** 2


def exact_peeking(looks: int = 20, repeats: int = 200_000) -> float:
    """Return the chance that one of equally spaced looks at noise is significant at 5 %."""
    steps = np.random.default_rng(0).standard_normal((repeats, looks)).cumsum(axis=1)
    return float((np.abs(steps / np.sqrt(np.arange(1, looks + 1))) > Z).any(axis=1).mean())


_GRADES = np.array([[3, 2, 3, 0, 1, 2]])

FIGURES: dict[str, Callable[[], Figure]] = {
    "m5_examination": draw_examination,
    "m5_offline_online": draw_offline_online,
    "m5_support": draw_support,
    "m5_false_alarms": draw_false_alarms,
    "m5_pre_period": draw_pre_period,
    "m5_long_run": draw_long_run,
}

NUMBERS: dict[str, Callable[[], float]] = {
    "NDCG of 3,2,3,0,1,2, linear gain": lambda: ndcg(_GRADES)[0],
    "NDCG of 3,2,3,0,1,2, exponential gain": lambda: ndcg(_GRADES, exponential=True)[0],
    "AP@5, hits at 1 and 3, over R = 8": lambda: average_precision([1, 3], 8),
    "AP@5, hits at 1 and 3, over min(k, R)": lambda: average_precision([1, 3], 5),
    "AP@5, hits at 1 and 3, over hits": lambda: average_precision([1, 3], 2),
    "AUC at separation 1.5": lambda: stats.norm.cdf(1.5 / np.sqrt(2)),
    "AP at prevalence 1 %": lambda: precision_area(0.01),
    "AP at prevalence 10 %": lambda: precision_area(0.1),
    "AP at prevalence 50 %": lambda: precision_area(0.5),
    "precision at TPR .9, FPR .01, prevalence .1 %": lambda: 0.0009 / (0.0009 + 0.00999),
    "click rate at 10 over 1, all traffic": lambda: click_rates()["all traffic"][10],
    "click rate at 10 over 1, random bucket": lambda: click_rates()["random bucket"][10],
    "click rate at 10 over 1, examination": lambda: click_rates()["examination"][10],
    "click rate at 5 over 1, all traffic": lambda: click_rates()["all traffic"][5],
    "click rate at 5 over 1, examination": lambda: click_rates()["examination"][5],
    "requests in the random bucket": lambda: (
        (click_log()["bucket"] == "random").sum() / LIST_LENGTH
    ),
    "rank correlation, naive": lambda: rank_correlation("ndcg"),
    "rank correlation, corrected": lambda: rank_correlation("estimate"),
    "rank correlation, naive, lifts above 5 %": lambda: rank_correlation("ndcg", "online", 0.05),
    "rank correlation, corrected, lifts above 5 %": lambda: rank_correlation(
        "estimate", "online", 0.05
    ),
    "policies": lambda: len(POLICIES),
    "policies with lifts above 5 %": lambda: (offline_and_online()["online"] >= 0.05).sum(),
    "rank correlation, naive and agreement": lambda: rank_correlation("ndcg", "agreement"),
    "place of `clicks` by NDCG": lambda: offline_and_online()["ndcg"].rank(ascending=False)[
        "clicks"
    ],
    "place of `blend 25 %` by NDCG": lambda: offline_and_online()["ndcg"].rank(ascending=False)[
        "blend 25 %"
    ],
    "place of `blend 25 %` by agreement": lambda: offline_and_online()["agreement"].rank(
        ascending=False
    )["blend 25 %"],
    "share of estimates that agree with the test": share_inside,
    **{
        f"{what}, {name}": lambda what=what, name=name: offline_and_online().loc[name, what]
        for name in POLICIES
        for what in ("ndcg", "agreement", "estimate", "online")
    },
    "mean 95 % half-width, estimate": lambda: Z * offline_and_online()["estimate_se"].mean(),
    "mean 95 % half-width, online": lambda: Z * offline_and_online()["online_se"].mean(),
    **{
        f"off-policy {what} at distance {at:g}": lambda what=what, at=at: off_policy().loc[at, what]
        for at in (0.0, 0.5, 1.0)
        for what in ("requests", "ess", "largest", "truth", "ips", "snips", "dr", "model")
    },
    "off-policy model bias at distance 1": lambda: off_policy()["model bias"][1.0],
    **{
        f"A/A false positives, {name}": lambda name=name: false_alarms().unit[name]
        for name in ("impressions as units", "delta method", "t-test of clicks per user")
    },
    "standard error over users against binomial": lambda: false_alarms().design_effect,
    "A/A false positives, 1 look": lambda: false_alarms().looks["naive"][1],
    "A/A false positives, 14 looks": lambda: false_alarms().looks["naive"][14],
    "A/A false positives, 14 looks, Bonferroni": lambda: false_alarms().looks["Bonferroni"][14],
    "A/A false positives, 7 looks": lambda: false_alarms().looks["naive"][7],
    "A/A false positives, 20 equal looks": exact_peeking,
    **{
        f"CUPED {what}, {days} days": lambda what=what, days=days: pre_periods().loc[days, what]
        for days in (1, 3, 7, 14, 28)
        for what in ("correlation", "variance", "measured")
    },
    **{
        f"crash {rate:.1%}: {what}": lambda rate=rate, what=what: crash(rate)[what]
        for rate in (0.003, 0.01)
        for what in ("control", "treatment", "p_srm", "lift", "z", "bias")
    },
    **{
        f"{what}, {arm} policy, days {first} to {last}": partial(mean_lift, what, arm, first, last)
        for what in ("clicks", "active_users", "watch_seconds", "per_session")
        for arm in ("clicks", "satisfaction")
        for first, last in ((1, 1), (1, 7), (1, 14), (8, 14), (22, 28))
    },
    "users per arm, 5 % to 5.5 %": lambda: sample_size(0.05, 0.055),
    "users per arm, rule of 16": lambda: 16 * 0.05 * 0.95 / 0.005**2,
    "one false alarm among 20 metrics": lambda: 1 - 0.95**20,
    "p of 44,000 against 45,000": lambda: stats.chisquare([44_000, 45_000]).pvalue,
}
