# %% [markdown]
# # Baseline ladder
#
# The feed of a short-video app ranks by popularity. A team has trained twenty boosted-tree models, and the best of them beats logistic regression by nearly four points of AUC. Its servers cost €11,000 a month more. Later the same team builds a retriever that never suggests what people want.
#
# You will be able to **judge** each step up in complexity by a paired interval and its cost, **calibrate** a model on data of its own, **repair** a retriever that was trained on in-batch negatives.
#
# 32 points · about 75 minutes · builds on logistic regression, cross-validation, AUC

# %%
import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from course import plots
from course.worlds import feed, retrieval

WORLD = 9
FEATURES = list(feed.FEATURES)

# %% [markdown]
# ## The winner of twenty
#
# A row is a video that was shown. `kept` says whether the viewer clicked and watched at least half of it. One request in eight shows its candidates in random order; only these *exploration* rows are used, since there no ranking has decided who sees what. The app is simulated (`course/worlds/feed`).


# %%
def label(impressions, events):
    """Impressions with `kept`: clicked, and watched at least half."""
    rows = feed.labelled(impressions, events)
    half = rows["watch_value"] >= 0.5 * rows["length_s"]
    return rows.assign(kept=((rows["clicked"] == 1) & half).astype(int))


log = feed.log(WORLD, days=12, users=2500, randomised_share=0.12, log_features=True)
rows = label(*log).query("bucket == 'random'")
day = (rows["timestamp"] - feed.FIRST_DAY).dt.days
train, validation, test = rows[day < 8], rows[day.between(8, 9)], rows[day >= 10]
print(f"{len(train):,} training rows, kept {train['kept'].mean():.1%}; then two days and two days")

# %% [markdown]
# The rungs: popularity alone, logistic regression on seven features, boosted trees. The team trained its trees twenty times, each time with another seed and another random half of the users (logistic regression sees all of them; trees trained on all of them return further down), and tested all of them on Tuesday (day 8), on 120 users.


# %%
def model_on(columns, *steps):
    """An unfitted model that takes `columns` from a table."""
    return make_pipeline(make_column_transformer(("passthrough", columns)), *steps)


def boosted(seed):
    """Shallow boosted trees; each split sees a random half of the features."""
    trees = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=6, min_samples_leaf=40, max_features=0.5, random_state=seed
    )
    return model_on(FEATURES, trees)


popularity = model_on(["popularity_score"], LogisticRegression()).fit(train, train["kept"])
logistic = model_on(FEATURES, StandardScaler(), LogisticRegression()).fit(train, train["kept"])
rng = np.random.default_rng(WORLD)
twenty, users = [], train["user_id"].unique()
for seed in range(20):
    half = train[train["user_id"].isin(users[rng.random(len(users)) < 0.5])]
    twenty.append(boosted(seed).fit(half, half["kept"]))

tuesday_users = validation.loc[day == 8, "user_id"].unique()
chosen_users = np.random.default_rng(0).permutation(tuesday_users)[:120]
tuesday = validation[(day.loc[validation.index] == 8) & validation["user_id"].isin(chosen_users)]


def auc(model, rows):
    return roc_auc_score(rows["kept"], model.predict_proba(rows)[:, 1])


tuesday_auc = [auc(model, tuesday) for model in twenty]
winner = twenty[int(np.argmax(tuesday_auc))]
for name, model in (("logistic regression", logistic), ("winner of twenty", winner)):
    value = auc(model, tuesday)
    draws = [auc(model, tuesday.sample(frac=1, replace=True, random_state=r)) for r in range(40)]
    low, high = np.quantile(draws, [0.025, 0.975])
    print(f"{name:20s} AUC {value:.3f}, interval {low:.2f} to {high:.2f}")

# %% [markdown]
# ### Exercise 1 · Predict (1 point)
#
# 'Nearly four points better, and the intervals overlap, so nothing speaks against it.' The winner ships. Each model now ranks the whole feed for the same week. How many videos per 1,000 requests are watched at least half under the winner, compared with logistic regression? Return `"a clear gain"` (over 3 % more), `"no clear difference"` (within 3 %), or `"a clear loss"`. Each earns the point.


# %% exercise="my_prediction"
def my_prediction():
    """What the winner brings against logistic regression."""
    ### BEGIN SOLUTION
    return "no clear difference"
    ### END SOLUTION


# %% check="my_prediction" points=1
# The prediction is one of the three choices
choices = ["a clear gain", "no clear difference", "a clear loss"]
answer = my_prediction()
assert isinstance(answer, str), f"return one of the three texts {choices}; got {answer!r}"
assert answer in choices, f"expected one of {choices}; got {answer!r}"

# %% [markdown]
# ## Reveal: the week


# %%
def served_week(model):
    """Videos watched at least half, per 1,000 requests, when a model ranks the feed for a week."""

    def policy(requests, candidates):
        table = pd.DataFrame({name: candidates[name].ravel() for name in FEATURES})
        return model.predict_proba(table)[:, 1].reshape(candidates["video_id"].shape)

    week = feed.serve(policy, WORLD, days=7, first_day=12, users=2500, log_features=True)
    shown = label(week.impressions, week.events)
    return 1000 * shown["kept"].sum() / shown["request_id"].nunique()


def draw_week(bars, title):
    """Draw what models delivered; `bars` maps a name to a number and a colour."""
    fig, ax = plots.figure(height=2.6)
    values = [value for value, _ in bars.values()]
    ax.barh(list(bars), values, color=[colour for _, colour in bars.values()], height=0.6)
    ax.bar_label(ax.containers[0], fmt="%.0f", padding=3)
    ax.set(xlim=(0, 1.12 * max(values)), xlabel="videos watched at least half, per 1,000 requests")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_title(title)
    told = ", ".join(f"{name} {value:.0f}" for name, value in zip(bars, values, strict=True))
    plots.show(fig, alt=f"Videos watched at least half per 1,000 requests: {told}.")


delivered = {
    "popularity": (served_week(popularity), plots.QUIET),
    "logistic regression": (served_week(logistic), plots.HONEST),
    "winner of twenty": (served_week(winner), plots.NAIVE),
}
draw_week(delivered, "Served for a week, nothing is left of the gain")

# %% [markdown]
# **What happened.** Twenty models that are equally good do not score equally on 120 users. The best score is the luckiest, and luck stays behind on Tuesday. Two intervals side by side could not object: both hold the noise that the models share. The step that did pay was the first one.

# %% [markdown]
# ### Exercise 2 · A paired interval (4 points)
#
# Both models score the same rows, so compare row by row: noise that is common to both cancels. Write `paired_interval(loss_a, loss_b, user, rng)` and return three numbers:
#
# - the mean over rows of `loss_a` − `loss_b`;
# - lower and upper end of its 95 % interval, when *users* are drawn anew, with all of their rows.
#
# `loss_a`, `loss_b` and `user` are arrays with one entry per row. Take at least 500 draws from the generator `rng` if you bootstrap; any method that treats users as the unit will do.
#
# <details><summary>Hint 1: the idea</summary>Draw users once per round and use the same draw for both models: the difference per row is all you need.</details>
# <details><summary>Hint 2: the tool</summary><code>np.bincount(number, weights)</code> sums per user; the mean of a draw is a sum of sums over a sum of row counts.</details>


# %% exercise="paired_interval"
def paired_interval(loss_a, loss_b, user, rng):
    """The mean difference of two models' losses, and its 95 % interval over users."""
    ### BEGIN SOLUTION
    difference = np.asarray(loss_a) - np.asarray(loss_b)
    _, number = np.unique(user, return_inverse=True)
    total, count = np.bincount(number, difference), np.bincount(number)
    drawn = rng.integers(0, len(count), (1000, len(count)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return difference.mean(), low, high
    ### END SOLUTION


# %% check="paired_interval" points=1
# Three numbers in order: the difference lies inside its interval
noise = np.random.default_rng(1)
loss, names = noise.random(600), noise.choice(list("abcdefghijklmnopqrst"), 600)
answer = np.asarray(paired_interval(loss, loss * 0.5, names, np.random.default_rng(0)))
assert answer.shape == (3,), f"expected three numbers; got an answer of shape {answer.shape}"
assert answer.dtype.kind in "iuf", f"expected three numbers; got {answer.tolist()}"
mean, low, high = answer
assert low < mean < high, f"expected low < difference < high; got {low}, {mean} and {high}"

# %% check="paired_interval_pairing" points=1
# Noise that both models share does not widen the interval
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(21)
shared = noise.exponential(1.0, 2000)
loss_a, loss_b = shared + 0.01 + 0.1 * noise.standard_normal(2000), shared
expected, half = (loss_a - loss_b).mean(), 1.96 * (loss_a - loss_b).std() / np.sqrt(2000)
answer = np.asarray(
    paired_interval(loss_a, loss_b, np.arange(2000), np.random.default_rng(3)), dtype=float
)
assert answer.shape == (3,), f"three numbers were asked for; the answer has shape {answer.shape}"
ratio = (answer[2] - answer[1]) / 2 / half
assert abs(answer[0] + expected) > 1e-9, (
    f"the difference is {answer[0]:+.4f}, the wrong way round: loss_a minus loss_b was asked for"
)
assert ratio <= 3, (
    f"your interval is {ratio:.0f} times as wide as the paired one: two separate samples of rows "
    "let in again the noise that both models share"
)
assert ratio >= 0.7, (
    f"your interval is {ratio:.2f} times as wide as a 95 % interval: one standard error to each "
    "side covers 68 %"
)
assert ratio <= 1.3, f"your interval is {ratio:.2f} times as wide as a 95 % interval"
assert abs(answer[0] - expected) <= 1e-9, f"the mean difference is off by {answer[0] - expected}"
### END HIDDEN TESTS

# %% check="paired_interval_users" points=2
# Rows of one user are drawn together, and users count by their rows
### BEGIN HIDDEN TESTS
for seed, n_users in ((22, 300), (23, 500)):
    noise = np.random.default_rng(seed)
    count = np.minimum(1 + np.floor(3 * noise.pareto(1.5, n_users)), 60).astype(int)
    user = np.repeat(noise.permutation(n_users) + 7000, count)
    effect = np.repeat(0.05 * np.log(count) + 0.2 * noise.standard_normal(n_users), count)
    shared = noise.exponential(1.0, len(user))
    loss_a, loss_b = shared + effect + 0.2 * noise.standard_normal(len(user)), shared
    order = noise.permutation(len(user))
    loss_a, loss_b, user = loss_a[order], loss_b[order], user[order]
    per_row = pd.Series(loss_a - loss_b)
    expected = per_row.mean()
    left = (per_row - expected).groupby(user).sum()
    half = 1.96 * np.sqrt((left**2).sum()) / len(per_row)
    per_user = per_row.groupby(user).mean().mean()
    answer = np.asarray(
        paired_interval(loss_a, loss_b, user, np.random.default_rng(seed)), dtype=float
    )
    assert answer.shape == (3,), f"expected three numbers; got shape {answer.shape}"
    ratio = (answer[2] - answer[1]) / 2 / half
    assert abs(answer[0] - per_user) > 1e-6, (
        f"{answer[0]:.4f} is the mean over users of their mean difference; the mean over rows is "
        f"{expected:.4f}: a user with 60 rows counts 60 times"
    )
    assert abs(answer[0] - expected) <= 1e-6, (
        f"the mean difference over rows is {expected:.4f}; got {answer[0]:.4f}"
    )
    assert ratio >= 0.7, (
        f"your interval is {ratio:.2f} times as wide as it has to be: rows were drawn one by one, "
        "but rows of the same user move together"
    )
    assert ratio <= 1.35, f"your interval is {ratio:.2f} times as wide as drawing users makes it"
### END HIDDEN TESTS

# %% [markdown]
# The loss here is *normalised entropy* (NE): log loss over the entropy of the share that was kept. 1 means no better than a constant, lower is better (He et al. 2014).


# %%
def row_losses(kept, probability):
    """Log loss per row over the entropy of the share kept; its mean is the NE."""
    kept, share = np.asarray(kept), np.mean(kept)
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    return -np.log(np.where(kept == 1, probability, 1 - probability)) / entropy


def losses_of(model, rows):
    return row_losses(rows["kept"], model.predict_proba(rows)[:, 1])


# %% play="paired_interval"
others = validation[~validation["user_id"].isin(chosen_users)]
print(f"other users, both validation days: {len(others):,} rows; Tuesday's 120: {len(tuesday):,}")
comparisons = {
    "logistic − popularity\non other users": (logistic, popularity, others),
    "winner − logistic\non Tuesday's 120": (winner, logistic, tuesday),
    "winner − logistic\non other users": (winner, logistic, others),
}
fig, ax = plots.figure(height=2.8)
told = []
for place, (name, (model, other, table)) in enumerate(comparisons.items()):
    losses = losses_of(model, table), losses_of(other, table)
    mean, low, high = paired_interval(*losses, table["user_id"], np.random.default_rng(0))
    colour = plots.NAIVE if table is tuesday else plots.HONEST
    ax.plot([low, high], [place, place], color=colour)
    ax.plot(mean, place, "o", color=colour)
    told.append(f"{name}: {mean:+.3f} ({low:+.3f} to {high:+.3f})".replace("\n", " "))
ax.axvline(0, color=plots.QUIET, linewidth=1)
ax.set_yticks(range(3), list(comparisons))
ax.set(ylim=(2.6, -0.6), xlabel="difference in NE; left of 0 the first model is better")
ax.set_title("Paired differences, with 95 % intervals")
plots.show(fig, alt="Paired differences in NE. " + "; ".join(told) + ".")
print("\n".join(told))

# %% [markdown]
# Logistic regression against popularity: settled. The winner looks better only on the rows that *made* it the winner, where no interval is honest any more; users who had no say in the choice, over both validation days, leave an interval with 0 well inside. An interval holds for a comparison that was chosen before looking.

# %% [markdown]
# ### Exercise 3 · The simplest within one standard error (4 points)
#
# Write `choose_rung(losses, user, latency_ms, limit_ms)`.
#
# - `losses`: a frame, one column per rung from the simplest to the most complex, one row per row of data; `user`: an array, whose row it is;
# - `latency_ms`: a dict, the 99th percentile of each rung; a rung may take `limit_ms` at most.
#
# Of the rungs within the limit, one has the lowest mean loss. Return the name of the simplest rung within the limit whose mean loss exceeds that by at most one standard error *of the paired difference*, with users as the unit.
#
# <details><summary>Hint 1: the idea</summary>For each affordable rung, look at its loss minus the best affordable rung's, row by row.</details>
# <details><summary>Hint 2: the formula</summary>With s_u the sum of (difference − mean difference) over user u's n_u rows, SE = √(Σ s_u²) / Σ n_u. Your bootstrap does it too.</details>


# %% exercise="choose_rung"
def choose_rung(losses, user, latency_ms, limit_ms):
    """The simplest affordable rung within one standard error of the best affordable one."""
    ### BEGIN SOLUTION
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    best = losses[affordable].mean().idxmin()
    for rung in affordable:
        worse = losses[rung] - losses[best]
        by_user = (worse - worse.mean()).groupby(np.asarray(user)).sum()
        error = np.sqrt((by_user**2).sum()) / len(worse)
        if worse.mean() <= error:
            return rung
    ### END SOLUTION


# %% check="choose_rung" points=1
# It names an affordable rung, and the best one where it is clearly better
table = pd.DataFrame({"rule": np.linspace(1, 2, 50), "linear": np.linspace(0.4, 1.5, 50)})
table["trees"] = table["linear"] - 0.3 + 0.01 * np.sin(np.arange(50))
latency = {"rule": 1, "linear": 5, "trees": 30}
answer = choose_rung(table, np.arange(50), latency, 40)
assert isinstance(answer, str), f"expected the name of a column of losses, got {answer!r}"
assert answer == "trees", f"'trees' is better on each row and takes 30 ms of 40; got {answer!r}"


# %% check="choose_rung_error" points=2
# The margin is one paired standard error over users, against the best rung
### BEGIN HIDDEN TESTS
def planted(seed, distances, rows_per_user, within=1.0):
    """Losses whose paired distance from the rung at 0 is so many standard errors over users."""
    noise = np.random.default_rng(seed)
    user = np.repeat(noise.permutation(120) * 3, rows_per_user)
    frame, shared = {}, noise.exponential(1.0, len(user))
    for name, distance in distances.items():
        own = np.repeat(noise.standard_normal(120), rows_per_user)
        own = own + within * noise.standard_normal(len(user))
        own = pd.Series(0.02 * (own - own.mean()) * (distance != 0))
        error = np.sqrt((own.groupby(user).sum() ** 2).sum()) / len(own)
        frame[name] = shared + own + distance * error
    return pd.DataFrame(frame), user


free = dict.fromkeys(["rule", "linear", "trees", "stack"], 1)
losses, user = planted(32, {"rule": 9, "linear": 5, "trees": 0}, 1)
answer = choose_rung(losses, user, free, 50)
assert answer == "trees", (
    f"'trees' is 5 paired standard errors ahead and you return {answer!r}: an unpaired standard "
    "error holds the noise that the rungs share, and hides the gain"
)
losses, user = planted(31, {"rule": 9, "linear": 0.3, "trees": 0}, 1)
answer = choose_rung(losses, user, free, 50)
assert answer != "trees", (
    "'trees' has the lowest mean loss, but 'linear' is only 0.3 standard errors behind: the simpler "
    "one is enough"
)
assert answer == "linear", f"'linear' is 0.3 standard errors behind the best rung; got {answer!r}"
losses, user = planted(33, {"rule": 6, "linear": 6.4, "trees": 0, "stack": 0.5}, 2)
answer = choose_rung(losses, user, free, 50)
assert answer == "trees", (
    f"'linear' does not beat 'rule', but 'trees' is 6 standard errors better and you return "
    f"{answer!r}: compare with the best rung, not with the next one"
)
losses, user = planted(36, {"rule": 9, "linear": 1.4, "trees": 0}, 1)
answer = choose_rung(losses, user, free, 50)
assert answer != "linear", (
    "'linear' is 1.4 paired standard errors behind 'trees' and you return it: the margin is one "
    "standard error; a 95 % interval is nearly two wide to each side"
)
assert answer == "trees", f"'trees' is 1.4 standard errors ahead of 'linear'; got {answer!r}"
losses, user = planted(37, {"rule": 9, "linear": 0.75, "trees": 0}, 1)
answer = choose_rung(losses, user, free, 50)
assert answer == "linear", (
    f"'linear' is 0.75 paired standard errors behind 'trees', with one row per user, and you return "
    f"{answer!r}: the margin is one whole standard error"
)
losses, user = planted(34, {"rule": 8, "linear": 0.6, "trees": 0}, 40, within=0.1)
answer = choose_rung(losses, user, free, 50)
assert answer == "linear", (
    f"'linear' is 0.6 standard errors behind when users are the unit and you return {answer!r}: "
    "40 rows of a user are not 40 users"
)
### END HIDDEN TESTS

# %% check="choose_rung_limit" points=1
# A rung over the limit is out before the comparison begins
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(35)
shared = noise.exponential(1.0, 900)
losses = pd.DataFrame({"rule": shared + 0.3, "linear": shared + 0.101, "trees": shared + 0.1})
losses["trees"] += 0.05 * noise.standard_normal(900)
losses["stack"] = shared + 0.01 * noise.standard_normal(900)
latency = {"rule": 1, "linear": 3, "trees": 40, "stack": 400}
user = np.repeat(np.arange(300), 3)
answer = choose_rung(losses, user, latency, 40)
assert answer != "stack", "'stack' has the lowest loss and takes 400 ms; the limit is 40 ms"
assert answer in losses.columns, (
    f"got {answer!r}: rungs were compared with 'stack', which is over the limit, and none is "
    "close to it"
)
assert answer != "trees", (
    "'linear' is within one standard error of 'trees', the best rung within the limit"
)
assert answer == "linear", f"'linear' is the simplest of the good rungs; got {answer!r}"
assert choose_rung(losses, user, latency, 2) == "rule", "only 'rule' takes at most 2 ms"
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 4 · Touch the test rows once (4 points)
#
# Twenty tries need a judge that is used up, and one that is not. Write `tune_once(candidates, X, y, X_test, y_test, seed)` and return a dict:
#
# - `chosen`: the name of the best candidate, judged by AUC on *training* rows that it was not fitted to;
# - `promise`: the AUC on the test rows of that candidate, fitted once to all training rows.
#
# `candidates` maps names to unfitted classifiers; the rest are arrays, each row another user's. Use `clone`, and leave each candidate's `random_state` as it is. The test labels are evaluated once.
#
# <details><summary>Hint 1: the idea</summary>Cross-validation chooses, the test reports. The winner's validation score is flattered by having won.</details>
# <details><summary>Hint 2: the tool</summary><code>cross_val_score(model, X, y, cv=…, scoring="roc_auc")</code> works on clones.</details>


# %% exercise="tune_once"
def tune_once(candidates, X, y, X_test, y_test, seed):
    """The candidate that validation chooses, and its AUC on test rows used once."""
    ### BEGIN SOLUTION
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    validated = {
        name: cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()
        for name, model in candidates.items()
    }
    chosen = max(validated, key=validated.get)
    fitted = clone(candidates[chosen]).fit(X, y)
    promise = roc_auc_score(y_test, fitted.predict_proba(X_test)[:, 1])
    return {"chosen": chosen, "promise": promise}
    ### END SOLUTION


# %% check="tune_once" points=1
# The answer names a candidate and promises an AUC
noise = np.random.default_rng(2)
X, y = noise.standard_normal((200, 3)), noise.integers(0, 2, 200)
pair = {"bayes": GaussianNB(), "stump": DecisionTreeClassifier(max_depth=1, random_state=0)}
answer = tune_once(pair, X[:120], y[:120], X[120:], y[120:], 0)
assert isinstance(answer, dict), f"expected a dict with chosen and promise, got {answer!r}"
assert {"chosen", "promise"} <= set(answer), f"expected chosen and promise, got {list(answer)}"
assert answer["chosen"] in pair, f"{answer['chosen']!r} is none of the candidates {list(pair)}"
assert 0.2 <= float(answer["promise"]) <= 0.8, f"the promise is {answer['promise']}; y is noise"

# %% check="tune_once_choice" points=1
# Validation on training rows chooses, whatever the test labels say
### BEGIN HIDDEN TESTS
for seed in (41, 42):
    noise = np.random.default_rng(seed)
    X, X_test = noise.standard_normal((400, 3)), noise.standard_normal((400, 3))
    y = (noise.random(400) < expit(1.5 * X[:, 1] + 0.5 * X[:, 2])).astype(int)
    y_test = (X_test[:, 2] > 0).astype(int)
    offered = {
        f"column {k}": make_pipeline(
            make_column_transformer(("passthrough", [k])), LogisticRegression()
        )
        for k in range(3)
    }
    offered["deep tree"] = DecisionTreeClassifier(random_state=0)
    answer = tune_once(offered, X, y, X_test, y_test, seed)
    assert isinstance(answer, dict), f"a dict was asked for, got {answer!r}"
    chosen = answer.get("chosen")
    assert chosen != "column 2", (
        "'column 2' is weak on the training rows and has an AUC of 1.00 on the test rows: your "
        "choice has looked at the test labels"
    )
    assert chosen != "deep tree", (
        "'deep tree' has an AUC of 1.00 on the rows that it was fitted to, and you choose it: "
        "validate on rows held out from the fit"
    )
    assert chosen == "column 1", f"'column 1' validates best by far; you choose {chosen!r}"
noise = np.random.default_rng(44)
X, y = noise.standard_normal((1000, 2)), (noise.random(1000) < 0.2).astype(int)
X[:, 1] += 1.5 * y
offered = {
    f"column {k}": make_pipeline(
        make_column_transformer(("passthrough", [k])),
        LogisticRegression(class_weight="balanced" if k else None),
    )
    for k in range(2)
}
answer = tune_once(offered, X[:800], y[:800], X[800:], y[800:], 4)
assert isinstance(answer, dict), f"a dict was asked for, got {answer!r}"
assert answer.get("chosen") == "column 1", (
    f"you choose {answer.get('chosen')!r}, which is noise with an AUC near 0.5, right in 80 % of the "
    "rows because it always says no: judge by AUC (`scoring`), not by accuracy, the default"
)
### END HIDDEN TESTS

# %% check="tune_once_promise" points=2
# The promise is the test AUC of one candidate, fitted once to all training rows
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(43)
X, X_test = noise.standard_normal((300, 4)), noise.standard_normal((200, 4))
y = (noise.random(300) < expit(X[:, 0])).astype(int)
y_test = (noise.random(200) < expit(X_test[:, 0])).astype(int)
offered = {
    f"tree {k}": DecisionTreeClassifier(max_depth=4, max_features=1, random_state=k)
    for k in range(6)
}
delivers = {
    name: roc_auc_score(y_test, clone(model).fit(X, y).predict_proba(X_test)[:, 1])
    for name, model in offered.items()
}
answer = tune_once(offered, X, y, X_test, y_test, 3)
turned = tune_once(offered, X, y, X_test, 1 - y_test, 3)
assert isinstance(answer, dict), f"a dict was asked for, got {answer!r}"
assert answer.get("chosen") in offered, f"{answer.get('chosen')!r} is none of the candidates"
promise, expected = float(answer["promise"]), delivers[answer["chosen"]]
assert abs(promise - float(turned["promise"])) > 1e-9, (
    f"you promise {promise:.3f} whatever the test labels are: it is the validation score that made "
    f"the candidate win; on the test rows it reaches {expected:.3f}"
)
both = clone(offered[answer["chosen"]]).fit(np.vstack([X, X_test]), np.r_[y, y_test])
seen = roc_auc_score(y_test, both.predict_proba(X_test)[:, 1])
assert abs(promise - seen) > 1e-9, (
    f"you promise {promise:.3f}, the candidate reaches {expected:.3f}: it was fitted to rows of the "
    "test as well"
)
assert promise <= expected + 1e-6, (
    f"you promise {promise:.3f}, and {answer['chosen']!r} as it was given reaches {expected:.3f}: "
    "the test rows were scored more than once, and the best score was kept"
)
assert abs(promise - expected) <= 1e-6, (
    f"you promise {promise:.3f}; {answer['chosen']!r}, fitted to all training rows, reaches "
    f"{expected:.3f}"
)
### END HIDDEN TESTS

# %% [markdown]
# How much is the best of many worth when there is nothing to find? Eight small trees, labels from a coin, 200 test rows; repeated eight times:

# %% play="tune_once"
coin = np.random.default_rng(4)
trees = {
    f"tree {k}": DecisionTreeClassifier(max_depth=2, max_features=1, random_state=k)
    for k in range(8)
}
best_of_eight, yours = [], []
for _ in range(8):
    X, y = coin.standard_normal((400, 8)), coin.integers(0, 2, 400)
    scores = [
        roc_auc_score(y[200:], clone(model).fit(X[:200], y[:200]).predict_proba(X[200:])[:, 1])
        for model in trees.values()
    ]
    best_of_eight.append(max(scores))
    yours.append(tune_once(trees, X[:200], y[:200], X[200:], y[200:], 0)["promise"])
print(f"best of eight on the test rows: mean AUC {np.mean(best_of_eight):.3f}")
print(f"chosen by validation, then tested once: mean AUC {np.mean(yours):.3f}; the truth is 0.500")

# %% [markdown]
# ## Probabilities that can be priced
#
# On slow connections the app loads a video before it is opened. That costs 3 cents of traffic and brings 20 cents of watching if the viewer keeps watching, so it pays from $p = 0.15$ on. An eager booster (150 rounds of large trees) is asked for $p$. Boosting that fits its training rows too well is sure of itself.

# %% [markdown]
# ### Exercise 5 · Calibrate on data of its own (5 points)
#
# Write `calibrate(model, X, y, X_new, seed)` for arrays and an unfitted classifier. Divide the rows at random into three disjoint sets of at least 15 % each; fit the model to one, a calibrator to the scores on the second, and measure on the third. Return a dict:
#
# | key | value |
# |---|---|
# | `probability` | calibrated probabilities of `X_new` |
# | `fit`, `calibrate`, `test` | row positions of the three sets |
# | `ece` | `calibration_error` (below) on the test set |
#
# The same seed gives the same answer. Tables may be small: isotonic regression wants about 1,000 calibration rows; Platt's two parameters are content with 100.
#
# <details><summary>Hint 1: the idea</summary>Platt: a logistic regression whose only feature is the log-odds of the model's score.</details>
# <details><summary>Hint 2: the tool</summary>Clip scores to [0.001, 0.999] before <code>logit</code>. Or <code>CalibratedClassifierCV(FrozenEstimator(fitted), method="sigmoid")</code>.</details>


# %%
def calibration_error(y, probability):
    """Expected calibration error: mean distance of forecast and share over ten equal groups."""
    order = np.argsort(probability, kind="stable")
    groups = np.array_split(order, 10)
    gaps = [abs(np.mean(probability[g]) - np.mean(y[g])) * len(g) for g in groups]
    return float(np.sum(gaps) / len(order))


# %% exercise="calibrate"
def calibrate(model, X, y, X_new, seed):
    """Probabilities from a model and a calibrator with separate data, and their honest error."""
    ### BEGIN SOLUTION
    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.split(order, [len(y) // 2, 3 * len(y) // 4])
    fitted = clone(model).fit(X[fit], y[fit])

    def log_odds(rows):
        return logit(np.clip(fitted.predict_proba(rows)[:, 1], 0.001, 0.999))[:, None]

    platt = LogisticRegression().fit(log_odds(X[held]), y[held])
    error = calibration_error(y[test], platt.predict_proba(log_odds(X[test]))[:, 1])
    probability = platt.predict_proba(log_odds(X_new))[:, 1]
    return {"probability": probability, "fit": fit, "calibrate": held, "test": test, "ece": error}
    ### END SOLUTION


# %% check="calibrate" points=1
# Probabilities for the new rows, three sets of positions, an error
noise = np.random.default_rng(5)
X, y = noise.standard_normal((400, 3)), noise.integers(0, 2, 400)
answer = calibrate(GaussianNB(), X, y, X[:30], 0)
assert isinstance(answer, dict), f"expected a dict with five keys, got {answer!r}"
missing = {"probability", "fit", "calibrate", "test", "ece"} - set(answer)
assert not missing, f"the answer lacks {sorted(missing)}"
shape = np.shape(answer["probability"])
assert shape == (30,), f"expected 30 probabilities, got an array of shape {shape}"

# %% check="calibrate_sets" points=2
# The three sets are disjoint, and the error is measured on the third
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(51)
X = noise.standard_normal((900, 3))
y = (noise.random(900) < expit(X[:, 0])).astype(int)
first = calibrate(GaussianNB(), X, y, X, 7)
assert isinstance(first, dict), f"expected a dict, got {first!r}"
sets = {name: np.asarray(first[name]) for name in ("fit", "calibrate", "test")}
for name, rows_of_set in sets.items():
    assert 135 <= len(np.unique(rows_of_set)) <= 630, (
        f"{name!r} holds {len(np.unique(rows_of_set))} of 900 rows; expected at least 15 % in each"
    )
for one, other in (("fit", "calibrate"), ("fit", "test"), ("calibrate", "test")):
    shared = len(np.intersect1d(sets[one], sets[other]))
    assert shared == 0, f"{shared} rows are in {one!r} and in {other!r}; the sets must be disjoint"
probability = np.asarray(first["probability"], dtype=float)
assert probability.shape == (900,), f"expected 900 probabilities, got shape {probability.shape}"
errors = {name: calibration_error(y[part], probability[part]) for name, part in sets.items()}
assert abs(first["ece"] - errors["calibrate"]) > 1e-6, (
    f"you report {first['ece']:.3f}, measured on the rows that the calibrator was fitted to; the "
    f"test set says {errors['test']:.3f}"
)
assert abs(first["ece"] - errors["test"]) <= 1e-6, (
    f"you report {first['ece']:.3f}; your probabilities have {errors['test']:.3f} on your test set"
)
### END HIDDEN TESTS

# %% check="calibrate_honest" points=1
# Probabilities of new rows match their true shares, though the model over-fits
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(52)
X, X_new = noise.standard_normal((1800, 5)), noise.standard_normal((4000, 5))
truth = expit(1.2 * X_new[:, 0] + 0.8 * X_new[:, 1] - 0.5)
y = (noise.random(1800) < expit(1.2 * X[:, 0] + 0.8 * X[:, 1] - 0.5)).astype(int)
eager = HistGradientBoostingClassifier(
    max_iter=60, learning_rate=0.4, max_leaf_nodes=15, min_samples_leaf=3, random_state=0
)
probability = np.asarray(calibrate(eager, X, y, X_new, 1)["probability"], dtype=float)
assert probability.shape == (4000,), f"expected 4,000 probabilities, got {probability.shape}"
assert len(np.unique(probability)) > 10, (
    f"4,000 rows get {len(np.unique(probability))} different probabilities: the calibrator was "
    "given the classes of `predict`, not the scores of `predict_proba`"
)
error = calibration_error(truth, probability)
sure = np.mean((probability < 0.02) | (probability > 0.98))
assert not (error > 0.08 and sure > 0.3), (
    f"{sure:.0%} of the new rows get a probability below 2 % or above 98 %, and the error is "
    f"{error:.2f}: the calibrator saw scores of rows that the model was fitted to, or none at all"
)
assert error <= 0.08, f"on new rows, forecasts and true shares differ by {error:.2f} on average"
### END HIDDEN TESTS

# %% check="calibrate_small" points=1
# It holds with some hundred rows
### BEGIN HIDDEN TESTS
distances = []
for seed in (53, 54, 55):
    noise = np.random.default_rng(seed)
    X, X_new = (np.repeat(noise.standard_normal((n, 1)), 3, axis=1) for n in (500, 4000))
    truth = expit(1.5 * X_new[:, 0] - 1)
    y = (noise.random(500) < expit(1.5 * X[:, 0] - 1)).astype(int)
    answer = np.asarray(calibrate(GaussianNB(), X, y, X_new, seed)["probability"], dtype=float)
    assert answer.shape == (4000,), f"expected 4,000 probabilities, got {answer.shape}"
    p = np.clip(answer, 1e-9, 1 - 1e-9)
    loss = truth * np.log(truth / p) + (1 - truth) * np.log((1 - truth) / (1 - p))
    distances.append(loss.mean())
assert max(distances) <= 0.08, (
    f"with 500 rows in all, your probabilities cost {max(distances):.2f} nats per row more than the "
    "true ones, some being 0 or 1: isotonic regression over-fits a hundred calibration rows"
)
### END HIDDEN TESTS

# %% play="calibrate"
eager = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.3, random_state=0)
X, y = train[FEATURES].to_numpy(), train["kept"].to_numpy()
X_fresh, kept = validation[FEATURES].to_numpy(), validation["kept"].to_numpy()
raw = clone(eager).fit(X, y).predict_proba(X_fresh)[:, 1]
calibrated = np.asarray(calibrate(eager, X, y, X_fresh, 0)["probability"])
plain = logistic.predict_proba(validation)[:, 1]
fig, ax = plots.figure(height=3.2)
for name, p, colour in (
    ("eager, raw", raw, plots.NAIVE),
    ("eager, yours", calibrated, plots.HONEST),
    ("logistic", plain, plots.QUIET),
):
    groups = np.array_split(np.argsort(p), 8)
    said, was = ([100 * values[g].mean() for g in groups] for values in (p, kept))
    ax.plot(said, was, "o-", color=colour, markersize=4)
    plots.label(ax, said[-1], was[-1], name, colour)
    loaded = kept[p >= 0.15]
    cents = 20 * loaded.sum() - 3 * len(loaded)
    print(
        f"{name:12s} calibration error {100 * calibration_error(kept, p):.1f} points, "
        f"loads {len(loaded):3d} of {len(p):,} ahead: {cents:+5d} cents"
    )
ax.plot([0, 14], [0, 14], color=plots.QUIET, linewidth=1, linestyle="--", zorder=0)
ax.set(xlabel="predicted, % (eight groups)", ylabel="kept, %", ylim=(0, None))
ax.set_xlim(0, 1.2 * ax.dataLim.xmax)
ax.set_title("What is said and what comes, in eight groups")
plots.show(fig, alt="Share kept against predicted share: eager model raw and calibrated, logistic.")

# %% [markdown]
# The raw scores spend on certainty that is not there. Calibrated, they are nearer to what comes, though not on the diagonal; of the calibration error, about 0.7 points would remain for true probabilities too, since each of its ten groups holds some twenty kept videos. The eager model now finds hardly anything worth loading: calibration repairs the price, not the model.
#
# ## Play it again
#
# Four rungs now, the top one the mean of all twenty boosters. The app gives ranking 40 ms. Your rule chooses on the two validation days, without the 120 users who chose the winner; the last two days, untouched so far, are evaluated once; the world serves.

# %% play="choose_rung"
trees = boosted(0).fit(train, train["kept"])
fresh = validation[~validation["user_id"].isin(chosen_users)]
losses = pd.DataFrame(
    {
        "popularity": losses_of(popularity, fresh),
        "logistic regression": losses_of(logistic, fresh),
        "boosted trees": losses_of(trees, fresh),
        "mean of twenty": row_losses(
            fresh["kept"], np.mean([m.predict_proba(fresh)[:, 1] for m in twenty], axis=0)
        ),
    }
)
latency_ms = dict(zip(losses, (1, 2, 12, 190), strict=True))
yours = choose_rung(losses, fresh["user_id"].to_numpy(), latency_ms, 40)
for rung, loss in losses.mean().items():
    print(f"{rung:20s} NE {loss:.4f}, {latency_ms[rung]:3d} ms" + (" <- yours" * (rung == yours)))
model = {"popularity": popularity, "logistic regression": logistic}.get(yours, trees)
print(f"NE promised by the two test days, evaluated once: {losses_of(model, test).mean():.4f}")
result = served_week(model)
gain = result / delivered["winner of twenty"][0] - 1
draw_week(
    {f"yours: {yours}": (result, plots.HONEST)}
    | {name: delivered[name] for name in ("winner of twenty", "popularity")},
    f"Your rung against the winner: {gain:+.1%}",
)

# %% [markdown]
# ## Two stages: retrieve, then rank
#
# The feed ranked twenty candidates. A catalogue has millions of videos, so a cheap **retriever** narrows them down before a ranker looks. The shelf 'Up next' knows a context (what kind of video has just ended, 24 kinds) and 400 videos; `retrieval.watches` logs what was watched next (`course/worlds/retrieval.py`).
#
# A **two-tower** model gives contexts and videos a vector each and scores by their product. Its softmax runs over the videos of the *batch*: everybody else's watch is my negative. The shelf gets its forty best per context, and a good ranker ('heavy') picks ten. Beside it, the bottom rung: everyone gets the forty most watched.

# %%
SHELF, N_CONTEXTS, N_VIDEOS = 5, 24, 400
log = retrieval.watches(SHELF)


def plain_in_batch_loss(scores, log_p):
    """Softmax over the batch: row a should choose column a. Ignores how often videos occur."""
    top = np.exp(scores - scores.max(axis=1, keepdims=True))
    chosen = top / top.sum(axis=1, keepdims=True)
    return -np.log(np.diag(chosen)).mean(), (chosen - np.eye(len(scores))) / len(scores)


def train_towers(log, shape, log_p, loss, rng, size=6, batch=128, epochs=2, rate=0.3):
    """Vectors of contexts and videos (Adagrad); `loss(scores, log_p)` gives loss and gradient."""
    towers = [0.1 * rng.standard_normal((n, size)) for n in shape]
    towers[0][:, 0] = 1  # the first column of the videos is a bias
    squares = [np.full(tower.shape, 1e-6) for tower in towers]
    steps = [
        part
        for _ in range(epochs)
        for part in rng.permutation(len(log))[: len(log) // batch * batch].reshape(-1, batch)
    ]
    ids = log[["context", "video_id"]].to_numpy()
    for step, part in enumerate(steps):
        context, video = ids[part].T
        left, right = towers[0][context], towers[1][video]
        _, slope = loss(left @ right.T, log_p[video])
        for k, (rows, change) in enumerate(((context, slope @ right), (video, slope.T @ left))):
            gradient = np.zeros_like(towers[k])
            np.add.at(gradient, rows, change)
            gradient[:, 0] *= k  # the constant of the contexts stays
            squares[k] += gradient**2
            towers[k] -= rate * (1 - 0.9 * step / len(steps)) * gradient / np.sqrt(squares[k])
    return towers


contexts, videos = train_towers(
    log, (N_CONTEXTS, N_VIDEOS), np.zeros(N_VIDEOS), plain_in_batch_loss, np.random.default_rng(0)
)
in_batch_scores = contexts @ videos.T


def forty(scores):
    return np.argsort(-scores, axis=1)[:, :40]


count = np.bincount(log["video_id"], minlength=N_VIDEOS)
popular_scores = np.tile(count, (N_CONTEXTS, 1))


def draw_shelf(retrievers, title):
    """Draw watch rate and popularity of named (scores, colour); the title may name a rate."""
    fig, (left, right) = plots.figure(2, width=4.4, height=2.8)
    rank = np.argsort(np.argsort(-count))
    said, rates = [], {}
    for name, (scores, colour) in retrievers.items():
        lists = forty(np.asarray(scores))
        watched = 100 * retrieval.serve(lists, "heavy", SHELF, n_requests=4000)["watched"].mean()
        rates[name] = watched
        typical = np.median(rank[lists]) + 1
        for ax, value, form in ((left, watched, "%.0f %%"), (right, typical, "%.0f")):
            bar = ax.barh(name, value, color=colour, height=0.6)
            ax.bar_label(bar, fmt=form, padding=3)
        said.append(f"{name} {watched:.0f} % watched, median popularity rank {typical:.0f}")
    for ax, unit in ((left, "requests with a watch, %"), (right, "median popularity rank, of 400")):
        ax.set(xlabel=unit)
        ax.margins(x=0.15)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
    right.set_yticklabels([])
    fig.suptitle(title.format(**rates), x=0.01, ha="left", fontsize=12, fontweight="bold")
    plots.show(fig, alt="; ".join(said) + ".")


baseline = {
    "popularity": (popular_scores, plots.QUIET),
    "two towers": (in_batch_scores, plots.NAIVE),
}
draw_shelf(baseline, "The trained retriever loses to a list of the most watched")

# %% [markdown]
# **What happened.** A video enters the batch as often as it is watched, so a popular one is a negative for everyone, all the time. The softmax therefore learns $\log P(\text{video} \mid \text{context}) - \log p(\text{video})$, with $p$ the share of a video in the log: what is *peculiar* to a context, not what is likely in it.

# %% [markdown]
# ### Exercise 6 · Correct for the batch (4 points)
#
# Write `in_batch_loss(scores, log_p)`. `scores[a, b]` is the score of context a with video b of the batch, shape (B, B); row a was followed by video a; `log_p[b]` is the log of video b's share in the log. Train on the logits
#
# $$s(x_a, y_b) - \log p_b,$$
#
# and return the mean over rows of −log softmax at the positive, and its gradient with respect to `scores`, shape (B, B). Scores may be in the thousands.
#
# <details><summary>Hint 1: the idea</summary>A column that is drawn ten times as often is pushed down ten times as often; its logit is raised by log 10 less, and the score learns the rest.</details>
# <details><summary>Hint 2: the derivative</summary>Of −log softmax: softmax minus one-hot. A mean over B rows brings 1/B. Source: Bengio and Senécal 2008; Yi et al. 2019.</details>


# %% exercise="in_batch_loss"
def in_batch_loss(scores, log_p):
    """In-batch softmax loss with corrected logits, and its gradient in the scores."""
    ### BEGIN SOLUTION
    logits = np.asarray(scores) - np.asarray(log_p)[None, :]
    logits = logits - logits.max(axis=1, keepdims=True)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    size = len(logits)
    return -np.diag(log_softmax).mean(), (np.exp(log_softmax) - np.eye(size)) / size
    ### END SOLUTION


# %% check="in_batch_loss" points=1
# A loss and a gradient of the right shape; equal shares correct nothing
scores = np.random.default_rng(6).standard_normal((8, 8))
answer = in_batch_loss(scores, np.full(8, -3.0))
assert hasattr(answer, "__len__"), f"expected a pair (loss, gradient), got {answer!r}"
assert len(answer) == 2, f"expected a pair (loss, gradient), got {len(answer)} parts"
loss, gradient = answer
assert np.shape(gradient) == (8, 8), f"the gradient has shape {np.shape(gradient)}, not (8, 8)"
plain = plain_in_batch_loss(scores, None)[0]
assert abs(loss - plain) <= 1e-6, f"with equal shares the loss is {plain:.4f}; got {loss}"

# %% check="in_batch_loss_correction" points=3
# Each column is corrected by its own share, positives and negatives alike, in loss and gradient
### BEGIN HIDDEN TESTS
noise = np.random.default_rng(61)
scores, log_p = noise.standard_normal((40, 40)), np.log(noise.dirichlet(np.full(40, 0.7)))


def mean_loss(logits):
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)))


expected = mean_loss(scores - log_p)
mistakes = {
    "it is the plain softmax, as if all videos were equally frequent (what is subtracted from a "
    "whole row, like log_p[:, None], cancels)": scores,
    "log_p is added where it has to be subtracted": scores + log_p,
    "only the negatives are corrected; the positive is in the batch for the same reason": scores
    - log_p * (1 - np.eye(40)),
    "only the positive is corrected, not the negatives": scores - log_p * np.eye(40),
    "rows are corrected, not columns: log_p belongs to the video": scores.T - log_p,
}
mistaken = {name: mean_loss(logits) for name, logits in mistakes.items()}
answer = in_batch_loss(scores, log_p)
assert hasattr(answer, "__len__"), f"expected loss and gradient, got {answer!r}"
assert len(answer) == 2, f"expected loss and gradient, got {len(answer)} parts"
loss = float(answer[0])
for name, value in mistaken.items():
    assert abs(loss - value) > 1e-6, f"the loss is {loss:.4f}, it should be {expected:.4f}: {name}"
assert abs(loss - 40 * expected) > 1e-6, (
    f"the loss {loss:.1f} is the sum over 40 rows; return the mean"
)
assert abs(loss - expected) <= 1e-6, f"the loss is {loss:.4f}, it should be {expected:.4f}"
weights = np.exp(scores - log_p)
slope = (weights / weights.sum(axis=1, keepdims=True) - np.eye(40)) / 40
plain = (np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) - np.eye(40)) / 40
gradient = np.asarray(answer[1], dtype=float)
assert gradient.shape == (40, 40), f"the gradient has shape {gradient.shape}, not (40, 40)"
error = np.abs(gradient - slope).max()
assert np.abs(gradient + slope).max() > 1e-6, "the gradient has the wrong sign: it points downhill"
assert np.abs(gradient - 40 * slope).max() > 1e-6, (
    "the gradient is 40 times too large: the loss is a mean over 40 rows"
)
assert np.abs(gradient - plain).max() > 1e-6, (
    "the gradient belongs to the uncorrected softmax, the loss to the corrected one"
)
assert error <= 1e-6, f"the gradient differs from the slope of the loss by up to {error:.2g}"
shifted = float(in_batch_loss(1000 + 500 * scores, log_p)[0])
assert np.isfinite(shifted), f"scores in the thousands give a loss of {shifted}: exp overflows"
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 7 · Scores to serve (5 points)
#
# Write `fit_retrieval(log, n_contexts, n_videos, rng)`: an array of shape (contexts, videos) with the scores to *serve*; the highest are retrieved. They should order videos like $P(\text{video} \mid \text{context})$.
#
# `log` has the columns `context` and `video_id`. A video may be missing from it: its score is finite, and it is not among the first five of any context. Use `train_towers` with your loss, or another method.
#
# <details><summary>Hint 1: the idea</summary>The correction undoes the sampling of the batch. When serving, there is no batch.</details>
# <details><summary>Hint 2: the tool</summary>Shares from <code>np.bincount(…, minlength=n_videos) + 1</code>, then <code>contexts @ videos.T</code>. An untrained video starts at about zero: give it the lowest score of its context.</details>


# %% exercise="fit_retrieval"
def fit_retrieval(log, n_contexts, n_videos, rng):
    """Scores by which to retrieve videos for each context."""
    ### BEGIN SOLUTION
    count = np.bincount(log["video_id"], minlength=n_videos)
    log_p = np.log((count + 1) / (count + 1).sum())
    contexts, videos = train_towers(log, (n_contexts, n_videos), log_p, in_batch_loss, rng)
    scores = contexts @ videos.T
    scores[:, count == 0] = scores.min(axis=1, keepdims=True)
    return scores
    ### END SOLUTION


# %% check="fit_retrieval" points=1
# One finite score per context and video, and the log stays as it is
small = retrieval.watches(71, 3000, n_contexts=4, n_videos=30)
before = small.copy()
scores = np.asarray(fit_retrieval(small, 4, 30, np.random.default_rng(0)))
assert scores.shape == (4, 30), f"expected scores of shape (4, 30), got {scores.shape}"
assert scores.dtype.kind in "iuf", f"expected numbers, got {scores.dtype}"
assert np.isfinite(scores).all(), f"{(~np.isfinite(scores)).sum()} scores are not finite"
assert (np.ptp(scores, axis=1) > 0).all(), "all videos of a context have the same score"
assert small.equals(before), "your function changed the log that it was given"

# %% check="fit_retrieval_likely" points=3
# In fresh worlds, the first five of each context are the five most likely
### BEGIN HIDDEN TESTS
overlap, follows = [], []
for seed in (72, 73):
    fresh = retrieval.watches(seed, 45_000)
    truth = np.log(retrieval.true_probability(seed))
    peculiar = truth - np.log(np.exp(truth).mean(axis=0))
    loud = 2 * truth - peculiar
    scores = np.asarray(fit_retrieval(fresh, 24, 400, np.random.default_rng(seed)), dtype=float)
    assert scores.shape == (24, 400), f"expected scores of shape (24, 400), got {scores.shape}"
    five, *wanted = (np.argsort(-s, axis=1)[:, :5] for s in (scores, truth, peculiar, loud))
    hits = [np.mean([np.isin(a, b).mean() for a, b in zip(five, w, strict=True)]) for w in wanted]
    overlap.append(hits)
    spread = scores - scores.mean(axis=1, keepdims=True)
    follows.append(
        [
            np.mean([spearmanr(scores[c], goal[c])[0] for c in range(24)])
            for goal in (truth, peculiar)
        ]
    )
    assert np.abs(spread - spread[0]).max() > 1e-6, (
        "every context gets the same list: that is popularity, not retrieval by context"
    )
likely, strange, too_popular = np.mean(overlap, axis=0)
order, against = np.mean(follows, axis=0)
assert against < order, (
    f"your scores follow what is peculiar to a context (rank correlation {against:.2f}) more than "
    f"what is likely in it ({order:.2f}), and {likely:.0%} of your first five are right: log p was "
    "taken out of the served score, or never put into training"
)
assert not too_popular > likely, (
    f"{likely:.0%} of your first five are right, and {too_popular:.0%} are if popularity counted "
    "twice: log p is in the served score again, which has learned it already"
)
assert likely >= 0.9, f"{likely:.0%} of your first five are among the five most likely videos"
### END HIDDEN TESTS

# %% check="fit_retrieval_unseen" points=1
# A video without a watch gets a finite score and stays below
### BEGIN HIDDEN TESTS
fresh = retrieval.watches(74, 12_000, n_contexts=6, n_videos=60)
gone = np.bincount(fresh["video_id"], minlength=60).argsort()[-30:-20]
fresh = fresh[~fresh["video_id"].isin(gone)].reset_index(drop=True)
scores = np.asarray(fit_retrieval(fresh, 6, 60, np.random.default_rng(4)), dtype=float)
assert scores.shape == (6, 60), f"expected scores of shape (6, 60), got {scores.shape}"
assert np.isfinite(scores).all(), (
    f"{(~np.isfinite(scores)).sum()} scores are not finite: the log of a share of zero"
)
five = np.argsort(-scores, axis=1)[:, :5]
assert not np.isin(five, gone).any(), (
    f"{np.isin(five, gone).sum()} of the {five.size} first places go to videos that nobody watched"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Play the shelf again
#
# The same log and towers, with your loss and your scores:

# %% play="fit_retrieval"
served = fit_retrieval(log, N_CONTEXTS, N_VIDEOS, np.random.default_rng(0))
truth = retrieval.true_probability(SHELF)
for name, scores in (("two towers, as trained", in_batch_scores), ("yours", np.asarray(served))):
    peculiar = np.log(truth / truth.mean(axis=0))
    follows = [
        np.mean([spearmanr(scores[c], goal[c])[0] for c in range(N_CONTEXTS)])
        for goal in (truth, peculiar)
    ]
    five = np.mean(
        [
            np.isin(np.argsort(-s)[:5], np.argsort(-t)[:5]).mean()
            for s, t in zip(scores, truth, strict=True)
        ]
    )
    print(
        f"{name}: rank correlation with P {follows[0]:.2f}, with P / p {follows[1]:.2f}; top five {five:.0%} right"
    )
draw_shelf(
    baseline | {"yours": (served, plots.HONEST)},
    "With your scores, {yours:.0f} % of the requests end with a watch",
)

# %% [markdown]
# ## Decide
#
# How many candidates, and which ranker? More candidates hold more of what a viewer wants, and more for a noisy ranker to be wrong about. `light` is noisy and quick; `heavy` is good, slow and dear; `none` keeps the retriever's order. Staging replays the same requests for each plan (towers: the planted order, so that this table does not depend on your code).

# %%
EUROS_PER_WATCH = 500  # a month, for each further watch per 1,000 requests


def staging(seed, rate, days=4):
    """Trials of each plan on some days; `rate(lists, ranker, seed, day)` is the share watched."""
    truth = retrieval.true_probability(seed)
    retrievers = {"popular": np.tile(truth.mean(axis=0), (N_CONTEXTS, 1)), "towers": truth}
    rankers = [("none", 10), *((r, n) for r in ("light", "heavy") for n in (20, 40, 80, 160))]
    trials = []
    for retriever, scores in retrievers.items():
        order = np.argsort(-scores, axis=1)
        for ranker, n in rankers:
            plan = {"retriever": retriever, "ranker": ranker, "n_candidates": n}
            plan["latency_ms"] = retrieval.latency_ms(n, ranker)
            plan["euros_per_month"] = retrieval.euros_per_month(n, ranker)
            for day in range(days):
                watched = 1000 * rate(order[:, :n], ranker, seed, day)
                trials.append(plan | {"day": day, "watched_per_1000": watched})
    return pd.DataFrame(trials)


def replay(lists, ranker, seed, day):
    shown = retrieval.serve(lists, ranker, seed, n_requests=1000, first_day=day)
    return shown["watched"].mean()


trials = staging(SHELF, replay)
plan = ["ranker", "n_candidates", "latency_ms", "euros_per_month"]
trials.pivot_table("watched_per_1000", plan, "retriever", sort=False).round(0)

# %% [markdown]
# ### Exercise 8 · Choose the design (5 points)
#
# Write `choose_design(trials, limit_ms)` for any such table (other worlds, plans and limits). Each further watch per 1,000 requests is worth `EUROS_PER_WATCH` euros a month; `latency_ms` is a 99th percentile and must not exceed `limit_ms`. Return a dict:
#
# | key | value |
# |---|---|
# | `retriever`, `ranker`, `n_candidates` | a plan of the table |
# | `primary_metric` | what releases are judged by: `"in_batch_loss"`, `"net_euros"` or `"retrieval_recall"` |
# | `guardrail` | what stops a release: `"p99_latency"`, `"mean_latency"` or `"training_loss"` |
# | `residual_risk` | one sentence of your own, not scored |
#
# The plan is played in fresh worlds under three limits: no other within the limit may net €5,000 a month more.
#
# <details><summary>Hint</summary>Average the days, filter by the limit, subtract the bill, take the best.</details>


# %% exercise="choose_design"
def choose_design(trials, limit_ms):
    """The plan with the highest net value within a latency limit, and how to guard it."""
    ### BEGIN SOLUTION
    plan = ["retriever", "ranker", "n_candidates", "latency_ms", "euros_per_month"]
    mean = trials.groupby(plan)["watched_per_1000"].mean().reset_index()
    mean["net"] = EUROS_PER_WATCH * mean["watched_per_1000"] - mean["euros_per_month"]
    allowed = mean[mean["latency_ms"] <= limit_ms]
    best = allowed.loc[allowed["net"].idxmax()]
    return {
        "retriever": best["retriever"],
        "ranker": best["ranker"],
        "n_candidates": int(best["n_candidates"]),
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "The log of a live shelf holds what the shelf offered, so new videos fade.",
    }
    ### END SOLUTION


# %% check="choose_design" points=1
# The design is complete, and its plan is in the table
design = choose_design(trials, 30)
assert isinstance(design, dict), f"expected a dict, got {design!r}"
keys = {"retriever", "ranker", "n_candidates", "primary_metric", "guardrail", "residual_risk"}
assert keys <= set(design), f"the design lacks {sorted(keys - set(design))}"
same = [trials[key] == design[key] for key in ("retriever", "ranker", "n_candidates")]
assert np.all(same, axis=0).any(), f"no trial of the plan in {design}"

# %% check="choose_design_outcome" points=3
# Played in fresh worlds, no other plan within the limit nets €5,000 a month more
### BEGIN HIDDEN TESTS
for seed, limits in ((81, (30, 15)), (82, (100,))):
    noise = np.random.default_rng(seed)
    planted = staging(
        seed, lambda *args: retrieval.true_watch_rate(*args[:3], first_day=args[3]), 3
    )
    rate = planted.groupby(["retriever", "ranker", "n_candidates"])["watched_per_1000"].mean()
    bill = planted.groupby(["retriever", "ranker", "n_candidates"])["euros_per_month"].first()
    latency = planted.groupby(["retriever", "ranker", "n_candidates"])["latency_ms"].first()
    net = EUROS_PER_WATCH * rate - bill
    lucky = ("popular", "light", 40)  # one splendid day, two poor ones: its mean stays as it is
    swing = 1.5 * (net.max() - net[lucky]) / EUROS_PER_WATCH + 15
    is_lucky = (planted[["retriever", "ranker", "n_candidates"]] == lucky).all(axis=1)
    table = planted.copy()
    table["watched_per_1000"] += noise.normal(0, 2, len(table))
    table.loc[is_lucky, "watched_per_1000"] += swing * np.where(
        table.loc[is_lucky, "day"] == 1, 1, -0.5
    )
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    for limit in limits:
        design = choose_design(table.copy(), limit)
        assert isinstance(design, dict), f"a dict was asked for, got {design!r}"
        assert {"retriever", "ranker", "n_candidates"} <= set(design), f"no plan in {design!r}"
        chosen = design["retriever"], design["ranker"], int(design["n_candidates"])
        assert chosen in net.index, f"{chosen} is none of the plans that were tried"
        assert latency[chosen] <= limit, (
            f"{chosen} takes {latency[chosen]:.0f} ms at the 99th percentile; the limit is {limit}"
        )
        best = net[latency <= limit].idxmax()
        best = best[0], best[1], int(best[2])
        short = net[best] - net[chosen]
        story = f"under {limit} ms, {best} nets €{short:,.0f} a month more than {chosen}"
        assert not (short > 5000 and chosen == lucky), (
            f"{story}, which has the best single day and two poor ones: a plan is worth the mean of its "
            "days, not one lucky day"
        )
        largest = latency[latency <= limit].index.get_level_values("n_candidates").max()
        assert not (short > 5000 and chosen[2] == largest and chosen[1] == "light"), (
            f"{story}: the largest number of candidates that the limit permits gives a noisy "
            "ranker more to be wrong about"
        )
        assert not (short > 5000 and rate[chosen] >= rate[best]), (
            f"{story}: {chosen} has {rate[chosen] - rate[best]:.0f} more watches per 1,000 requests, "
            "which cost more than they are worth"
        )
        assert not (short > 5000 and latency[chosen] <= latency[best] and chosen[1] == "none"), (
            f"{story}: the cheapest plan saves on the ranker and loses the watches"
        )
        assert short <= 5000, f"{story}"
### END HIDDEN TESTS

# %% check="choose_design_guard" points=1
# Metric and guardrail see the harm
### BEGIN HIDDEN TESTS
design = choose_design(trials, 30)
assert isinstance(design, dict), f"a dict was asked for, got {design!r}"
assert design.get("primary_metric") == "net_euros", (
    f"{design.get('primary_metric')!r} was fine while the shelf lost watches, or knows no bill; judge by "
    "what the design is for"
)
assert design.get("guardrail") == "p99_latency", (
    f"{design.get('guardrail')!r} can hold while one request in a hundred waits too long; the limit is "
    "on the 99th percentile"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Take away
#
# 1. Every rung must pay: a paired interval over users, on rows that did not choose it, against its latency and its bill.
# 2. Each choice uses up the data that it looked at. Fit, calibrate, choose and test on different rows, and test once.
# 3. In-batch negatives come by popularity. Subtract $\log p$ in training, for positives and negatives, and serve the plain score.
#
# **Where this breaks.** The log-odds of this feed are nearly linear in the features; where a feature's effect bends, trees earn their servers: count a watch from 10 seconds on, whatever the length, and boosted trees keep about 7 % more of them in the same feed (5 to 9 % in four worlds). Exploration rows are a luxury: on rows that a ranking chose, no interval repairs the selection. The shelf's log offered everything to everybody; a real one holds what earlier retrievers offered.

# %% [markdown]
# ## Say it in an interview
#
# In 60 seconds: *your team proposes to replace logistic regression by a deep model; offline AUC rises by .004. What do you ask?* Then two follow-ups:
#
# 1. The limit for ranking drops from 40 to 5 ms. What flips?
# 2. Popularity now shifts within hours. What breaks in the retriever?
#
# <details><summary>Self-check: what three levels of answer sound like</summary>
#
# **Junior.** 'I would check that the gain is significant, and not overfitted.' Right, and nobody knows yet how.
#
# **Mid-level.** 'How many variants were tried, on which rows? A paired interval by user on rows that chose nothing; then latency and cost; then an A/B test.' Mechanisms named.
#
# **Senior.** 'The same, with a price: .004 of AUC is worth shipping if the interval excludes zero and an experiment shows more of what we are paid for than the servers cost. I keep the simplest model within one standard error, as fallback in any case. If scores are used as values, I calibrate on rows of their own and gate on that. I would first spend the effort on candidates: retrieval often moves more than the ranker.'
#
# **Follow-up 1.** Anything per candidate gets dear: fewer candidates, a light ranker, or a small model distilled from the large one. Retrieval quality decides now.
#
# **Follow-up 2.** The shares p in log p are stale: rising videos score too low, fading ones too high. Estimate p from the stream (moving average of the gaps between occurrences, Yi et al. 2019), and retrain the video tower often.
#
# **Score yourself**, one point each: number of tries asked · paired and by user · a cost · a fallback · how it is confirmed online.
# </details>
#
# Worked solution: [solutions/m4_models/baseline_ladder.ipynb](../../solutions/m4_models/baseline_ladder.ipynb)
