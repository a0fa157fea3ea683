# %% [markdown]
# # Batch or online: serving a ranker
#
# A short-video app fills its feed from a table that is computed every night. The ranking team has a better idea: rank when the user opens the app. The load test answers in 6 ms and one replica seems to carry the evening peak, so the launch is tonight. Each hour of a broken feed costs 40,000 € in lost advertising.
#
# **You will be able to** *size* a server by its tail instead of its mean, *build* and tune an approximate index, *release* a model so that it rolls itself back.
#
# 30 points · about 75 minutes · builds on: percentiles, rates, nearest neighbours

# %%
import textwrap

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingClassifier

from course import plots, serving
from course.serving.figures import draw_loads, draw_recall, draw_servers
from course.worlds import feed, traffic

# %% [markdown]
# ## A design that looks fine
#
# The ranker learns clicks from two days of the app's log. It is exported to ONNX and served by ONNX Runtime, behind an HTTP server that speaks the Open Inference Protocol: the same requests would be understood by Triton or KServe. All of it runs on your machine, on 127.0.0.1; open `course/serving/` to read it.

# %%
impressions, events = feed.log(1, days=2, users=1_500, log_features=True)
rows = feed.labelled(impressions, events)
FEATURES = list(feed.FEATURES)
ranker = GradientBoostingClassifier(n_estimators=40, subsample=0.3, random_state=0)
ranker.fit(rows[FEATURES].to_numpy(), rows["clicked"])
lists = rows[FEATURES].to_numpy(np.float32)[:2_000].reshape(200, 10, len(FEATURES))
request = serving.infer_request(lists[0][:2])
print("POST /v2/models/ranker/infer")
print(textwrap.shorten(str(request), 150))

# %% [markdown]
# A run of the model takes about 5 ms: 4 ms to launch it (the server adds these, standing in for an accelerator that your machine may not have), the rest for the work. So the team reckons: 1,000 / 5 = 200 requests per second, and the peak is 190. The load test, at 40 per second:

# %%
SERVICE_MS, PEAK, LIMIT_MS = 5.0, 190, 60.0
trial = traffic.load_test(1, (40,), service_ms=SERVICE_MS)
print(f"mean latency at 40 requests per second: {trial['latency_ms'].mean():.1f} ms")
print(f"99 % of the requests take at most {trial['latency_ms'].quantile(0.99):.1f} ms")
print(f"the product asks for {LIMIT_MS:.0f} ms; capacity {1_000 / SERVICE_MS:.0f}/s, peak {PEAK}/s")

# %% [markdown]
# ### Exercise 1 · Commit to a prediction (1 point)
#
# Tonight the peak of 190 requests per second meets one replica. What becomes of the p99, 19 ms in the load test? Return one of these names.
#
# | name | p99 at the peak |
# |---|---|
# | `"as_tested"` | about the same: the replica is not yet full |
# | `"twice"` | about twice as long |
# | `"proportional"` | about five times: so much more is offered |
# | `"far_more"` | ten times or more |
#
# Any of the four gets the point.


# %% exercise="my_prediction"
def my_prediction():
    """Return the name of what I expect of the p99."""
    ### BEGIN SOLUTION
    return "far_more"
    ### END SOLUTION


# %% check="my_prediction" points=1
# One of the four names is chosen
choice = my_prediction()
names = ("as_tested", "twice", "proportional", "far_more")
assert isinstance(choice, str), f"Return one of the four names as text, not {choice!r}."
assert choice in names, f"{choice!r} is none of {', '.join(names)}."

# %% [markdown]
# ## The evening
#
# The next cell starts the server as a process of its own, offers four loads for half a second each, and stops it. Requests leave at their moment whether or not earlier ones are answered, as real users do. If no server can start within 5 s, the figure shows recorded timings and says so. The right panel simulates the same server for a longer evening.


# %% play="my_prediction"
LOADS = (40, 120, 180, 240)
bursts = {f"{load} / s": serving.Burst(rate=load, seed=load) for load in LOADS}
timings = serving.measure(ranker, lists, bursts, recorded="load")
long_run = traffic.load_test(1, (40, 80, 120, 160, 180, 190), service_ms=SERVICE_MS)
print("You expected:", my_prediction())
draw_loads(timings, LOADS, long_run, LIMIT_MS)

# %% [markdown]
# Nothing is slower; requests **wait**. Arrivals come in clumps, and the fuller the server, the longer a clump takes to drain. With utilisation $\rho$ (load over capacity) the mean time in system of the simplest queue (M/M/1) is $1/(1-\rho)$ service times; the tail is worse.

# %%
for utilisation in (0.5, 0.8, 0.95):
    rng = np.random.default_rng(5)
    gaps, work = rng.exponential(1 / utilisation, 400_000), rng.exponential(1.0, 400_000)
    mean = traffic.waiting_room(np.cumsum(gaps), work).mean()
    print(
        f"utilisation {utilisation:.2f}: {mean:5.1f} service times, theory {1 / (1 - utilisation):4.0f}"
    )

# %% [markdown]
# <small>Erlang 1917; by Little's law (Little 1961) the number in the system is load times mean time in it.</small>
#
# ### Exercise 2 · The highest safe load (4 points)
#
# Write `highest_safe_load(samples, limit_ms)`. `samples` has one row per request of a load test: `offered_per_s`, `repeat` (several runs per load, of different length), `latency_ms` (`NaN`: the client gave up; that is slower than any limit).
#
# A load **holds** if at least 99 % of all its requests, repeats pooled, take at most `limit_ms`. Return the largest load that holds and below which all tested loads hold too, or 0 if the smallest fails.
#
# <details><summary>Hint 1: the idea</summary>Percentiles of parts cannot be averaged; counts of requests within the limit can be added.</details>
# <details><summary>Hint 2: the tool</summary><code>(samples["latency_ms"] &lt;= limit_ms).groupby(samples["offered_per_s"]).mean()</code>; a comparison with NaN is False.</details>


# %% exercise="highest_safe_load"
def highest_safe_load(samples, limit_ms):
    """Return the largest load up to which 99 % of the requests keep the limit."""
    ### BEGIN SOLUTION
    within = (samples["latency_ms"] <= limit_ms).groupby(samples["offered_per_s"]).mean()
    safe = 0.0
    for load, share in within.sort_index().items():
        if share < 0.99:
            break
        safe = load
    return safe
    ### END SOLUTION


# %% check="highest_safe_load" points=1
# It is a tested load, and a stricter limit never allows more
samples = traffic.load_test(21, (40, 80, 120, 160))
before = samples.copy()
strict, loose = (float(highest_safe_load(samples, limit)) for limit in (20.5, 1_000.0))
assert strict in (0, 40, 80, 120, 160), f"{strict:g} is none of the loads that were tested."
assert loose == 160, (
    f"All requests take less than 1,000 ms at every load, but you allow {loose:g}/s."
)
assert strict < loose, f"With a limit of 20.5 ms you still allow {strict:g} requests per second."
assert samples.equals(before), "Your function changed `samples`; work on a copy."


# %% check="highest_safe_load_pooled" points=2
# Percentiles are taken over all requests of a load, not over means or parts
### BEGIN HIDDEN TESTS
def made(seed, loads):
    """Return samples with planted counts: per load, repeats of (fast, slow, given up)."""
    rng, parts = np.random.default_rng(seed), []
    for load, repeats in loads.items():
        for number, (fast, slow, lost) in enumerate(repeats):
            latency = np.r_[
                rng.uniform(5, 15, fast), rng.uniform(200, 300, slow), np.full(lost, np.nan)
            ]
            part = {"offered_per_s": float(load), "repeat": number, "latency_ms": latency}
            parts.append(pd.DataFrame(part))
    table = pd.concat(parts)
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


warm_up = [(3_000, 3, 0), (3_000, 3, 0), (100, 20, 0)]
uneven = [(9_000, 300, 0), *[(100, 0, 0)] * 9]
cases = (
    (51, {50: [(900, 2, 0)] * 3, 90: [(900, 30, 0)] * 2}, 50),
    (52, {50: [(900, 2, 0)] * 3, 70: warm_up, 90: [(900, 300, 0)] * 2}, 70),
    (53, {30: [(900, 1, 0)] * 2, 60: uneven, 80: [(900, 400, 0)]}, 30),
)
for seed, loads, expected in cases:
    samples = made(seed, loads)
    got = float(highest_safe_load(samples, 60.0))
    pooled = samples.groupby("offered_per_s")["latency_ms"]
    slow = ", ".join(f"{(g > 60).mean():.1%} at {load:.0f}/s" for load, g in pooled)
    assert not (seed == 51 and got == 90), (
        f"You allow 90/s, where {(pooled.get_group(90.0) > 60).mean():.1%} of the requests break the "
        f"limit: the mean ({pooled.mean().loc[90.0]:.0f} ms) or the median hides the tail."
    )
    assert not (seed == 52 and got == 50), (
        f"You stop at 50/s because one short repeat was slow: the p99 of repeats was averaged. "
        f"Pool the requests; slow are {slow}."
    )
    assert not (seed == 53 and got == 60), (
        f"You allow 60/s: nine short repeats were quick, but a mean of p99s is no p99. Slow are {slow}."
    )
    assert got == expected, f"You return {got:g}/s; slow requests are {slow}."
### END HIDDEN TESTS


# %% check="highest_safe_load_lost" points=1
# Requests without an answer count, and luck above a failing load does not
### BEGIN HIDDEN TESTS
def planted(counts):
    """Return samples: per load the number of fast, slow and lost requests."""
    parts = []
    for load, (fast, slow, lost) in counts.items():
        latency = np.r_[np.full(fast, 9.0), np.full(slow, 250.0), np.full(lost, np.nan)]
        parts.append(pd.DataFrame({"offered_per_s": load, "repeat": 0, "latency_ms": latency}))
    return pd.concat(parts, ignore_index=True)


lost = float(highest_safe_load(planted({20.0: (900, 1, 0), 40.0: (900, 2, 100)}), 60.0))
assert lost != 40, (
    "At 40/s, 100 of 1,002 requests were given up, and you call it safe: without the lost ones only "
    "survivors are left. A request without an answer is slower than any limit."
)
assert lost == 20, f"99.9 % of the requests at 20/s keep the limit; you return {lost:g}/s."
lucky = planted({20.0: (900, 1, 0), 40.0: (900, 60, 0), 60.0: (900, 2, 0)})
got = float(highest_safe_load(lucky, 60.0))
assert got != 60, "You allow 60/s although 40/s already fails: a lucky run above a failing load."
assert got == 20, f"40/s fails and 20/s holds, but you return {got:g}/s."
none = float(highest_safe_load(planted({20.0: (900, 60, 0), 40.0: (900, 2, 0)}), 60.0))
assert none == 0, f"The smallest load fails, so the answer is 0; you return {none:g}/s."
### END HIDDEN TESTS

# %% play="highest_safe_load"
tested = traffic.load_test(2, tuple(range(60, 200, 10)), service_ms=SERVICE_MS)
safe = highest_safe_load(tested, LIMIT_MS)
print(f"one replica is safe up to {safe:.0f}/s, {safe * SERVICE_MS / 1e3:.0%} of its capacity")
print(f"the peak of {PEAK}/s takes {int(np.ceil(PEAK / safe))} replicas, not 1")

# %% [markdown]
# ## A hundred calls per request
#
# Features come from a store that is spread over 100 machines, and a request waits for the slowest. If one call in a hundred is slow, $1 - 0.99^{100} = 63\,\%$ of the requests are. To have 99 % of the requests quick, each machine must be quick in $0.99^{1/100}$, or 99.99 % of its calls.
#
# A **hedged request** sends a second copy of a call that has not been answered after some delay; the first answer counts (Dean and Barroso 2013).

# %%
first, second = traffic.calls(1, 1_000)
print(f"calls above 50 ms:    {(first > 50).mean():.1%}")
print(f"requests above 50 ms: {(first.max(axis=1) > 50).mean():.1%}")
print(
    f"median of the calls {np.median(first):.0f} ms, of the requests {np.median(first.max(axis=1)):.0f} ms"
)

# %% [markdown]
# ### Exercise 3 · Plan a hedge (4 points)
#
# Write `plan_hedge(first, second, budget)`. `first` and `second` have shape (requests, calls): the latency in ms of each call, and of a copy, counted from when the copy is sent. At most a share `budget` of the calls may send a copy.
#
# Return a dict: `delay_ms` (long enough for the budget, and as short as it allows or a little longer, at most the p99 of the calls), `extra_load` (share of the calls that then send a copy), `median_ms` (median over requests of the slowest hedged call).
#
# <details><summary>Hint 1: the idea</summary>A call is copied if it takes longer than the delay, so the budget says which quantile the delay is. The original still runs and may win.</details>
# <details><summary>Hint 2: the tool</summary><code>np.quantile(first, 1 - budget)</code>; a copied call takes <code>np.minimum(first, delay + second)</code>.</details>


# %% exercise="plan_hedge"
def plan_hedge(first, second, budget):
    """Return the delay of a hedge, the load that it adds, and the median of the requests."""
    ### BEGIN SOLUTION
    delay = np.quantile(first, 1 - budget)
    copied = first > delay
    hedged = np.where(copied, np.minimum(first, delay + second), first)
    return {
        "delay_ms": delay,
        "extra_load": copied.mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }
    ### END SOLUTION


# %% check="plan_hedge" points=1
# The plan is complete, and a smaller budget waits longer
first, second = traffic.calls(31, 400, slow_share=0.006)
plans = [plan_hedge(first, second, budget) for budget in (0.05, 0.02)]
for plan in plans:
    assert isinstance(plan, dict), f"Return a dict, not {type(plan).__name__}."
    missing = {"delay_ms", "extra_load", "median_ms"} - set(plan)
    assert not missing, f"The plan lacks {sorted(missing)}."
waits = [float(plan["delay_ms"]) for plan in plans]
assert 0 <= waits[0] <= waits[1], (
    f"Budgets of 5 % and 2 % wait {waits[0]:.1f} and {waits[1]:.1f} ms."
)

# %% check="plan_hedge_delay" points=2
# On fresh calls the hedge keeps its budget and cuts the slow requests
### BEGIN HIDDEN TESTS
for seed, budget, scale in ((61, 0.05, 1.0), (62, 0.03, 4.0)):
    first, second = (scale * part for part in traffic.calls(seed, 1_500, slow_share=0.006))
    fresh, copy = (scale * part for part in traffic.calls(seed + 100, 1_500, slow_share=0.006))
    delay = float(plan_hedge(first, second, budget)["delay_ms"])
    copied = fresh > delay
    slowest = np.where(copied, np.minimum(fresh, delay + copy), fresh).max(axis=1)
    p95, before = np.quantile(slowest, 0.95), np.quantile(fresh.max(axis=1), 0.95)
    assert delay > 0, (
        f"A copy after {delay:g} ms means two of every call: {copied.mean():.0%} extra load."
    )
    assert not 0.3 < copied.mean() < 0.7, (
        f"After {delay:.1f} ms, about the median, {copied.mean():.0%} of the calls are copied; the "
        f"budget is {budget:.0%}."
    )
    assert copied.mean() <= 1.1 * budget, (
        f"After {delay:.1f} ms {copied.mean():.1%} of the calls are copied; the budget is {budget:.0%}."
    )
    assert p95 <= 0.5 * before, (
        f"The copy leaves after {delay:.0f} ms, when the harm is done: the p95 of the requests goes "
        f"from {before:.0f} to {p95:.0f} ms only."
    )
### END HIDDEN TESTS

# %% check="plan_hedge_effect" points=1
# Extra load and median are those of the delay
### BEGIN HIDDEN TESTS
for seed, budget in ((63, 0.05), (64, 0.02)):
    first, second = traffic.calls(seed, 800, slow_share=0.012)
    second = second + 15  # copies are dearer here, so that it shows who wins
    plan = plan_hedge(first, second, budget)
    delay, load, median = (float(plan[key]) for key in ("delay_ms", "extra_load", "median_ms"))
    copied = first > delay
    alternatives = {
        "You cancel the original when you send the copy; it still runs and may win": np.where(
            copied, delay + second, first
        ),
        "You count a copy from when it is sent; the user has waited the delay before": np.where(
            copied, np.minimum(first, second), first
        ),
        "Every call is given a copy's chance, but only late ones are copied": np.minimum(
            first, second
        ),
    }
    expected = np.median(np.where(copied, np.minimum(first, delay + second), first).max(axis=1))
    per_request = copied.any(axis=1).mean()
    assert abs(load - per_request) > 1e-3, (
        f"{load:.0%} is the share of requests with a copied call; the load is a share of calls."
    )
    assert abs(load - copied.mean()) <= 0.002, (
        f"You report {load:.2%} extra load; {copied.mean():.2%} of the calls exceed {delay:.1f} ms."
    )
    for story, calls in alternatives.items():
        value = np.median(calls.max(axis=1))
        assert abs(median - value) > 0.05 or abs(expected - value) <= 0.05, (
            f"{story}: {median:.1f} ms."
        )
    assert abs(median - np.median(first.max(axis=1))) > 0.05, (
        f"{median:.1f} ms is the median without a hedge."
    )
    assert abs(median - expected) <= 0.05, (
        f"You report a median of {median:.1f} ms, which is {abs(median - expected):.1f} ms away from "
        f"the slowest hedged calls at a delay of {delay:.1f} ms."
    )
### END HIDDEN TESTS

# %% play="plan_hedge"
first, second = traffic.calls(2, 1_000)
plan = plan_hedge(first, second, 0.02)
print(f"median of the requests {np.median(first.max(axis=1)):.0f} -> {plan['median_ms']:.0f} ms")
print(f"for {plan['extra_load']:.1%} more calls, sent after {plan['delay_ms']:.0f} ms")

# %% [markdown]
# ## Batches and caches
#
# A launch costs 4 ms whether it ranks one list or sixteen. **Dynamic batching** collects requests that wait, up to `max_batch`, for at most `max_wait_ms` after the first is picked. A run of $B$ takes $t_0 + B\,t_1$, so the server carries at most $B / (t_0 + B\,t_1)$ requests; the price is the wait.

# %%
LAUNCH_MS, PER_REQUEST_MS = 4.0, 0.3
settings = pd.DataFrame(
    [(1, 0), (4, 5), (8, 5), (16, 10), (16, 60), (32, 10), (64, 250)],
    columns=["max_batch", "max_wait_ms"],
)
busy = settings.copy()
busy["most_per_s"] = 1e3 * busy["max_batch"] / (LAUNCH_MS + busy["max_batch"] * PER_REQUEST_MS)
for load in (50, 600):
    latencies = [traffic.batcher(1, load, b, w) for b, w in settings.to_numpy()]
    busy[f"p99_at_{load}"] = [np.quantile(part, 0.99) for part in latencies]
busy.round(0).astype(int)

# %% [markdown]
# ### Exercise 4 · Choose batch size and wait (3 points)
#
# Write `choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms)`. `settings` has columns `max_batch`, `max_wait_ms`. Return one row's pair `(max_batch, max_wait_ms)` that
#
# 1. carries at least 1.2 times `rate` (requests per second) when all batches are full, and
# 2. has a p99 latency of at most `limit_ms` at `rate`.
#
# `traffic.batcher(seed, rate, max_batch, max_wait_ms, launch_ms=…, per_request_ms=…)` returns simulated latencies in ms. Any pair that meets both passes; in every table there is one, and none lies within 15 % of the limit.
#
# <details><summary>Hint</summary>Loop over the rows; compute the capacity by the formula and the p99 by simulation, and return the first row that meets both.</details>


# %% exercise="choose_batching"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    """Return a batch size and a wait that carry the rate within the limit."""
    ### BEGIN SOLUTION
    run = {"launch_ms": launch_ms, "per_request_ms": per_request_ms}
    for batch, wait in settings[["max_batch", "max_wait_ms"]].to_numpy():
        carried = 1_000 * batch / (launch_ms + batch * per_request_ms)
        latencies = traffic.batcher(0, rate, int(batch), wait, **run)
        if carried >= 1.2 * rate and np.quantile(latencies, 0.99) <= limit_ms:
            return int(batch), float(wait)
    raise ValueError("No setting carries the rate within the limit.")
    ### END SOLUTION


# %% check="choose_batching" points=1
# It is one of the rows
pair = choose_batching(settings, 600, LIMIT_MS, LAUNCH_MS, PER_REQUEST_MS)
assert len(pair) == 2, f"Return a pair (max_batch, max_wait_ms), not {pair!r}."
offered = {(int(b), float(w)) for b, w in settings.to_numpy()}
assert (int(pair[0]), float(pair[1])) in offered, f"{tuple(pair)} is no row of the settings."

# %% check="choose_batching_limits" points=2
# Under fresh conditions it carries the rate, and its tail keeps the limit
### BEGIN HIDDEN TESTS
# rate, limit, launch, per request; settings
cases = (
    (500, 60.0, 4.0, 0.3, [(32, 200), (1, 0), (2, 1), (8, 60), (8, 5), (64, 400), (16, 10)]),
    (300, 120.0, 12.0, 0.5, [(1, 0), (4, 2), (128, 900), (8, 5), (16, 10), (32, 250)]),
    (900, 20.0, 2.0, 0.2, [(1, 0), (2, 1), (64, 200), (32, 40), (4, 1), (8, 2)]),
)
for number, (rate, limit, launch, each, pairs) in enumerate(cases):
    table = pd.DataFrame(pairs, columns=["max_batch", "max_wait_ms"])
    pair = choose_batching(table, rate, limit, launch, each)
    batch, wait = int(pair[0]), float(pair[1])
    assert (batch, wait) in {(int(b), float(w)) for b, w in pairs}, f"{pair!r} is no row."
    carried = 1e3 * batch / (launch + batch * each)
    latency = traffic.batcher(
        700 + number, rate, batch, wait, launch_ms=launch, per_request_ms=each, requests=6_000
    )
    p99 = np.quantile(latency, 0.99)
    assert batch > 1 or carried >= rate, (
        f"Batches of 1 have the lowest latency on an idle server, but carry {carried:.0f}/s of the "
        f"{rate}/s that come: the queue grows without end."
    )
    assert carried >= 1.2 * rate, (
        f"Batches of {batch} carry {carried:.0f}/s; 1.2 x {rate}/s are asked for."
    )
    largest = batch == table["max_batch"].max()
    assert not (largest and p99 > limit), (
        f"Batches of {batch} have the largest throughput, {carried:.0f}/s, but with a wait of "
        f"{wait:g} ms the p99 is {p99:.0f} ms; the limit is {limit:g}."
    )
    assert not (p99 > limit and latency.mean() <= limit), (
        f"({batch}, {wait:g} ms): the mean of {latency.mean():.0f} ms keeps the limit of {limit:g}, the "
        f"p99 of {p99:.0f} ms does not."
    )
    assert p99 <= limit, f"({batch}, {wait:g} ms): the p99 is {p99:.0f} ms; the limit is {limit:g}."
### END HIDDEN TESTS

# %% [markdown]
# **A cache** answers repeated requests at once. Users are Zipf-distributed, so a few of them make most of the traffic: keeping lists for an hour answers about half. The *mean* latency mixes by the hit rate $h$; percentiles do not:

# %%
trace = traffic.cache_trace(1, 20_000, ttl_hours=1.0)
misses = traffic.load_test(3, (120,), service_ms=SERVICE_MS, requests=20_000, repeats=1)
latency = np.where(trace["hit"], 1.0, misses["latency_ms"])
hit_rate, miss_p99 = trace["hit"].mean(), misses["latency_ms"].quantile(0.99)
print(f"hit rate {hit_rate:.2f}, age of a cached list up to {trace['age_hours'].max():.1f} h")
print(f"h x 1 ms + (1 - h) x {miss_p99:.0f} ms = {hit_rate + (1 - hit_rate) * miss_p99:.0f} ms")
print(f"true p99 of all requests: {np.quantile(latency, 0.99):.0f} ms, nearly that of the misses")

# %% [markdown]
# ## Play it again
#
# Now the live server: 240 requests per second to the plain ranker, to one with your batching, and to one with a cache; then a server that stalls one answer in 25 for 80 ms, without and with a hedge at the delay that your plan finds in the unhedged burst.


# %% play="plan_hedge, choose_batching"
batch, wait = choose_batching(settings, 240, LIMIT_MS, LAUNCH_MS, PER_REQUEST_MS)
stalling = serving.Hosted(max_batch=16, stall_share=0.04, stall_ms=80)
hosted = {
    "plain": serving.Hosted(),
    "batched": serving.Hosted(max_batch=batch, max_wait_ms=wait),
    "cached": serving.Hosted(cache_seconds=60),
    "stalling": stalling,
}
bursts = {name: serving.Burst(240, model=name) for name in ("plain", "batched", "cached")}
bursts["stalling"] = serving.Burst(80, model="stalling")
before = serving.measure(ranker, lists, bursts, hosted, recorded="servers")
calls = before.requests.loc[before.requests["burst"] == "stalling", ["latency_ms"]].fillna(1e3)
delay = plan_hedge(calls.to_numpy(), calls.sample(frac=1, random_state=0).to_numpy(), 0.1)[
    "delay_ms"
]
hedged = {"hedged": serving.Burst(80, model="stalling", hedge_after_ms=float(delay), seed=1)}
after = serving.measure(ranker, lists, hedged, {"stalling": stalling}, recorded="hedged")
draw_servers([before, after])

# %% [markdown]
# ## Find candidates without reading everything
#
# Before ranking, retrieval looks for the videos nearest to a vector (Euclidean distance) among millions. Exact search compares with all of them. An **inverted file** (IVF) sorts the vectors into lists around centroids, and reads only the `n_probe` lists nearest to the query: about $n_{list} + n_{probe} N / n_{list}$ distances, least at $n_{list} = \sqrt{N\,n_{probe}}$.
#
# <small>Jégou, Douze and Schmid 2011.</small>

# %%
everything, topics = traffic.video_vectors(1, 3_200)
vectors, queries = everything[:3_000], everything[3_000:]  # queries are held out of the index
quantiser = KMeans(n_clusters=48, n_init=1, random_state=0).fit(vectors)
centroids, list_of = quantiser.cluster_centers_, quantiser.labels_
nobody, everyone = np.full(len(queries), -1), np.ones(len(vectors), dtype=bool)
print(
    f"{len(vectors):,} videos in 48 lists of {np.bincount(list_of).min()} to {np.bincount(list_of).max()}"
)

# %% [markdown]
# ### Exercise 5 · Search an inverted file (5 points)
#
# Write `ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe)`.
#
# | argument | meaning |
# |---|---|
# | `vectors` (N, d), `queries` (Q, d) | floats, not normalised |
# | `centroids` (L, d), `list_of` (N,) | the lists, and the list of each video |
# | `own` (Q,) | the query's own row in `vectors` ('more like this'), or -1 if it has none |
# | `allowed` (N,) | Boolean: may this video be shown in the user's country |
#
# Return `(found, scanned)`: rows of the `k` nearest videos that are allowed and not the query itself, nearest first, from the `n_probe` lists nearest to the query; shape (Q, k), `-1` where these lists hold too few. `scanned` (Q,): how many vectors you computed a distance to, centroids not counted; at most the size of the probed lists.
#
# <details><summary>Hint 1: the idea</summary>Per query: choose lists, then rows (in these lists, allowed, not own), then sort those by distance.</details>
# <details><summary>Hint 2: the tool</summary><code>np.flatnonzero(np.isin(list_of, near) &amp; allowed)</code>, <code>argsort</code>, and an array full of -1 to write into.</details>


# %% exercise="ivf_search"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    """Return the nearest allowed rows per query from the probed lists, and how many were read."""
    ### BEGIN SOLUTION
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        rows = rows[rows != own[number]]
        distances = ((vectors[rows] - query) ** 2).sum(axis=1)
        best = rows[distances.argsort()[:k]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned
    ### END SOLUTION


# %% check="ivf_search" points=1
# The answer has the stated shape, and every row comes from a probed list
found, scanned = ivf_search(vectors, centroids, list_of, queries, nobody, everyone, 10, 1)
found, scanned = np.asarray(found), np.asarray(scanned)
assert found.shape == (200, 10), (
    f"200 queries, k = 10: expected shape (200, 10), got {found.shape}."
)
assert scanned.shape == (200,), f"Expected one count per query, got shape {scanned.shape}."
nearest = ((queries[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
strangers = ((found >= 0) & (list_of[found] != nearest[:, None])).sum()
assert strangers == 0, f"{strangers} of the rows found lie outside the one list that was probed."
assert (scanned <= np.bincount(list_of)[nearest]).all(), (
    "You count more vectors than the list holds."
)

# %% check="ivf_search_exact" points=2
# With all lists probed it is exact search; with fewer it reads less
### BEGIN HIDDEN TESTS
both, _ = traffic.video_vectors(71, 1_560)
base, asked = both[:1_500], both[1_500:]
centres = base[:20] + 0.01  # any centroids will do
member = ((base[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
absent, all_of_them = np.full(60, -1), np.ones(1_500, dtype=bool)
squared = ((asked[:, None] - base) ** 2).sum(axis=2)
exact, products = squared.argsort(axis=1)[:, :8], (-asked @ base.T).argsort(axis=1)[:, :8]
farthest = (-squared).argsort(axis=1)[:, :8]
found, scanned = map(
    np.asarray, ivf_search(base, centres, member, asked, absent, all_of_them, 8, 20)
)
assert found.shape == (60, 8), f"60 queries, k = 8: expected shape (60, 8), got {found.shape}."
same, by_product = (found == exact).mean(), (found == products).mean()
assert by_product < 0.9, (
    f"{by_product:.0%} of your rows have the largest inner product: the vectors are not normalised, so "
    f"long ones win. Only {same:.0%} are the nearest."
)
assert (found == farthest).mean() < 0.5, "You return the farthest videos; sort the other way."
one_late = (found[:, :-1] == exact[:, 1:]).mean()
assert one_late < 0.9, (
    "The nearest video is missing for queries that are not in the index: you drop the first "
    "neighbour always. Leave out the row `own`, and nothing if it is -1."
)
overlap = np.mean([np.isin(f, e).mean() for f, e in zip(found, exact, strict=True)])
assert same >= 0.99 or overlap < 0.99, (
    f"The right rows, but not nearest first ({same:.0%} in place)."
)
assert same >= 0.99, f"With all 20 lists probed, {overlap:.0%} of the true neighbours are found."
found, scanned = map(
    np.asarray, ivf_search(base, centres, member, asked, absent, all_of_them, 8, 3)
)
near = ((asked[:, None] - centres) ** 2).sum(axis=2).argsort(axis=1)[:, :3]
sizes = np.bincount(member)[near].sum(axis=1)
assert (np.abs(scanned - 1_500) > 0).all(), (
    "Three of 20 lists are probed, and you compute distances to all 1,500 vectors: that is exact search."
)
assert (scanned <= sizes).all(), (
    f"You read {scanned.mean():.0f} vectors; three lists hold {sizes.mean():.0f}."
)
limited = np.where((member[None, :, None] == near[:, None]).any(axis=2), squared, np.inf)
agree = (found == limited.argsort(axis=1)[:, :8]).mean()
assert agree >= 0.99, f"{agree:.0%} of your rows are the nearest in the three nearest lists."
### END HIDDEN TESTS

# %% check="ivf_search_filter" points=2
# The query itself and blocked videos are left out before the search, so that k remain
### BEGIN HIDDEN TESTS
base, _ = traffic.video_vectors(72, 1_200)
centres = base[:12] + 0.01
member = ((base[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
own = np.random.default_rng(72).choice(1_200, 50, replace=False)
asked, free = base[own], np.random.default_rng(73).random(1_200) < 0.3
free[own[:25]] = True
own_or_none = np.where(np.arange(50) % 2 == 0, own, -1)
found = np.asarray(ivf_search(base, centres, member, asked, own_or_none, free, 6, 12)[0])
assert found.shape == (50, 6), f"50 queries, k = 6: expected shape (50, 6), got {found.shape}."
selves = ((found == own_or_none[:, None]) & (found >= 0)).sum()
assert selves == 0, f"{selves} queries found themselves as neighbours: recall by doing nothing."
blocked = (~free[found] & (found >= 0)).sum()
assert blocked == 0, f"{blocked} of {found.size} rows are not allowed in the user's country."
short = (found < 0).sum()
assert short == 0, (
    f"{short} of {found.size} places are empty although {free.sum()} videos are allowed: you filter "
    "after taking the k nearest, so fewer remain. Filter first."
)
squared = ((asked[:, None] - base) ** 2).sum(axis=2)
squared[:, ~free] = np.inf
squared[np.arange(0, 50, 2), own[::2]] = np.inf
agree = (found == squared.argsort(axis=1)[:, :6]).mean()
assert agree >= 0.99, f"{agree:.0%} of your rows are the nearest allowed ones."
few = np.zeros(1_200, dtype=bool)
few[np.flatnonzero(member == member[own[0]])[:3]] = True
got = np.asarray(ivf_search(base, centres, member, asked[:1], np.array([-1]), few, 6, 12)[0])
assert got.shape == (1, 6), (
    f"Keep the shape (1, 6) where fewer than k are allowed, got {got.shape}."
)
assert (got >= 0).sum() == 3, f"Three videos are allowed; you return {(got >= 0).sum()} rows."
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 6 · Tune on some queries, report on others (3 points)
#
# **Recall@k** is the share of the exact k nearest that the index finds, whatever their order, averaged over queries. The queries on which `n_probe` was chosen flatter it a little, so they cannot report.
#
# Write `tune_probes(probes, found, exact, tuning, target)`: `probes` (S,) rising; `found` (S, Q, k) rows per setting (`-1`: empty); `exact` (Q, k) true rows; `tuning` (Q,) Boolean. Choose the smallest setting with a recall of at least `target` on the tuning queries (the largest if none has). Return `(n_probe, recall)`, the recall measured on the **other** queries.
#
# <details><summary>Hint</summary><code>(found[..., :, None] == exact[:, None, :]).any(axis=-1).mean(axis=-1)</code> is the recall per setting and query.</details>


# %% exercise="tune_probes"
def tune_probes(probes, found, exact, tuning, target):
    """Return the smallest sufficient setting, and its recall on queries that did not choose it."""
    ### BEGIN SOLUTION
    hits = (found[..., :, None] == exact[:, None, :]).any(axis=-1).mean(axis=-1)
    enough = np.flatnonzero(hits[:, tuning].mean(axis=1) >= target)
    setting = enough[0] if len(enough) else len(probes) - 1
    return int(probes[setting]), float(hits[setting, ~tuning].mean())
    ### END SOLUTION


# %% check="tune_probes" points=1
# It returns a setting that was tried, and a recall
exact = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
tried = np.array([exact * 0 - 1, exact])
pair = tune_probes(np.array([3, 9]), tried, exact, np.array([True, True, False, False]), 0.9)
assert len(pair) == 2, f"Return a pair (n_probe, recall), not {pair!r}."
assert int(pair[0]) == 9, f"n_probe 3 finds nothing and 9 all there is; you choose {pair[0]}."
assert float(pair[1]) >= 0.999, f"n_probe 9 finds every neighbour; you report {float(pair[1]):.2f}."

# %% check="tune_probes_held_out" points=2
# Other queries than those that chose do the reporting, and neighbours count, not topics or places
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(81)
n_queries, k, tried = 80, 5, np.array([1, 2, 4, 8, 16])
exact = np.argsort(rng.random((n_queries, 1_000)), axis=1)[:, :k]
tuning = np.zeros(n_queries, dtype=bool)
tuning[rng.choice(n_queries, 50, replace=False)] = True
# Hits per setting, planted: of 5 neighbours, on tuning queries and on the others.
planted = {1: (2, 1), 2: (3, 2), 4: (4, 3), 8: (5, 4), 16: (5, 5)}
found = np.full((5, n_queries, k), -1)
for setting, (inside, outside) in enumerate(planted.values()):
    for query in range(n_queries):
        hits = inside if tuning[query] else outside
        found[setting, query, :hits] = rng.permutation(exact[query])[:hits]
        # What is found beside them has the topic of a true neighbour, or is nothing.
        alike = topics[:1_000] == topics[exact[query, 0]]
        others = np.setdiff1d(np.flatnonzero(alike), exact[query])[: k - hits]
        if query % 2:
            found[setting, query, hits : hits + len(others)] = others
for target, expected in ((0.5, 2), (0.75, 4), (0.95, 8)):
    probe, recall = tune_probes(tried, found.copy(), exact.copy(), tuning.copy(), target)
    probe, recall = int(probe), float(recall)
    inside, outside = (value / k for value in planted[expected])
    mixed = tuning.mean() * inside + (1 - tuning.mean()) * outside
    if probe != expected and probe in planted:
        chosen_on_rest = next(p for p, (_, hits) in planted.items() if hits / k >= target)
        assert probe != chosen_on_rest, (
            f"At a target of {target} you chose n_probe {probe} by the queries that should report; "
            f"the tuning queries need {expected}."
        )
    assert not (probe < expected), (
        f"n_probe {probe} finds {planted.get(probe, (0, 0))[0] / k:.0%} of the neighbours of the tuning "
        f"queries; the target is {target:.0%}. Equal topics are no neighbours."
    )
    assert abs(recall - inside) > 0.01, (
        f"You report {recall:.2f}, the recall on the tuning queries; the others have less."
    )
    assert abs(recall - mixed) > 0.01, (
        f"You report {recall:.2f}, the recall over all queries, those that chose included."
    )
    assert probe == expected, f"You chose n_probe {probe}; recall counts neighbours in any order."
    assert abs(recall - outside) <= 1e-6, (
        f"You report {recall:.3f}; divide by the {k} exact neighbours, whatever was found."
    )
### END HIDDEN TESTS

# %% [markdown]
# The curve below compares your index with faiss: exact, IVF, and HNSW, a graph that is walked towards the query (Malkov and Yashunin 2018). Left, the work, which is the same on every machine; right, the time.


# %% play="ivf_search, tune_probes"
probes = np.array([1, 2, 4, 8, 16, 32])
squared = (vectors**2).sum(axis=1) - 2 * queries @ vectors.T  # up to a constant per query
exact = squared.argsort(axis=1)[:, :10]
searched = [
    ivf_search(vectors, centroids, list_of, queries, nobody, everyone, 10, int(p)) for p in probes
]
found = np.array([rows for rows, _ in searched])
work = [48 + scanned.mean() for _, scanned in searched]
tuning = np.arange(200) < 100
chosen, recall = tune_probes(probes, found, exact, tuning, 0.95)
print(
    f"n_probe {chosen}: recall {recall:.3f} on held-out queries, {work[list(probes).index(chosen)]:.0f} distances of 3,000"
)
recalls = [
    np.mean([np.isin(e, f).mean() for e, f in zip(exact, rows, strict=True)]) for rows in found
]
curves, source = serving.compare_indexes(vectors, queries, 10, 48)
share = work[list(probes).index(chosen)] / len(vectors)
title = f"{recall:.0%} of the neighbours for {share:.0%} of the work"
draw_recall((work, recalls), curves, source, title)

# %% [markdown]
# The graph needs the fewest distances. At 3,000 vectors time hardly shows it: exact search reads memory in one pass and can be as fast, so a small catalogue needs no index. Its work grows with $N$, though, that of a list or a graph far more slowly; at millions the choice flips.

# %% [markdown]
# ## Release it
#
# The online ranker gets 1 % of the traffic, then 5, 25 and 100 %. Every hour a rule looks at the requests and errors of the stage so far (timeouts and empty lists count as errors): roll back, hold, or go on. The old system's error rate is 2 %; 4 % would be a disaster. A rule that looks every hour has 24 chances a day to be fooled.
#
# ### Exercise 7 · A rule that rolls back (5 points)
#
# Write `canary_rule(requests, errors, baseline, worse)`. `requests` and `errors` are float arrays of one shape, cumulated since the stage began; an entry of `errors` is `NaN` if the metric did not arrive. Return an integer array of the same shape: `1` promote, `0` hold, `-1` roll back; `0` where errors are missing or there are no requests. Entries are judged one by one. Read hour by hour over a day, the first decision that is not 0 counts:
#
# - a release with error rate `baseline` is rolled back, and one with `worse` promoted, in at most 5 % of the cases, at small and large traffic;
# - after 6,000 requests at 2 % against 4 %, at least 90 % of both are decided rightly.
#
# <details><summary>Hint 1: the idea</summary>Weigh two explanations against each other: how much more probable are these errors under `worse` than under `baseline`? Decide at 99 to 1 (Wald's sequential test), or use confidence bounds wide enough for 24 looks.</details>
# <details><summary>Hint 2: the tool</summary><code>errors * log(worse / baseline) + (requests - errors) * log((1 - worse) / (1 - baseline))</code> against ±<code>log(99)</code>.</details>


# %% exercise="canary_rule"
def canary_rule(requests, errors, baseline, worse):
    """Return 1 (promote), 0 (hold) or -1 (roll back) for each pair of counts."""
    ### BEGIN SOLUTION
    evidence = errors * np.log(worse / baseline) + (requests - errors) * np.log(
        (1 - worse) / (1 - baseline)
    )
    # A comparison with a missing count is False both ways, which holds.
    return np.where(evidence >= np.log(99), -1, np.where(evidence <= -np.log(99), 1, 0))
    ### END SOLUTION


# %% check="canary_rule" points=1
# One decision per entry, and clear cases are clear
requests = np.array([[6_000.0, 6_000.0, 0.0], [50_000.0, 50_000.0, 30.0]])
errors = np.array([[60.0, 420.0, 0.0], [900.0, 2_400.0, 1.0]])
said = np.asarray(canary_rule(requests, errors, 0.02, 0.04))
assert said.shape == requests.shape, f"Expected shape {requests.shape}, got {said.shape}."
assert np.isin(said, (-1, 0, 1)).all(), f"Decisions are -1, 0 or 1; got {np.unique(said)}."
assert (said[:, 0] == 1).all(), f"1.0 % and 1.8 % errors, many requests: promote, not {said[:, 0]}."
assert (said[:, 1] == -1).all(), (
    f"7 % and 4.8 % errors, many requests: roll back, not {said[:, 1]}."
)

# %% check="canary_rule_missing" points=1
# Where the metric is missing, nothing is promoted
### BEGIN HIDDEN TESTS
requests = np.array([500.0, 4_000.0, 60_000.0, 9_000.0, 0.0, 9_000.0])
errors = np.array([np.nan, np.nan, np.nan, 90.0, 0.0, 720.0])
said = np.asarray(canary_rule(requests, errors, 0.02, 0.04))
assert said.shape == (6,), f"Expected one decision per entry, got shape {said.shape}."
promoted = int((said[:3] == 1).sum())
assert promoted == 0, (
    f"{promoted} of 3 stages without a metric are promoted: no errors reported is not no errors."
)
assert (said[:3] == 0).all(), f"Without the metric the release holds; you return {said[:3]}."
assert said[4] == 0, f"Without a single request the release holds; you return {said[4]}."
assert said[3] == 1, f"A missing entry elsewhere changes the decision at 1.0 % errors to {said[3]}."
assert said[5] == -1, f"A missing entry elsewhere changes the decision at 8 % errors to {said[5]}."
### END HIDDEN TESTS


# %% check="canary_rule_rates" points=3
# Over a day of looks it is seldom fooled, and it decides in time
### BEGIN HIDDEN TESTS
def first_decision(said):
    """Return the first decision of each row that is not 0, or 0."""
    there = (said != 0).any(axis=1)
    return np.where(there, said[np.arange(len(said)), (said != 0).argmax(axis=1)], 0)


for seed, per_hour, baseline, worse in (
    (91, 40, 0.02, 0.04),
    (92, 250, 0.02, 0.04),
    (93, 20_000, 0.02, 0.04),
    (94, 120, 0.05, 0.1),
):
    for error_rate in (baseline, worse):
        made = traffic.canary_counts(seed, 1_500, 24, per_hour=per_hour, error_rate=error_rate)
        said = np.asarray(canary_rule(*made, baseline, worse))
        assert said.shape == (1_500, 24), f"Expected shape (1500, 24), got {said.shape}."
        decided = first_decision(said)
        false = (decided == (-1 if error_rate == baseline else 1)).mean()
        right = (decided == (1 if error_rate == baseline else -1)).mean()
        traffic_said = f"{per_hour:,} requests an hour"
        if error_rate == baseline:
            assert false < 0.9 or per_hour < 1_000, (
                f"{false:.0%} of the healthy releases are rolled back at {traffic_said}: a fixed "
                "number of errors is reached by traffic alone. Errors must be seen against requests."
            )
            assert false < 0.2, (
                f"{false:.0%} of the healthy releases are rolled back at {traffic_said}: the observed "
                "rate is compared without its uncertainty, or judged on a handful of requests."
            )
            assert false <= 0.075, (  # 5 %, and four standard errors
                f"{false:.1%} of the healthy releases are rolled back within 24 looks at {traffic_said}: "
                "the bounds are made for one look. 5 % are tolerated."
            )
        else:
            assert false <= 0.075 or per_hour > 1_000, (
                f"{false:.0%} of the releases with {worse:.0%} errors are promoted at {traffic_said}: "
                "too little evidence was taken for health, as when nothing bad is proven yet."
            )
            assert false <= 0.075, (
                f"{false:.0%} of the bad releases are promoted at {traffic_said}."
            )
        if per_hour >= 250:
            assert right >= 0.9, (
                f"Only {right:.0%} of the releases with {error_rate:.0%} errors are decided rightly after "
                f"{24 * per_hour:,} requests; the rule waits too long."
            )
### END HIDDEN TESTS

# %% [markdown]
# Three releases: a sound one; one whose most important feature silently becomes null when the feature store gets 25 % of the traffic; and one whose error metric stops arriving in the second stage.


# %% play="canary_rule"
def rule(requests, errors):
    return canary_rule(requests, errors, 0.02, 0.04)


RELEASES = {
    "sound": {"error_rates": (0.02, 0.02, 0.02, 0.02)},
    "feature null from 25 %": {"error_rates": (0.02, 0.02, 0.09, 0.09)},
    "metric missing": {"error_rates": (0.02, 0.02, 0.02, 0.02), "silent_stage": 1},
}
fig, ax = plots.figure()
ends, said = {-1: "rolled back", 0: "held, a person is called", 1: "at 100 %"}, []
for (name, knobs), colour in zip(RELEASES.items(), plots.PALETTE, strict=False):
    walk = traffic.play_release(rule, 5, **knobs)
    end = ends[walk["decision"].iloc[-1]]
    ax.step(walk["hour"], 100 * walk["share"], where="post", color=colour, marker="o", ms=4)
    place = (walk["hour"].iloc[-1], 100 * walk["share"].iloc[-1])
    plots.label(ax, *place, f"{name}: {end}", colour, xytext=(8, 9))
    said.append(f"{name}: {end} after {len(walk)} hours, {walk['errors'].sum():,} errors")
ax.set(yscale="log", xlabel="hours since the release began", ylabel="share of the traffic, %")
ax.set_yticks([1, 5, 25, 100], ["1", "5", "25", "100"])
ax.set(title="Each stage risks no more than it has proven", xlim=(-1, 38), ymargin=0.15)
plots.show(fig, alt="Share of traffic by hour of three releases. " + "; ".join(said) + ".")
print("\n".join(said))

# %% [markdown]
# **When it fails anyway**, the feed needs something to show: a *fallback chain* of sources, each of which depends on less than the one before. Here the ranker has 60 ms on an overloaded evening; a retry would add the very load that is too much.

# %%
evening = traffic.load_test(6, (195,), service_ms=SERVICE_MS, requests=20_000, repeats=1)
in_time = (evening["latency_ms"] <= LIMIT_MS).to_numpy()
has_list = np.random.default_rng(6).random(len(evening)) < 0.96  # users with a list of last night
chain = {"online": in_time, "last list": ~in_time & has_list, "popular": ~in_time & ~has_list}
for name, answered in chain.items():
    print(f"{name:10s}{answered.mean():6.1%} of the requests")

# %% [markdown]
# ## Decide
#
# Six designs for 20 million users, of whom 5 million come on a day, four times each. `lists_computed` and `lists_shown` (computed lists that somebody saw) are in millions per day; `euros_per_million` is the price of *computing*; `stale_hours` the age of a list when shown (95th percentile); `cold_share` the requests of users without a list.

# %%
table = traffic.designs()
table

# %% [markdown]
# ### Exercise 8 · Choose the design (5 points)
#
# Write `choose_design(designs, p99_limit_ms, stale_limit_hours)` for any such table. Return a dict:
#
# | key | value |
# |---|---|
# | `design` | the cheapest per day with `p99_ms` and `stale_hours` at most at their limits |
# | `euros_per_day` | what it costs |
# | `wasted_share` | share of its computed lists that nobody sees |
# | `fallback` | `"retry_the_ranker"`, `"popular_then_last_list"`, `"last_list_then_popular"` or `"empty_feed"` |
# | `guardrail` | what stops a release: `"mean_latency"`, `"p99_and_errors"`, `"cpu_load"` or `"offline_auc"` |
# | `residual_risk` | what stays open: `"stale_after_events"`, `"cache_empties_at_peak"`, `"mean_latency_rises"` or `"errors_are_correlated"` |
#
# The last three are constants; more than one can be right.
#
# <details><summary>Hint</summary>Keep the rows within both limits, then multiply lists computed by their price. Waste is one minus shown over computed.</details>


# %% exercise="choose_design"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    """Return the cheapest design within the limits, its cost and waste, and how it is guarded."""
    ### BEGIN SOLUTION
    fits = (designs["p99_ms"] <= p99_limit_ms) & (designs["stale_hours"] <= stale_limit_hours)
    cost = designs["lists_computed"] * designs["euros_per_million"]
    best = designs.loc[cost[fits].idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": best["lists_computed"] * best["euros_per_million"],
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }
    ### END SOLUTION


# %% check="choose_design" points=1
# The design is complete and one of the table's
design = choose_design(table, 100.0, 1.0)
assert isinstance(design, dict), f"Return a dict, not {type(design).__name__}."
keys = {"design", "euros_per_day", "wasted_share", "fallback", "guardrail", "residual_risk"}
assert not keys - set(design), f"The design lacks {sorted(keys - set(design))}."
assert design["design"] in set(table["design"]), f"The table has no design {design['design']!r}."

# %% check="choose_design_cost" points=2
# On fresh tables it is the cheapest within both limits, and what nobody sees costs too
### BEGIN HIDDEN TESTS
cases = ((1, 100.0, 1.5), (2, 100.0, 30.0), (3, 20.0, 1.5), (4, 100.0, 0.3))
for seed, p99_limit, stale_limit in cases:
    fresh = traffic.designs(seed, noise=0.08).sample(frac=1, random_state=seed)
    cost = dict(
        zip(fresh["design"], fresh["lists_computed"] * fresh["euros_per_million"], strict=True)
    )
    fits = fresh[(fresh["p99_ms"] <= p99_limit) & (fresh["stale_hours"] <= stale_limit)]
    cheapest = min(fits["design"], key=cost.get)
    by_shown = fits.loc[(fits["lists_shown"] * fits["euros_per_million"]).idxmin()]
    row = fresh.set_index("design").loc[cheapest]
    got = choose_design(fresh.copy(), p99_limit, stale_limit)
    name, euros, waste = got["design"], float(got["euros_per_day"]), float(got["wasted_share"])
    assert name in cost, f"The table has no design {name!r}."
    stale, p99 = fresh.set_index("design").loc[name, ["stale_hours", "p99_ms"]]
    assert stale <= stale_limit, (
        f"{name!r} shows lists of {stale:.1f} hours; {stale_limit:g} are tolerated. It is cheap because "
        "it is old."
    )
    assert p99 <= p99_limit, f"{name!r} has a p99 of {p99:.0f} ms; the limit is {p99_limit:.0f}."
    shown_euros = float(row["lists_shown"] * row["euros_per_million"])
    assert name == cheapest or name != by_shown["design"], (
        f"{name!r} is cheap only if lists that nobody sees are free: it costs {cost[name]:,.0f} € a day, "
        f"{cheapest!r} {cost[cheapest]:,.0f} €."
    )
    assert name == cheapest, (
        f"{name!r} costs {cost[name]:,.0f} € a day, {cheapest!r} {cost[cheapest]:,.0f} €."
    )
    assert abs(euros - shown_euros) > 0.5 or abs(shown_euros - cost[name]) <= 0.5, (
        f"You charge {euros:,.0f} € for the lists that are shown; those for inactive users cost as much."
    )
    assert abs(euros - cost[name]) <= 0.5, (
        f"{name!r}: you report {euros:,.0f} € a day, {cost[name]:,.0f} are due."
    )
    wasted = float(1 - row["lists_shown"] / row["lists_computed"])
    assert abs(waste - wasted) <= 0.005, (
        f"{name!r}: you report {waste:.1%} wasted; of {row['lists_computed']:.1f} million lists "
        f"{row['lists_shown']:.1f} million are shown."
    )
### END HIDDEN TESTS

# %% check="choose_design_guard" points=2
# Fallback, guardrail and risk fit the evening
### BEGIN HIDDEN TESTS
design = choose_design(table, 100.0, 1.0)
assert design["fallback"] != "retry_the_ranker", (
    "Retries at a server just below its capacity add the load that it cannot carry: up to twice "
    "as many requests, and none is answered."
)
assert design["fallback"] != "popular_then_last_list", (
    "'popular' always answers, so 'last_list' after it is never reached, for 96 % of the users who "
    "have one."
)
assert design["fallback"] == "last_list_then_popular", (
    f"{design['fallback']!r} shows less than what is there: most users have a list of last night."
)
assert design["guardrail"] == "p99_and_errors", (
    f"{design['guardrail']!r} looked fine on the evening on which the p99 was far above the limit."
)
assert design["residual_risk"] in (
    "cache_empties_at_peak",
    "stale_after_events",
    "errors_are_correlated",
), f"{design['residual_risk']!r} is what a p99 guardrail sees anyway; name what it does not."
### END HIDDEN TESTS

# %% play="choose_design"
for limit_ms, stale in ((100, 24), (100, 1), (20, 1)):
    design = choose_design(table, limit_ms, stale)
    print(
        f"p99 <= {limit_ms:3d} ms, lists <= {stale:2d} h old: {design['design']:15s}"
        f"{design['euros_per_day']:7,.0f} € a day, {design['wasted_share']:.0%} of the lists wasted"
    )

# %% [markdown]
# ## Take away
#
# A server is full long before its capacity: size it by the pooled p99 at the peak, with lost requests counted. Batches buy throughput with waiting, hedges buy tails with a little load, caches and tables buy latency with age; what nobody sees must be paid too. Release in stages, by evidence, and treat a missing metric as no evidence.
#
# ## Where this breaks
#
# - The launch of 4 ms is a stand-in, and your machine shares its processor between client and server. Take shapes from the live figures, not numbers.
# - Hedging helps where slowness is independent: when all replicas are overloaded, copies make it worse.
# - Errors here are independent. Real ones come in bursts, so that a rule needs blocks of time instead of requests.
# - Recall is measured on queries like those of yesterday; new videos and deletions age an index.

# %% [markdown]
# ## Say it in an interview
#
# **60 seconds:** 'Our recommendations come from a nightly job. Should we move to online inference?' Say your answer aloud, then compare.
#
# <details><summary>Three answers at three levels</summary>
#
# **Junior.** 'Yes, online is fresher. We put the model behind an API and scale it.' *No cost, no tail, no way back.*
#
# **Mid.** 'Depends on freshness. Batch wastes predictions for inactive users, online needs low latency; I would load-test the p99 and add a cache.' *Right axes; no numbers, no release.*
#
# **Senior.** 'First what staleness costs in sessions. Three quarters of the nightly lists are never seen, but at 20 € per million they cost 400 € a day; online costs 1,800, with an hour of cache about 1,000. I size by p99 at the peak: one replica carries 5 ms requests only up to about three quarters of its capacity, so two, with dynamic batching. The nightly table stays as the fallback, then popular videos. Canary at 1, 5, 25, 100 % on p99 and errors with a sequential test; a missing metric holds. What stays: an emptied cache at the peak.'
#
# </details>
#
# **Self-check:** one point each for cost of waste with a number, the tail at the peak, the fallback, the release with a rule, a residual risk.

# %% [markdown]
# **Follow-up 1.** 'Lists may now be a day old. What flips?'
#
# <details><summary>Compare</summary>The nightly table for active users wins at a tenth to a fifth of the cost. Users who return after a week are cold: popular videos first, or a list on their first request. The p99 problem and its on-call go away.</details>
#
# **Follow-up 2.** 'The catalogue grows from a million to a billion videos. What flips?'
#
# <details><summary>Compare</summary>Memory before time: 128 floats times a billion are 512 GB, and a graph adds links. Compress (product quantisation) and re-rank a shortlist exactly, shard the index; then a request waits for the slowest shard, and hedging and per-shard deadlines come back.</details>
#
# The worked notebook: [solutions/m6_serving/batch_or_online.ipynb](../../solutions/m6_serving/batch_or_online.ipynb).
