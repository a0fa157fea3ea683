"""Answers to `choose_design`."""


# %% right="a loop over plans"
def choose_design(trials, limit_ms):
    best, chosen = -np.inf, None
    for plan, rows in trials.groupby(["retriever", "ranker", "n_candidates"]):
        if rows["latency_ms"].iloc[0] > limit_ms:
            continue
        net = 500 * rows["watched_per_1000"].mean() - rows["euros_per_month"].iloc[0]
        if net > best:
            best, chosen = net, plan
    return dict(zip(("retriever", "ranker", "n_candidates"), chosen, strict=True)) | {
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "New videos have no watches and are never retrieved.",
    }


# %% right="the cheapest plan within a small margin of the best"
def choose_design(trials, limit_ms):
    names = ["retriever", "ranker", "n_candidates"]
    mean = trials[trials["latency_ms"] <= limit_ms].groupby(names).mean(numeric_only=True)
    net = EUROS_PER_WATCH * mean["watched_per_1000"] - mean["euros_per_month"]
    close = mean[net >= net.max() - 1500]
    plan = close["euros_per_month"].idxmin()
    return {
        "retriever": plan[0],
        "ranker": plan[1],
        "n_candidates": plan[2],
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "Staging replays the past.",
    }


# %% wrong="takes the largest number of candidates that the latency permits" check="choose_design_outcome" message="gives a noisy ranker more to be wrong about"
def choose_design(trials, limit_ms):
    within = trials[trials["latency_ms"] <= limit_ms]
    largest = within[within["n_candidates"] == within["n_candidates"].max()]
    best = largest.groupby(["retriever", "ranker", "n_candidates"])["watched_per_1000"].mean()
    retriever, ranker, n = best.idxmax()
    return {
        "retriever": retriever,
        "ranker": ranker,
        "n_candidates": n,
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "More candidates may be possible later.",
    }


# %% wrong="the best single day of any plan" check="choose_design_outcome" message="not one lucky day"
def choose_design(trials, limit_ms):
    within = trials[trials["latency_ms"] <= limit_ms]
    net = EUROS_PER_WATCH * within["watched_per_1000"] - within["euros_per_month"]
    best = within.loc[net.idxmax()]
    return {
        "retriever": best["retriever"],
        "ranker": best["ranker"],
        "n_candidates": int(best["n_candidates"]),
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "The best day may not come again.",
    }


# %% wrong="forgets the limit" check="choose_design_outcome" message="ms at the 99th percentile; the limit is"
def choose_design(trials, limit_ms):
    names = ["retriever", "ranker", "n_candidates"]
    retriever, ranker, n = trials.groupby(names)["watched_per_1000"].mean().idxmax()
    return {
        "retriever": retriever,
        "ranker": ranker,
        "n_candidates": n,
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "It may be slow at the peak.",
    }


# %% wrong="most watches within the limit, whatever they cost" check="choose_design_outcome" message="which cost more than they are worth"
def choose_design(trials, limit_ms):
    names = ["retriever", "ranker", "n_candidates"]
    within = trials[trials["latency_ms"] <= limit_ms]
    retriever, ranker, n = within.groupby(names)["watched_per_1000"].mean().idxmax()
    return {
        "retriever": retriever,
        "ranker": ranker,
        "n_candidates": n,
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "Servers may get dearer.",
    }


# %% wrong="the plan with the lowest bill" check="choose_design_outcome" message="saves on the ranker and loses the watches"
def choose_design(trials, limit_ms):
    cheap = trials[trials["retriever"] == "towers"].sort_values("euros_per_month").iloc[0]
    return {
        "retriever": cheap["retriever"],
        "ranker": cheap["ranker"],
        "n_candidates": int(cheap["n_candidates"]),
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "Viewers may want more than their context says.",
    }


# %% wrong="one plan for every limit" check="choose_design_outcome" message="takes 28 ms"
def choose_design(trials, limit_ms):
    return {
        "retriever": "towers",
        "ranker": "heavy",
        "n_candidates": 40,
        "primary_metric": "net_euros",
        "guardrail": "p99_latency",
        "residual_risk": "The limit may change.",
    }


# %% wrong="judges by the training loss" check="choose_design_guard" message="was fine while the shelf lost watches"
def choose_design(trials, limit_ms):
    return {
        "retriever": "towers",
        "ranker": "light",
        "n_candidates": 40,
        "primary_metric": "in_batch_loss",
        "guardrail": "p99_latency",
        "residual_risk": "The loss may not follow the business.",
    }


# %% wrong="guards the mean latency" check="choose_design_guard" message="one request in a hundred waits too long"
def choose_design(trials, limit_ms):
    return {
        "retriever": "towers",
        "ranker": "light",
        "n_candidates": 40,
        "primary_metric": "net_euros",
        "guardrail": "mean_latency",
        "residual_risk": "The slowest requests are the heaviest users.",
    }
