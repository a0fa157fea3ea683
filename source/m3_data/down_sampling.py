# %% [markdown]
# # Down-sampling for rare clicks
#
# The ads team of a short-video app buys impressions for its advertisers on an exchange. It pays per impression and earns per click. Fewer than two impressions in a hundred are clicked, so the team throws most of the others away before training. The model is as good as before, offline. Tomorrow it bids on 200,000 requests with the company's money.
#
# **You will be able to** *thin* negatives and keep what the money depends on, *detect* what a ranking metric does not see, *defend* a keep rate under a training budget.
#
# 33 points · about 75 minutes · builds on: odds, AUC, cross-validation

# %%
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from course import plots
from course.worlds import ads

# %% [markdown]
# ## A design that looks fine
#
# `ads.impressions` draws two weeks of the app's log: who saw which ad when, five features, what the advertiser pays per click, and whether the user clicked. Open `course/worlds/ads.py` to see what it simulates.

# %%
WORLD = 1
FEATURES = list(ads.FEATURES)
log = ads.impressions(WORLD, 280_000)
train, recent, test = log[log["day"] < 6], log[log["day"].between(6, 9)], log[log["day"] >= 10]
print(f"{len(log):,} impressions, {log['clicked'].mean():.2%} clicked")
log[["day", "hour", "ad_id", "interest_match", "ad_novelty", "value_per_click", "clicked"]].head(3)

# %% [markdown]
# Training on every row is too dear: the real log is thousands of times this one. So the team keeps every click and a random 5 % of the impressions without one: $w = 0.05$ is the **keep rate of the negatives**. imbalanced-learn wants to be told clicks over others *after* sampling, hence the division.

# %%
KEEP_RATE = 0.05
clicks, others = (train["clicked"] == 1).sum(), (train["clicked"] == 0).sum()
sampler = RandomUnderSampler(sampling_strategy=clicks / (KEEP_RATE * others), random_state=0)
sample, _ = sampler.fit_resample(train, train["clicked"])
print(f"training rows: {len(train):,} -> {len(sample):,}")
print(f"clicked:       {train['clicked'].mean():.2%} -> {sample['clicked'].mean():.2%}")


# %%
def click_model():
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=0)


full_model = click_model().fit(train[FEATURES], train["clicked"])
shipped_model = click_model().fit(sample[FEATURES], sample["clicked"])
full_scores, shipped_scores = (
    model.predict_proba(test[FEATURES])[:, 1] for model in (full_model, shipped_model)
)
for name, scores in (("all rows", full_scores), ("down-sampled", shipped_scores)):
    print(f"{name:13s} AUC on four later days: {roc_auc_score(test['clicked'], scores):.3f}")

# %% [markdown]
# A fifteenth of the rows, the same AUC on days that neither model has seen. The down-sampled model ships. Three rules turn its output $p$ into euros:
#
# 1. The app answers requests with $p$ of at least the **floor**, 0.01. An answer costs 0.2 cents.
# 2. It bids `value_per_click` $\times\, p$. The highest bid wins and pays the second highest.
# 3. For a click, the advertiser pays `value_per_click`.

# %% [markdown]
# ### Exercise 1 · Commit to a prediction (1 point)
#
# The shipped model meets 200,000 requests on its first day. What happens? Return one of these names.
#
# | name | what happens |
# |---|---|
# | `"as_promised"` | AUC held, so the profit is about what the bids promise |
# | `"too_few_wins"` | the bids are too low, the app buys next to nothing |
# | `"wins_and_earns"` | it wins too much and earns less than promised, but it earns |
# | `"wins_and_loses"` | it wins nearly everything and pays more than the clicks bring |
#
# Any of the four gets the point.


# %% exercise="my_prediction"
def my_prediction():
    """Return the name of what I expect to happen."""
    ### BEGIN SOLUTION
    return "wins_and_loses"
    ### END SOLUTION


# %% check="my_prediction" points=1
# One of the four names is chosen
choice = my_prediction()
names = ("as_promised", "too_few_wins", "wins_and_earns", "wins_and_loses")
assert isinstance(choice, str), f"Return one of the four names as text, not {choice!r}."
assert choice in names, f"{choice!r} is none of {', '.join(names)}."

# %% [markdown]
# ## The first day
#
# `ads.run_auction` asks for one probability per request (`NaN`: do not answer), bids, and returns what happened.

# %%
FLOOR, REQUESTS = 0.01, 200_000


def as_shipped(requests):
    scores = shipped_model.predict_proba(requests[FEATURES])[:, 1]
    return np.where(scores >= FLOOR, scores, np.nan)


first_day = ads.run_auction(as_shipped, WORLD, REQUESTS)
first_day[["paid", "fee", "earned", "profit", "promised"]].sum().round().astype(int)


# %%
def draw_days(days, title):
    """Draw the clicks promised and counted, and the profit through the day, of named days."""
    fig, (left, right) = plots.figure(2, width=4.8, height=3.4)
    colours, ticks, said = (plots.NAIVE, plots.HONEST), [], []
    for (name, day), colour in zip(days.items(), colours, strict=False):
        promised, counted = day.loc[day["won"], "p_click"].sum(), day["clicked"].sum()
        for kind, clicks, fill in (("promised", promised, "white"), ("counted", counted, colour)):
            left.barh(len(ticks), clicks, color=fill, edgecolor=colour, linewidth=1.5)
            plots.label(left, clicks, len(ticks), f"{clicks:,.0f}")
            ticks.append(f"{name}, {kind}")
        profit = day.groupby("hour")["profit"].sum().cumsum()
        right.plot(profit.index + 1, profit, color=colour)
        plots.label(right, 24, profit.iloc[-1], f"{name}\n{profit.iloc[-1]:+,.0f} €", colour)
        said.append(
            f"{name}: {promised:,.0f} clicks promised, {counted:,} counted, "
            f"{profit.iloc[-1]:+,.0f} euros at the end of the day"
        )
    left.set_yticks(range(len(ticks)), ticks)
    left.invert_yaxis()
    left.set(xlabel="clicks on impressions won", xmargin=0.2, title=title)
    left.set_xticks([0, 20_000, 40_000], ["0", "20,000", "40,000"])
    right.axhline(0, color=plots.QUIET, linewidth=1)
    right.set_xticks(range(0, 25, 6))
    right.set(xlabel="hour of the day", ylabel="profit so far, euros", xmargin=0.02, ymargin=0.1)
    plots.show(fig, alt="Clicks and profit. " + "; ".join(said) + ".")


over = first_day.loc[first_day["won"], "p_click"].sum() / first_day["clicked"].sum()
draw_days({"as shipped": first_day}, f"The model promised {over:.0f} times the clicks that came")

# %% [markdown]
# Keeping one negative in twenty multiplies the *odds* of a click by twenty: a true 1.8 % reads as 27 %. The same rising function stretches every score, so the **order** stays, and AUC sees only order. The bid uses the **value** of $p$: the app outbids everyone and pays for clicks that do not come.

# %% [markdown]
# ### Exercise 2 · Down-sample the negatives (4 points)
#
# Write `downsample(rows, keep_rate, rng)`. `rows` has a column `clicked` (0 or 1) and unique, rising index labels; `keep_rate` is in (0, 1).
#
# Return the rows with a click, **all** of them, and a random share `keep_rate` of the rows without one. One draw per row or an exact share (rounded either way) are both fine. Keep order, index and columns; leave `rows` as it is. All randomness comes from `rng`, a `numpy.random.Generator`.
#
# <details><summary>Hint 1: the idea</summary>The click decides whether a row is certain to stay; a draw decides for the rest.</details>
# <details><summary>Hint 2: the tool</summary>A Boolean mask from two conditions joined by <code>|</code>, one of them <code>rng.random(len(rows)) &lt; keep_rate</code>.</details>


# %% exercise="downsample"
def downsample(rows, keep_rate, rng):
    """Return all clicked rows and a random share `keep_rate` of the others."""
    ### BEGIN SOLUTION
    drawn = rng.random(len(rows)) < keep_rate
    return rows[(rows["clicked"] == 1) | drawn]
    ### END SOLUTION


# %% check="downsample" points=1
# Rows of the input come back in their order, chosen by the generator
rows = ads.impressions(11, 20_000)
before = rows.copy()
thin = downsample(rows, 0.2, np.random.default_rng(0))
again = downsample(rows, 0.2, np.random.default_rng(0))
other = downsample(rows, 0.2, np.random.default_rng(1))
assert isinstance(thin, pd.DataFrame), f"Return a frame, not {type(thin).__name__}."
assert 0 < len(thin) < len(rows), f"Got {len(thin):,} rows from {len(rows):,}: nothing was thinned."
assert list(thin.columns) == list(rows.columns), f"The columns changed to {list(thin.columns)}."
assert thin.index.isin(rows.index).all(), "Some index labels are new; keep those of `rows`."
assert thin.index.is_monotonic_increasing, "The rows come back in another order; keep theirs."
assert thin.equals(rows.loc[thin.index]), "Some values differ from those of the same row in `rows`."
assert rows.equals(before), "Your function changed `rows` itself; work on a copy."
assert thin.index.equals(again.index), "Equal generators gave other rows; draw from `rng` alone."
assert not thin.index.equals(other.index), "Another generator gave the same rows; draw from `rng`."

# %% check="downsample_rates" points=2
# Every click stays, and the stated share of the rest, in fresh worlds
### BEGIN HIDDEN TESTS
for seed, size, keep_rate in ((51, 20_000, 0.1), (52, 15_000, 0.4)):
    rows = ads.impressions(seed, size)
    thin = downsample(rows, keep_rate, np.random.default_rng(seed))
    clicks, others = int((rows["clicked"] == 1).sum()), int((rows["clicked"] == 0).sum())
    clicks_kept, others_kept = int((thin["clicked"] == 1).sum()), int((thin["clicked"] == 0).sum())
    expected, noise = keep_rate * others, np.sqrt(keep_rate * (1 - keep_rate) * others)
    assert len(thin) != round(keep_rate * size), (
        f"You sampled the whole frame ({len(thin):,} of {size:,} rows): its click rate is still "
        f"{thin['clicked'].mean():.2%} and {clicks - clicks_kept:,} of {clicks:,} clicks are gone."
    )
    assert not (clicks_kept < clicks and others_kept == others), (
        f"You thinned the clicks ({clicks_kept:,} of {clicks:,} kept) and kept every other row."
    )
    assert clicks_kept == clicks, (
        f"The clicks were thinned too: {clicks_kept:,} of {clicks:,} are left. Keep them all."
    )
    assert abs(others_kept - clicks / keep_rate) > 2 or abs(others_kept - expected) <= 5 * noise, (
        f"clicks / others is now {keep_rate}: you took the keep rate for the class ratio. It is the "
        f"share of the {others:,} rows without a click that stays; you kept {others_kept / others:.3f}."
    )
    assert abs(others_kept - expected) <= 5 * noise + 1, (
        f"You kept {others_kept / others:.3f} of the rows without a click; keep_rate is {keep_rate}."
    )
### END HIDDEN TESTS

# %% check="downsample_random" points=1
# The kept negatives look like all negatives
### BEGIN HIDDEN TESTS
rows = ads.impressions(53, 20_000)
thin = downsample(rows, 0.1, np.random.default_rng(53))
others, others_kept = rows[rows["clicked"] == 0], thin[thin["clicked"] == 0]
assert 0 < len(others_kept) < len(others), (
    f"{len(others_kept):,} negatives are left of {len(others):,}."
)
days = others_kept["day"].nunique()
assert days == others["day"].nunique(), (
    f"The negatives that you kept come from {days} of {others['day'].nunique()} days. Draw them at "
    "random: the correction holds only if thinning does not depend on anything else."
)
for name in ("day", "hour", *FEATURES):
    noise = others[name].std() / np.sqrt(len(others_kept))
    shift = others_kept[name].mean() - others[name].mean()
    assert abs(shift) <= 5 * noise, (
        f"The negatives that you kept differ in `{name}` by {shift:+.2f} on average; draw at random."
    )
### END HIDDEN TESTS

# %% [markdown]
# **Two ways to get $w$ wrong.** One: to take imbalanced-learn's `sampling_strategy` for the keep rate. In the cell below $w$ is 0.204, not 0.1; whoever corrects with 0.1 is off by a factor of two. Two: to guess the share of clicks that remains. An online lesson on recalibration says that at 5 % engagement, keeping 10 % of the negatives brings the data 'near 50 %'. Count it on 1,000 rows before you run the cell.

# %%
toy = pd.DataFrame({"clicked": np.repeat([0, 1], [980, 20])})
under_sampler = RandomUnderSampler(sampling_strategy=0.1, random_state=0)
thin, _ = under_sampler.fit_resample(toy, toy["clicked"])
others_kept = int((thin["clicked"] == 0).sum())
print(f"sampling_strategy=0.1 kept {others_kept} of 980 negatives: w = {others_kept / 980:.3f}")
print(f"50 clicks and 0.1 x 950 others: {100 * 50 / (50 + 0.1 * 950):.1f} % clicked, not 50 %")
print(f"an even split takes w = 50 / 950 = {50 / 950:.3f}")

# %% [markdown]
# ### Exercise 3 · Average precision at the true prevalence (3 points)
#
# Before you repair the model, two mistakes in *measuring* it: here sampled test rows, in Exercise 4 synthetic ones.
#
# A colleague tests on a *balanced* sample and reports a splendid average precision. Precision depends on the share of clicks, so thin the test rows and the metric rises by itself.
#
# Write `average_precision_at(clicked, scores, prevalence)`: the average precision (as in scikit-learn: sum of precision times the rise in recall, a step sum without interpolation) that these scores would have if clicks made up `prevalence` of the rows, both classes otherwise as they are. `clicked` and `scores` are arrays; return a number.
#
# <details><summary>Hint 1: the idea</summary>Give each class a weight, so that the weighted share of clicks is the prevalence.</details>
# <details><summary>Hint 2: the tool</summary><code>average_precision_score(…, sample_weight=…)</code>.</details>


# %% exercise="average_precision_at"
def average_precision_at(clicked, scores, prevalence):
    """Return the average precision with clicks re-weighted to a share of `prevalence`."""
    ### BEGIN SOLUTION
    clicked = np.asarray(clicked)
    share = clicked.mean()
    weights = np.where(clicked == 1, prevalence / share, (1 - prevalence) / (1 - share))
    return average_precision_score(clicked, scores, sample_weight=weights)
    ### END SOLUTION


# %% check="average_precision_at" points=1
# It depends on the order of the scores and on the prevalence, not on how many negatives were drawn
rng = np.random.default_rng(12)
clicked = np.repeat([1, 0], 2_000)
scores = rng.standard_normal(4_000) + clicked
rows = np.r_[np.arange(4_000), np.arange(2_000, 4_000), np.arange(2_000, 4_000)]
value = float(average_precision_at(clicked, scores, 0.02))
stretched = float(average_precision_at(clicked, np.exp(scores), 0.02))
tripled = float(average_precision_at(clicked[rows], scores[rows], 0.02))
assert 0 < value < 1, f"Average precision lies between 0 and 1, got {value:.3f}."
assert abs(value - stretched) <= 1e-6, f"Another scale of the scores: {value:.3f}, {stretched:.3f}."
assert abs(value - tripled) <= 0.01, (
    f"Three times the negatives at the same prevalence moved it from {value:.3f} to {tripled:.3f}."
)

# %% check="average_precision_at_true_rate" points=2
# It agrees with the precision that the stated prevalence implies
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(54)
clicked = rng.permutation(np.repeat([1, 0], [3_000, 5_000]))
scores = rng.standard_normal(8_000) + 1.5 * clicked
ordered = clicked[np.argsort(-scores)]
recall = np.cumsum(ordered) / 3_000
false_alarms = np.cumsum(1 - ordered) / 5_000
as_given = average_precision_score(clicked, scores)
for prevalence in (0.01, 0.1, 0.8):
    precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * false_alarms)
    expected = np.sum(precision * np.diff(recall, prepend=0))

    def weighted(clicks, others, clicked=clicked, scores=scores):
        weights = np.where(clicked == 1, clicks, others)
        return average_precision_score(clicked, scores, sample_weight=weights)

    swapped = weighted(1 - prevalence, prevalence)
    unscaled = weighted(prevalence, 1 - prevalence)
    one_sided = weighted(prevalence / 0.375, 1)
    value, stated = (
        float(average_precision_at(clicked, scores, prevalence)),
        f"{100 * prevalence:g} %",
    )
    assert 0 <= value <= 1, f"Average precision lies between 0 and 1, got {value:.3f}."
    assert abs(value - as_given) > 1e-6, (
        f"{value:.3f} is the average precision of the sample, whose prevalence is 37.5 %, not "
        f"{stated}."
    )
    assert abs(value - as_given * prevalence / 0.375) > 1e-6, (
        f"{value:.3f} is the sample's value scaled by the ratio of prevalences; average precision "
        "is not proportional to prevalence."
    )
    assert abs(value - swapped) > 1e-6, f"{value:.3f}: the two classes' weights are swapped."
    assert abs(value - one_sided) > 1e-6, (
        f"{value:.3f}: only the clicks are weighted, so they make up another share than "
        f"{stated}; weigh the other rows too."
    )
    assert abs(value - unscaled) > 1e-6, (
        f"{value:.3f}: the weights ignore that the sample has 37.5 % clicks, not 50 %."
    )
    assert abs(value - expected) <= 0.01, (
        f"At a prevalence of {stated} you have {value:.3f}, too {'high' if value > expected else 'low'}: "
        f"recall and false alarms imply {expected:.3f}."
    )
few_clicked, few_scores = np.array([1, 0, 1, 0, 0, 1, 0, 0]), np.linspace(0.9, 0.1, 8)
recall, false_alarms = np.cumsum(few_clicked) / 3, np.cumsum(1 - few_clicked) / 5
precision = 0.3 * recall / (0.3 * recall + 0.7 * false_alarms)
expected = np.sum(precision * np.diff(recall, prepend=0))
sloped = np.trapezoid(np.r_[1, precision], np.r_[0, recall])
value = float(average_precision_at(few_clicked, few_scores, 0.3))
assert abs(value - sloped) > 1e-6, (
    f"On eight rows at 30 % you have {value:.3f}, the area under straight lines between the points. "
    f"Average precision is the step sum, precision times the rise in recall: {expected:.3f}."
)
assert abs(value - expected) <= 0.01, (
    f"On eight rows at a prevalence of 30 % you have {value:.3f}; the step sum is {expected:.3f}."
)
### END HIDDEN TESTS

# %% play="average_precision_at"
for prevalence in (0.01, 0.10, 0.50):
    value = average_precision_at(test["clicked"].to_numpy(), shipped_scores, prevalence)
    print(f"the shipped model, clicks {prevalence:4.0%} of the rows: average precision {value:.3f}")

# %% [markdown]
# Nothing about the model changed between these lines: thin the training rows if you must, never the test rows. The next remedy adds rows instead of dropping them.

# %% [markdown]
# ### Exercise 4 · SMOTE inside the fold (4 points)
#
# SMOTE draws synthetic clicks on the lines between neighbouring real ones. Made before the split, a synthetic click in training has its parents in validation.
#
# Write `smote_inside_folds(X, y, model, n_folds, seed)`: shuffled cross-validation that applies SMOTE to each fold's training part only and fits a fresh copy of `model` there. `X` is an array of shape (rows, features), `y` of 0 and 1, `model` an unfitted scikit-learn classifier.
#
# Return a frame with one row per fold and columns `auc`, `rows`, `clicks`: the AUC of the predicted click probabilities on the validation part, its number of rows, its number of clicks.
#
# <details><summary>Hint 1: the idea</summary>Split first. Everything that looks at labels happens after, on the training part.</details>
# <details><summary>Hint 2: the tool</summary><code>StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y)</code>, <code>SMOTE(random_state=seed).fit_resample</code>, <code>clone(model)</code>.</details>


# %% exercise="smote_inside_folds"
def smote_inside_folds(X, y, model, n_folds, seed):
    """Return AUC, rows and clicks of each validation part; only training parts get SMOTE."""
    ### BEGIN SOLUTION
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y)
    results = []
    for fit_rows, check_rows in folds:
        X_more, y_more = SMOTE(random_state=seed).fit_resample(X[fit_rows], y[fit_rows])
        fitted = clone(model).fit(X_more, y_more)
        auc = roc_auc_score(y[check_rows], fitted.predict_proba(X[check_rows])[:, 1])
        results.append({"auc": auc, "rows": len(check_rows), "clicks": y[check_rows].sum()})
    return pd.DataFrame(results)
    ### END SOLUTION


# %% check="smote_inside_folds" points=1
# The validation parts are the log as it is
campaign = ads.impressions(13, 3_000, base_logit=-3.5)
X, y = campaign[FEATURES].to_numpy(), campaign["clicked"].to_numpy()
try:
    folds = smote_inside_folds(X, y, KNeighborsClassifier(), 3, 0)
except TypeError as error:
    if "ntermediate step" not in str(error):
        raise
    raise AssertionError(
        "scikit-learn's Pipeline has no sampling step, so it refuses SMOTE. Use imbalanced-learn's "
        "Pipeline, or a loop over the folds."
    ) from error
assert isinstance(folds, pd.DataFrame), f"Return a frame, not {type(folds).__name__}."
missing = {"auc", "rows", "clicks"} - set(folds.columns)
assert not missing, f"The frame has no column {sorted(missing)}."
assert len(folds) == 3, f"Three folds were asked for, the frame has {len(folds)} rows."
assert folds["auc"].between(0, 1).all(), f"AUC lies between 0 and 1: {folds['auc'].tolist()}."
assert folds["rows"].sum() == len(y), (
    f"The validation parts hold {folds['rows'].sum():,} rows, the log {len(y):,}: synthetic rows "
    "reached validation."
)
assert folds["clicks"].sum() == y.sum(), (
    f"The validation parts hold {folds['clicks'].sum():,} clicks, the log {y.sum():,}."
)

# %% check="smote_inside_folds_honest" points=2
# A model that memorises gets no credit for it
### BEGIN HIDDEN TESTS
campaign = ads.impressions(55, 4_000, base_logit=-4.0, match_effect=0.5, novelty_effect=0.0)
X, y = campaign[FEATURES].to_numpy(), campaign["clicked"].to_numpy()
best = roc_auc_score(
    y, ads.true_ctr(55, campaign, base_logit=-4.0, match_effect=0.5, novelty_effect=0.0)
)
try:
    auc = float(smote_inside_folds(X, y, KNeighborsClassifier(), 3, 1)["auc"].mean())
except TypeError as error:
    if "ntermediate step" not in str(error):
        raise
    raise AssertionError("scikit-learn's Pipeline has no sampling step.") from error
assert auc <= best + 0.15, (
    f"Mean AUC {auc:.3f}, but even the true click rates reach only {best:.3f} here: the parents of "
    "the synthetic training clicks are in your validation parts. Split first, resample after."
)
### END HIDDEN TESTS

# %% check="smote_inside_folds_resamples" points=1
# The model is fitted to resampled rows, and its probabilities are scored
### BEGIN HIDDEN TESTS
campaign = ads.impressions(56, 4_000)
X, y = campaign[FEATURES].to_numpy(), campaign["clicked"].to_numpy()
# With 2 % clicks no split of this tree gains enough; with as many clicks as others the first does.
stump = DecisionTreeClassifier(max_depth=1, min_impurity_decrease=0.005)
folds = smote_inside_folds(X, y, stump, 3, 2)
assert folds["auc"].mean() >= 0.4, (
    f"Mean AUC {folds['auc'].mean():.3f} is below chance; score the probability of a click."
)
assert folds["auc"].mean() >= 0.55, (
    f"Mean AUC {folds['auc'].mean():.3f}: a tree that splits only on balanced rows found no split, "
    "so its training rows were not resampled, or not by class."
)
steep = {"base_logit": -3.0, "match_effect": 3.0}
campaign = ads.impressions(60, 4_000, **steep)
X, y = campaign[FEATURES].to_numpy(), campaign["clicked"].to_numpy()
best = roc_auc_score(y, ads.true_ctr(60, campaign, **steep))
auc = float(smote_inside_folds(X, y, LogisticRegression(max_iter=1_000), 3, 2)["auc"].mean())
assert auc >= best - 0.04, (
    f"Logistic regression gets a mean AUC of {auc:.3f} where the true click rates get {best:.3f}. "
    "AUC from 0/1 labels throws the order within each class away; score probabilities."
)
### END HIDDEN TESTS

# %% play="smote_inside_folds"
campaign = ads.impressions(21, 4_000, base_logit=-4.0, match_effect=0.5, novelty_effect=0.0)
X, y = campaign[FEATURES].to_numpy(), campaign["clicked"].to_numpy()
memoriser = HistGradientBoostingClassifier(max_iter=50, random_state=0)
X_more, y_more = SMOTE(random_state=0).fit_resample(X, y)
before = []
for fit, check in StratifiedKFold(3, shuffle=True, random_state=0).split(X_more, y_more):
    fitted = clone(memoriser).fit(X_more[fit], y_more[fit])
    before.append(roc_auc_score(y_more[check], fitted.predict_proba(X_more[check])[:, 1]))
print(f"a new advertiser, {len(y):,} impressions, {y.sum()} clicks")
print(f"SMOTE before the split: AUC {np.mean(before):.2f}")
print(f"SMOTE inside the fold:  AUC {smote_inside_folds(X, y, memoriser, 3, 0)['auc'].mean():.2f}")

# %% [markdown]
# ### Exercise 5 · Weights instead of a correction (3 points)
#
# A row that stands for twenty can count as twenty. Write `thinning_weights(clicked, keep_rate)`: one positive weight per row of a down-sampled table (`clicked` is an array of 0 and 1), so that the weighted rows stand for the log before thinning. Only the ratio of the weights matters; any common factor is fine.
#
# <details><summary>Hint</summary>Which rows were thinned, and how many did each survivor replace?</details>


# %% exercise="thinning_weights"
def thinning_weights(clicked, keep_rate):
    """Return weights under which thinned rows stand for the log that they came from."""
    ### BEGIN SOLUTION
    return np.where(np.asarray(clicked) == 1, 1.0, 1.0 / keep_rate)
    ### END SOLUTION


# %% check="thinning_weights" points=1
# One positive weight per row, the same for equal rows
clicked = np.array([1, 0, 0, 1, 0, 0])
weights = np.asarray(thinning_weights(clicked, 0.5), dtype=float)
assert weights.shape == clicked.shape, f"Expected 6 weights, got an array of shape {weights.shape}."
assert (np.isfinite(weights) & (weights > 0)).all(), f"Weights must be positive: {weights}."
assert np.ptp(weights[clicked == 1]) == 0, f"The clicks differ in weight: {weights[clicked == 1]}."
assert np.ptp(weights[clicked == 0]) == 0, f"The others differ in weight: {weights[clicked == 0]}."

# %% check="thinning_weights_rate" points=2
# The weighted click rate is that of the log
### BEGIN HIDDEN TESTS
for seed, keep_rate in ((57, 0.05), (58, 0.3)):
    rows = ads.impressions(seed, 30_000)
    draws = np.random.default_rng(seed).random(len(rows))
    clicked = rows["clicked"][(rows["clicked"] == 1) | (draws < keep_rate)].to_numpy()
    rate = rows["clicked"].mean()
    weights = np.asarray(thinning_weights(clicked, keep_rate), dtype=float)
    assert weights.shape == clicked.shape, (
        f"Expected {len(clicked):,} weights, got {weights.shape}."
    )
    weighted = float(np.average(clicked, weights=weights))
    ratio = float(weights[clicked == 0].mean() / weights[clicked == 1].mean())
    story = f"the log has {rate:.2%} clicks, your weighted rows {weighted:.2%}"
    assert abs(ratio - 1) > 1e-9, f"All rows weigh the same: {story}."
    assert abs(ratio - keep_rate) > 1e-9, (
        f"The clicks got the large weight, but the other rows were thinned: {story}."
    )
    assert abs(weighted - 0.5) > 1e-6, (
        f"Both classes weigh the same in total, which is balancing, not undoing: {story}."
    )
    assert abs(ratio * keep_rate - 1) <= 1e-6, (
        f"A row without a click weighs {ratio:.3g} times a click at a keep rate of {keep_rate}: {story}."
    )
    assert abs(weighted / rate - 1) <= 0.1, f"The weights do not bring the rate back: {story}."
### END HIDDEN TESTS


# %% [markdown]
# Two measures tell whether weights are enough. **Calibration ratio**: mean prediction over click rate; 1 is right. **Normalised entropy** (NE): log loss over that of always predicting the rows' click rate; below 1 is better than knowing nothing.
#
# <small>He et al. 2014, *Practical lessons from predicting clicks on ads at Facebook*; both on the evaluated rows.</small>


# %%
def normalised_entropy(clicked, p_click):
    background = np.full(len(clicked), np.mean(clicked))
    return log_loss(clicked, p_click) / log_loss(clicked, background)


# %% play="thinning_weights"
weights = thinning_weights(sample["clicked"].to_numpy(), KEEP_RATE)
thinned = (sample[FEATURES], sample["clicked"])
log_rate = np.average(sample["clicked"], weights=weights)
measured = {}
for name, model in (
    ("logistic regression", LogisticRegression()),
    ("the shipped trees", click_model()),
    ("larger trees", HistGradientBoostingClassifier(random_state=0)),
):
    model.fit(*thinned, sample_weight=weights)
    own, later = (model.predict_proba(rows[FEATURES])[:, 1] for rows in (sample, test))
    measured[f"{name}, weighted"] = {
        "ratio, own rows": np.average(own, weights=weights) / log_rate,
        "ratio, later days": later.mean() / test["clicked"].mean(),
        "NE, later days": normalised_entropy(test["clicked"], later),
    }
measured["the shipped trees, on all rows"] = {
    "ratio, own rows": full_model.predict_proba(train[FEATURES])[:, 1].mean()
    / train["clicked"].mean(),
    "ratio, later days": full_scores.mean() / test["clicked"].mean(),
    "NE, later days": normalised_entropy(test["clicked"], full_scores),
}
pd.DataFrame(measured).T.round(2)

# %% [markdown]
# In expectation the weights are exact. Logistic regression, with six parameters, lives up to it. Trees over-fit the few rows that count twenty-fold: right on their own rows, the shipped ones over-predict later days by about 23 %, where the same trees on all rows are right. Larger trees (the library's defaults) over-fit more: about 80 % too high, and worse than a constant (NE above 1), for which both their size and the weights are to blame. Exercise 7 corrects the shipped model, trained without weights; compare its ratio.

# %% [markdown]
# ### Exercise 6 · The report that would have caught it (3 points)
#
# Two more remedies are common: `class_weight="balanced"`, and focal loss, $-(1-p_t)^\gamma \ln p_t$ with $p_t$ the probability given to what happened, which mutes easy rows. Are they calibrated?
#
# Write `calibration_report(predictions, clicked)`. `predictions` is a frame, one column per design, one row per impression; `clicked` is an array. Return a frame indexed by design with columns
#
# - `overall`: mean prediction over click rate,
# - `top_tenth`: the same over the rows whose prediction is at or above that design's own 90 % quantile,
# - `calibrated`: whether both lie in [0.9, 1.1].
#
# <details><summary>Hint</summary>Loop over <code>predictions.items()</code>; one Boolean mask per design picks its top tenth out of predictions and clicks alike. Accuracy of the order plays no part.</details>
#
# <small>Lin et al. 2017, *Focal loss for dense object detection*; here γ = 2 and no class weight.</small>


# %% exercise="calibration_report"
def calibration_report(predictions, clicked):
    """Return `overall` and `top_tenth` calibration ratios per design, and whether both are near 1."""
    ### BEGIN SOLUTION
    clicked = np.asarray(clicked)
    report = {}
    for design, p_click in predictions.items():
        top = (p_click >= p_click.quantile(0.9)).to_numpy()
        overall = p_click.mean() / clicked.mean()
        report[design] = {
            "overall": overall,
            "top_tenth": p_click[top].mean() / clicked[top].mean(),
        }
    ratios = pd.DataFrame.from_dict(report, orient="index")
    return ratios.assign(calibrated=ratios.apply(lambda ratio: ratio.between(0.9, 1.1)).all(axis=1))
    ### END SOLUTION


# %% check="calibration_report" points=1
# One row per design, ratios as numbers, a verdict as a Boolean
rng = np.random.default_rng(14)
clicked = (rng.random(2_000) < 0.1).astype(int)
designs = pd.DataFrame({"first": rng.random(2_000) / 5, "second": rng.random(2_000)})
report = calibration_report(designs, clicked)
assert isinstance(report, pd.DataFrame), f"Return a frame, not {type(report).__name__}."
assert set(report.index) == {"first", "second"}, f"Index it by design; got {list(report.index)}."
missing = {"overall", "top_tenth", "calibrated"} - set(report.columns)
assert not missing, f"The frame has no column {sorted(missing)}."
ratios = report[["overall", "top_tenth"]].astype(float)
assert (ratios > 0).all(axis=None), f"A ratio of two rates is positive:\n{ratios}"
verdicts = list(report["calibrated"])
assert all(verdict in (True, False) for verdict in verdicts), (
    f"Verdicts must be Boolean: {verdicts}."
)

# %% check="calibration_report_verdicts" points=2
# Planted miscalibration is found, whatever the design is called
### BEGIN HIDDEN TESTS
# Clicks are more frequent here than in the lab: fewer rows tell ratios apart as well.
knobs = {"base_logit": -3.6, "n_users": 4_000}
rows = ads.impressions(59, 40_000, **knobs)
rate, clicked = ads.true_ctr(59, rows, **knobs), rows["clicked"].to_numpy()
odds = rate / (1 - rate)
flat = expit(0.4 * np.log(odds))
designs = pd.DataFrame(
    {
        "plain": rate,
        "class_weight": expit(np.log(odds * 50)),
        "half": rate / 2,
        "flattened": flat * rate.mean() / flat.mean(),
    }
)
overall = {name: p.mean() / clicked.mean() for name, p in designs.items()}
top_tenth = {}
for name, p in designs.items():
    top = p.to_numpy() >= np.quantile(p, 0.9)
    top_tenth[name] = p[top].mean() / clicked[top].mean()
report = calibration_report(designs, clicked)
found = {name: report.loc[name] for name in designs}
assert abs(float(found["half"]["overall"]) * overall["half"] - 1) > 1e-6, (
    f"You report {found['half']['overall']:.2f} for a design that predicts half of the clicks: the "
    "ratio is upside down. It is expected over observed."
)
assert not bool(found["class_weight"]["calibrated"]), (
    f"The class-weighted design predicts {overall['class_weight']:.1f} times the clicks and you call "
    "it calibrated. Compare with the click rate of the rows as they are."
)
assert not bool(found["half"]["calibrated"]), (
    f"A design that predicts {overall['half']:.2f} of the clicks ranks perfectly and you call it "
    "calibrated. Ranking does not show it."
)
assert not bool(found["flattened"]["calibrated"]), (
    f"Its errors cancel overall ({overall['flattened']:.2f}), but in the top tenth, where auctions "
    f"are won, it predicts {top_tenth['flattened']:.2f} of the clicks. That is not calibrated."
)
assert bool(found["plain"]["calibrated"]), "The true click rates were not found to be calibrated."
for name in designs:
    value = float(found[name]["overall"])
    assert abs(value / overall[name] - 1) <= 1e-6, f"`overall` of `{name}` is {value:.3f}."
    value = float(found[name]["top_tenth"])
    assert abs(value / top_tenth[name] - 1) <= 0.01, (
        f"`top_tenth` of `{name}` is {value:.3f}; take the rows above the design's own quantile, and "
        "their own click rate."
    )
### END HIDDEN TESTS


# %%
def focal_logistic(X, y, gamma=2.0):
    """Fit logistic regression under focal loss; return a function from features to predictions."""
    with_one, sign = np.c_[np.ones(len(X)), X], 2 * np.asarray(y) - 1.0

    def loss_and_slope(coefficients):
        p_t = expit(sign * (with_one @ coefficients))
        loss = -((1 - p_t) ** gamma) * np.log(p_t)
        slope = sign * (1 - p_t) ** gamma * (gamma * p_t * np.log(p_t) + p_t - 1)
        return loss.mean(), with_one.T @ slope / len(sign)

    fitted = minimize(loss_and_slope, np.zeros(with_one.shape[1]), jac=True).x
    return lambda rows: expit(np.c_[np.ones(len(rows)), rows] @ fitted)


balanced = LogisticRegression(class_weight="balanced").fit(train[FEATURES], train["clicked"])
designs = pd.DataFrame(
    {
        "all rows": full_scores,
        "down-sampled": shipped_scores,
        "class_weight": balanced.predict_proba(test[FEATURES])[:, 1],
        "focal loss": focal_logistic(train[FEATURES], train["clicked"])(test[FEATURES]),
    }
)
designs.apply(lambda p_click: roc_auc_score(test["clicked"], p_click)).round(3).rename("AUC")

# %% play="calibration_report"
calibration_report(designs, test["clicked"].to_numpy()).round(2)

# %%
fig, ax = plots.figure()
for (name, p_click), colour in zip(designs.items(), plots.PALETTE, strict=False):
    by_fifth = pd.DataFrame({"p": 100 * p_click, "clicked": 100 * test["clicked"].to_numpy()})
    by_fifth = by_fifth.groupby(pd.qcut(by_fifth["p"], 5)).mean()
    ax.plot(by_fifth["clicked"], by_fifth["p"], "o-", color=colour, markersize=4)
    plots.label(ax, by_fifth["clicked"].iloc[-1], by_fifth["p"].iloc[-1], name, colour)
ax.plot([0.3, 5], [0.3, 5], color=plots.QUIET, linewidth=1, linestyle="--", zorder=0)
ax.set(xscale="log", yscale="log", xlim=(0.2, 12), ylim=(0.2, 150))
ax.set(xlabel="clicked, % of each fifth of predictions", ylabel="predicted, %")
ax.set_xticks([0.5, 1, 5], ["0.5", "1", "5"])
ax.set_yticks([1, 10, 100], ["1", "10", "100"])
ax.set_title("Equal AUC, four price levels")
plots.show(
    fig,
    alt="Mean prediction against click rate by fifth of predictions, both on logarithmic axes. "
    "The model on all rows lies on the diagonal; in the highest fifth focal loss, down-sampling "
    "and class weights lie above it, in this order.",
)

# %% [markdown]
# All four rank alike; only one can be multiplied by euros. Down-sampling and class weights shift the odds by a factor that you know, so they can be repaired exactly. Focal loss bends the curve, which takes a calibrator fitted to held-out rows.

# %% [markdown]
# ### Exercise 7 · Recalibrate (6 points)
#
# Thinning multiplies the odds of a click by $1/w$: with $q$ the true probability and $p_s$ the score of a model trained on the thinned rows,
#
# $$\frac{p_s}{1-p_s} = \frac{1}{w}\cdot\frac{q}{1-q}.$$
#
# Write `recalibrate(scores, keep_rate, held_out)`: an array of probabilities $q$ for an array of scores strictly between 0 and 1. A higher score must not get a lower probability. Use the formula, which needs no `held_out`, or fit a calibrator to `held_out`: unthinned rows (here days 6 to 9) with `score`, `clicked` and `kept` (would thinning have kept the row? For comparing click rates before and after thinning). In the checks too, `held_out` belongs to the same model and keep rate as `scores`. Calibration within 10 % is asked, in the top tenth within 15 %. Two of the points are earned at the exchange, under 'Play it again'.
#
# <details><summary>Hint 1: the idea</summary>Solve the equation for the odds of q, then turn odds o into o / (1 + o).</details>
# <details><summary>Hint 2: the formula</summary>q = p / (p + (1 − p) / w). On the logit scale this is a shift by ln w. Source: He et al. 2014, section 6.3; Dal Pozzolo et al. 2015.</details>

# %%
held_out = pd.DataFrame(
    {
        "score": shipped_model.predict_proba(recent[FEATURES])[:, 1],
        "clicked": recent["clicked"].to_numpy(),
        "kept": (recent["clicked"] == 1).to_numpy()
        | (np.random.default_rng(1).random(len(recent)) < KEEP_RATE),
    }
)


# %% exercise="recalibrate"
def recalibrate(scores, keep_rate, held_out):
    """Return click probabilities for the scores of a model trained on thinned rows."""
    ### BEGIN SOLUTION
    scores = np.asarray(scores, dtype=float)
    return scores / (scores + (1 - scores) / keep_rate)
    ### END SOLUTION


# %% check="recalibrate" points=1
# One probability per score, in the same order
scores = np.random.default_rng(15).permutation(np.linspace(0.02, 0.9, 500))
p_click = np.asarray(recalibrate(scores, KEEP_RATE, held_out), dtype=float)
assert p_click.shape == scores.shape, f"Expected {scores.shape} probabilities, got {p_click.shape}."
assert ((p_click >= 0) & (p_click <= 1)).all(), "Some results are not between 0 and 1."
steps = np.diff(p_click[np.argsort(scores)])
assert (steps >= -1e-12).all(), f"{(steps < -1e-12).sum()} higher scores got a lower probability."
assert np.ptp(p_click) > 0, f"Every score got the same probability {p_click[0]:.3f}."
assert p_click.mean() < scores.mean(), (
    f"The scores are too high and you raised them, from {scores.mean():.3f} to {p_click.mean():.3f}."
)

# %% check="recalibrate_ratio" points=2
# Predicted clicks match the clicks of fresh worlds, at other keep rates
### BEGIN HIDDEN TESTS
# Clicks are more frequent here than in the lab: fewer rows calibrate as well.
knobs = {"base_logit": -3.6, "n_users": 4_000}
for seed, keep_rate in ((61, 0.02), (62, 0.1)):
    _, _, fresh = ads.thinned_view(seed, 40_000, keep_rate, **knobs)
    rate, scores, _ = ads.thinned_view(seed, 10_000, keep_rate, first_day=14, **knobs)
    prior_ratio = fresh["clicked"].mean() / fresh["clicked"][fresh["kept"]].mean()
    p_click = np.asarray(recalibrate(scores, keep_rate, fresh), dtype=float)
    assert p_click.shape == scores.shape, f"Expected {scores.shape} values, got {p_click.shape}."
    ratio = p_click.mean() / rate.mean()
    story = f"at w = {keep_rate} you predict {ratio:.2f} times the clicks"
    assert not np.allclose(p_click, scores * keep_rate, rtol=1e-3), (
        f"You multiply the score by w: {story}. Thinning scales the odds, not the probability."
    )
    assert not np.allclose(p_click, scores * prior_ratio, rtol=1e-3), (
        f"You multiply the score by the ratio of the click rates: {story}. That ratio holds for the "
        "average row, not for each row; shift the odds."
    )
    assert p_click.mean() <= 1.2 * scores.mean(), f"The correction goes the wrong way: {story}."
    assert p_click.mean() <= 0.8 * scores.mean(), (
        f"Your calibrator has learned the thinned rows' click rate again: {story}. Fit it to "
        "rows that were not sampled."
    )
    assert 0.9 <= ratio <= 1.1, f"Off by more than 10 %: {story}."
### END HIDDEN TESTS

# %% check="recalibrate_top" points=1
# They match in the top tenth too, where auctions are won
### BEGIN HIDDEN TESTS
# Clicks are more frequent here than in the lab: fewer rows calibrate as well.
knobs = {"base_logit": -3.6, "n_users": 4_000}
_, _, fresh = ads.thinned_view(63, 40_000, 0.05, **knobs)
rate, scores, _ = ads.thinned_view(63, 10_000, 0.05, first_day=14, **knobs)
top = scores >= np.quantile(scores, 0.9)
p_click = np.asarray(recalibrate(scores, 0.05, fresh), dtype=float)
assert p_click.shape == scores.shape, f"Expected {scores.shape} values, got {p_click.shape}."
ratio, overall = p_click[top].mean() / rate[top].mean(), p_click.mean() / rate.mean()
story = (
    f"in the top tenth of scores you predict {ratio:.2f} times the clicks, overall {overall:.2f}"
)
proportional = np.allclose(p_click / scores, p_click[0] / scores[0], rtol=1e-3)
assert 0.85 <= ratio <= 1.15 or not proportional, (
    f"One factor for all scores has the wrong shape: {story} times."
)
assert 0.85 <= ratio <= 1.15 or not 0.9 <= overall <= 1.1, (
    f"Right on average, but your curve is too {'steep' if ratio > 1 else 'flat'}: {story} times."
)
assert 0.85 <= ratio <= 1.15, f"The level is off, not only at the top: {story} times."
### END HIDDEN TESTS

# %% play="recalibrate"
yours = recalibrate(shipped_scores, KEEP_RATE, held_out)
prior_ratio = train["clicked"].mean() / sample["clicked"].mean()
for name, p_click in (
    ("score", shipped_scores),
    ("score x w", shipped_scores * KEEP_RATE),
    ("score x ratio of click rates", shipped_scores * prior_ratio),
    ("yours", np.asarray(yours)),
):
    ratio, auc = p_click.mean() / test["clicked"].mean(), roc_auc_score(test["clicked"], p_click)
    print(f"{name:29s} calibration ratio {ratio:5.2f}, AUC {auc:.3f}")

# %% [markdown]
# ### Exercise 8 · Carry the threshold over (4 points)
#
# The floor, 'answer only if the click probability is at least $t$', was agreed for true probabilities. The filter runs at the edge of the network and sees the **uncorrected** score.
#
# Write `passes_floor(scores, keep_rate, floor)`: a Boolean array, true where the *corrected* probability is at least `floor`. Correct the scores, or move the threshold. Scores within rounding error of the floor are not tested. One of the points is earned at the exchange.
#
# <details><summary>Hint</summary>Put q = t into the equation of Exercise 7 and solve for the score: t′ = t / (t + (1 − t) · w).</details>


# %% exercise="passes_floor"
def passes_floor(scores, keep_rate, floor):
    """Return for which uncorrected scores the corrected probability is at least `floor`."""
    ### BEGIN SOLUTION
    floor_on_scores = floor / (floor + (1 - floor) * keep_rate)
    return np.asarray(scores) >= floor_on_scores
    ### END SOLUTION


# %% check="passes_floor" points=1
# One Boolean per score, true from some score upwards
scores = np.linspace(0.001, 0.999, 999)
passed = np.asarray(passes_floor(scores, 0.05, 0.01))
assert passed.shape == scores.shape, f"Expected 999 answers, got an array of shape {passed.shape}."
assert passed.dtype == bool, f"Expected Booleans, got {passed.dtype}."
assert 0 < passed.sum() < 999, f"{passed.sum()} of 999 pass; some should and some should not."
assert (np.diff(passed.astype(int)) >= 0).all(), "A score passes although a higher one does not."

# %% check="passes_floor_truth" points=2
# The same impressions pass as with the true click rates
### BEGIN HIDDEN TESTS
for seed, keep_rate, floor in ((64, 0.05, 0.01), (65, 0.3, 0.04), (66, 0.01, 0.003)):
    rate, scores, _ = ads.thinned_view(seed, 20_000, keep_rate)
    clear = np.abs(rate / floor - 1) > 1e-6
    expected = rate >= floor
    passed = np.asarray(passes_floor(scores, keep_rate, floor))
    assert passed.shape == scores.shape, f"Expected {len(scores):,} answers, got {passed.shape}."
    same = {
        "raw": (passed == (scores >= floor)).mean(),
        "scaled": (passed == (scores >= floor / keep_rate)).mean(),
        "inverse": (passed == (scores >= floor / (floor + (1 - floor) / keep_rate))).mean(),
    }
    story = (
        f"{passed.sum():,} of {len(rate):,} pass, but {expected.sum():,} reach the floor of {floor}"
    )
    assert same["raw"] < 1, f"You compare the uncorrected score with the floor: {story}."
    assert same["scaled"] < 1, (
        f"You divide the floor by w, as if thinning scaled probabilities; it scales odds: {story}."
    )
    assert same["inverse"] < 1, f"The threshold moves the wrong way, down instead of up: {story}."
    assert (passed == expected)[clear].all(), f"The wrong impressions pass: {story}."
### END HIDDEN TESTS

# %% [markdown]
# ## Play it again
#
# The same day, the same model, the same requests and rival bids. New are your two functions: the floor on the score, and the probability in the bid. The checks below the figure then serve them in worlds that you have not seen.


# %% play="recalibrate, passes_floor"
def as_repaired(requests):
    scores = shipped_model.predict_proba(requests[FEATURES])[:, 1]
    p_click = np.asarray(recalibrate(scores, KEEP_RATE, held_out), dtype=float)
    return np.where(passes_floor(scores, KEEP_RATE, FLOOR), p_click, np.nan)


same_day = ads.run_auction(as_repaired, WORLD, REQUESTS)
gain = same_day["profit"].sum() - first_day["profit"].sum()
draw_days(
    {"as shipped": first_day, "repaired": same_day},
    f"The same model, {gain:+,.0f} euros against the shipped design",
)

# %% check="recalibrate_auction" points=2
# In a fresh world, your probabilities earn at least 95 % of what the true ones earn
### BEGIN HIDDEN TESTS
# Clicks are more frequent here than in the lab: fewer rows calibrate as well.
knobs = {"base_logit": -3.6, "n_users": 4_000}
_, _, fresh = ads.thinned_view(67, 40_000, 0.05, **knobs)
rate, scores, _ = ads.thinned_view(67, 40_000, 0.05, first_day=14, **knobs)
answered = rate >= 0.01


def euros(p_click):
    served = ads.run_auction(lambda requests: p_click, 67, 40_000, days=14, **knobs)
    return ads.expected_profit(67, served, **knobs), served["won"].sum()


best, wins = euros(np.where(answered, rate, np.nan))
p_click = np.asarray(recalibrate(scores, 0.05, fresh), dtype=float)
assert p_click.shape == scores.shape, f"Expected {scores.shape} values, got {p_click.shape}."
profit, your_wins = euros(np.where(answered, p_click, np.nan))
assert profit >= 0.95 * best, (
    f"Bidding by your probabilities makes {profit:,.0f} euros, by the true ones {best:,.0f}; you win "
    f"{your_wins:,} impressions instead of {wins:,}."
)
### END HIDDEN TESTS

# %% check="passes_floor_auction" points=1
# Your floor earns at least 98 % of what the floor on the true probabilities earns
### BEGIN HIDDEN TESTS
rate, scores, _ = ads.thinned_view(68, 40_000, 0.05, first_day=14)


def euros(answered):
    p_click = np.where(answered, rate, np.nan)
    served = ads.run_auction(lambda requests: p_click, 68, 40_000, days=14)
    return ads.expected_profit(68, served), served["fee"].sum()


best, fees = euros(rate >= 0.01)
answered = np.asarray(passes_floor(scores, 0.05, 0.01))
assert answered.shape == scores.shape, f"Expected {len(scores):,} answers, got {answered.shape}."
profit, your_fees = euros(answered)
assert profit >= 0.98 * best, (
    f"With your floor the day makes {profit:,.0f} euros instead of {best:,.0f}; its fees are "
    f"{your_fees:,.0f} euros instead of {fees:,.0f}."
)
### END HIDDEN TESTS

# %% [markdown]
# ## Decide
#
# The real log is 5,000 times this one, retrained daily at 1.50 € per million rows. `trials` trains the shipped design at several keep rates, each but the last twice, and measures the *corrected* predictions on the untouched test days.

# %%
BUDGET = 150.0
trials = []
for keep_rate, repeat in [
    *((w, r) for w in (0.005, 0.02, 0.05, 0.1, 0.4) for r in (0, 1)),
    (1.0, 0),
]:
    draws = np.random.default_rng([7, repeat]).random(len(train))
    rows = train[(train["clicked"] == 1) | (draws < keep_rate)]
    scores = click_model().fit(rows[FEATURES], rows["clicked"]).predict_proba(test[FEATURES])[:, 1]
    p_click = expit(np.log(scores / (1 - scores)) + np.log(keep_rate))
    measured = {
        "euros_per_day": len(rows) * 5_000 / 1e6 * 1.50,
        "auc": roc_auc_score(test["clicked"], p_click),
        "normalised_entropy": normalised_entropy(test["clicked"], p_click),
    }
    trials.append({"keep_rate": keep_rate, "repeat": repeat, **measured})
trials = pd.DataFrame(trials)
trials.groupby("keep_rate")[["euros_per_day", "auc", "normalised_entropy"]].mean().round(4)

# %%
mean = trials.groupby("keep_rate")[["euros_per_day", "normalised_entropy"]].mean()
loss = 100 * (mean["normalised_entropy"] / mean["normalised_entropy"].loc[1.0] - 1)
fig, ax = plots.figure(height=3.2)
single = 100 * (trials["normalised_entropy"] / mean["normalised_entropy"].loc[1.0] - 1)
ax.plot(trials["euros_per_day"], single, ".", color=plots.HONEST, alpha=0.5)
ax.plot(mean["euros_per_day"], loss, "o-", color=plots.HONEST)
for keep_rate in mean.index:
    place = (mean["euros_per_day"].loc[keep_rate], loss.loc[keep_rate])
    beside = (36, 3) if keep_rate <= mean.index[1] else (0, -21)
    plots.label(ax, *place, f"w = {keep_rate:g}", plots.HONEST, xytext=beside, ha="center")
ax.axhline(0.5, color=plots.NAIVE, linewidth=1.2, linestyle="--")
ax.axvline(BUDGET, color=plots.NAIVE, linewidth=1.2, linestyle="--")
plots.label(ax, 400, 0.5, "tolerated loss", plots.NAIVE, xytext=(0, 9))
plots.label(ax, BUDGET, 1.6, "budget", plots.NAIVE)
ax.set(xscale="log", xlabel="training, euros per day", ylabel="NE loss, %")
ax.set_xticks([20, 50, 100, 200, 500, 1000], ["20", "50", "100", "200", "500", "1,000"])
ax.margins(x=0.12, y=0.2)
ax.set_title("From w = 0.02 on, the loss is tolerated")
plots.show(
    fig,
    alt="NE loss against training cost per keep rate: "
    + "; ".join(
        f"w = {w:g}: {mean['euros_per_day'].loc[w]:.0f} euros, {loss.loc[w]:+.2f} %"
        for w in mean.index
    )
    + ". Dashed lines mark the budget of 150 euros and the tolerated loss of 0.5 %.",
)

# %% [markdown]
# ### Exercise 9 · Choose the design (5 points)
#
# The small dots are single trainings. From w = 0.02 on, two of the same rate differ by up to about 0.35 points of NE loss, and the means of the rates by about 0.4: the table hardly tells these rates apart, so cost decides.
#
# Write `choose_design(trials, budget)` for any such table (same columns, other keep rates and repeats, always with 1.0). Return a dict:
#
# | key | value |
# |---|---|
# | `keep_rate` | one of the table's, within `budget` euros per day, with a mean NE less than 0.5 % above that of keep rate 1. Prefer the cheapest; any that holds both passes |
# | `primary_metric` | what releases are compared by: `"auc"`, `"accuracy"` or `"normalised_entropy"` |
# | `guardrail` | what stops a release: `"auc"`, `"training_loss"`, `"calibration_ratio"` or `"auction_profit"` |
# | `residual_risk` | what stays open: `"keep_rate_changes_upstream"`, `"rare_segments_lose_negatives"`, `"bids_win_where_p_is_too_high"` or `"correction_reorders_ads"` |
#
# The last three are constants; more than one answer can be right. Weigh which of them can see the harm of the first day.
#
# <details><summary>Hint</summary>Average the repeats with <code>groupby("keep_rate").mean()</code>, turn NE into a loss against keep rate 1.0, and drop the rates that break either limit.</details>


# %% exercise="choose_design"
def choose_design(trials, budget):
    """Return keep rate, primary metric, guardrail and residual risk of the design to ship."""
    ### BEGIN SOLUTION
    mean = trials.groupby("keep_rate")[["euros_per_day", "normalised_entropy"]].mean()
    loss = mean["normalised_entropy"] / mean["normalised_entropy"].loc[1.0] - 1
    allowed = mean[(loss < 0.005) & (mean["euros_per_day"] <= budget)]
    return {
        "keep_rate": allowed["euros_per_day"].idxmin(),
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }
    ### END SOLUTION


# %% check="choose_design" points=1
# The design is complete and one that the table offers
design = choose_design(trials, BUDGET)
assert isinstance(design, dict), f"Return a dict, not {type(design).__name__}."
missing = {"keep_rate", "primary_metric", "guardrail", "residual_risk"} - set(design)
assert not missing, f"The design lacks {sorted(missing)}."
assert float(design["keep_rate"]) in set(trials["keep_rate"]), (
    f"No trial of w = {design['keep_rate']}."
)

# %% check="choose_design_cost" points=2
# In fresh trials, the keep rate holds the budget and the tolerated loss
### BEGIN HIDDEN TESTS
# (keep rates, planted NE loss at a keep rate w is strength * (1 / w - 1), budget)
cases = (
    ((0.004, 0.01, 0.03, 0.08, 0.15, 1.0), 0.00016, 160),
    ((0.002, 0.03, 0.06, 0.2, 1.0), 0.00005, 90),
)
for case, (rates, strength, budget) in enumerate(cases):
    rng = np.random.default_rng(70 + case)
    table = pd.DataFrame(
        {"keep_rate": np.repeat(rates, 3), "repeat": np.tile([0, 1, 2], len(rates))}
    )
    planted = strength * (1 / table["keep_rate"] - 1)
    table["euros_per_day"] = 900 * (0.018 + 0.982 * table["keep_rate"])
    table["auc"] = 0.77 - 0.001 * table["keep_rate"] + 0.0001 * rng.standard_normal(len(table))
    noise = 0.0002 * rng.standard_normal(len(table))
    table["normalised_entropy"] = 0.9 * (1 + planted + noise)
    table = table.sample(frac=1, random_state=case).reset_index(drop=True)
    chosen = float(choose_design(table, float(budget))["keep_rate"])
    assert chosen in rates, f"{chosen} is none of the keep rates {rates} that were tried."
    euros, lost = 900 * (0.018 + 0.982 * chosen), strength * (1 / chosen - 1)
    assert euros <= budget, f"w = {chosen:g} costs {euros:.0f} euros a day; the budget is {budget}."
    by_auc = table.groupby("keep_rate")["auc"].mean().idxmax()
    assert chosen != by_auc, (
        f"w = {chosen:g} has the best AUC of the table and loses {100 * lost:.1f} % of NE: AUC does not see "
        "what thinning costs. Compare NE."
    )
    assert lost < 0.005, (
        f"w = {chosen:g} is cheap, but loses {100 * lost:.1f} % of NE; 0.5 % is tolerated."
    )
### END HIDDEN TESTS

# %% check="choose_design_metrics" points=2
# Metric, guardrail and risk fit the harm
### BEGIN HIDDEN TESTS
design = choose_design(trials, BUDGET)
assert design["primary_metric"] == "normalised_entropy", (
    f"{design['primary_metric']!r} was as good as ever on the day that lost money: it sees order or "
    "a threshold, not the value of p. Take a metric that does."
)
assert design["guardrail"] in ("calibration_ratio", "auction_profit"), (
    f"{design['guardrail']!r} would not have stopped the first release: AUC was level, and the "
    "training loss is taken on thinned rows."
)
assert design["residual_risk"] in (
    "keep_rate_changes_upstream",
    "rare_segments_lose_negatives",
    "bids_win_where_p_is_too_high",
), f"{design['residual_risk']!r} cannot happen: the correction is a rising function of the score."
### END HIDDEN TESTS

# %% [markdown]
# ## Take away
#
# Keeping negatives with rate $w$ multiplies odds by $1/w$: order and AUC stay, every price is wrong. The repair is one line, $q = p_s / (p_s + (1-p_s)/w)$, applied to predictions and thresholds alike. Judge a thinned model by calibration and NE on rows that were never sampled.

# %% [markdown]
# ## Where this breaks
#
# - The formula needs thinning at random given the click, and a model that fits the thinned rows: an over-fitted one stays wrong after the shift.
# - The log here was not chosen by a model. A real one holds the impressions you won, and the ones you win are those where your error is high (the winner's curse).
# - Rivals here do not react, rates do not drift, and a click is known at once.

# %% [markdown]
# ## Say it in an interview
#
# **60 seconds:** 'You down-sampled the negatives to 5 % and AUC is unchanged. Can we ship?' Say your answer aloud, then compare.
#
# <details><summary>Three answers at three levels</summary>
#
# **Junior.** 'AUC is unchanged, so ranking is fine. I would also look at precision and recall.' *It misses that bids use the value of p.*
#
# **Mid.** 'The predictions are too high; I would recalibrate with the keep rate before serving.' *Right repair; no number, no guardrail.*
#
# **Senior.** 'Not yet. Odds are 20 times too high, at 1.8 % CTR about twelve times the clicks; bids of value times p then win nearly every auction and pay more than the clicks bring. I shift the logits by ln 0.05, carry thresholds over, log w with the model, and gate on calibration ratio in [0.9, 1.1], overall and in the top tenth, on unsampled days. Primary metric NE. What stays: someone changes w upstream, so I alert on the ratio hourly.'
#
# </details>
#
# **Self-check:** one point each for the mechanism in odds, a number, the repair with threshold, a metric that sees it, a residual risk with its alarm.

# %% [markdown]
# **Follow-up 1.** 'There is no auction: we show the ten videos with the highest score. What flips?'
#
# <details><summary>Compare</summary>Only order matters, so the correction can go, and with it its failure modes. It comes back as soon as scores of two models are mixed, a threshold is used, or p enters a value formula.</details>
#
# **Follow-up 2.** 'Frequent ads are now thinned harder: w differs by ad. What flips?'
#
# <details><summary>Compare</summary>The shift differs by row, so uncorrected scores now rank wrongly too: AUC is no longer blind and no longer safe. Store w with every training row, and correct with the w of the ad at hand; or weigh rows by 1/w if the model is simple enough.</details>
#
# The worked notebook: [solutions/m3_data/down_sampling.ipynb](../../solutions/m3_data/down_sampling.ipynb).
