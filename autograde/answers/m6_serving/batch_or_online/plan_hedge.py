"""Answers to `plan_hedge`."""


# %% right="a trigger between the p95 and the p99"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, max(0.98, 1 - budget))
    hedged = first.copy()
    late = first > delay
    hedged[late] = np.minimum(first[late], delay + second[late])
    return {
        "delay_ms": delay,
        "extra_load": np.count_nonzero(late) / late.size,
        "median_ms": np.median(np.max(hedged, axis=1)),
    }


# %% right="sorted values and a loop over requests"
def plan_hedge(first, second, budget):
    ordered = np.sort(first, axis=None)
    delay = float(ordered[int(np.ceil((1 - budget) * len(ordered))) - 1])
    slowest, copies = [], 0
    for calls, again in zip(first, second, strict=True):
        late = calls > delay
        copies += late.sum()
        slowest.append(max(np.where(late, np.minimum(calls, delay + again), calls)))
    return {
        "delay_ms": delay,
        "extra_load": float(copies / first.size),
        "median_ms": float(np.median(slowest)),
    }


# %% wrong="sends the copy at once" check="plan_hedge_delay" message="two of every call"
def plan_hedge(first, second, budget):
    hedged = np.minimum(first, second)
    return {"delay_ms": 0.0, "extra_load": 1.0, "median_ms": np.median(hedged.max(axis=1))}


# %% wrong="hedges at the median" check="plan_hedge_delay" message="about the median, 50% of the calls"
def plan_hedge(first, second, budget):
    delay = np.median(first)
    hedged = np.minimum(first, delay + second)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="takes the budget for a quantile of the requests" check="plan_hedge_delay" message="when the harm is done"
def plan_hedge(first, second, budget):
    delay = np.quantile(first.max(axis=1), 1 - budget)
    hedged = np.where(first > delay, np.minimum(first, delay + second), first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="hedges at the p90 whatever the budget" check="plan_hedge_delay" message="10.0% of the calls are copied"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 0.9)
    hedged = np.where(first > delay, np.minimum(first, delay + second), first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="the copy replaces the original" check="plan_hedge_effect" message="You cancel the original"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 1 - budget)
    hedged = np.where(first > delay, delay + second, first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="forgets the delay before the copy" check="plan_hedge_effect" message="You count a copy from when it is sent"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 1 - budget)
    hedged = np.where(first > delay, np.minimum(first, second), first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="counts requests with a copy" check="plan_hedge_effect" message="the load is a share of calls"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 1 - budget)
    hedged = np.where(first > delay, np.minimum(first, delay + second), first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).any(axis=1).mean(),
        "median_ms": np.median(hedged.max(axis=1)),
    }


# %% wrong="reports the median of the calls" check="plan_hedge_effect" message="away from the slowest hedged calls"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 1 - budget)
    hedged = np.where(first > delay, np.minimum(first, delay + second), first)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(hedged),
    }


# %% wrong="reports the requests as they were" check="plan_hedge_effect" message="is the median without a hedge"
def plan_hedge(first, second, budget):
    delay = np.quantile(first, 1 - budget)
    return {
        "delay_ms": delay,
        "extra_load": (first > delay).mean(),
        "median_ms": np.median(first.max(axis=1)),
    }
