# %% [markdown]
# # Offline metrics
#
# The short-video app pays 30,000 € a month to serve taste features to its ranker. The platform team has built `light`, a ranker that does without, and its dashboard says that `light` is *better*: AUC up, MAP more than three times as high. Launch is on Monday. A million sessions a day hang on two numbers.
#
# **You will be able to** *compute* ranking metrics under a convention that you state, *detect* averages and intervals taken over the wrong unit, *choose* the metric from the decision and defend it.
#
# 33 points · about 70 minutes · builds on: pandas, logistic regression, position bias

# %%
import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, ndcg_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course import plots
from course.worlds import feed

# %% [markdown]
# ## The numbers that look too good
#
# `feed.log` plays three weeks of the app (`course/worlds/feed`). In a tenth of the sessions, the *random bucket*, ten of the twenty candidates are shown in random order: rankers are compared there, since on ranked lists position would speak louder than taste. The first ten days give each user a *past click rate*.

# %%
WORLD, USERS = 1, 8_000
impressions, events = feed.log(WORLD, days=21, users=USERS, randomised_share=0.1)
log = feed.labelled(impressions, events)
log["day"] = (log["timestamp"] - feed.FIRST_DAY).dt.days

history = log[(log["day"] < 10) & (log["bucket"] == "ranked")]
app_rate = history["clicked"].mean()
past = history.groupby("user_id")["clicked"].agg(["sum", "size"])
past_rate = (past["sum"] + 20 * app_rate) / (past["size"] + 20)  # shrunk by 20 impressions

bucket = log[(log["day"] >= 10) & (log["bucket"] == "random")].copy()
bucket[list(feed.FEATURES)] = feed.features(WORLD, bucket)
bucket["past_rate"] = bucket["user_id"].map(past_rate).fillna(app_rate)
train, test = bucket[bucket["day"] < 14], bucket[bucket["day"] >= 14]
print(f"{len(log):,} impressions; test: {len(test) // 10:,} random lists of 10")
print(f"{test['clicked'].mean():.1%} of the test impressions are clicked")

# %% [markdown]
# `production` ranks by popularity and a little taste. `light` is a click model on three cheap columns: the user's past click rate, and age and length of the video.

# %%
LIGHT = ["past_rate", "age_days", "length_s"]
light_model = make_pipeline(StandardScaler(), LogisticRegression())
light_model.fit(train[LIGHT].to_numpy(), train["clicked"])


def light(table):
    return light_model.predict_proba(table[LIGHT].to_numpy())[:, 1]


def production(table):
    return 0.3 * table["topic_match"].to_numpy() + table["popularity_score"].to_numpy()


for ranker in (production, light):
    print(f"{ranker.__name__:10s} AUC {roc_auc_score(test['clicked'], ranker(test)):.3f}")
print("MAP, from the two teams' reports:  production 0.19   light 0.68")

# %% [markdown]
# ### Exercise 1 · Commit to a prediction (1 point)
#
# From Monday, `light` ranks for everybody. What happens to the clicks per session, compared with `production` on the same users and days?
#
# | name | change |
# |---|---|
# | `"much_more"` | more than +10 % |
# | `"more"` | +2 to +10 % |
# | `"level"` | within 2 % |
# | `"fewer"` | -2 to -10 % |
# | `"much_fewer"` | below -10 % |
#
# Any of the five gets the point.


# %% exercise="my_prediction"
def my_prediction():
    """Return the name of the change that I expect."""
    ### BEGIN SOLUTION
    return "much_fewer"
    ### END SOLUTION


# %% check="my_prediction" points=1
# One of the five names is chosen
choice = my_prediction()
names = ("much_more", "more", "level", "fewer", "much_fewer")
assert isinstance(choice, str), f"Return one of the five names as text, not {choice!r}."
assert choice in names, f"{choice!r} is none of {', '.join(names)}."

# %% [markdown]
# ## Monday
#
# `feed.serve` plays a policy for a week. Both rankers meet the same users with the same moods, so that the difference is the ranker's alone.


# %%
def served(ranker):
    """Let a ranker serve the week after the log; return one row per user."""

    def policy(requests, candidates):
        per_list = candidates["video_id"].shape[1]
        table = pd.DataFrame({name: candidates[name].ravel() for name in feed.FEATURES})
        rate = requests["user_id"].map(past_rate).fillna(app_rate).to_numpy()
        table["past_rate"] = np.repeat(rate, per_list)
        return ranker(table).reshape(-1, per_list)

    outcome = feed.serve(policy, WORLD, first_day=21, days=7, users=USERS, keep_log=False)
    return outcome.users


def clicks_per_session(users):
    return users["clicks"].sum() / users["sessions"].sum()


production_week, light_week = served(production), served(light)
before, after = clicks_per_session(production_week), clicks_per_session(light_week)
fig, axes = plots.figure(2, width=3.6, height=3.0)
auc_pair = [roc_auc_score(test["clicked"], ranker(test)) for ranker in (production, light)]
for ax, pair, unit in (
    (axes[0], auc_pair, "AUC on the dashboard"),
    (axes[1], [before, after], "clicks per session, served"),
):
    ax.bar(["production", "light"], pair, color=[plots.QUIET, plots.NAIVE], width=0.6)
    ax.bar_label(ax.containers[0], [f"{value:.2f}" for value in pair], padding=2)
    ax.set(ylabel=unit, ymargin=0.15)
    ax.grid(axis="x", visible=False)
axes[0].set_ylim(0.5, 0.62)
axes[0].set_title("Promised: better", fontsize=11)
axes[1].set_title(f"Served: {after / before - 1:+.0%} clicks", fontsize=11)
plots.show(
    fig,
    alt=f"AUC: production {auc_pair[0]:.2f}, light {auc_pair[1]:.2f}. Clicks per session when "
    f"served: production {before:.2f}, light {after:.2f}.",
)
lost = (before - after) * 1_000_000 * 0.02
print(f"{after / before - 1:+.0%} clicks per session; at 2 cents a click {lost:,.0f} € a day")
print(f"saved on features: {30_000 / 30:,.0f} € a day")

# %% [markdown]
# **What happened.** One user's past click rate adds the same number to all of that user's videos. It says *who* clicks, which lifts an AUC over pairs of rows from different users, and cannot move a video within a list. And the two MAPs are not one metric: two teams, two conventions. Take the numbers apart, one by one.

# %% [markdown]
# ## One list, three average precisions
#
# A list with eight relevant videos has two of them among its first five, on ranks 1 and 3. The numerator of AP@5 is $1/1 + 2/3 = 1.67$. Divide it by 8, by 5 or by 2:

# %%
print("by the relevant videos, R = 8:   ", round((1 / 1 + 2 / 3) / 8, 3))
print("by the most within reach, 5:     ", round((1 / 1 + 2 / 3) / 5, 3))
print("by the hits that were found, 2:  ", round((1 / 1 + 2 / 3) / 2, 3))

# %% [markdown]
# All three are in use, and all are called AP. So the convention becomes an argument.
#
# $$\mathrm{AP@}k = \frac{1}{D} \sum_{i=1}^{\min(k,\,n)} r_i \, P_i, \qquad P_i = \frac{1}{i}\sum_{j \le i} r_j$$
#
# $r_i$ is 1 if the video on rank $i$ is relevant, else 0; $n$ is the length of the list, $P_i$ the precision at $i$, $D$ the denominator. MAP is the mean over lists.
#
# <small>Source: $D = R$ in trec_eval (Voorhees & Harman 2005); $D = \min(k, R)$ in many competitions.</small>

# %% [markdown]
# ### Exercise 2 · List metrics with stated conventions (5 points)
#
# Write `list_metrics(relevant, k, denominator, empty)`. `relevant` is an array of 0 and 1 of shape (lists, $n$), best rank first; $R$ counts the ones in a row. `k` may exceed $n$.
#
# Return a frame, one row per list, in order:
#
# | column | value |
# |---|---|
# | `precision` | hits among the first `k`, over `k`, also where $k > n$ |
# | `recall` | hits among the first `k`, over $R$ |
# | `average_precision` | as above; $D$ is $R$ for `"relevant"`, $\min(k, R)$ for `"reachable"`, the hits among the first `k` for `"hits"` |
# | `reciprocal_rank` | 1 / rank of the first hit among the first `k`, ranks from 1; else 0 |
#
# Where a denominator is 0 the value is `empty`, a number or NaN.
#
# <details><summary>Hint 1: the idea</summary>Cut the rows to k, take cumulative sums along the ranks, and choose the denominator last.</details>
# <details><summary>Hint 2: the tool</summary><code>np.cumsum(first, axis=1) / np.arange(1, width + 1)</code> gives all precisions at i; <code>argmax(axis=1)</code> finds the first hit.</details>


# %% exercise="list_metrics"
def list_metrics(relevant, k, denominator, empty):
    """Return precision, recall, average precision and reciprocal rank at k of each list."""
    ### BEGIN SOLUTION
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits = first.sum(axis=1)
    rank = np.arange(1, first.shape[1] + 1)
    numerator = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    divide_by = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]

    def ratio(above, below):
        return np.where(below > 0, above / np.maximum(below, 1), empty)

    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": ratio(hits, total),
            "average_precision": ratio(numerator, divide_by),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )
    ### END SOLUTION


# %% check="list_metrics" points=1
# The list above gets its three average precisions, a list without clicks the value of `empty`
lists = np.array([[1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1], [0] * 11])
for name, expected in (("relevant", 0.208), ("reachable", 0.333), ("hits", 0.833)):
    table = list_metrics(lists, 5, name, -1.0)
    columns = {"precision", "recall", "average_precision", "reciprocal_rank"}
    assert set(table.columns) == columns, f"Expected the columns {sorted(columns)}."
    assert len(table) == 2, f"Expected one row per list, 2; got {len(table)}."
    values = table["average_precision"].to_numpy()
    assert abs(values[0] - expected) <= 0.001, f"{name}: {values[0]:.3f} is not what the text says."
    assert values[1] == -1.0, f"The list without clicks got {values[1]}, not `empty`."

# %% check="list_metrics_cut" points=2
# Precision, recall and reciprocal rank look at exactly k ranks, also of shorter lists
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(21)
relevant = (rng.random((400, 12)) < 0.15).astype(int)
total = relevant.sum(axis=1)
for k in (1, 5, 20):
    hits = np.array([sum(row[:k]) for row in relevant])
    one_more = np.array([sum(row[: k + 1]) for row in relevant])
    first_hit = [next((i for i, r in enumerate(row[:k], 1) if r), None) for row in relevant]
    anywhere = [next((i for i, r in enumerate(row, 1) if r), None) for row in relevant]
    table = list_metrics(relevant.copy(), k, "relevant", -1.0)
    assert len(table) == 400, f"{len(table)} rows came back for 400 lists; keep all of them."
    precision = np.asarray(table["precision"], dtype=float)
    recall = np.asarray(table["recall"], dtype=float)
    reciprocal = np.asarray(table["reciprocal_rank"], dtype=float)
    if k < 12:
        assert not np.allclose(precision, one_more / k), (
            f"You count the hits among {k + 1} ranks for k = {k}: a slice that starts at 0 ends "
            f"before its end. Mean precision {precision.mean():.3f} instead of {(hits / k).mean():.3f}."
        )
    else:
        assert not np.allclose(precision, hits / 12), (
            f"For k = {k} and lists of 12 you divide by min(k, n) = 12. The convention here is k: "
            f"mean precision {precision.mean():.3f} instead of {(hits / k).mean():.3f}."
        )
    assert np.allclose(precision, hits / k), (
        f"precision at {k} is {precision.mean():.3f} on average, expected {(hits / k).mean():.3f}."
    )
    expected = np.where(total > 0, hits / np.maximum(total, 1), -1.0)
    assert not (k < 12 and np.allclose(recall[hits > 0], 1)), (
        "Your recall is 1 wherever there is a hit: you divide by the relevant videos among the "
        "first k. Those below k count as well."
    )
    assert np.allclose(recall[total == 0], -1), (
        f"{(total == 0).sum()} lists have nothing relevant, and you give them a recall of "
        f"{recall[total == 0][0]}: with R = 0 the value is `empty`, here -1."
    )
    assert np.allclose(recall, expected), (
        f"recall at {k} is {recall.mean():.3f} on average, expected {expected.mean():.3f}."
    )
    expected = np.array([1 / rank if rank else 0.0 for rank in first_hit])
    from_zero = np.array([1 / max(rank - 1, 1) if rank else 0.0 for rank in first_hit])
    beyond = np.array([1 / rank if rank else 0.0 for rank in anywhere])
    assert np.isfinite(reciprocal).all(), (
        f"{(~np.isfinite(reciprocal)).sum()} reciprocal ranks are not finite: ranks count from 1, "
        "and a list without a hit gets 0."
    )
    assert not np.allclose(reciprocal[hits == 0], -1), (
        f"{(hits == 0).sum()} lists have no hit among the first {k}, and their reciprocal rank is "
        "`empty`, here -1. No denominator is 0 there: the text says 0."
    )
    assert k == 1 or not np.allclose(reciprocal, from_zero), (
        "A first hit on rank 2 gets 1: you count ranks from 0. They count from 1."
    )
    assert not (k < 12 and np.allclose(reciprocal, beyond)), (
        f"You look for the first hit in the whole list; a hit below rank {k} is worth 0. Mean "
        f"reciprocal rank {reciprocal.mean():.3f} instead of {expected.mean():.3f}."
    )
    assert np.allclose(reciprocal, expected), (
        f"mean reciprocal rank at {k} is {reciprocal.mean():.3f}, expected {expected.mean():.3f}."
    )
### END HIDDEN TESTS

# %% check="list_metrics_average_precision" points=2
# Average precision keeps to the stated denominator and to every list
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(22)
k = 4
relevant = (rng.random((300, 10)) < 0.25).astype(int)
total, hits = relevant.sum(axis=1), relevant[:, :k].sum(axis=1)
above = np.array([sum(row[i] * sum(row[: i + 1]) / (i + 1) for i in range(k)) for row in relevant])
all_ranks = np.array(
    [sum(row[i] * sum(row[: i + 1]) / (i + 1) for i in range(10)) for row in relevant]
)
below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}
for name in below:
    values = np.asarray(
        list_metrics(relevant.copy(), k, name, 0.0)["average_precision"], dtype=float
    )
    assert len(values) == 300, (
        f"{300 - len(values)} lists without a relevant video are missing: the mean is over "
        f"{len(values)} lists instead of 300. Keep one row per list."
    )
    expected = np.where(below[name] > 0, above / np.maximum(below[name], 1), 0.0)
    nan = np.isnan(values)
    assert name != "hits" or not (nan & (total > 0)).any(), (
        f'"{name}": {(nan & (total > 0)).sum()} lists with clicks are NaN, {(hits[nan] == 0).sum()} '
        f"of them without one among the first {k}: 0 hits there are a denominator of 0, and the "
        "value is `empty`, here 0."
    )
    assert not nan.any(), f'"{name}": {nan.sum()} lists are NaN, and `empty` is 0.'
    for other in below:
        wrong = np.where(below[other] > 0, above / np.maximum(below[other], 1), 0.0)
        assert other == name or not np.allclose(values, wrong), (
            f'For denominator="{name}" you divide as "{other}" says: MAP {values.mean():.3f} '
            f"instead of {expected.mean():.3f}."
        )
    every = np.where(below[name] > 0, all_ranks / np.maximum(below[name], 1), 0.0)
    assert not np.allclose(values, every), (
        f"Your sum runs over the whole list; at k = {k} it ends at rank {k}."
    )
    assert np.allclose(values, expected), (
        f'"{name}": MAP at {k} is {values.mean():.3f}, expected {expected.mean():.3f}.'
    )
for name in below:
    blank = np.isnan(
        np.asarray(list_metrics(relevant.copy(), k, name, np.nan)["average_precision"], dtype=float)
    )
    assert len(blank) == 300, f"{len(blank)} rows came back for 300 lists; keep all of them."
    assert name != "hits" or not np.array_equal(blank, total == 0), (
        f'For "hits" only the {blank.sum()} lists with nothing relevant get `empty`. Without a hit '
        f"among the first {k} the denominator is 0 too: {(hits == 0).sum()} lists."
    )
    assert np.array_equal(blank, below[name] == 0), (
        f"With empty=NaN, {blank.sum()} lists are NaN; {(below[name] == 0).sum()} have a "
        f'denominator of 0 for "{name}".'
    )
### END HIDDEN TESTS

# %% [markdown]
# Now both teams' reports, for both rankers. The home team divides by all clicks, at 10, and a list without a click counts 0. The platform team divides by hits, at 3, and skips the lists without.


# %%
def in_order(labels, scores):
    """Arrange labels and scores as (lists, 10), and the labels best score first."""
    labels, scores = np.asarray(labels).reshape(-1, 10), np.asarray(scores).reshape(-1, 10)
    return np.take_along_axis(labels, np.argsort(-scores, axis=1, kind="stable"), axis=1)


# %% play="list_metrics"
for ranker in (production, light):
    clicks = in_order(test["clicked"], ranker(test))
    home = list_metrics(clicks, 10, "relevant", 0.0)["average_precision"].mean()
    platform = list_metrics(clicks, 3, "hits", np.nan)["average_precision"].mean()
    print(f"{ranker.__name__:10s} home's MAP {home:.2f}   platform's MAP {platform:.2f}")

# %% [markdown]
# The ranker did not triple anything: the convention did. Under either one, `light` does not win.
#
# ## A ranker that knows nothing
#
# A third candidate, `taste`, sorts by the user's interest in the topic. Ten videos have few topics, so many scores are equal, and a stable sort leaves ties **in the order of the log**. Watch what that does to a ranker without any opinion.


# %%
def taste(table):
    return table["topic_match"].to_numpy()


def constant(table):
    return np.zeros(len(table))


grades = test["clicked"] + (test["watch_value"] > 0.5 * test["length_s"]) + test["liked"]
grades = grades.to_numpy().reshape(-1, 10)
discount = 1 / np.log2(np.arange(10) + 2)
some = grades.sum(axis=1) > 0
for ranker in (production, light, taste, constant):
    gains = in_order(grades, ranker(test))[some]
    best = -np.sort(-grades[some], axis=1)
    stable = ((gains @ discount) / (best @ discount)).mean()
    shared = ndcg_score(grades[some], ranker(test).reshape(-1, 10)[some])
    print(f"{ranker.__name__:10s} NDCG, ties as logged {stable:.2f}, ties shared {shared:.2f}")

# %% [markdown]
# Clicks gather on the first places, even of random lists, so the log's own order scores highest. Where ties are *shared*, each tied video gets the mean discount of the places that they hold together, and a ranker without an opinion gets what random order gets. `taste` led the board by its ties alone.
#
# $$\mathrm{DCG@}k = \sum_{i=1}^{k} \frac{g(\mathrm{rel}_i)}{\log_2(i+1)}, \qquad \mathrm{NDCG@}k = \frac{\mathrm{DCG@}k}{\mathrm{IDCG@}k}$$
#
# $\mathrm{rel}_i$ is the grade of the video on rank $i$ (here 0 nothing, +1 clicked, +1 watched beyond half, +1 liked), $g$ the gain, $\mathrm{IDCG@}k$ the DCG@$k$ of the best possible order of *all* videos of the list.
#
# <small>Source: $g(x) = x$ in Järvelin & Kekäläinen 2002, $g(x) = 2^x - 1$ in Burges et al. 2005; ties: McSherry & Najork 2008.</small>

# %% [markdown]
# ### Exercise 3 · NDCG with stated gain and ties (4 points)
#
# Write `ndcg(relevance, scores, k, gain)`. Both arrays have shape (lists, $n$), the videos of a list in any order; `gain` is `"linear"` ($x$) or `"exponential"` ($2^x - 1$). Return an array, one number per list.
#
# - Only the first $k$ ranks count; `k` may exceed $n$.
# - Tied scores share the mean of the discounts of their places (0 beyond $k$).
# - NaN for a list whose grades are all 0.
#
# As a check by hand: grades 3, 2, 3, 0, 1, 2 in falling order of score give .961 with the linear gain and .949 with the exponential one.
#
# <details><summary>Hint 1: the idea</summary>Ties of three videos on places 2 to 4 each get the mean of the discounts of places 2, 3 and 4. A cumulative sum of discounts gives that mean from the first and the last place.</details>
# <details><summary>Hint 2: the tool</summary><code>rankdata(-scores, "min", axis=1)</code> and <code>"max"</code> give these places. Or: turn grades into gains and give them to <code>ndcg_score</code>, list by list; look up what it does with ties and with lists without a relevant video.</details>


# %% exercise="ndcg"
def ndcg(relevance, scores, k, gain):
    """Return the NDCG at k of each list, ties sharing their places."""
    ### BEGIN SOLUTION
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    place = np.arange(relevance.shape[1])
    discount = np.where(place < k, 1 / np.log2(place + 2), 0.0)
    until = np.concatenate([[0.0], np.cumsum(discount)])
    first = rankdata(-scores, "min", axis=1).astype(int) - 1
    last = rankdata(-scores, "max", axis=1).astype(int)
    dcg = (gains * (until[last] - until[first]) / (last - first)).sum(axis=1)
    ideal = (-np.sort(-gains, axis=1) * discount).sum(axis=1)
    return np.where(ideal > 0, dcg / np.where(ideal > 0, ideal, 1), np.nan)
    ### END SOLUTION


# %% check="ndcg" points=1
# The example by hand, and the same values in any order of the videos and on any scale of the scores
lists, falling = np.array([[3, 2, 3, 0, 1, 2]]), np.array([[6.0, 5, 4, 3, 2, 1]])
for name, expected in (("linear", 0.961), ("exponential", 0.949)):
    value = float(np.asarray(ndcg(lists, falling, 6, name))[0])
    assert abs(value - expected) <= 0.001, f"{name}: {value:.3f} is not what the text says."
    turned = float(np.asarray(ndcg(lists[:, ::-1], np.exp(falling)[:, ::-1], 6, name))[0])
    assert abs(turned - expected) <= 0.001, f"{name}: in another order you get {turned:.3f}."

# %% check="ndcg_gain" points=2
# Gain, discount and ideal order are those of the formula
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(31)
relevance = rng.choice(4, size=(200, 12), p=[0.6, 0.2, 0.12, 0.08])
relevance[relevance.sum(axis=1) == 0, 0] = 1
scores = rng.permuted(np.tile(np.arange(12.0), (200, 1)), axis=1)
order = np.argsort(-scores, axis=1)
for gain, k in (("linear", 5), ("exponential", 5), ("exponential", 20)):

    def mean_ndcg(kind, shift, retrieved_only, k=k):
        total = []
        for grade, rank in zip(relevance, order, strict=True):
            g = grade[rank] if kind == "linear" else 2.0 ** grade[rank] - 1
            ideal = sorted(g[:k] if retrieved_only else g, reverse=True)[:k]
            weight = [1 / max(np.log2(i + shift), 1) for i in range(1, len(ideal) + 1)]
            best = float(np.dot(ideal, weight))
            total.append(np.dot(g[:k], weight) / best if best > 0 else 0.0)
        return np.mean(total)

    expected = mean_ndcg(gain, 1, False)
    values = np.asarray(ndcg(relevance.copy(), scores.copy(), k, gain), dtype=float)
    assert values.shape == (200,), f"Expected one number for each of 200 lists, got {values.shape}."
    lost = ~np.isfinite(values)
    nothing_on_top = np.take_along_axis(relevance, order, axis=1)[:, :k].sum(axis=1) == 0
    assert not lost.any() or (lost & ~nothing_on_top).any(), (
        f"{lost.sum()} of 200 lists got {values[lost][0]}: they have no grade among the {k} that were "
        "retrieved. Your ideal order knows only those; it is that of all videos of the list."
    )
    assert not lost.any(), (
        f"{lost.sum()} of 200 lists got {values[lost][0]}, and each has a relevant video. Look at the "
        "discount: it divides by log2(i + 1), which is 1 for the first rank; log2(1) would be 0."
    )
    mean = values.mean()
    other = "exponential" if gain == "linear" else "linear"
    assert abs(mean - mean_ndcg(other, 1, False)) > 1e-6, (
        f'For gain="{gain}" you use the {other} gain: {mean:.3f} instead of {expected:.3f}.'
    )
    assert k > 12 or abs(mean - mean_ndcg(gain, 1, True)) > 1e-6, (
        f"Your ideal order knows only the {k} videos that were retrieved: {mean:.3f} instead of "
        f"{expected:.3f}. A relevant video left below k is a miss."
    )
    assert abs(mean - mean_ndcg(gain, 0, False)) > 1e-6, (
        f"You discount rank i by log2(i): rank 2 counts as much as rank 1. {mean:.3f} instead of "
        f"{expected:.3f}."
    )
    assert abs(mean - expected) <= 1e-6, (
        f'gain="{gain}", k = {k}, 12 videos: mean NDCG {mean:.3f}, expected {expected:.3f}.'
    )
### END HIDDEN TESTS

# %% check="ndcg_ties" points=1
# Ties share their places, and lists without a grade are NaN
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(32)
relevance = np.where(rng.random((300, 10)) < 0.5 / np.arange(1, 11), 1, 0)
relevance[:3] = 0
empty = relevance.sum(axis=1) == 0
values = np.asarray(ndcg(relevance.copy(), np.zeros((300, 10)), 10, "linear"), dtype=float)
assert values.shape == (300,), f"Expected one number for each of 300 lists, got {values.shape}."
wrong = empty & ~np.isnan(values)
assert not wrong.any(), (
    f"{wrong.sum()} lists have no relevant video and got {values[wrong].mean():.2f}; NaN was asked."
)
assert np.array_equal(np.isnan(values), empty), f"{np.isnan(values).sum()} NaN, {empty.sum()} due."
discount = 1 / np.log2(np.arange(10) + 2)
best = np.array([discount[:n].sum() for n in relevance.sum(axis=1)])
as_logged = np.nanmean((relevance @ discount)[~empty] / best[~empty])
shared = (relevance.sum(axis=1)[~empty] * discount.mean() / best[~empty]).mean()
value = np.nanmean(values)
assert abs(value - as_logged) > 1e-6, (
    f"A ranker that scores everything 0 gets {value:.3f}: your ties keep the order of the input, "
    f"where clicks gather at the front. Shared places give {shared:.3f}."
)
assert abs(value - shared) <= 1e-6, (
    f"A ranker that scores everything 0 gets {value:.3f}; shared places give {shared:.3f}."
)
partly = float(np.asarray(ndcg(np.array([[0, 1, 0]]), np.array([[2.0, 1, 1]]), 2, "linear"))[0])
expected = 0.5 / np.log2(3)
assert abs(partly - expected) <= 1e-6, (
    f"At k = 2 two videos share places 2 and 3, of which only place 2 counts: expected "
    f"{expected:.3f}, got {partly:.3f}."
)
### END HIDDEN TESTS

# %% [markdown]
# ## Whose pairs?
#
# AUC is the share of pairs, one clicked and one not, that the scores put in the right order; a tie counts half. From ranks (ties get mean ranks):
#
# $$\mathrm{AUC} = \frac{S_+ - n_+ (n_+ + 1)/2}{n_+ \, n_-}$$
#
# $S_+$ is the sum of the ranks of the clicked rows (rank 1: lowest score), $n_+$ and $n_-$ the numbers of rows with and without a click. Over all rows, most pairs join two *users*. No screen ever does.
#
# <small>Source: Mann & Whitney 1947; Hanley & McNeil 1982; averaged per user: Zhou et al. 2018 (who weigh by impressions).</small>

# %% [markdown]
# ### Exercise 4 · AUC with ties, overall and per user (6 points)
#
# Write `auc(clicked, scores, groups=None)`, three arrays of equal length; `groups` holds a label per row, in no particular order.
#
# - Without `groups`: the AUC over all rows, a tie counting ½.
# - With `groups`: the plain mean of the AUCs *within* each group. Groups in which all or none of the rows are clicked have no AUC and are skipped.
# - NaN if there is nothing to average.
#
# <details><summary>Hint 1: the idea</summary>No groups is one big group.</details>
# <details><summary>Hint 2: the tool</summary><code>frame.groupby("group")["score"].rank()</code> gives mean ranks within groups; three sums per group give S, n₊ and n₋. A loop over users with <code>roc_auc_score</code> is right too, and takes some seconds.</details>


# %% exercise="auc"
def auc(clicked, scores, groups=None):
    """Return the AUC over all rows, or the mean of the AUCs within groups."""
    ### BEGIN SOLUTION
    groups = np.zeros(len(clicked)) if groups is None else np.asarray(groups)
    rows = pd.DataFrame(
        {"group": groups, "clicked": np.asarray(clicked), "score": np.asarray(scores)}
    )
    rows["rank_if_clicked"] = rows.groupby("group")["score"].rank() * rows["clicked"]
    sums = rows.groupby("group").agg(
        size=("clicked", "size"), clicks=("clicked", "sum"), ranks=("rank_if_clicked", "sum")
    )
    sums = sums[(sums["clicks"] > 0) & (sums["clicks"] < sums["size"])]
    above = sums["ranks"] - sums["clicks"] * (sums["clicks"] + 1) / 2
    return (above / (sums["clicks"] * (sums["size"] - sums["clicks"]))).mean()
    ### END SOLUTION


# %% check="auc" points=1
# Perfect order is 1, reversed order 0, no opinion ½, and the scale of the scores is free
rng = np.random.default_rng(41)
label = rng.integers(0, 2, 500)
score = rng.standard_normal(500) + label
assert abs(auc(label, label + 0.0) - 1) <= 1e-9, "A perfect order should have AUC 1."
assert abs(auc(label, -label + 0.0)) <= 1e-9, "A reversed order should have AUC 0."
assert abs(auc(label, np.zeros(500)) - 0.5) <= 1e-9, "Equal scores are all ties: AUC ½."
first, second = auc(label, score), auc(label, np.exp(score))
assert abs(first - second) <= 1e-9, f"Another scale gave {second:.3f} instead of {first:.3f}."

# %% check="auc_ties" points=2
# A tie counts half, and scores are not cut into labels
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(42)
label = (rng.random(3_000) < 0.2).astype(int)
fine = 1 / (1 + np.exp(-(rng.standard_normal(3_000) + 1.5 * label - 1)))
for score in (np.round(fine, 1), fine):
    difference = score[label == 1][:, None] - score[label == 0]
    win, tie = (difference > 0).mean(), (difference == 0).mean()
    hard = (score >= 0.5)[label == 1].mean() + (score < 0.5)[label == 0].mean()
    value = float(auc(label.copy(), score.copy()))
    assert abs(value - hard / 2) > 1e-6, (
        f"You cut the scores at 0.5 before ranking: AUC {value:.3f} instead of {win + tie / 2:.3f}."
    )
    assert tie < 0.01 or abs(value - win - tie) > 1e-6, (
        f"You count a tie as a win: {tie:.0%} of the pairs are tied, AUC {value:.3f} instead of "
        f"{win + tie / 2:.3f}. A tie is worth ½."
    )
    assert tie < 0.01 or abs(value - win) > 1e-6, (
        f"You count a tie as a loss: {tie:.0%} of the pairs are tied, AUC {value:.3f} instead of "
        f"{win + tie / 2:.3f}. A tie is worth ½."
    )
    assert abs(value - win - tie / 2) <= 1e-6, (
        f"With {tie:.0%} of the pairs tied your AUC is {value:.4f}, expected {win + tie / 2:.4f}: "
        "equal scores share the mean of their ranks, so that a tie is worth ½."
        if tie >= 0.01
        else f"On scores without ties your AUC is {value:.4f}, expected {win + tie / 2:.4f}."
    )
nothing = float(auc(np.ones(5, dtype=int), np.arange(5.0)))
assert np.isnan(nothing), (
    f"Without a row that was not clicked there is no AUC; you return {nothing}."
)
### END HIDDEN TESTS

# %% check="auc_groups" points=2
# With groups, only pairs of the same group count, and every group with an AUC counts once
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(43)
size = rng.integers(4, 40, 150)
group = np.repeat([f"user {i}" for i in rng.permutation(150)], size)
eager = np.repeat(rng.normal(-1.2, 1.2, 150), size)
video = rng.standard_normal(len(group))
label = (rng.random(len(group)) < 1 / (1 + np.exp(-(eager + video)))).astype(int)
score = np.round(3 * eager - 0.3 * video * np.repeat(size > 15, size), 2)
mix = rng.permutation(len(group))
group, label, score = group[mix], label[mix], score[mix]
inside, weight, number = [], [], 0
for name in np.unique(group):
    s, y = score[group == name], label[group == name]
    number += 1
    if 0 < y.sum() < len(y):
        difference = s[y == 1][:, None] - s[y == 0]
        inside.append(((difference > 0) + 0.5 * (difference == 0)).mean())
        weight.append(len(y))
expected = np.mean(inside)
value = float(auc(label, score, group))
everything = float(roc_auc_score(label, score))
story = f"{value:.3f} instead of {expected:.3f}"
assert abs(value - everything) > 1e-6, (
    f"You return the AUC over all rows, {story}: scores that only say who clicks look good, "
    "although they order no user's videos."
)
assert abs(value - np.average(inside, weights=weight)) > 1e-6, (
    f"You weigh users by their rows, {story}: the plain mean was asked for."
)
for stand_in, how in ((0.5, "as ½"), (0.0, "as 0"), (1.0, "as 1")):
    padded = (np.sum(inside) + stand_in * (number - len(inside))) / number
    assert abs(value - padded) > 1e-6, (
        f"You count users without a pair {how}, {story}: {number - len(inside)} of {number} users "
        "have no AUC and are to be skipped."
    )
assert abs(value - expected) <= 1e-6, f"The mean of the AUCs within users is {story}."
### END HIDDEN TESTS

# %% play="auc"
for ranker in (production, light, taste):
    scores = ranker(test)
    everyone = auc(test["clicked"], scores)
    inside = auc(test["clicked"], scores, test["user_id"])
    print(
        f"{ranker.__name__:10s} AUC over all rows {everyone:.3f}   mean within users {inside:.3f}"
    )

# %% [markdown]
# Within users, `light` is hardly better than a coin. The dashboard's number was right, and about another question.
#
# ## An objection
#
# The platform team has real clicks on its side: `light` ran in a beta in the very same week, and its sessions had *more* clicks (`treatment`; `control` is `production`). Keen users were invited first: the share with `light` was 10 % of the `casual`, 50 % of the `regular` and 90 % of the `keen` third by past click rate.

# %%
labels = ["casual", "regular", "keen"]
third = pd.qcut(past_rate, 3, labels=labels)
invited = {"casual": 0.1, "regular": 0.5, "keen": 0.9}
beta = []
for arm, week in (("control", production_week), ("treatment", light_week)):
    rows = week.assign(arm=arm, slice=week["user_id"].map(third).astype(object))
    rows = rows.dropna(subset=["slice"])
    for name, share in invited.items():
        members = rows[rows["slice"] == name]
        side = feed.assign(members["user_id"].to_numpy(), "beta", (1 - share, share))
        beta.append(members[side == (arm == "treatment")])
beta = pd.concat(beta, ignore_index=True)[["user_id", "arm", "slice", "clicks", "sessions"]]
for arm, rows in beta.groupby("arm"):
    print(f"{arm:10s} {len(rows):,} users, {clicks_per_session(rows):.2f} clicks per session")

# %% [markdown]
# ### Exercise 5 · Slice report (4 points)
#
# Write `slice_report(rows)` for such a table (one row per user; any slice names, each with both arms). A rate is the sum of `clicks` over the sum of `sessions`, a difference is treatment minus control. Return a dict:
#
# | key | value |
# |---|---|
# | `total` | difference of the rates of all rows |
# | `slices` | dict: slice name to its difference |
# | `standardised` | mean of the slices' differences, weighted by the slice's sessions (both arms together) |
# | `flipped` | True if every slice's difference has the opposite sign of `total` |
#
# <details><summary>Hint</summary><code>rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")</code> has one row per slice.</details>


# %% exercise="slice_report"
def slice_report(rows):
    """Return the difference of the arms in total, by slice and standardised, and if it flips."""

    ### BEGIN SOLUTION
    def difference(part):
        sums = part.groupby("arm")[["clicks", "sessions"]].sum()
        rate = sums["clicks"] / sums["sessions"]
        return float(rate["treatment"] - rate["control"])

    total = difference(rows)
    slices = {name: difference(part) for name, part in rows.groupby("slice")}
    sessions = rows.groupby("slice")["sessions"].sum()
    return {
        "total": total,
        "slices": slices,
        "standardised": float(np.average(list(slices.values()), weights=sessions[list(slices)])),
        "flipped": all(value * total < 0 for value in slices.values()),
    }
    ### END SOLUTION


# %% check="slice_report" points=1
# Two slices, counted by hand
table = pd.DataFrame(
    {
        "user_id": range(4),
        "slice": ["a", "a", "b", "b"],
        "arm": ["control", "treatment"] * 2,
        "clicks": [1, 6, 20, 12],
        "sessions": [10, 30, 40, 20],
    }
)
result = slice_report(table)
assert set(result) == {"total", "slices", "standardised", "flipped"}, f"Got {sorted(result)}."
assert abs(result["slices"]["a"] - (6 / 30 - 1 / 10)) <= 1e-9, f"Slice a: {result['slices']['a']}."
assert abs(result["total"] - (18 / 50 - 21 / 50)) <= 1e-9, f"In total you get {result['total']}."

# %% check="slice_report_flip" points=3
# Every slice is read, sums are weighted by sessions, and a flip is one only if all slices turn
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(51)
cases = (  # slice: rate of the control; share treated; effect in each slice; does it flip
    ((0.3, 0.9, 1.5), (0.1, 0.5, 0.9), (-0.10, -0.15, -0.20), True),
    ((1.5, 0.9, 0.3), (0.1, 0.5, 0.9), (0.10, 0.15, 0.12), True),
    ((0.3, 0.9, 1.5), (0.1, 0.5, 0.9), (-0.10, 0.15, -0.20), False),
    ((0.8, 0.9, 1.0), (0.5, 0.5, 0.5), (-0.30, -0.30, -0.30), False),
)
for base, share, effect, flips in cases:
    number = rng.integers(0, 3, 6_000)
    treated = rng.random(6_000) < np.array(share)[number]
    sessions = 1 + rng.negative_binomial(1, 0.2, 6_000)
    rate = np.array(base)[number] + treated * np.array(effect)[number]
    # Heavy users click less per session: a mean of users' ratios would be another number.
    clicks = rng.poisson(sessions * rate * np.where(sessions > 5, 0.9, 1.1))
    table = pd.DataFrame(
        {
            "user_id": np.arange(6_000),
            "arm": np.where(treated, "treatment", "control"),
            "slice": np.array(["weekday", "evening", "night"])[number],
            "clicks": clicks,
            "sessions": sessions,
        }
    )

    def gap(part):
        on, off = part[part["arm"] == "treatment"], part[part["arm"] == "control"]
        a = on["clicks"].sum() / on["sessions"].sum() - off["clicks"].sum() / off["sessions"].sum()
        b = (on["clicks"] / on["sessions"]).mean() - (off["clicks"] / off["sessions"]).mean()
        return a, b

    total, total_of_users = gap(table)
    parts = {name: table[table["slice"] == name] for name in ("weekday", "evening", "night")}
    slices = {name: gap(part)[0] for name, part in parts.items()}
    weights = [part["sessions"].sum() for part in parts.values()]
    standardised = np.average(list(slices.values()), weights=weights)
    result = slice_report(table.copy())
    got_total, got_slices = float(result["total"]), dict(result["slices"])
    assert abs(got_total + total) > 1e-6, (
        f"Your difference is {got_total:+.3f}: it is control minus treatment. Turn it round."
    )
    assert abs(got_total - total_of_users) > 1e-6, (
        f"You average each user's own clicks per session: {got_total:+.3f} instead of {total:+.3f}. "
        "A rate here is a sum over a sum."
    )
    assert abs(got_total - total) <= 1e-6, f"total is {got_total:+.3f}, expected {total:+.3f}."
    assert set(got_slices) == set(slices), f"You report the slices {sorted(got_slices)}."
    worst = max(slices, key=lambda name: abs(float(got_slices[name]) - slices[name]))
    assert abs(float(got_slices[worst]) - slices[worst]) <= 1e-6, (
        f"Slice {worst}: {float(got_slices[worst]):+.3f}, expected {slices[worst]:+.3f}."
    )
    got = float(result["standardised"])
    assert abs(got - np.mean(list(slices.values()))) > 1e-6, (
        f"You give every slice the same weight: {got:+.4f} instead of {standardised:+.4f}. Weigh by "
        "sessions."
    )
    assert abs(got - standardised) <= 1e-6, (
        f"standardised is {got:+.4f}, expected {standardised:+.4f}: the weight of a slice is its "
        "sessions in both arms together."
    )
    signs = ", ".join(f"{name} {value:+.2f}" for name, value in slices.items())
    said = bool(result["flipped"])
    assert said or not flips, (
        f"Every slice points the other way than the total of {total:+.2f} ({signs}), and your report "
        "does not say so."
    )
    assert not said or flips, f"The total is {total:+.2f} and the slices {signs}: not all turn."
### END HIDDEN TESTS

# %% play="slice_report"
beta_report = slice_report(beta)
sums = beta.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum").loc[labels]
rates = sums["clicks"] / sums["sessions"]
rates.loc["all"] = [clicks_per_session(beta[beta["arm"] == arm]) for arm in rates.columns]
fig, ax = plots.figure(height=3.2)
for place, (name, row) in enumerate(rates.iterrows()):
    colour = plots.NAIVE if name == "all" else plots.HONEST
    pair = [row["control"], row["treatment"]]
    ax.plot(pair, [place, place], color=colour, linewidth=1.5)
    ax.scatter(pair, [place, place], color=["white", colour], edgecolor=colour, zorder=3, s=60)
    ax.annotate(
        f"{pair[1] - pair[0]:+.2f}", (max(pair), place), xytext=(8, 0),
        textcoords="offset points", va="center", color=colour,
    )  # fmt: skip
ax.set_yticks(range(len(rates)), rates.index)
ax.set(xlabel="clicks per session (hollow: production, filled: light)", xmargin=0.2, ymargin=0.15)
turn = (
    "every third says the opposite" if beta_report["flipped"] else "the thirds are not all opposed"
)
ax.set_title(f"In total {beta_report['total']:+.2f}; {turn}")
plots.show(
    fig,
    alt="Clicks per session under production and light: "
    + "; ".join(f"{name} {r['control']:.2f}, {r['treatment']:.2f}" for name, r in rates.iterrows()),
)
print(
    f"standardised {beta_report['standardised']:+.3f}; served to all, the world said {after - before:+.3f}"
)

# %% [markdown]
# Simpson's paradox: `light` gathered the users who click anyway. Weighted by the app's own mix, the beta agrees with Monday.
#
# ## How sure is a number?
#
# The dashboard also alerts. It puts each user into one of 100 groups and flags a group whose 95 % interval, binomial over its impressions, misses the app's click rate. **All groups have the same ranker**, so about 5 flags are due.

# %%
last_week = log[(log["day"] >= 14) & (log["bucket"] == "ranked")][["user_id", "clicked"]]
last_week = last_week.rename(columns={"clicked": "value"})
group = feed.assign(last_week["user_id"].to_numpy(), "dashboard", (0.01,) * 100)
groups = [last_week[group == number] for number in range(100)]
overall = last_week["value"].mean()


def binomial_interval(rows):
    rate, n = rows["value"].mean(), len(rows)
    half = 1.96 * np.sqrt(rate * (1 - rate) / n)
    return rate - half, rate + half


naive = np.array([binomial_interval(rows) for rows in groups])
flagged = (naive[:, 0] > overall) | (naive[:, 1] < overall)
print(f"{np.mean([len(rows) for rows in groups]):,.0f} impressions per group")
print(f"{flagged.sum()} of 100 groups flagged as different")

# %% [markdown]
# Each flag is a change that 'worked' or 'hurt' while nothing changed. Impressions of one user resemble each other (same tastes, same eagerness) and a heavy user brings hundreds, so a group holds far fewer independent facts than impressions. What was drawn independently is the **user**.

# %% [markdown]
# ### Exercise 6 · An interval over users (4 points)
#
# Write `user_interval(rows, rng)`. `rows` has `user_id` and `value`, users with different numbers of rows; `rng` is a `numpy.random.Generator`. Return `(low, high)`, a 95 % interval for the mean of `value` over rows, where users are the independent unit.
#
# Either way is fine: a *cluster bootstrap* (draw as many users as there are, with replacement and with all of their rows, 500 times or more; take the 2.5 % and 97.5 % quantiles of the mean) or the *linearised* standard error
#
# $$\mathrm{SE} = \frac{1}{N} \sqrt{\sum_u \Big(\sum_{i \in u} (y_i - \bar y)\Big)^2}$$
#
# with $N$ rows, $y_i$ the value of row $i$, $\bar y$ their mean, $u$ a user.
#
# <small>Source: Efron & Tibshirani 1993; Deng, Knoblich & Lu 2018 (delta method of a ratio).</small>
#
# <details><summary>Hint</summary>Sum and size per user are all you need: <code>rng.multinomial(n, [1 / n] * n, size=1000)</code> says how often each of n users is drawn, and two matrix products give all means.</details>


# %% exercise="user_interval"
def user_interval(rows, rng):
    """Return a 95 % interval of the mean of `value`, with users as independent units."""
    ### BEGIN SOLUTION
    users = rows.groupby("user_id")["value"].agg(["sum", "size"]).to_numpy()
    n = len(users)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=1_000) @ users
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)
    ### END SOLUTION


# %% check="user_interval" points=1
# Two numbers around the mean of the rows, wider than the binomial interval
rows = groups[0].copy()
low, high = user_interval(rows, np.random.default_rng(0))
narrow = np.diff(binomial_interval(rows))[0]
assert low < rows["value"].mean() < high, f"{low:.4f} to {high:.4f} is not around the mean."
assert high - low > narrow, f"Yours is {high - low:.4f} wide, the binomial one {narrow:.4f}."

# %% check="user_interval_coverage" points=3
# In fresh worlds, the interval is around the mean of the rows and covers as it says
### BEGIN HIDDEN TESTS
# 200 users with 1 + NegBin(1, .06) impressions each, and click rates of 10 %: the same for all in
# the first kind of world, from Beta(1, 9) in the second.
rng = np.random.default_rng(61)


def draw(worlds, alike=False, effect=0.0):
    shown = 1 + rng.negative_binomial(1, 0.06, size=(worlds, 200))
    rate = np.full(shown.shape, 0.1) if alike else rng.beta(1, 9, size=shown.shape)
    return shown, rng.binomial(shown, np.clip(rate * (1 + effect * (shown > 20)), 0, 1))


def as_rows(shown, clicked):
    one = np.arange(shown.sum()) - np.repeat(np.cumsum(shown) - shown, shown)
    user = np.repeat(np.arange(len(shown)), shown)
    return pd.DataFrame({"user_id": user, "value": (one < clicked[user]).astype(int)})


covered, of_binomial, off_centre = {}, [], []
for kind, worlds in (("alike", 4), ("different", 12)):
    shown, clicked = draw(3_000, alike=kind == "alike")
    replays = clicked.sum(axis=1) / shown.sum(axis=1)
    each = []
    for shown, clicked in zip(*draw(worlds, alike=kind == "alike"), strict=True):
        table = as_rows(shown, clicked)
        low, high = (float(end) for end in user_interval(table, np.random.default_rng(1)))
        half, mean = (high - low) / 2, table["value"].mean()
        assert half > 0, f"The interval from {low:.4f} to {high:.4f} has no width."
        each.append((np.abs(replays - 0.1) <= half).mean())
        of_binomial.append(half / (1.96 * np.sqrt(mean * (1 - mean) / len(table))))
        off_centre.append(abs((low + high) / 2 - mean) / half)
    covered[kind] = np.mean(each)
assert covered["alike"] >= 0.85, (
    f"Even where all users are alike your 95 % interval covers the truth in {covered['alike']:.0%} "
    "of 3,000 replays: 95 % needs 1.96 standard errors to each side, not one."
)
assert abs(np.mean(of_binomial[4:]) - 1) > 0.08, (
    f"Your 95 % interval covers the truth in {covered['different']:.0%} of 3,000 replays: it is as "
    "wide as the binomial one, so each impression counts as an independent fact. Draw users."
)
assert covered["different"] >= 0.9, (
    f"Your 95 % interval covers the truth in {covered['different']:.0%} of 3,000 replays."
)
assert covered["different"] <= 0.985, (
    f"Your 95 % interval is too wide: it covers {covered['different']:.1%} of 3,000 replays."
)
assert np.mean(off_centre) <= 0.6, (
    f"Your interval is centred {np.mean(off_centre):.1f} half-widths off the mean of the rows."
)
shown, clicked = (part[0] for part in draw(1, effect=1.5))
table = as_rows(shown, clicked)
low, high = (float(end) for end in user_interval(table, np.random.default_rng(2)))
per_user, mean = (clicked / shown).mean(), table["value"].mean()
assert abs((low + high) / 2 - mean) < abs((low + high) / 2 - per_user), (
    f"Heavy users click more here. Your interval, {low:.3f} to {high:.3f}, is about the mean of the "
    f"users' means, {per_user:.3f}; asked was the mean over rows, {mean:.3f}."
)
### END HIDDEN TESTS

# %% play="user_interval"
rng = np.random.default_rng(6)
honest = np.array([user_interval(rows, rng) for rows in groups])
order = np.argsort(honest.sum(axis=1))
limits = (100 * min(naive.min(), honest.min()) - 0.5, 100 * max(naive.max(), honest.max()) + 0.5)
fig, axes = plots.figure(2, width=4.2, height=3.2)
counts = []
for ax, ends, name in ((axes[0], naive, "binomial"), (axes[1], honest, "yours")):
    missed = (ends[:, 0] > overall) | (ends[:, 1] < overall)
    colours = np.where(missed, plots.NAIVE, plots.HONEST)[order]
    ax.vlines(range(100), 100 * ends[order, 0], 100 * ends[order, 1], color=colours, linewidth=1.6)
    ax.axhline(100 * overall, color=plots.TRUTH, linewidth=1)
    ax.set(xlabel="group, sorted (line: all users)", ylabel="click rate, %", ylim=limits)
    ax.set_title(f"{name}: {missed.sum()} of 100 flagged", fontsize=11)
    counts.append(f"{name} {missed.sum()}")
plots.show(fig, alt=f"Intervals of 100 groups that miss the app's rate: {', '.join(counts)}.")

# %% [markdown]
# How much the unit matters depends on what is averaged. For differences between two rankers on the same lists, a cell under *Decide* prints the width of both intervals.
#
# ## What `light` is good at
#
# Another team asks: may ads be priced by `light`'s probabilities? There order is not enough, the *values* count. Two measures, on $N$ rows with label $y_i$ and prediction $p_i$:
#
# $$\mathrm{ECE} = \sum_b \frac{n_b}{N}\,\big|\bar y_b - \bar p_b\big|, \qquad \mathrm{NE} = \frac{-\frac1N \sum_i \big(y_i \ln p_i + (1-y_i)\ln(1-p_i)\big)}{-\pi\ln\pi-(1-\pi)\ln(1-\pi)}$$
#
# $n_b$, $\bar y_b$, $\bar p_b$: rows, mean label and mean prediction of bin $b$; $\pi$: click rate of *these* rows. NE is 1 for a model that always says $\pi$.
#
# <small>Source: Naeini et al. 2015, Guo et al. 2017 (ECE); He et al. 2014 (NE).</small>

# %% [markdown]
# ### Exercise 7 · Calibration error and normalised entropy (4 points)
#
# Write `probability_report(clicked, p, n_bins, bins)` for arrays of labels and of predictions in (0, 1). Return a dict with `calibration_error` and `normalised_entropy`.
#
# - `bins="width"`: equal parts of [0, 1]; empty ones add nothing.
# - `bins="mass"`: rows sorted by `p`, cut into `n_bins` parts of equal size (they are given such that this works out, without equal predictions).
#
# <details><summary>Hint</summary>A bin number per row, <code>(p * n_bins).astype(int)</code> or <code>rankdata(p)</code> scaled, then <code>groupby</code> on it.</details>


# %% exercise="probability_report"
def probability_report(clicked, p, n_bins, bins):
    """Return the expected calibration error and the normalised entropy."""
    ### BEGIN SOLUTION
    clicked, p = np.asarray(clicked, dtype=float), np.asarray(p)
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    number = np.minimum((place * n_bins).astype(int), n_bins - 1)
    gaps = pd.Series(clicked - p).groupby(number).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    loss = -(clicked * np.log(p) + (1 - clicked) * np.log(1 - p)).mean()
    return {"calibration_error": gaps.sum() / len(p), "normalised_entropy": loss / background}
    ### END SOLUTION


# %% check="probability_report" points=1
# Predicting the click rate has an NE of 1; four rows in two bins, counted by hand
half = probability_report(np.array([0, 0, 0, 1]), np.full(4, 0.25), 10, "width")
assert abs(half["normalised_entropy"] - 1) <= 1e-9, f"NE is {half['normalised_entropy']:.3f}."
hand = probability_report(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.7]), 2, "width")
expected = (2 * abs(0 - 0.15) + 2 * abs(1 - 0.65)) / 4
assert abs(hand["calibration_error"] - expected) <= 1e-9, f"ECE is {hand['calibration_error']}."

# %% check="probability_report_bins" points=1
# Bins are weighted by their rows, compared by their means, and of the kind that was asked for
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(71)
p = np.clip(rng.beta(1, 8, 5_000), 1e-4, 0.999)
label = (rng.random(5_000) < 0.06 + 0.5 * p).astype(int)  # too low below .12, too high above
by_p = np.argsort(p)


def ece(parts, weigh=True, middle=None):
    gaps = [
        abs(label[part].mean() - (p[part].mean() if middle is None else middle[i]))
        for i, part in enumerate(parts)
    ]
    return float(np.average(gaps, weights=[len(part) for part in parts] if weigh else None))


for n_bins in (5, 20):
    filled = [b for b in range(n_bins) if (np.floor(p * n_bins) == b).any()]
    parts = {
        "width": [np.flatnonzero(np.floor(p * n_bins) == b) for b in filled],
        "mass": np.array_split(by_p, n_bins),
    }
    for kind, other in (("width", "mass"), ("mass", "width")):
        expected = ece(parts[kind])
        result = probability_report(label.copy(), p.copy(), n_bins, kind)
        value = float(result["calibration_error"])
        story = f"{value:.4f} instead of {expected:.4f}"
        assert abs(value - ece(parts[other])) > 1e-7, (
            f'For bins="{kind}" you cut by {other}: {story}.'
        )
        assert kind == "mass" or abs(value - ece(parts[kind], weigh=False)) > 1e-7, (
            f"You give every bin the same weight, {story}: a bin with 3 rows counts like one with "
            "3,000. Weigh by rows."
        )
        middles = [(b + 0.5) / n_bins for b in filled]
        assert kind == "mass" or abs(value - ece(parts[kind], middle=middles)) > 1e-7, (
            f"You compare with the middle of the bin, {story}: take the mean prediction in it."
        )
        piece = pd.cut(p, n_bins, labels=False)
        of_range = ece([np.flatnonzero(piece == b) for b in np.unique(piece)])
        assert kind == "mass" or abs(value - of_range) > 1e-7, (
            f"You cut the range of the predictions, {p.min():.2f} to {p.max():.2f}, {story}: the "
            "parts are those of [0, 1], whatever the model says."
        )
        gap = float(abs(label.mean() - p.mean()))
        assert abs(value - gap) > 1e-7 or abs(gap - expected) <= 1e-7, (
            f"You compare the two overall means, {story}: opposite errors cancel. Bin first."
        )
        assert abs(value - expected) <= 1e-7, f'ECE with {n_bins} bins, "{kind}": {story}.'
### END HIDDEN TESTS

# %% check="probability_report_entropy" points=2
# NE relates one entropy to another: same logarithm, observed click rate
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(72)
p = np.clip(rng.beta(1, 8, 6_000), 1e-4, 0.999)
label = (rng.random(6_000) < 0.5 * p).astype(int)


def entropy(rate):
    return -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))


loss = float(log_loss(label, p))
expected = loss / entropy(label.mean())
value = float(probability_report(label, p, 10, "width")["normalised_entropy"])
story = f"{value:.3f} instead of {expected:.3f}"
assert abs(value - loss / entropy(p.mean())) > 1e-6, (
    f"Your background is the mean prediction, {p.mean():.3f}, and not the observed click rate, "
    f"{label.mean():.3f}: NE {story}. A model that says too much would be rewarded for it."
)
for factor in (np.log(2), 1 / np.log(2)):
    assert abs(value - expected * factor) > 1e-6, (
        f"Numerator and denominator have different logarithms (log2 and ln): NE {story}."
    )
assert abs(value - loss) > 1e-6, f"This is the log loss itself, {value:.3f}: divide by the entropy."
assert abs(value - (1 - expected)) > 1e-6, f"This is 1 - NE, the information gain: {story}."
assert abs(value - expected) <= 1e-6, f"NE is {story}."
### END HIDDEN TESTS

# %% play="probability_report"
production_model = LogisticRegression().fit(production(train)[:, None], train["clicked"])
probabilities = {
    "production": production_model.predict_proba(production(test)[:, None])[:, 1],
    "light": light(test),
    "click rate": np.full(len(test), train["clicked"].mean()),
}
for name, p in probabilities.items():
    measured = probability_report(test["clicked"].to_numpy(), p, 10, "width")
    print(name.ljust(10), {key: round(float(value), 4) for key, value in measured.items()})

# %% [markdown]
# On this log the worse ranker has the slightly better NE (in some other worlds the slightly worse one): knowing *who* clicks is worth about as much as ranking well when a value is needed per row. And a constant is calibrated as well as either: ECE alone does not say that a model knows anything. NE does.
#
# ## Play it again
#
# Five rankers, two of them new: `light_popular` adds popularity to `light`, `blend` weighs taste and popularity. Your per-user AUC on the log from before Monday, and then the world serves them all.


# %%
POPULAR = ["past_rate", "age_days", "popularity_score"]
popular_model = make_pipeline(StandardScaler(), LogisticRegression())
popular_model.fit(train[POPULAR].to_numpy(), train["clicked"])


def light_popular(table):
    return popular_model.predict_proba(table[POPULAR].to_numpy())[:, 1]


def blend(table):
    return table["topic_match"].to_numpy() + 0.5 * table["popularity_score"].to_numpy()


rankers = [production, light, light_popular, taste, blend]
weeks = {ranker.__name__: clicks_per_session(served(ranker)) for ranker in rankers}

# %% play="auc"
board = pd.DataFrame({"clicks": weeks})
board["everyone"] = [roc_auc_score(test["clicked"], ranker(test)) for ranker in rankers]
board["inside"] = [float(auc(test["clicked"], ranker(test), test["user_id"])) for ranker in rankers]
fig, axes = plots.figure(2, width=4.4, height=3.3)
facts = []
for ax, column, name, colour in (
    (axes[0], "everyone", "AUC over all rows", plots.NAIVE),
    (axes[1], "inside", "your AUC within users", plots.HONEST),
):
    picked = board[column].idxmax()
    change = board["clicks"][picked] / board["clicks"]["production"] - 1
    ax.scatter(board[column], board["clicks"], color=colour, s=45)
    for ranker, row in board.iterrows():
        right = row[column] > board[column].median()
        ax.annotate(
            ranker, (row[column], row["clicks"]), xytext=(-8 if right else 8, 0), va="center",
            textcoords="offset points", ha="right" if right else "left",
        )  # fmt: skip
    ax.set(xlabel=name, ylabel="clicks per session, served", xmargin=0.15, ymargin=0.18)
    ax.set_title(f"It picks {picked}: {change:+.0%} clicks", fontsize=11)
    facts.append(f"{name} picks {picked}, served {change:+.0%} clicks against production")
plots.show(fig, alt="; ".join(facts) + ".")

# %% check="auc_world" points=1
# In a fresh world, your AUC within users keeps the ranker that earns the clicks
### BEGIN HIDDEN TESTS
world = {"seed": 88, "new_users": 0}
shown, happened = feed.log(days=20, users=600, randomised_share=0.4, **world)
table = feed.labelled(shown, happened)
day = (table["timestamp"] - feed.FIRST_DAY).dt.days
early = table[day < 10].groupby("user_id")["clicked"]
eager = (early.sum() + 2) / (early.size() + 20)
table = table[(day >= 10) & (table["bucket"] == "random")].copy()
known = feed.features(88, table)
rate = table["user_id"].map(eager).fillna(0.1)
scores = {
    "production": 0.3 * known["topic_match"] + known["popularity_score"],
    "cheap": 10 * rate - 0.02 * known["age_days"],
}
# A term per user changes no list: the world is asked without it.
policies = {"production": feed.PRODUCTION, "cheap": feed.LinearPolicy({"age_days": -0.02})}
ids = table["request_id"].unique()
earned = {
    name: feed.true_value(policy=policy, request_ids=ids, **world)["clicks"].mean()
    for name, policy in policies.items()
}
clicked, user = table["clicked"].to_numpy(), table["user_id"].to_numpy()
measured = {name: float(auc(clicked, score.to_numpy(), user)) for name, score in scores.items()}
assert all(0 < value < 1 for value in measured.values()), f"Your AUCs are {measured}."
assert measured["production"] != measured["cheap"], f"Both rankers get {measured['cheap']:.3f}."
chosen, best = max(measured, key=measured.get), max(earned, key=earned.get)
assert chosen == best, (
    f"By your AUC {chosen} is ahead, {measured[chosen]:.3f} to {measured[best]:.3f}; served, it "
    f"gets {earned[chosen]:.2f} clicks per session and {best} {earned[best]:.2f}."
)
### END HIDDEN TESTS

# %% [markdown]
# ## Decide
#
# Not every gain may ship. Creators were promised variety, measured as *list diversity*: the share of pairs of videos in a list that differ in topic. And the prevalence has a say: a fifth team sends 500 of 100,000 comments a day to reviewers, and 0.2 % are harmful.
#
# <small>Source: intra-list similarity, Ziegler et al. 2005; AUC against precision under rarity, Saito & Rehmsmeier 2015.</small>

# %%
rng = np.random.default_rng(8)
for share in (0.5, 0.1, 0.002):
    harmful = rng.random(100_000) < share
    score = rng.standard_normal(100_000) + 1.5 * harmful
    first = harmful[np.argsort(-score)[:500]].mean()
    print(
        f"{share:6.1%} harmful: AUC {roc_auc_score(harmful, score):.2f}, average precision "
        f"{average_precision_score(harmful, score):.2f}, harmful among the first 500 {first:.0%}"
    )


# %%
def list_diversity(ranker):
    """Return the mean share of pairs of videos in a list of ten that differ in topic."""
    _, candidates = feed.request_batch(WORLD, test["request_id"].to_numpy()[::20])
    table = pd.DataFrame({name: candidates[name].ravel() for name in feed.FEATURES})
    table["past_rate"] = app_rate
    scores = ranker(table).reshape(candidates["topic"].shape)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    topics = np.take_along_axis(candidates["topic"], top, axis=1)
    return (topics[:, :, None] != topics[:, None, :]).sum() / (len(topics) * 10 * 9)


diversity = {ranker.__name__: list_diversity(ranker) for ranker in rankers}

# %% play="auc, ndcg, user_interval"
rng, users_of_lists = np.random.default_rng(9), test["user_id"].to_numpy()[::10]
per_list = {r.__name__: ndcg(grades, r(test).reshape(-1, 10), 10, "linear") for r in rankers}
report = pd.DataFrame({"list_diversity": diversity})
report["global_auc"] = [float(auc(test["clicked"], ranker(test))) for ranker in rankers]
for name, values in per_list.items():
    gain = pd.DataFrame({"user_id": users_of_lists, "value": values - per_list["production"]})
    gain = gain.dropna()
    report.loc[name, "ndcg_gain"] = gain["value"].mean()
    report.loc[name, ["gain_low", "gain_high"]] = user_interval(gain, rng)
over_users = report["gain_high"].iloc[-1] - report["gain_low"].iloc[-1]
low, high = user_interval(gain.assign(user_id=np.arange(len(gain))), rng)
print(f"{name}, width of the interval: users {over_users:.4f}, lists {high - low:.4f}")
report.round(3)

# %% [markdown]
# ### Exercise 8 · Choose ranker and metrics (5 points)
#
# Write `choose(report, min_diversity)` for any such table (same columns, other rankers, always `production`). Return a dict:
#
# | key | value |
# |---|---|
# | `ranker` | the largest `ndcg_gain` among those surely better than `production` and with at least `min_diversity`; `"production"` if there is none |
# | `feed` | metric for ordering one user's list |
# | `push` | for sending one push to the 100,000 likeliest of 10 million (user, video) pairs |
# | `ads` | for choosing the model that prices each ad by its own expected clicks |
# | `review` | for the 500 comments above |
#
# The last four are constants, each one of `"global_auc"`, `"user_auc"`, `"ndcg"`, `"precision_at_budget"`, `"normalised_entropy"`, `"calibration_error"`. Where two fit, either passes. In grading, a ranker whose true gain is within 0.005 of the best passes as well.
#
# <details><summary>Hint</summary>'Surely better' is a statement about <code>gain_low</code>. For the metrics, ask: which rows compete with each other, is it order or value that counts, and how far down the order does the decision reach?</details>


# %% exercise="choose"
def choose(report, min_diversity):
    """Return the ranker to ship and the metric for each of four decisions."""
    ### BEGIN SOLUTION
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    return {
        "ranker": sure["ndcg_gain"].idxmax() if len(sure) else "production",
        "feed": "ndcg",
        "push": "precision_at_budget",
        "ads": "normalised_entropy",
        "review": "precision_at_budget",
    }
    ### END SOLUTION


# %% check="choose" points=1
# The answer is complete, and follows the floor on variety
table = pd.DataFrame(
    [(0.8, 0.55, 0, 0, 0), (0.7, 0.60, 0.02, 0.01, 0.03)],
    index=["production", "next"],
    columns=["list_diversity", "global_auc", "ndcg_gain", "gain_low", "gain_high"],
)
loose, strict = choose(table, 0.6), choose(table, 0.75)
assert set(loose) == {"ranker", "feed", "push", "ads", "review"}, f"The keys are {sorted(loose)}."
assert loose["ranker"] == "next", f"At a floor of 0.6 you keep {loose['ranker']!r}."
assert strict["ranker"] == "production", f"At a floor of 0.75 you ship {strict['ranker']!r}."

# %% check="choose_outcome" points=2
# On fresh tables, the choice gains, surely, and keeps the variety
### BEGIN HIDDEN TESTS
# ranker: planted gain, standard error, global AUC, diversity
cases = (
    {
        "production": (0.0, 0.0, 0.58, 0.80),
        "who_clicks": (-0.030, 0.004, 0.66, 0.83),
        "untested": (0.0, 0.030, 0.60, 0.79),
        "one_topic": (0.050, 0.005, 0.61, 0.40),
        "mixed": (0.030, 0.005, 0.60, 0.72),
        "mixed_lite": (0.010, 0.003, 0.59, 0.75),
    },
    {
        "production": (0.0, 0.0, 0.60, 0.80),
        "who_clicks": (-0.020, 0.003, 0.65, 0.81),
        "shuffled": (0.0, 0.012, 0.61, 0.80),
    },
)
for planted in cases:
    table = pd.DataFrame(planted, index=["gain", "error", "global_auc", "list_diversity"]).T
    # The undecided ones got lucky by 1.5 standard errors: a gain in the table, none in truth.
    lucky = np.where(table["gain"] == 0, 1.5, 0.2)
    table["ndcg_gain"] = table["gain"] + lucky * table["error"]
    table["gain_low"] = table["ndcg_gain"] - 1.96 * table["error"]
    table["gain_high"] = table["ndcg_gain"] + 1.96 * table["error"]
    seen = table.drop(columns=["gain", "error"]).sample(frac=1, random_state=3)
    chosen = choose(seen, 0.6)["ranker"]
    assert chosen in planted, f"{chosen!r} is none of {list(planted)}."
    truth, row = planted[chosen][0], table.loc[chosen]
    assert truth >= 0, (
        f"{chosen} has the best global AUC, {row['global_auc']:.2f}, and when served its NDCG falls "
        f"by {-truth:.3f}: the table's gain said so."
    )
    assert row["list_diversity"] >= 0.6, (
        f"{chosen} has a list diversity of {row['list_diversity']:.2f}; the floor is 0.60."
    )
    assert chosen == "production" or row["gain_low"] > 0, (
        f"{chosen} shows {row['ndcg_gain']:+.3f} with an interval from {row['gain_low']:+.3f}: it may "
        "be nothing, and here it is nothing. A launch was paid for luck."
    )
    fair = table[(table["gain_low"] > 0) & (table["list_diversity"] >= 0.6)]["gain"]
    best = max(0.0, fair.max()) if len(fair) else 0.0
    assert truth >= best - 0.005, f"{chosen} gains {truth:.3f}; {best:.3f} was to be had."
### END HIDDEN TESTS

# %% check="choose_metrics" points=2
# Each decision gets a metric that sees what it costs
### BEGIN HIDDEN TESTS
table = pd.DataFrame(
    [(0.8, 0.55, 0, 0, 0), (0.7, 0.60, 0.02, 0.01, 0.03)],
    index=["production", "next"],
    columns=["list_diversity", "global_auc", "ndcg_gain", "gain_low", "gain_high"],
)
chosen = choose(table, 0.5)
ranking = ("global_auc", "user_auc", "ndcg", "precision_at_budget")
names = (*ranking, "normalised_entropy", "calibration_error")
for key in ("feed", "push", "ads", "review"):
    assert chosen[key] in names, f"{key}: {chosen[key]!r} is none of {', '.join(names)}."
assert chosen["feed"] != "global_auc", (
    "feed: 'global_auc' preferred light, which lost a sixth of the clicks: most of its pairs join "
    "two users, and no list does."
)
assert chosen["feed"] in ("ndcg", "user_auc"), (
    f"feed: {chosen['feed']!r} does not look at the order within one user's list."
)
assert chosen["push"] not in ("user_auc", "ndcg"), (
    f"push: {chosen['push']!r} does not compare pairs of different users, and there they compete "
    "for one budget."
)
assert chosen["push"] != "global_auc", (
    "push: 'global_auc' weighs the order of all 10 million pairs alike; what is sent are the first "
    "1 %, and a ranker can be ahead overall and behind there."
)
assert chosen["push"] == "precision_at_budget", (
    f"push: {chosen['push']!r} measures the values of all 10 million pairs, not what the first "
    "100,000 hold."
)
assert chosen["ads"] != "calibration_error", (
    "ads: a constant has next to no calibration error and gives every ad the same price. Take a "
    "metric of value and knowledge."
)
assert chosen["ads"] not in ranking, (
    f"ads: {chosen['ads']!r} is blind to the values: double every probability and it stays."
)
assert chosen["review"] != "global_auc", (
    "review: at 0.2 % prevalence an AUC of .85 leaves about nineteen of twenty reviews without a "
    "find, and at 50 % the AUC is the same."
)
assert chosen["review"] == "precision_at_budget", (
    f"review: {chosen['review']!r} does not count what the 500 reviews find."
)
### END HIDDEN TESTS

# %% play="choose, auc, ndcg, user_interval"
design = choose(report, 0.75)
change = weeks[design["ranker"]] / weeks["production"] - 1
print(f"At a floor of 0.75 you ship {design['ranker']}: {change:+.0%} clicks per session, served")

# %% [markdown]
# ## Take away
#
# 1. A metric's name is not its definition: cut, denominator, gain, ties and empty lists move it more than most rankers do.
# 2. Average over the unit of the decision (a list, a user), and give intervals over the unit that was drawn independently.
# 3. The decision picks the metric: order within a list, order across users, value, or what a budget finds.
#
# **Where this breaks.** Clicks on random lists are still weighted towards the first places: they add noise here and bias as soon as lists are ranked, which lab 3 of this module repairs. The random bucket shows ten of twenty candidates, so offline metrics order fewer videos than the ranker will. Clicks are not satisfaction. With other values of `WORLD` the AUC over all rows sometimes picks `blend` too; what repeats is that it puts `light_popular` above `production`. And users are independent in this world; where they share videos or households, the cluster is larger than a user.

# %% [markdown]
# ## Say it in an interview
#
# In 60 seconds: *the new ranker's AUC is up by two points, the experiment shows fewer clicks. Why?* Then two follow-ups:
#
# 1. The same model shall now decide who gets a push notification. What flips?
# 2. Half of the lists have no click. What do you do with them in MAP?
#
# <details><summary>Self-check: what three levels of answer sound like</summary>
#
# **Junior.** 'Offline and online often differ; I would look at NDCG too.' No mechanism.
#
# **Mid-level.** 'AUC over all rows mixes users. User features lift it without changing any list. I would compute it per user.' Mechanism and repair.
#
# **Senior.** 'The same, and I ask how each number was made: which rows, which denominator, ties, empty lists. I recompute both rankers with one function, per list on the random bucket, with an interval over users, then by slice at a fixed mix. In our case the AUC rose from .58 to .60 while within users it fell from .58 to .52. The model may still do for pricing: its normalised entropy is no worse.'
#
# **Follow-up 1.** Now rows of different users compete for a budget: knowing who clicks is worth something, precision among those sent is the metric, and a guardrail on pushes per user is needed.
#
# **Follow-up 2.** State it. Counting 0 keeps the mean over all sessions, skipping makes it a mean over sessions with a click, a group that the ranker itself changes. Compare only numbers with the same rule, and report the share of empty lists beside them.
#
# **Score yourself**, one point each: the unit of the average · the convention asked for · an interval over users · slices at a fixed mix · the decision that the metric serves.
# </details>
#
# Worked solution: [solutions/m5_evaluation/offline_metrics.ipynb](../../solutions/m5_evaluation/offline_metrics.ipynb)
