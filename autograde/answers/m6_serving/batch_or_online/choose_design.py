"""Answers to `choose_design`."""


# %% right="sorted by cost, an event-driven risk"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    table = designs.assign(euros=designs["lists_computed"] * designs["euros_per_million"])
    fits = table.query("p99_ms <= @p99_limit_ms and stale_hours <= @stale_limit_hours")
    best = fits.sort_values("euros").iloc[0]
    return {
        "design": best["design"],
        "euros_per_day": best["euros"],
        "wasted_share": (best["lists_computed"] - best["lists_shown"]) / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "stale_after_events",
    }


# %% right="a loop over the rows"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    best = {"euros_per_day": float("inf")}
    for row in designs.to_dict("records"):
        euros = row["lists_computed"] * row["euros_per_million"]
        holds = row["p99_ms"] <= p99_limit_ms and row["stale_hours"] <= stale_limit_hours
        if holds and euros < best["euros_per_day"]:
            wasted = 1 - row["lists_shown"] / row["lists_computed"]
            best = {"design": row["design"], "euros_per_day": euros, "wasted_share": wasted}
    return best | {
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "errors_are_correlated",
    }


# %% wrong="treats predictions for inactive users as free" check="choose_design_cost" message="cheap only if lists that nobody sees are free"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    fits = designs[
        (designs["p99_ms"] <= p99_limit_ms) & (designs["stale_hours"] <= stale_limit_hours)
    ]
    cost = fits["lists_shown"] * fits["euros_per_million"]
    best = fits.loc[cost.idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": cost.min(),
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="chooses by full cost, reports the cost of what is shown" check="choose_design_cost" message="You charge"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    fits = designs[
        (designs["p99_ms"] <= p99_limit_ms) & (designs["stale_hours"] <= stale_limit_hours)
    ]
    best = fits.loc[(fits["lists_computed"] * fits["euros_per_million"]).idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": best["lists_shown"] * best["euros_per_million"],
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="forgets staleness" check="choose_design_cost" message="It is cheap because it is old"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    fits = designs[designs["p99_ms"] <= p99_limit_ms]
    cost = fits["lists_computed"] * fits["euros_per_million"]
    best = fits.loc[cost.idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": cost.min(),
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="forgets latency" check="choose_design_cost" message="has a p99 of"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    fits = designs[designs["stale_hours"] <= stale_limit_hours]
    cost = fits["lists_computed"] * fits["euros_per_million"]
    best = fits.loc[cost.idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": cost.min(),
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="counts waste against what is shown" check="choose_design_cost" message="million lists"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    fits = designs[
        (designs["p99_ms"] <= p99_limit_ms) & (designs["stale_hours"] <= stale_limit_hours)
    ]
    cost = fits["lists_computed"] * fits["euros_per_million"]
    best = fits.loc[cost.idxmin()]
    return {
        "design": best["design"],
        "euros_per_day": cost.min(),
        "wasted_share": best["lists_computed"] / best["lists_shown"] - 1,
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="takes the freshest whatever it costs" check="choose_design_cost" message="'online' costs"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    best = designs.set_index("design").loc["online" if p99_limit_ms > 50 else "hourly_all"]
    return {
        "design": best.name,
        "euros_per_day": best["lists_computed"] * best["euros_per_million"],
        "wasted_share": 1 - best["lists_shown"] / best["lists_computed"],
        "fallback": "last_list_then_popular",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="retries at the overloaded ranker" check="choose_design_guard" message="Retries at a server"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    return {
        "design": "online_cached",
        "euros_per_day": 990.0,
        "wasted_share": 0.0,
        "fallback": "retry_the_ranker",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="puts the source that always answers first" check="choose_design_guard" message="is never reached"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    return {
        "design": "online_cached",
        "euros_per_day": 990.0,
        "wasted_share": 0.0,
        "fallback": "popular_then_last_list",
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="guards with the mean" check="choose_design_guard" message="'mean_latency' looked fine"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    return {
        "design": "online_cached",
        "euros_per_day": 990.0,
        "wasted_share": 0.0,
        "fallback": "last_list_then_popular",
        "guardrail": "mean_latency",
        "residual_risk": "cache_empties_at_peak",
    }


# %% wrong="leaves the fallback out" check="choose_design" message="The design lacks ['fallback']"
def choose_design(designs, p99_limit_ms, stale_limit_hours):
    return {
        "design": "online_cached",
        "euros_per_day": 990.0,
        "wasted_share": 0.0,
        "guardrail": "p99_and_errors",
        "residual_risk": "cache_empties_at_peak",
    }
