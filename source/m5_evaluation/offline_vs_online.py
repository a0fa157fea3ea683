# %% [markdown]
# # Offline against online: what the logs promise
#
# A short-video app has two new rankers and one release. Offline, on last fortnight's logs, A beats B by nine points of NDCG, and the team is about to ship A. You will find out what these points are worth: in an A/B test first, and then from the same logs, without one.
#
# You will be able to **measure** what position and selection do to a log, **estimate** what an unseen ranker would earn, and **defend** when such an estimate must be refused.
#
# 33 points · about 80 minutes · builds on NDCG, confidence intervals, A/B tests

# %%
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from course import plots
from course.worlds import feed

WORLD, RANDOM_SHARE = 1, 0.05

# %% [markdown]
# ## The number that looks fine
#
# For every session, retrieval finds 20 candidates, and a ranker shows ten of them. Production ranks mostly by popularity. A random 5 % of the requests, the **randomised bucket**, get ten of their candidates in random order instead. The world is simulated; the docstring of `course/worlds/feed` says how.

# %%
impressions, events = feed.log(WORLD, days=14, users=6000, randomised_share=RANDOM_SHARE)
rows = feed.labelled(impressions, events)
print(f"{len(rows):,} impressions in {len(rows) // 10:,} lists, {rows['clicked'].sum():,} clicks")
rows[["request_id", "user_id", "video_id", "bucket", "position", "clicked"]].head(3)

# %% [markdown]
# A was trained on what production showed and ranks nearly as production does (in this world: its score and a little noise). B weighs the user's taste, the thumbnail and the quality of the video. `feed.request_batch` hands out the logged requests again, so any ranker can be asked offline how it would have ranked the same candidates.

# %%
A = feed.LinearPolicy(feed.PRODUCTION.weights, noise=0.3, noise_seed=1)
B = feed.BALANCED_POLICY
requests, candidates = feed.request_batch(WORLD, rows["request_id"].to_numpy()[::10])


def ranks(policy, requests, candidates):
    """Rank that a policy gives each candidate, from 1; shape (requests, candidates)."""
    order = np.argsort(-policy(requests, candidates), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return rank


def places_in_list(policy, rows, requests, candidates):
    """Place, from 1, of each logged video if the policy re-ranks its list; shape (lists, 10)."""
    shown = rows["video_id"].to_numpy().reshape(-1, 10)
    column = (shown[:, :, None] == candidates["video_id"][:, None, :]).argmax(axis=2)
    rank = np.take_along_axis(ranks(policy, requests, candidates), column, axis=1)
    return rank.argsort(axis=1).argsort(axis=1) + 1


def logged_ndcg(clicked, place):
    """Mean NDCG of re-ranked lists; a click is a relevance of 1, lists without one are left out."""
    clicked, place = clicked[clicked.sum(axis=1) > 0], place[clicked.sum(axis=1) > 0]
    ideal = np.cumsum(1 / np.log2(np.arange(2, 12)))[clicked.sum(axis=1) - 1]
    return float(((clicked / np.log2(place + 1)).sum(axis=1) / ideal).mean())


# %% [markdown]
# The offline comparison as most teams run it: each ranker re-ranks the ten videos of every logged list, and earns NDCG for putting the clicked ones first.

# %%
ranked = (rows["bucket"] == "ranked").to_numpy()[::10]
clicked = rows["clicked"].to_numpy().reshape(-1, 10).astype(int)
naive = {}
for name, policy in {"production": feed.PRODUCTION, "A": A, "B": B}.items():
    place = places_in_list(policy, rows, requests, candidates)
    naive[name] = logged_ndcg(clicked[ranked], place[ranked])
    print(f"{name:10s} NDCG@10 on the logged lists {naive[name]:.3f}")

# %% [markdown]
# ### Exercise 1 · Commit to a prediction (1 point)
#
# Offline, A is ahead of B, and production, which made the logs, is ahead of both (.829). Does an incumbent always win?
#
# Now A and B are served for two weeks, each to a third of the users, beside production. What happens to the clicks per session of B, compared with A? Return one of `"a_wins_clearly"` (by more than 5 %), `"a_wins_slightly"`, `"no_difference"` (within 1 %), `"b_wins_slightly"`, `"b_wins_clearly"`. Any of them gets the point.


# %% exercise="my_prediction"
def my_prediction():
    """Return the name of what I expect the A/B test to show."""
    ### BEGIN SOLUTION
    return "a_wins_slightly"
    ### END SOLUTION


# %% check="my_prediction" points=1
# One of the five names is chosen
names = ["a_wins_clearly", "a_wins_slightly", "no_difference", "b_wins_slightly", "b_wins_clearly"]
choice = my_prediction()
assert isinstance(choice, str), f"Return one of the five names as text, not {choice!r}."
assert choice in names, f"{choice!r} is none of {', '.join(names)}."

# %% [markdown]
# ## Reveal: two weeks later
#
# `feed.experiment` hashes users to arms and serves each arm its ranker. `lift` compares clicks per session; its standard error treats the *user* as the unit (delta method).


# %%
def lift(treated, control):
    """Lift in clicks per session, and its standard error, from two tables with one row per user."""
    totals = [table.set_index("user_id")[["clicks", "sessions"]] for table in (treated, control)]
    rates = [total["clicks"].sum() / total["sessions"].sum() for total in totals]
    pull = [total / total.sum() for total in totals]
    pull = [share["clicks"] - share["sessions"] for share in pull]
    ratio = rates[0] / rates[1]
    return ratio - 1, ratio * float(np.sqrt((pull[0].sub(pull[1], fill_value=0) ** 2).sum()))


arms = {"production": feed.PRODUCTION, "A": A, "B": B}
test = feed.experiment(arms, WORLD, first_day=14, days=14, users=6000)
users = dict(tuple(test.users.groupby("arm", observed=True)))
online = {name: lift(users[name], users["production"]) for name in ("A", "B")}
for name, (change, error) in online.items():
    low, high = change - 1.96 * error, change + 1.96 * error
    print(f"{name}: {change:+.1%} clicks per session, 95 % interval {low:+.1%} to {high:+.1%}")

# %%
fig, (left, right) = plots.figure(2, width=4.2, height=2.6)
for height, (name, colour) in enumerate({"B": plots.HONEST, "A": plots.NAIVE}.items()):
    left.barh(height, naive[name], color=colour, height=0.5)
    plots.label(left, naive[name], height, f"{naive[name]:.3f}", colour)
    change, error = (100 * value for value in online[name])
    right.errorbar(change, height, xerr=1.96 * error, fmt="o", color=colour, capsize=4)
    plots.label(right, change, height, f"{change:+.0f} %", colour, xytext=(0, 14), ha="center")
left.set(title="Promised: A wins", xlabel="NDCG@10 on the logs", xlim=(0, 1))
right.set(title="Delivered: B wins", xlabel="clicks per session against production, %")
right.set(xlim=(-12, 45), ylim=(-0.5, 1.6))
right.axvline(0, color=plots.QUIET, linewidth=1, linestyle="--")
for ax in (left, right):
    ax.set_yticks([0, 1], ["B", "A"])
plots.show(
    fig,
    alt=f"NDCG on the logs: A {naive['A']:.3f}, B {naive['B']:.3f}. Lift online with 95 % intervals: "
    + ", ".join(f"{name} {change:+.1%} ± {1.96 * se:.1%}" for name, (change, se) in online.items()),
)

# %% [markdown]
# People click what they look at, and they look at the top. So logged clicks say where *production* put a video, more than how good it is. NDCG on such clicks rewards agreement with production: production itself agrees most, A nearly, B does not. This is **position bias**.

# %% [markdown]
# ### Exercise 2 · How far do people look? (4 points)
#
# In the **position-based model** a click needs a look and appeal:
#
# $$P(\text{click on video } v \text{ at position } k) = \theta_k \cdot \gamma_v$$
#
# with $\theta_k$ the probability that position $k$ is looked at, and $\gamma_v$ that $v$ is clicked once looked at.
#
# Write `examination_by_rank(rows)`: an array of $\theta_k$, position 1 first, scaled so that $\theta_1 = 1$. `rows` has `request_id`, `bucket` (`"ranked"` or `"random"`), `position` (1 … k), `clicked`. Estimates within sampling error pass.
#
# <details><summary>Hint</summary>Where does the video at position 1 come from the same crowd as the one at position 10?</details>
#
# <small>Craswell et al. 2008; randomisation: Joachims, Swaminathan & Schnabel 2017.</small>


# %% exercise="examination_by_rank"
def examination_by_rank(rows):
    """Return the probability of a look at each position, relative to the first."""
    ### BEGIN SOLUTION
    click_rate = rows[rows["bucket"] == "random"].groupby("position")["clicked"].mean().to_numpy()
    return click_rate / click_rate[0]
    ### END SOLUTION


# %% check="examination_by_rank" points=1
# One positive number per position, the first is 1
looks = np.asarray(examination_by_rank(rows.iloc[:300_000]), dtype=float)
assert looks.shape == (10,), f"Expected 10 numbers, got shape {looks.shape}."
assert (looks > 0).all(), f"A probability of a look is positive here: {looks.round(3)}."
assert abs(looks[0] - 1) <= 1e-9, f"Position 1 has {looks[0]:.3f}; scale so that it has 1."
assert looks[-1] < 0.5, f"Position 10 has {looks[-1]:.2f}: people look less far down."

# %% check="examination_by_rank_truth" points=3
# The planted curve is found, whatever the ranked lists look like
### BEGIN HIDDEN TESTS
columns = ["request_id", "bucket", "position", "clicked"]
for seed, policy, length in ((501, feed.CLICK_POLICY, 10), (502, feed.BALANCED_POLICY, 6)):
    shown, followed = feed.log(
        seed, days=5, users=3000, policy=policy, randomised_share=0.4, list_length=length
    )
    log = feed.labelled(shown, followed)[columns].reset_index(drop=True)
    truth = feed.true_examination(list_length=length)
    counts = {
        name: part.groupby("position")["clicked"].agg(["mean", "sum"])
        for name, part in (
            ("all", log),
            ("ranked", log[log["bucket"] == "ranked"]),
            ("random", log[log["bucket"] == "random"]),
        )
    }
    biased = {
        name: (count["mean"] / count["mean"].iloc[0]).to_numpy() for name, count in counts.items()
    }
    noise = np.sqrt(1 / counts["random"]["sum"] + 1 / counts["random"]["sum"].iloc[0]).to_numpy()
    looks = np.asarray(examination_by_rank(log), dtype=float)
    assert looks.shape == (length,), f"Expected {length} numbers, got shape {looks.shape}."
    assert (looks > 0).all(), f"Some are not positive: {looks.round(3)}."
    story = (
        f"you find {looks[-1]:.3f} for the last of {length} positions, planted is {truth[-1]:.3f}"
    )
    assert not np.allclose(looks, biased["all"], rtol=0.02), (
        f"You took the click rate by rank over all traffic, where better videos stand higher: {story}."
    )
    assert not np.allclose(looks, biased["ranked"], rtol=0.02), (
        f"You took the ranked lists, whose order the ranker chose by appeal: {story}."
    )
    error = np.log(looks / truth)
    assert not np.allclose(1 / looks, truth, rtol=0.4), f"The curve is upside down: {story}."
    assert (np.abs(error) <= 4.5 * noise + 0.02).all(), (
        f"At position {int(np.abs(error).argmax()) + 1} you are off by {np.exp(error[np.abs(error).argmax()]) - 1:+.0%}, "
        f"beyond sampling error: {story}."
    )
### END HIDDEN TESTS

# %% play="examination_by_rank"
everywhere = rows.groupby("position")["clicked"].mean().to_numpy()
curves = {
    "click rate by rank, all traffic": (everywhere / everywhere[0], plots.NAIVE, (-4, -20)),
    "yours": (np.asarray(examination_by_rank(rows)), plots.HONEST, (14, 20)),
}
fig, ax = plots.figure(height=3.2)
ax.plot(range(1, 11), feed.true_examination(), color=plots.TRUTH, linestyle=":", linewidth=1.5)
plots.label(ax, 2, feed.true_examination()[1], "planted truth (dotted)", xytext=(8, 8))
for name, (curve, colour, offset) in curves.items():
    ax.plot(range(1, 11), curve, "o-", color=colour, markersize=4)
    side = {"xytext": offset, "ha": "right" if offset[0] < 0 else "center"}
    plots.label(ax, 6, curve[5], name, colour, **side)
ax.set(xlabel="position in the list", ylabel="looks, relative to position 1", ylim=(-0.05, 1.05))
ax.set_title("Ranked lists make attention fall too fast")
plots.show(
    fig,
    alt="Probability of a look by position. At position 10: "
    f"planted {feed.true_examination()[-1]:.3f}, yours {curves['yours'][0][-1]:.3f}, "
    f"click rate over all traffic {everywhere[-1] / everywhere[0]:.3f}.",
)

# %% [markdown]
# ### Exercise 3 · Undo position bias (3 points)
#
# A click at position 10 is rare because few looked; each one stands for $1/\theta_{10}$ looks' worth of appeal. Move the video to a new place $k'$ in its list, and the click counts $\theta_{k'} / \theta_{k}$. This is **inverse propensity scoring** (IPS), in the unit of the A/B test: clicks per list.
#
# Write `reweighted_clicks(clicked, logged_place, new_place, examination)`: the expected clicks per list after re-ranking, $\frac{1}{n}\sum_{i} c_i\,\theta_{k'_i}/\theta_{k_i}$ over the clicks $c_i$ (0 or 1) of $n$ lists. The first three have shape (lists, positions), places count from 1; `examination` holds $\theta_1, \theta_2, \dots$, all at least .05. Lists without clicks count.
#
# <small>Joachims, Swaminathan & Schnabel 2017, with examination in place of DCG's discount.</small>


# %% exercise="reweighted_clicks"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    """Return expected clicks per list if logged lists are shown in a new order."""
    ### BEGIN SOLUTION
    weight = examination[new_place - 1] / examination[logged_place - 1]
    return (clicked * weight).sum() / len(clicked)
    ### END SOLUTION


# %% check="reweighted_clicks" points=1
# The logged order keeps the logged clicks, and a click moved down counts less
theta = 1 / np.arange(1, 5)
places, seen = np.tile([1, 2, 3, 4], (3, 1)), np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
same = float(reweighted_clicks(seen, places, places, theta))
turned = float(reweighted_clicks(seen, places, places[:, ::-1], theta))
assert np.isclose(same, seen.sum() / 3), f"The logged order earned 1.00 a list; you say {same:.2f}."
assert 0 < turned < same, f"Turning the lists gives {turned:.2f}: clicked videos moved down."

# %% check="reweighted_clicks_weights" points=2
# Each click is weighted by its logged position, counted at its new one
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(511)
for n_lists, length in ((3_000, 8), (1_000, 12)):
    theta = 1 / np.arange(1, length + 1) ** 0.8
    logged = rng.random((n_lists, length)).argsort(axis=1) + 1
    new = rng.random((n_lists, length)).argsort(axis=1) + 1
    seen = (rng.random((n_lists, length)) < 0.5 * theta[logged - 1]).astype(int)
    at_new, at_logged = theta[new - 1], theta[logged - 1]
    expected = (seen * at_new / at_logged).sum() / n_lists
    wrong = {
        "You weigh by the new place, not by the one where the click was earned": [
            (seen / at_new).sum() / n_lists,
            (seen * at_new / at_new).sum() / n_lists,
        ],
        "Your ratio is upside down: a click moved up counts less": [
            (seen * at_logged / at_new).sum() / n_lists
        ],
        "You discount by the new place but do not weigh by the logged one": [
            (seen * at_new).sum() / n_lists
        ],
        "You average over impressions, not over lists": [(seen * at_new / at_logged).mean()],
        "You leave out lists without a click": [
            (seen * at_new / at_logged).sum() / (seen.sum(axis=1) > 0).sum()
        ],
    }
    value = float(reweighted_clicks(seen, logged, new, theta))
    story = f"{value:.3f} clicks per list in place of {expected:.3f}"
    for said, values in wrong.items():
        assert not any(np.isclose(value, other, rtol=1e-6) for other in values), f"{said}: {story}."
    assert abs(value / expected - 1) <= 1e-6, f"The re-ranked lists earn {story}."
### END HIDDEN TESTS

# %% play="examination_by_rank, reweighted_clicks"
theta = np.asarray(examination_by_rank(rows), dtype=float)
logged_place = rows["position"].to_numpy().reshape(-1, 10)[ranked]
corrected = {}
for name, policy in arms.items():
    place = places_in_list(policy, rows, requests, candidates)[ranked]
    corrected[name] = reweighted_clicks(clicked[ranked], logged_place, place, theta)
    change = corrected[name] / corrected["production"] - 1
    print(
        f"{name:10s} NDCG {naive[name]:.3f}   clicks per list {corrected[name]:.2f} ({change:+.0%})"
    )
print(f"online, B: {online['B'][0]:+.0%}")

# %% [markdown]
# The same clicks, and B is now ahead. But only by half of its lift. Re-ranking reaches only the ten videos that production had chosen; B would pick others among the twenty candidates. That is **selection bias**, and no weight on a video that was never shown can undo it. The randomised bucket can.

# %% [markdown]
# ## Value of a ranker that never ran
#
# Three chances of a look at candidate $j$ of a request:
#
# - $s_j$ (`look_shown`), in the list that *was shown*: $\theta$ at the place where $j$ stood, 0 if it was not in the list;
# - $m_j$ (`look_logged`), under the *logging system*, averaged over all lists that it might have shown, ranked and random;
# - $t_j$ (`look_new`), under the *new ranker*: $\theta$ at the place where it would put $j$.
#
# Production is deterministic and the bucket has share $\varepsilon$, so with $\theta = 0$ beyond place 10
#
# $$m_j = (1-\varepsilon)\,\theta_{\text{rank}_j} + \varepsilon\,\frac{\theta_1+\dots+\theta_{10}}{20}.$$

# %% [markdown]
# An example with three candidates, lists of two, $\theta = (1, .5)$ and $\varepsilon = .1$. Production shows a, b; the new ranker would show c, a.
#
# | | a | b | c |
# |---|---|---|---|
# | $s_j$, if the ranked list a, b was shown | 1 | .5 | 0 |
# | $s_j$, if the random list c, b was shown | 0 | .5 | 1 |
# | $m_j$ = .9 × ranked + .1 × (1 + .5) / 3 | .95 | .5 | .05 |
# | $t_j$ | .5 | 0 | 1 |
# | $t_j / m_j$ | .53 | 0 | 20 |
#
# Ranked lists never show c. A click on c comes from the bucket, and counts 20 times.


# %%
def by_candidate(rows, candidates, values):
    """Spread one value per impression over the candidates; 0 where a candidate was not shown."""
    shown = rows["video_id"].to_numpy().reshape(-1, 10)
    column = (shown[:, :, None] == candidates["video_id"][:, None, :]).argmax(axis=2)
    table = np.zeros(candidates["video_id"].shape)
    np.put_along_axis(table, column, np.reshape(values, (-1, 10)), axis=1)
    return table


def looks_under(policy, requests, candidates, theta):
    """Chance of a look at each candidate if the policy ranks."""
    by_rank = np.append(theta, np.zeros(candidates["video_id"].shape[1] - len(theta)))
    return by_rank[ranks(policy, requests, candidates) - 1]


def logged_looks(requests, candidates, theta, random_share):
    """Chance of a look at each candidate under production and the randomised bucket."""
    at_random = theta.sum() / candidates["video_id"].shape[1]
    chosen = looks_under(feed.PRODUCTION, requests, candidates, theta)
    return (1 - random_share) * chosen + random_share * at_random


# What Exercise 2 measures on this log, so that each exercise from here on stands on its own.
THETA = np.array([1.0, 0.516, 0.386, 0.313, 0.239, 0.198, 0.183, 0.159, 0.133, 0.137])
reward = by_candidate(rows, candidates, rows["clicked"])
look_shown = by_candidate(rows, candidates, THETA[rows["position"] - 1])
look_logged = logged_looks(requests, candidates, THETA, RANDOM_SHARE)
look_b = looks_under(B, requests, candidates, THETA)

# %% [markdown]
# ### Exercise 4 · Estimate clicks off policy (6 points)
#
# Write `off_policy_value(reward, look_shown, look_logged, look_new)`: the reward per list that the new ranker would earn. All four have shape (requests, candidates), hold $r_j$ (0 where not shown), $s_j$, $m_j$ and $t_j$; $w_j = t_j/m_j$, and 0 where $m_j = 0$. With sums over all cells and $n$ requests, either will do:
#
# $$\hat V_{\text{IPS}} = \frac{1}{n}\sum w_j r_j \qquad \hat V_{\text{SNIPS}} = \frac{\sum t_j}{n}\cdot\frac{\sum w_j r_j}{\sum w_j s_j}$$
#
# Both weigh a look by how much likelier it becomes. **SNIPS** (self-normalised) divides by the looks that the weights made, in place of the looks that they should make. Take the weights as they are, however large: capping them comes later.
#
# <small>Horvitz & Thompson 1952; Swaminathan & Joachims 2015; on click models: Li et al. 2018. Two points are earned at 'Play it again'.</small>


# %% exercise="off_policy_value"
def off_policy_value(reward, look_shown, look_logged, look_new):
    """Return the estimated reward per list under the new ranker."""
    ### BEGIN SOLUTION
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (weight * reward).sum() / len(reward)
    ### END SOLUTION


# %% check="off_policy_value" points=1
# A ranker with the logged looks earns the logged clicks; what was never shown does no harm
# Two requests, three candidates: two that everyone looks at, and one that was never shown
shown = chance = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
clicks = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
value = float(off_policy_value(clicks, shown, chance, chance))
assert np.isclose(value, 1.5), f"Nothing changes, so 3 clicks in 2 lists stay 1.5; got {value:.3f}."

# %% check="off_policy_value_truth" points=3
# In fresh worlds the estimate meets the planted value
### BEGIN HIDDEN TESTS
theta = feed.true_examination()
cases = (
    (521, 0.2, 3, 2000, feed.BALANCED_POLICY),
    (522, 0.1, 3, 2000, feed.CLICK_POLICY),
    (523, 0.3, 3, 2000, feed.SATISFACTION_POLICY),
    (524, 0.05, 8, 6000, feed.CLICK_POLICY),
)
for seed, share, days, n_users, policy in cases:
    log = feed.labelled(*feed.log(seed, days=days, users=n_users, randomised_share=share))
    asked, found = feed.request_batch(seed, log["request_id"].to_numpy()[::10])
    r = by_candidate(log, found, log["clicked"])
    s = by_candidate(log, found, theta[log["position"] - 1])
    m = logged_looks(asked, found, theta, share)
    t = looks_under(policy, asked, found, theta)
    truth = feed.true_value(seed, policy, asked["request_id"])["clicks"].mean()
    w, n = t / m, len(r)
    per_request = (w * r).sum(axis=1)
    noise = per_request.std() / np.sqrt(n)
    wrong = {
        "You weigh by where the video stood (look_shown), not by how likely the log was to show it "
        "(look_logged), so selection bias stays": [
            np.divide(t * r, s, out=np.zeros_like(s), where=s > 0).sum() / n
        ],
        "You put no weights on the clicks and count them as logged": [r.sum() / n],
        "The logging probability is missing: you divide by nothing, or by the logged reward": [
            (t * r).sum() / n
        ],
        "You divide by the propensity but forget the new ranker's looks": [(r / m).sum() / n],
        "You keep only videos that stand at the same place under both": [
            (r * np.isclose(t, s)).sum() / n
        ],
        "That is a click rate per look; multiply by the looks per list": [
            (w * r).sum() / (w * s).sum(),
            (w * r).sum() / w[s > 0].sum(),
        ],
        "You average over candidates, not over lists": [(w * r).mean(), (w * r)[s > 0].mean()],
        "Your ratio is upside down, logged over new": [
            (np.divide(m, t, out=np.zeros_like(m), where=t > 0) * r).sum() / n
        ],
    }
    value = float(off_policy_value(r, s, m, t))
    story = f"{value:.3f} clicks per list, planted are {truth:.3f}, standard error {noise:.3f}"
    for said, values in wrong.items():
        assert not any(np.isclose(value, other, rtol=1e-6) for other in values), f"{said}: {story}."
    lowest = truth - 4.5 * noise - 0.01
    assert value >= lowest or share > 0.05, (
        f"Too low with a bucket of 5 %: {story}. Weights go up to {w.max():.0f} here; a cap on them, or "
        "a floor under look_logged, loses what only the bucket shows."
    )
    assert value >= lowest, (
        f"Too low: {story}. Did you cut off the large weights, which carry what is rarely shown?"
    )
    assert value <= truth + 4.5 * noise + 0.01, f"Too high: {story}."
### END HIDDEN TESTS

# %% play="off_policy_value"
tables = (reward, look_shown, look_logged)
look_production = looks_under(feed.PRODUCTION, requests, candidates, THETA)
value = off_policy_value(*tables, look_b)
promised = value / off_policy_value(*tables, look_production) - 1
print(f"B: {value:.2f} clicks per list, {promised:+.1%} against production")
low, high = (online["B"][0] + side * online["B"][1] for side in (-1.96, 1.96))
print(f"A/B test, 95 % interval: {low:+.1%} to {high:+.1%}")

# %% [markdown]
# From the old logs alone, the estimate lands inside the experiment's interval. It has noise of its own, about ±5 points at 95 %: in other worlds (change `WORLD`) it lands inside three times in four, and names B every time.
#
# The noise comes from large weights: what production never shows has $m_j \approx .008$, so such a click counts up to 120 times.

# %% [markdown]
# ### Exercise 5 · Refuse without support (4 points)
#
# Suppose nobody had kept a randomised bucket. What then is the estimate for B worth? Write `can_judge(reward, look_logged, look_new, min_support, min_ess)`, returning a dict:
#
# - `support`: share of the new ranker's *looks* that fall on candidates with $m_j > 0$, $\sum_{m_j>0} t_j / \sum t_j$;
# - `ess`: effective sample size over the cells with a click ($r_j > 0$), $(\sum w_j)^2 / \sum w_j^2$; 0 if there is no weight on any. The relative standard error of the estimate is about $1/\sqrt{\text{ess}}$;
# - `judge`: True if both reach their minimum, else False.
#
# <small>Kish 1965 for the effective sample size.</small>


# %% exercise="can_judge"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    """Return support, effective sample size, and whether the estimate may be used."""
    ### BEGIN SOLUTION
    supported = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=supported)
    of_clicks = weight[reward > 0]
    squares = (of_clicks**2).sum()
    support = look_new[supported].sum() / look_new.sum()
    ess = of_clicks.sum() ** 2 / squares if squares > 0 else 0.0
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}
    ### END SOLUTION


# %% check="can_judge" points=1
# A report on two lists: all keys, a share, a Boolean
toy = can_judge(np.eye(2), np.array([[1.0, 0.5], [1.0, 0.5]]), np.ones((2, 2)), 0.9, 1.0)
assert isinstance(toy, dict), f"Return a dict, not {type(toy).__name__}."
assert {"support", "ess", "judge"} <= set(toy), f"Keys are support, ess, judge; got {list(toy)}."
assert np.isclose(toy["support"], 1), f"All looks are supported, you report {toy['support']}."
assert np.isclose(toy["ess"], 1.8), f"Weights 1 and 2 make an ess of 9 / 5; got {toy['ess']}."
assert toy["judge"] in (True, False), f"judge must be True or False, not {toy['judge']!r}."
assert toy["judge"], "Support 1 and ess 1.8 reach their minima 0.9 and 1; you refuse."

# %% check="can_judge_refuses" points=3
# Missing support and lone clicks are both refused, and sound logs are not
### BEGIN HIDDEN TESTS
theta, seed, share = feed.true_examination(), 531, 0.1
log = feed.labelled(*feed.log(seed, days=2, users=2000, randomised_share=share))
asked, found = feed.request_batch(seed, log["request_id"].to_numpy()[::10])
r, t = (
    by_candidate(log, found, log["clicked"]),
    looks_under(feed.BALANCED_POLICY, asked, found, theta),
)
few = slice(0, 150)
worlds = {
    "with a bucket": (r, logged_looks(asked, found, theta, share), t, True),
    "without a bucket": (r, logged_looks(asked, found, theta, 0.0), t, False),
    "with 150 lists": (r[few], logged_looks(asked, found, theta, share)[few], t[few], False),
    "without a click": (np.zeros((50, 20)), np.full((50, 20), 0.1), t[:50], False),
}
for name, (clicks, m, new, sound) in worlds.items():
    w = np.divide(new, m, out=np.zeros_like(new), where=m > 0)
    of_clicks = w[clicks > 0]
    ess = of_clicks.sum() ** 2 / (of_clicks**2).sum() if len(of_clicks) else 0.0
    support = new[m > 0].sum() / new.sum()
    report = can_judge(clicks, m, new, 0.98, 100)
    assert isinstance(report, dict), f"Return a dict, not {type(report).__name__}."
    assert {"support", "ess", "judge"} <= set(report), f"Keys missing: {sorted(report)}."
    got_support, got_ess = float(report["support"]), float(report["ess"])
    assert not (support < 1 and np.isclose(got_support, (m > 0).mean())), (
        f"Log {name}: {got_support:.2f} is the share of candidates with support. Weigh each by the "
        f"new ranker's looks: {support:.2f}."
    )
    assert not (support < 1 and np.isclose(got_support, (m[new > 0] > 0).mean())), (
        f"Log {name}: you count listed candidates alike; a look at place 1 is worth more than one at "
        f"place 10. Support is {support:.2f}, you say {got_support:.2f}."
    )
    assert abs(got_support - support) <= 1e-6, (
        f"Log {name}: support is {support:.3f}, you report {got_support:.3f}."
    )
    assert not (ess > 0 and np.isclose(got_ess, w.sum() ** 2 / (w**2).sum())), (
        f"Log {name}: your ess of {got_ess:,.0f} counts cells that nobody clicked or saw; {ess:,.0f} "
        "clicks' worth of information is there."
    )
    assert not (ess > 0 and np.isclose(got_ess, (clicks > 0).sum())), (
        f"Log {name}: {got_ess:,.0f} is the number of clicks. Unequal weights leave {ess:,.0f}."
    )
    assert abs(got_ess - ess) <= 1e-6 * (1 + ess), (
        f"Log {name}: ess is {ess:,.1f}, you report {got_ess:,.1f}."
    )
    assert report["judge"] in (True, False), (
        f"judge must be True or False, not {report['judge']!r}."
    )
    assert bool(report["judge"]) or not sound, (
        f"Log {name}: support {support:.2f} and ess {ess:,.0f} are enough for 0.98 and 100; you refuse."
    )
    assert sound or not bool(report["judge"]) or support >= 0.98, (
        f"Log {name}: you judge on an ess of {ess:,.0f} although {1 - support:.0%} of the looks have "
        "no support. The ess sees only what was shown."
    )
    assert bool(report["judge"]) == sound, (
        f"Log {name}: you judge although the ess is {ess:,.0f} and 100 are required."
    )
### END HIDDEN TESTS

# %% play="off_policy_value, can_judge"
chosen = [feed.PRODUCTION, A, B]
report = {}
for log, share in (("5 % randomised", RANDOM_SHARE), ("no bucket", 0.0)):
    part = slice(None) if share else ranked
    logging = logged_looks(requests, candidates, THETA, share)[part]
    for name, policy in zip(arms, chosen, strict=True):
        new = looks_under(policy, requests, candidates, THETA)[part]
        value = off_policy_value(reward[part], look_shown[part], logging, new)
        verdict = can_judge(reward[part], logging, new, 0.98, 1_000)
        report[log, name] = {"clicks_per_list": value} | verdict
pd.DataFrame(report).T.infer_objects().round({"clicks_per_list": 2, "support": 2, "ess": 0})

# %% [markdown]
# Without a bucket, B seems to earn *less* than production, with an effective sample of 26,000 clicks. The number is precise and wrong: a third of B's looks would go to videos that production never shows. Their clicks carried the large weights; with these gone, the weights are more equal and the effective sample goes *up*, from 4,100. Effective sample size measures noise; only support sees what is missing.
#
# The limits .98 and 1,000 are a choice: at most 2 % of the looks unseen, and a standard error of about 3 %. A misses the first one narrowly (support .96) and is refused, although its .95 clicks per list are close to the .98 with a bucket: a near miss costs little. A limit of .95 would let A pass; B, at .68, passes no sensible one.

# %% [markdown]
# ## Calm the weights
#
# **Clipping** lifts small $m_j$ to a floor. Weights of up to 120 become smaller, and so does the noise, but clicks are lost. Markets with 500 lists each show the trade.


# %%
FLOORS = np.array([0.008, 0.01, 0.0125, 0.016, 0.02, 0.03, 0.05, 0.1, 0.2])
TRUE_B = feed.true_value(WORLD, B, requests["request_id"])["clicks"].mean()


def markets(estimator, *extra, size=500):
    """Estimates of B at each floor, one per market: shape (floors, markets)."""
    parts = [slice(at, at + size) for at in range(0, len(reward) - size + 1, size)]
    estimates = []
    for floor in FLOORS:
        clipped = np.maximum(look_logged, floor)
        given = (reward, look_shown, clipped, look_b, *extra)
        estimates.append([float(estimator(*(table[part] for table in given))) for part in parts])
    return np.array(estimates)


def error_parts(estimates):
    """Bias, spread, and root mean squared error at each floor."""
    gap = estimates - TRUE_B
    return np.abs(gap.mean(axis=1)), gap.std(axis=1), np.sqrt((gap**2).mean(axis=1))


# %% play="off_policy_value"
bias, spread, total = error_parts(markets(off_policy_value))
fig, ax = plots.figure(height=3.3)
series = {
    "bias": (bias, plots.NAIVE),
    "spread": (spread, plots.HONEST),
    "error": (total, plots.TRUTH),
}
for name, (line, colour) in series.items():
    ax.plot(FLOORS, line, "o-", color=colour, markersize=4, linewidth=3 if name == "error" else 1.5)
    side = {"error": (-14, 8), "bias": (6, -10), "spread": (0, 10)}[name]
    plots.label(ax, FLOORS[-2], line[-2], name, colour, xytext=side)
ax.set(xscale="log", xlabel="floor on the logging probability of a look", ylabel="clicks per list")
ax.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
ax.minorticks_off()
ax.set(ylim=(0, None), title="Clipping trades spread for bias")
plots.show(
    fig,
    alt="Bias, spread and root mean squared error of the estimate on markets of 500 lists. "
    + "; ".join(
        f"floor {floor:g}: bias {b:.2f}, spread {s:.2f}, error {e:.2f}"
        for floor, b, s, e in zip(FLOORS, bias, spread, total, strict=True)
    ),
)

# %% [markdown]
# With IPS, a floor of .01 is best here, and wins little. SNIPS bears clipping better: the lost weight is missing from its denominator too, so its bias stays within about .04 up to a floor of .2. With all 66,000 lists, IPS is better off unclipped.

# %% [markdown]
# ### Exercise 6 · Doubly robust (4 points)
#
# A **click model** $g_j$ guesses the reward of each candidate per look, shown or not. It has no noise from weights, but its errors stay. Take its guess for the whole list and let the log correct it where it can:
#
# $$\hat V_{\text{DR}} = \frac{1}{n}\sum \left( t_j\,g_j + w_j\,(r_j - s_j\,g_j) \right)$$
#
# If the weights are right, the model may be wrong, and the other way round. Write `doubly_robust(reward, look_shown, look_logged, look_new, model)`, with `model` holding $g_j$, all of one shape; $w_j$ as before.
#
# <details><summary>Hint</summary>The model predicts clicks per look. What is its prediction for a place that few look at, and for a candidate that was not shown?</details>
#
# <small>Dudík, Langford & Li 2011, here per look.</small>


# %% exercise="doubly_robust"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    """Return the doubly robust estimate of the reward per list under the new ranker."""
    ### BEGIN SOLUTION
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    surprise = reward - look_shown * model
    return (look_new * model + weight * surprise).sum() / len(reward)
    ### END SOLUTION


# %% check="doubly_robust" points=1
# Without a model it is IPS; with a perfect model the log adds nothing
s, m, t = (np.array([row, row]) for row in ([1.0, 0.5, 0], [0.8, 0.6, 0.1], [0.5, 0, 1.0]))
g = np.array([[0.2, 0.6, 0.4], [0.4, 0.2, 0.8]])
ips = float(doubly_robust(np.array([[1.0, 0, 0], [0, 1, 0]]), s, m, t, 0 * g))
assert np.isclose(ips, 0.3125), (
    f"With a model of 0 one click counts .5 / .8 in two lists; got {ips:.4f}."
)
perfect = float(doubly_robust(s * g, s, m, t, g))
assert np.isclose(perfect, 0.75), (
    f"No surprises, so the model's .75 should stand; got {perfect:.3f}."
)

# %% check="doubly_robust_truth" points=3
# Right with a wrong model, right with wrong weights
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(541)
n, k = 4_000, 12
theta = np.append(1 / np.arange(1, 7), np.zeros(6))
appeal = rng.beta(2, 6, (n, k))
preferred = (appeal + rng.normal(0, 0.3, (n, k))).argsort(axis=1).argsort(axis=1)
at_random = rng.random((n, k)).argsort(axis=1)
drawn = rng.random((n, 1)) < 0.3
s = theta[np.where(drawn, at_random, preferred)]
m = 0.7 * theta[preferred] + 0.3 * theta.mean()
t = theta[(-appeal).argsort(axis=1).argsort(axis=1)]
r = (rng.random((n, k)) < s * appeal).astype(float)
truth = (t * appeal).sum() / n
for said, logging, model in (
    ("a model that guesses twice the appeal", m, np.minimum(2 * appeal, 1)),
    ("a model that is noise", m, rng.random((n, k))),
    ("propensities that are half as large as stated", np.minimum(2 * m, 1), appeal),
    ("no support for some candidates", np.where(m < 0.05, 0, m), appeal),
):
    w = np.divide(t, logging, out=np.zeros_like(t), where=logging > 0)
    parts = (t * model + w * (r - s * model)).sum(axis=1)
    expected, noise = parts.mean(), parts.std() / np.sqrt(n)
    direct, residual = (t * model).sum() / n, (w * (r - s * model)).sum() / n
    wrong = {
        "the log does not correct the model's guess": [direct],
        "the model is added to IPS and never taken off": [direct + (w * r).sum() / n],
        "the surprise is r - g, as if all were looked at; at place k the model expects s g": [
            direct + (w * (r - model)).sum() / n,
            direct + (w * np.where(s > 0, r - model, 0)).sum() / n,
        ],
        "the surprise is r - m g, with the looks on average (look_logged); r comes from the list that "
        "was shown, so take off s g (look_shown)": [direct + (w * (r - logging * model)).sum() / n],
        "the model's part covers only what was shown; it must cover the new list": [
            (np.where(s > 0, t, 0) * model).sum() / n + residual,
            (s * model).sum() / n + residual,
        ],
        "the surprises carry no weight": [direct + (r - s * model).sum() / n],
    }
    value = float(doubly_robust(r, s, logging, t, model))
    story = f"with {said} you get {value:.3f}, planted is {truth:.3f} (standard error {noise:.3f})"
    for fault, values in wrong.items():
        assert not any(np.isclose(value, other, rtol=1e-7) for other in values), (
            f"{fault}: {story}."
        )
    assert abs(value - expected) <= 1e-6, (
        f"With {said} the formula gives {expected:.3f} on this log; you get {value:.3f}."
    )
### END HIDDEN TESTS

# %% [markdown]
# Our click model is a linear regression on the logged features. Its target is $r_j/s_j$, whose mean is the appeal $\gamma_j$, weighted by $s_j$.

# %%
features = np.stack([candidates[name] for name in feed.FEATURES], axis=-1)
was_shown = look_shown > 0
click_model = LinearRegression().fit(
    features[was_shown],
    reward[was_shown] / look_shown[was_shown],
    sample_weight=look_shown[was_shown],
)
guess = click_model.predict(features.reshape(-1, features.shape[-1])).reshape(reward.shape)
guess = np.clip(guess, 0, 1)

# %% play="off_policy_value, doubly_robust"
errors = {
    "yours of Exercise 4": (error_parts(markets(off_policy_value))[2], plots.NAIVE),
    "doubly robust": (error_parts(markets(doubly_robust, guess))[2], plots.HONEST),
}
fig, ax = plots.figure(height=3.2)
for name, (line, colour) in errors.items():
    ax.plot(FLOORS, line, "o-", color=colour, markersize=4)
    plots.label(ax, FLOORS[6], line[6], name, colour, xytext=(0, 14), ha="center")
ax.set(xscale="log", xlabel="floor on the logging probability of a look", ylim=(0, None))
ax.set_ylabel("error on 500 lists,\nclicks per list")
ax.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
ax.minorticks_off()
best = {name: line.min() for name, (line, _) in errors.items()}
ax.set_title(
    f"Error at the best floor: {best['yours of Exercise 4']:.2f}, with a click model "
    f"{best['doubly robust']:.2f}"
)
plots.show(
    fig,
    alt="Root mean squared error by floor. "
    + "; ".join(
        f"{name}: " + ", ".join(f"{e:.2f}" for e in line) for name, (line, _) in errors.items()
    ),
)

# %% [markdown]
# Without clipping, the gain is small: clicks are rare, and no model foresees single ones. With clipping the model fills in what the weights leave out. Here it is a good model, since production ranks by features that are logged. Where a ranker used what the log lacks, the model would be wrong without saying so.

# %% [markdown]
# ### Exercise 7 · Interleave (4 points)
#
# A fast *online* test: mix both rankers in every list and see whose videos are clicked. **Team draft**: in each round a fair coin decides which ranker picks first; each adds its best video that is not yet in the list, and owns its clicks.
#
# Write `team_draft(first, second, rng)`. `first` and `second` are arrays of video ids, (requests, places), best first, no repeats within a row. Return `(videos, team)`, both of that shape: the mixed lists, and 0 or 1 for the ranker that picked (`first` is 0). A new coin per round and request, from `rng` alone. If the number of places is odd, the last round ends after its first pick. Loops are fine.
#
# <small>Radlinski, Kurup & Joachims 2008.</small>


# %% exercise="team_draft"
def team_draft(first, second, rng):
    """Return interleaved lists, and the team (0 or 1) that picked each place."""
    ### BEGIN SOLUTION
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    heads = rng.integers(0, 2, first.shape)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken = set()
        for place in range(first.shape[1]):
            leader = heads[request, place - place % 2]
            picker = leader if place % 2 == 0 else 1 - leader
            best = next(video for video in rankings[picker] if video not in taken)
            taken.add(best)
            videos[request, place], team[request, place] = best, picker
    return videos, team
    ### END SOLUTION


# %% check="team_draft" points=1
# Lists without repeats, in which each ranker picks once per round
rng = np.random.default_rng(1)
first, second = (rng.random((40, 12)).argsort(axis=1)[:, :6] + 100 for _ in range(2))
videos, team = (np.asarray(part) for part in team_draft(first, second, np.random.default_rng(2)))
assert videos.shape == team.shape == (40, 6), f"Expected 40 x 6, got {videos.shape}, {team.shape}."
assert all(len(set(row)) == 6 for row in videos.tolist()), "A list shows the same video twice."
assert np.isin(team, [0, 1]).all(), f"Teams are 0 and 1; got {np.unique(team)}."
rounds = team.reshape(40, 3, 2).sum(axis=2)
assert (rounds == 1).all(), f"In {(rounds != 1).sum()} rounds one ranker picked twice."

# %% check="team_draft_picks" points=1
# Every pick is the best that its team had left, for odd lengths too
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(551)
for length, pool in ((7, 9), (10, 14)):
    first, second = (rng.random((300, pool)).argsort(axis=1)[:, :length] + 1 for _ in range(2))
    before = first.copy()
    videos, team = (np.asarray(p) for p in team_draft(first, second, np.random.default_rng(length)))
    assert videos.shape == team.shape == (300, length), f"Got shapes {videos.shape}, {team.shape}."
    assert (first == before).all(), "You changed the array `first`; work on a copy."
    bad = 0
    for rankings, shown, teams in zip(zip(first, second, strict=True), videos, team, strict=True):
        for place, (video, picker) in enumerate(zip(shown, teams, strict=True)):
            left = [v for v in rankings[int(picker)] if v not in set(shown[:place].tolist())]
            bad += int(video != left[0])
    assert bad == 0, (
        f"{bad} of {300 * length} picks are not the best video that the team had left: skip what is "
        "taken, do not jump to the row of the place."
    )
### END HIDDEN TESTS

# %% check="team_draft_fair" points=2
# A fair, fresh coin in every round of every request
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(552)
first, second = (rng.random((4_000, 9)).argsort(axis=1)[:, :6] for _ in range(2))
_, team = team_draft(first, second, np.random.default_rng(5))
_, again = team_draft(first, second, np.random.default_rng(5))
leads = np.asarray(team)[:, ::2].astype(float)
assert leads.shape == (4_000, 3), f"Expected teams of shape (4000, 6), got {np.shape(team)}."
assert np.array_equal(team, again), "Equal generators gave other teams; draw from `rng` alone."
share = leads.mean(axis=0)
opens = "Team 1 picks first in " + ", ".join(
    f"{100 * each:.0f} % of the lists in round {number}" for number, each in enumerate(share, 1)
)
fixed = bool(((share == 0) | (share == 1)).any())
calls = [team_draft(first[:1], second[:1], np.random.default_rng(seed)) for seed in range(12)]
openers = {tuple(np.asarray(team)[0, ::2].tolist()) for _, team in calls}
assert not fixed or len(openers) == 1, (
    f"One coin serves all requests of a call: {opens}. Toss for each request."
)
assert not fixed, (
    f"{opens}: without a coin the ranker that opens gets the better places, and wins against itself."
)
assert (leads.std(axis=1) > 0).any(), (
    "One coin decides the whole list: whoever wins it stands first in every round. Toss in each round."
)
switches = (leads[:, 1:] != leads[:, :-1]).mean()
assert switches <= 0.9, (
    f"The lead changes hands in {switches:.0%} of the rounds: you alternate. Toss in each round."
)
noise = 0.5 / np.sqrt(4_000)
assert (np.abs(share - 0.5) <= 5 * noise).all(), (
    f"Team 1 opens {share.round(3)}; the coin is unfair."
)
assert abs(switches - 0.5) <= 5 * noise, f"Coins depend on each other: {switches:.2f} switches."
rows_alike = (leads[1:] == leads[:-1]).mean()
assert abs(rows_alike - 0.5) <= 5 * noise, (
    f"Neighbouring requests share {rows_alike:.0%} of their coins: toss for each request."
)
### END HIDDEN TESTS

# %% [markdown]
# The rival is now a close one: production plus a nudge of .2 for the thumbnail, about 6 % better. How often does each test find that, at equal traffic? We serve all three once, and then draw smaller crowds of users from the results, 300 times each.


# %%
def credit_by_user(mix, old, new, world, **sizes):
    """Serve interleaved lists; return clicks for `new` minus clicks for `old`, by user."""
    rng, kept = np.random.default_rng(world), []

    def top(policy, requests, candidates):
        order = np.argsort(-policy(requests, candidates), axis=1, kind="stable")[:, :10]
        return np.take_along_axis(candidates["video_id"], order, axis=1)

    def mixed(requests, candidates):
        asked = (requests, candidates)
        videos, team = mix(top(old, *asked), top(new, *asked), rng)
        ids = np.repeat(requests["request_id"].to_numpy(), 10)
        shown = {"request_id": ids, "video_id": np.ravel(videos), "team": np.ravel(team)}
        kept.append(pd.DataFrame(shown))
        return videos

    served = feed.serve(mixed, world, **sizes)
    seen = feed.labelled(served.impressions, served.events)
    seen = seen.merge(pd.concat(kept), on=["request_id", "video_id"])
    return (seen["clicked"] * (2 * seen["team"] - 1)).groupby(seen["user_id"]).sum().to_numpy()


def power(credit, old, new, n_users, repeats=300):
    """Share of crowds in which interleaving, and an A/B test, find that `new` is better."""
    rng, half = np.random.default_rng(n_users), n_users // 2
    drawn = credit[rng.integers(0, len(credit), (repeats, n_users))]
    found = [drawn.mean(axis=1) > 1.96 * drawn.std(axis=1) / np.sqrt(n_users)]
    rates, variances = [], []
    for table in (old, new):
        crowd = table[rng.integers(0, len(table), (repeats, half))]
        clicks, sessions = crowd[..., 0], crowd[..., 1]
        rates.append(clicks.sum(axis=1) / sessions.sum(axis=1))
        gap = (clicks - rates[-1][:, None] * sessions) / sessions.mean(axis=1, keepdims=True)
        variances.append(gap.var(axis=1) / half)
    found.append(rates[1] - rates[0] > 1.96 * np.sqrt(variances[0] + variances[1]))
    return [float(each.mean()) for each in found]


nudge = feed.LinearPolicy(dict(feed.PRODUCTION.weights) | {"thumbnail_score": 0.2})
sizes = {"days": 7, "users": 3000, "first_day": 14}
totals = [
    feed.serve(policy, WORLD, keep_log=False, **sizes).users[["clicks", "sessions"]].to_numpy()
    for policy in (feed.PRODUCTION, nudge)
]

# %% play="team_draft"
credit = credit_by_user(team_draft, feed.PRODUCTION, nudge, WORLD, **sizes)
crowds = [50, 100, 200, 400, 800, 1600, 3200]
curves = np.array([power(credit, *totals, n_users) for n_users in crowds]).T
fig, ax = plots.figure(height=3.2)
for name, line, colour in zip(("interleaving", "A/B test"), curves, plots.PALETTE, strict=False):
    ax.plot(crowds, 100 * line, "o-", color=colour, markersize=4)
    at = 1 if name == "interleaving" else 5
    plots.label(ax, crowds[at], 100 * line[at], name, colour, xytext=(10, -6))
ax.axhline(80, color=plots.QUIET, linewidth=1, linestyle="--")
ax.set(xscale="log", xlabel="users in the test, one week", ylim=(0, 105))
ax.set_ylabel("found the better ranker,\n% of 300 tests")
ax.set_xticks(crowds, [f"{n:,}" for n in crowds])
ax.minorticks_off()
ax.set_title(f"With 400 users: interleaving {curves[0][3]:.0%}, A/B test {curves[1][3]:.0%}")
plots.show(
    fig,
    alt="Power by number of users. "
    + "; ".join(
        f"{n:,} users: interleaving {i:.0%}, A/B {a:.0%}"
        for n, i, a in zip(crowds, *curves, strict=True)
    ),
)

# %% [markdown]
# Everyone compares both rankers within one list, so differences between users (one in a hundred clicks about nine times as much as the median) drop out. The price: interleaving says who wins clicks, not by how much, and nothing about who comes back tomorrow.

# %% [markdown]
# ## Play it again
#
# A dozen rankers that never ran. For each: the naive NDCG and your estimate, both from the *old* logs and relative to production; then the world serves it to all users for two later weeks. Bars are 95 % intervals, horizontal ones from 20 groups of users, vertical ones over users; some are shorter than their dot.

# %%
MENU = {
    "A": A,
    "B": B,
    "clickbait": feed.CLICK_POLICY,
    "quality": feed.SATISFACTION_POLICY,
    "thumbnail": feed.LinearPolicy({"thumbnail_score": 1.0}),
    "halfway": feed.LinearPolicy(
        {"topic_match": 0.3, "popularity_score": 0.6, "thumbnail_score": 0.4}
    ),
    "contrarian": feed.LinearPolicy(
        {"topic_match": 0.6, "popularity_score": -0.5, "thumbnail_score": 0.6}
    ),
    "nudge": nudge,
    "local": feed.LinearPolicy({"same_country": 1.0, "topic_match": 0.3}),
    "popular": feed.LinearPolicy({"popularity_score": 1.0}),
    "newest": feed.LinearPolicy({"age_days": -1.0}),
    "random": feed.LinearPolicy(noise=1.0, noise_seed=3),
}
later = {"days": 14, "users": 6000, "first_day": 14, "keep_log": False}
base = feed.serve(feed.PRODUCTION, WORLD, **later).users
served = {
    name: lift(feed.serve(policy, WORLD, **later).users, base) for name, policy in MENU.items()
}
group = requests["user_id"].to_numpy() % 20
PARTS = [np.ones(len(group), dtype=bool), *(group == number for number in range(20))]


def lift_with_error(new, old):
    """Lift on all requests, and its standard error over 20 groups of users; from one value each."""
    lifts = np.divide(new, old) - 1
    return float(lifts[0]), float(lifts[1:].std(ddof=1) / np.sqrt(20))


def ndcg_of(policy):
    """Naive NDCG of a policy on all logged lists, and on those of each group of users."""
    place = places_in_list(policy, rows, requests, candidates)
    return [logged_ndcg(clicked[part & ranked], place[part & ranked]) for part in PARTS]


def value_of(estimator, policy):
    """Estimated clicks per list of a policy on all requests, and on those of each group."""
    look_new = looks_under(policy, requests, candidates, THETA)
    tables = (reward, look_shown, look_logged, look_new)
    return [float(estimator(*(table[part] for table in tables))) for part in PARTS]


ndcg_of_production = ndcg_of(feed.PRODUCTION)
naive_lift = {
    name: lift_with_error(ndcg_of(policy), ndcg_of_production) for name, policy in MENU.items()
}


def draw_flagship(estimates):
    """Offline promise against online lift: naive NDCG, and off-policy estimates."""
    fig, ax = plots.figure(width=7.4, height=6.4)
    ax.grid(visible=False)
    ax.plot((-60, 60), (-60, 60), color=plots.QUIET, linewidth=1.2, linestyle="--", zorder=1)
    ax.text(33.5, 35.5, "promise kept", color=plots.QUIET, rotation=45, rotation_mode="anchor")
    for line in (ax.axhline, ax.axvline):
        line(0, color="#D5D5D5", linewidth=1, zorder=0)
    miss = {"naive": [], "yours": []}
    for name, (promised, error) in estimates.items():
        came, tall = 100 * served[name][0], 196 * served[name][1]
        before, now, wide = 100 * naive_lift[name][0], 100 * promised, 196 * error
        ax.plot([before, now], [came, came], color="#E4E4E4", linewidth=1.2, zorder=0)
        for at, spread, colour in (
            (before, 196 * naive_lift[name][1], plots.NAIVE),
            (now, wide, plots.HONEST),
        ):
            bars = {"fmt": "o", "color": colour, "markersize": 7, "elinewidth": 1.4, "zorder": 3}
            ax.errorbar(at, came, xerr=spread, yerr=tall, **bars)
        plots.label(ax, now + wide, came, name, plots.HONEST)
        miss["naive"].append(abs(before - came))
        miss["yours"].append(abs(now - came))
    ax.set(xlim=(-42, 51), ylim=(-31, 48), aspect="equal")
    ax.set(xlabel="promised offline: change against production, %")
    ax.set_ylabel("delivered online: clicks per session against production, %")
    for place, colour, what, says in (
        ((-40, 44), plots.NAIVE, "NDCG on the logs", "says who resembles production"),
        ((9, -24), plots.HONEST, "your estimate, same logs", "says what will happen"),
    ):
        ax.text(*place, what, color=colour, fontsize=13, weight="bold")
        ax.text(place[0], place[1] - 3.5, says, color=colour, fontsize=10)
    naive_miss, own_miss = np.mean(miss["naive"]), np.mean(miss["yours"])
    ax.set_title(f"NDCG misses by {naive_miss:.0f} points, your estimate by {own_miss:.1f}")
    plots.show(
        fig,
        alt="Change promised offline against lift delivered online for twelve rankers, in per cent. "
        + "; ".join(
            f"{name}: NDCG {100 * naive_lift[name][0]:+.0f}, estimate {100 * promised:+.0f}, "
            f"online {100 * served[name][0]:+.0f}"
            for name, (promised, _) in estimates.items()
        ),
    )


# %% play="off_policy_value"
as_today = value_of(off_policy_value, feed.PRODUCTION)
estimates = {
    name: lift_with_error(value_of(off_policy_value, policy), as_today)
    for name, policy in MENU.items()
}
draw_flagship(estimates)

# %% [markdown]
# Orange: NDCG on the logs calls every one of the twelve worse than production, and likes best those that resemble it. Blue: the same clicks, weighted by how likely they were to be seen. Seven of the twelve are better than production, one by a third; the logs knew it all along.

# %% check="off_policy_value_online" points=2
# In worlds not seen before, your lift is the one that serving brings, and the winner is named
### BEGIN HIDDEN TESTS
contests = (
    (561, 0.15, 5, 3000, {"A": A, "B": B, "quality": feed.SATISFACTION_POLICY}),
    (562, 0.05, 8, 6000, {"B": B}),
)
for seed, share, days, n_users, rivals in contests:
    log = feed.labelled(*feed.log(seed, days=days, users=n_users, randomised_share=share))
    asked, found = feed.request_batch(seed, log["request_id"].to_numpy()[::10])
    theta = feed.true_examination()
    r = by_candidate(log, found, log["clicked"])
    s = by_candidate(log, found, theta[log["position"] - 1])
    m = logged_looks(asked, found, theta, share)
    policies = [feed.PRODUCTION, *rivals.values()]
    looks = [looks_under(policy, asked, found, theta) for policy in policies]
    noise = [(t / m * r).sum(axis=1).std() / np.sqrt(len(r)) for t in looks]
    online_users = [
        feed.serve(policy, seed, days=days, users=n_users, first_day=days, keep_log=False).users
        for policy in policies
    ]
    came = [lift(each, online_users[0]) for each in online_users[1:]]
    values = [float(off_policy_value(r, s, m, t)) for t in looks]
    where = f"World {seed}, with a bucket of {share:.0%}"
    assert min(values) > 0, f"{where}: clicks per list are positive; you estimate {values}."
    lifts = [value / values[0] - 1 for value in values[1:]]
    for name, own, (change, error), se in zip(rivals, lifts, came, noise[1:], strict=True):
        allowed = 4 * np.hypot(se, error) + 0.03
        assert abs(own - change) <= allowed, (
            f"{where}: you promise {own:+.1%} for {name}, serving it brings {change:+.1%}."
        )
    names = list(rivals)
    best = names[int(np.argmax([change for change, _ in came]))]
    named = names[int(np.argmax(lifts))]
    assert named == best, f"{where}: you name {named} the winner, but {best} wins."
### END HIDDEN TESTS

# %% [markdown]
# ## Decide
#
# Now a larger experiment on the two most promising, about 10,000 users in each arm, and your estimate beside it. The right columns count what no list tells: all clicks per user in the two weeks, and who comes back the next day.

# %% play="off_policy_value"
finalists = {"production": feed.PRODUCTION, "B": B, "clickbait": feed.CLICK_POLICY}
final = feed.experiment(finalists, WORLD, first_day=28, days=14, users=30_000, salt="final")
groups = dict(tuple(final.users.groupby("arm", observed=True)))
summary = {}
for name in ("B", "clickbait"):
    change, error = lift(groups[name], groups["production"])
    clicks = groups[name]["clicks"].mean() / groups["production"]["clicks"].mean()
    summary[name] = {
        "estimated": f"{estimates[name][0]:+.0%}",
        "experiment": f"{change:+.0%} ({change - 1.96 * error:+.0%} to {change + 1.96 * error:+.0%})",
        "all_clicks": f"{clicks - 1:+.0%}",
    }
come_back = final.days.groupby("arm", observed=True)["retention"].mean()
print(f"production: {come_back['production']:.1%} of a day's users come back on the next")
pd.DataFrame(summary).T.assign(come_back=come_back.map("{:.1%}".format))

# %% [markdown]
# ### Exercise 8 · Explain, and ship (7 points)
#
# Advertisers pay for *all clicks of the two weeks*, not per session. At most one percentage point of next-day return may be lost. Return a dict:
#
# | key | one of |
# |---|---|
# | `bias`: why A won offline | `"overfitting"`, `"position_bias"`, `"selection_bias"`, `"sample_ratio_mismatch"` |
# | `remedy` | `"more_logs"`, `"regularise_the_rankers"`, `"randomise_and_weight"`, `"interleave"` |
# | `ship` | a name of `MENU` |
# | `stop_on`: the metric whose fall below production's by more than its margin ends the roll-out | `"clicks_per_session"`, `"watch_seconds"` (per session), `"next_day_return"`, `"logged_ndcg"` |
#
# More than one answer may be accepted. Margins: one percentage point for `next_day_return`, 3 % of production's value for the others.


# %% exercise="my_decision"
def my_decision():
    """Return why A won offline, what to do about it, what to ship, and what stops it."""
    ### BEGIN SOLUTION
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "B",
        "stop_on": "next_day_return",
    }
    ### END SOLUTION


# %% check="my_decision" points=1
# The decision is complete
decision = my_decision()
assert isinstance(decision, dict), f"Return a dict, not {decision!r}."
missing = {"bias", "remedy", "ship", "stop_on"} - set(decision)
assert not missing, f"The decision lacks {sorted(missing)}."
assert decision["ship"] in MENU, f"{decision['ship']!r} is no ranker of MENU: {list(MENU)}."

# %% check="my_decision_diagnosis" points=2
# The bias and its remedy explain what the logs did
### BEGIN HIDDEN TESTS
decision = my_decision()
assert isinstance(decision, dict), f"Expected a dict, got {decision!r}."
assert {"bias", "remedy"} <= set(decision), f"The decision lacks bias or remedy: {decision!r}."
leads = {}
for days, first_day in ((2, 0), (12, 0), (3, 40)):
    shown, followed = feed.log(571, days=days, users=2500, first_day=first_day)
    log = feed.labelled(shown, followed)
    asked, found = feed.request_batch(571, log["request_id"].to_numpy()[::10])
    clicks = log["clicked"].to_numpy().reshape(-1, 10).astype(int)
    by_ranker = [logged_ndcg(clicks, places_in_list(p, log, asked, found)) for p in (A, B)]
    leads[days] = by_ranker[0] - by_ranker[1]
arms_counted = test.users["arm"].value_counts()
assert decision["bias"] != "overfitting", (
    f"Not overfitting: on new days, which neither ranker has seen, A still leads by {leads[3]:.3f} "
    "NDCG. The fault is in the clicks that the metric trusts."
)
assert decision["bias"] != "sample_ratio_mismatch", (
    f"No sample ratio mismatch: the arms had {arms_counted.tolist()} users, and A led before any test."
)
assert decision["bias"] in ("position_bias", "selection_bias"), (
    f"Unknown bias {decision['bias']!r}."
)
assert decision["remedy"] != "more_logs", (
    f"More of the same: with 2 days of logs A leads by {leads[2]:.3f}, with 12 days by {leads[12]:.3f}."
)
assert decision["remedy"] != "regularise_the_rankers", (
    f"The rankers are not at fault: unchanged, on new days, the metric is wrong by {leads[3]:.3f} "
    "again. Change how you measure."
)
assert decision["remedy"] in ("randomise_and_weight", "interleave"), (
    f"Unknown remedy {decision['remedy']!r}."
)
### END HIDDEN TESTS

# %% check="my_decision_outcome" points=3
# Served for two weeks in fresh worlds, the choice earns clicks and keeps users
### BEGIN HIDDEN TESTS
decision = my_decision()
assert isinstance(decision, dict), f"Expected a dict, got {decision!r}."
assert decision.get("ship") in MENU, f"{decision.get('ship')!r} is no ranker of MENU."
contenders = {"production": feed.PRODUCTION, "B": B, decision["ship"]: MENU[decision["ship"]]}
clicks, back = {}, {}
for name, policy in contenders.items():
    days = [feed.serve(policy, seed, users=3000, keep_log=False).days for seed in (572, 573)]
    clicks[name] = sum(day["clicks"].sum() for day in days)
    back[name] = np.mean([day["retention"].mean() for day in days])
own, gain = decision["ship"], clicks[decision["ship"]] / clicks["production"] - 1
lost = back["production"] - back[own]
assert lost <= 0.01, (
    f"{own} costs {100 * lost:.1f} points of next-day return ({back[own]:.1%} in place of "
    f"{back['production']:.1%}); its {gain:+.0%} clicks are borrowed from next month."
)
best = clicks["B"] / clicks["production"] - 1
assert gain >= 0.9 * best, (
    f"{own} brings {gain:+.0%} clicks in two weeks; a ranker that keeps users as well brings {best:+.0%}."
)
### END HIDDEN TESTS

# %% check="my_decision_stop" points=1
# The metric stops a harmful ranker, and lets a good one pass
### BEGIN HIDDEN TESTS
decision = my_decision()
assert isinstance(decision, dict), f"Expected a dict, got {decision!r}."
metric = decision.get("stop_on")
known = ["clicks_per_session", "watch_seconds", "next_day_return", "logged_ndcg"]
assert metric in known, f"{metric!r} is none of {known}."
falls = {}
for name, policy in (("production", feed.PRODUCTION), ("clickbait", feed.CLICK_POLICY), ("B", B)):
    days = feed.serve(policy, 574, users=3000, keep_log=False).days
    sessions = days["sessions"].sum()
    falls[name] = {
        "clicks_per_session": days["clicks"].sum() / sessions,
        "watch_seconds": days["watch_seconds"].sum() / sessions,
        "next_day_return": days["retention"].mean(),
        "logged_ndcg": naive["production"]
        * (1 + (naive_lift[name][0] if name in naive_lift else 0)),
    }
base = falls["production"][metric]
margin = 0.01 if metric == "next_day_return" else 0.03 * base
stops = {name: base - falls[name][metric] > margin for name in ("clickbait", "B")}
assert not stops["B"], (
    f"{metric} would have stopped B ({falls['B'][metric]:.3g} against {base:.3g}), which is better."
)
assert stops["clickbait"], (
    f"{metric} would not have stopped clickbait ({falls['clickbait'][metric]:.3g} against "
    f"{base:.3g}), which drives {falls['production']['next_day_return'] - falls['clickbait']['next_day_return']:.1%} "
    "of the users away each day."
)
### END HIDDEN TESTS

# %% [markdown]
# ## Take away
#
# 1. Logged clicks are answers to questions that production asked. A metric on them rewards whoever asks the same.
# 2. A small randomised bucket and its propensities turn the same log into an experiment for rankers that never ran; support says for which.
# 3. An off-policy estimate replaces a test of one session. It does not see tomorrow: next-day return still needs the experiment.

# %% [markdown]
# **Where this breaks.** Here people look by position alone, and all alike. Real users trust high ranks, stop after a good video, and look differently on each surface; then $\theta$ depends on more than the rank. The bucket is not free: a random list earns about a quarter fewer clicks. And the estimate holds users fixed: it knows nothing of habits, novelty, or creators who react.

# %% [markdown]
# ## Say it in an interview
#
# *'Your new model wins offline and loses online. What do you do?'* Answer aloud in a minute, then compare.
#
# <details><summary>A strong answer</summary>
#
# 'First I check the experiment: sample ratio, unit, novelty. Then the metric. Our logs come from a position-biased ranker, so NDCG on them measures agreement with it. I take examination by rank from a randomised bucket, never from ranked traffic, and weigh clicks by the chance that they were seen. I check support and effective sample size before I read the estimate, clip or add a click model if the weights are wild, and validate the estimator against past experiments: estimate against lift, on the diagonal. Primary metric: all clicks; guardrail: next-day return, which only an experiment shows.'
#
# </details>
#
# **Self-check:** one point each for checking the test itself, the mechanism, where propensities come from, support, and a guardrail that the estimate cannot see.
#
# **Follow-up 1.** 'Legal forbids random lists. What flips?'
#
# <details><summary>Compare</summary>Production must be random where it hardly matters: swap neighbours, or draw from a softmax over its scores, and log the propensities. Support shrinks to what it might show; for rankers beyond that, interleaving or a small A/B test is the only honest answer.</details>
#
# **Follow-up 2.** 'The reward is now a purchase three weeks later. What flips?'
#
# <details><summary>Compare</summary>Far fewer positive rows: effective sample size falls below use, and the doubly robust estimate leans on its model. Estimate a proxy that arrives early (long watches), show on past experiments that it moves with purchases, and wait for the labels to mature before the final call.</details>
#
# The worked notebook: [solutions/m5_evaluation/offline_vs_online.ipynb](../../solutions/m5_evaluation/offline_vs_online.ipynb).
