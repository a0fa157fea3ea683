"""Answers to `highest_safe_load`."""


# %% right="a quantile per load, lost requests as infinity"
def highest_safe_load(samples, limit_ms):
    filled = samples.assign(latency_ms=samples["latency_ms"].fillna(np.inf))
    p99 = filled.groupby("offered_per_s")["latency_ms"].quantile(0.99, interpolation="lower")
    failing = p99.index[p99 > limit_ms]
    safe = p99.index if failing.empty else p99.index[p99.index < failing.min()]
    return safe.max() if len(safe) else 0


# %% right="merged histograms of the repeats"
def highest_safe_load(samples, limit_ms):
    edges = np.array([-np.inf, limit_ms, np.inf])
    safe = 0
    for load in np.unique(samples["offered_per_s"]):
        total = np.zeros(2)
        part = samples[samples["offered_per_s"] == load]
        for _, run in part.groupby("repeat"):
            # The last bucket also takes the requests that were given up.
            within = (run["latency_ms"].to_numpy() <= edges[1]).sum()
            total += [within, len(run) - within]
        if total[0] / total.sum() < 0.99:
            return safe
        safe = load
    return safe


# %% right="raw values sorted, counted by a loop"
def highest_safe_load(samples, limit_ms):
    slow, seen = {}, {}
    for load, latency in zip(samples["offered_per_s"], samples["latency_ms"], strict=True):
        seen[load] = seen.get(load, 0) + 1
        slow[load] = slow.get(load, 0) + (not latency <= limit_ms)
    safe = 0.0
    for load in sorted(seen):
        if slow[load] > 0.01 * seen[load]:
            break
        safe = load
    return float(safe)


# %% wrong="compares the mean with the limit" check="highest_safe_load_pooled" message="the mean (18 ms) or the median hides the tail"
def highest_safe_load(samples, limit_ms):
    mean = samples.groupby("offered_per_s")["latency_ms"].mean()
    safe = 0
    for load, value in mean.items():
        if value > limit_ms:
            break
        safe = load
    return safe


# %% wrong="averages the p99 of the repeats" check="highest_safe_load_pooled" message="the p99 of repeats was averaged"
def highest_safe_load(samples, limit_ms):
    filled = samples.fillna({"latency_ms": 1e9})
    p99 = filled.groupby(["offered_per_s", "repeat"])["latency_ms"].quantile(0.99)
    p99 = p99.groupby("offered_per_s").mean()
    safe = 0
    for load, value in p99.items():
        if value > limit_ms:
            break
        safe = load
    return safe


# %% wrong="takes the median of the repeats' p99" check="highest_safe_load_pooled" message="a mean of p99s is no p99"
def highest_safe_load(samples, limit_ms):
    filled = samples.fillna({"latency_ms": 1e9})
    p99 = filled.groupby(["offered_per_s", "repeat"])["latency_ms"].quantile(0.99)
    p99 = p99.groupby("offered_per_s").median()
    safe = 0
    for load, value in p99.items():
        if value > limit_ms:
            break
        safe = load
    return safe


# %% wrong="drops requests without an answer" check="highest_safe_load_lost" message="only survivors are left"
def highest_safe_load(samples, limit_ms):
    p99 = samples.dropna().groupby("offered_per_s")["latency_ms"].quantile(0.99)
    safe = 0
    for load, value in p99.items():
        if value > limit_ms:
            break
        safe = load
    return safe


# %% wrong="takes any load that passes" check="highest_safe_load_lost" message="a lucky run above a failing load"
def highest_safe_load(samples, limit_ms):
    within = (samples["latency_ms"] <= limit_ms).groupby(samples["offered_per_s"]).mean()
    return within.index[within >= 0.99].max()


# %% wrong="returns the smallest load if none holds" check="highest_safe_load_lost" message="The smallest load fails, so the answer is 0"
def highest_safe_load(samples, limit_ms):
    within = (samples["latency_ms"] <= limit_ms).groupby(samples["offered_per_s"]).mean()
    failing = within.index[within < 0.99]
    safe = within.index if failing.empty else within.index[within.index < failing.min()]
    return safe.max() if len(safe) else within.index.min()


# %% wrong="returns the capacity instead of a load" check="highest_safe_load" message="none of the loads that were tested"
def highest_safe_load(samples, limit_ms):
    return 1_000 / samples["latency_ms"].mean()
