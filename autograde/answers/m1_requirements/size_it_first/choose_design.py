"""Answers to `choose_design`."""


# %% right="row by row, other metric and guardrails"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful, fine = uploads * spec["prevalence"], uploads * (1 - spec["prevalence"])
    best, cheapest = None, np.inf
    for name, row in designs.iterrows():
        flagged = row["caught"] * harmful + row["false_alarms"] * fine
        asks_people = row["flagged_go_to"] == "people"
        if row["latency_p99_s"] > spec["p99_limit_s"]:
            continue
        if asks_people and flagged > spec["reviews_per_day"]:
            continue
        if check_first and row["harm_before_check"] > 0:
            continue
        busy = uploads * spec["peak_factor"] / 86_400 * row["service_s"]
        euros = row["fixed_euros_per_day"] + np.ceil(busy / 0.6) * row["euros_per_server_day"]
        if asks_people:
            euros += flagged * spec["review_euros"]
        else:
            euros += row["false_alarms"] * fine * spec["blocked_euros"]
        missed = 1 - row["caught"] + row["caught"] * row["harm_before_check"]
        euros += harmful * missed * spec["harmful_euros"]
        if euros < cheapest:
            best, cheapest = name, euros
    return {
        "design": best,
        "primary_metric": "harmful_live_per_day",
        "guardrails": {
            "reviews_per_day": "below",
            "decision_p99_s": "below",
            "uploads_checked_per_day": "above",
        },
    }


# %% right="infinite cost for what breaks a constraint"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    reviews = (designs["caught"] * harmful + alarms).where(designs["flagged_go_to"] == "people", 0)
    blocked = alarms.where(designs["flagged_go_to"] == "block", 0)
    share_live = 1 - designs["caught"] * (1 - designs["harm_before_check"])
    fleet = np.ceil(uploads / 86_400 * spec["peak_factor"] * designs["service_s"] / 0.6)
    euros = (
        fleet * designs["euros_per_server_day"]
        + designs["fixed_euros_per_day"]
        + reviews * spec["review_euros"]
        + blocked * spec["blocked_euros"]
        + harmful * share_live * spec["harmful_euros"]
    )
    euros[designs["latency_p99_s"] > spec["p99_limit_s"]] = np.inf
    euros[reviews > spec["reviews_per_day"]] = np.inf
    if check_first:
        euros[designs["harm_before_check"] > 0] = np.inf
    guardrails = {"wrongly_blocked_per_day": "below", "reviews_per_day": "below"}
    plan = {"design": str(euros.idxmin()), "primary_metric": "euros_per_day"}
    return plan | {"guardrails": guardrails}


# %% wrong="catches most, whatever it costs" check="choose_design_played" message="catches most, but 35% of that harm"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    flagged = uploads * (designs["false_alarms"] + spec["prevalence"] * designs["caught"])
    feasible = designs["latency_p99_s"] <= spec["p99_limit_s"]
    feasible &= (flagged <= spec["reviews_per_day"]) | (designs["flagged_go_to"] == "block")
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": designs["caught"][feasible].idxmax(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="holds the mean latency against the limit" check="choose_design_played" message="on average, but its p99 was"
def choose_design(designs, spec, check_first=False):
    quick = designs[designs["latency_mean_s"] <= spec["p99_limit_s"]]
    quick = quick[~quick.index.isin(["rules_and_people", "publish_then_check"])]
    return {
        "design": quick["caught"].idxmax(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="does not look at latency at all" check="choose_design_played" message="of uploads were late."
def choose_design(designs, spec, check_first=False):
    return {
        "design": "large_model",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="keeps its design when the limit changes" check="choose_design_played" message="With 4 s: a day of cascade costs"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="sends everything to people" check="choose_design_played" message="the queue grows every day"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "rules_and_people",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="does not hear that nothing may go live unchecked" check="choose_design_played" message="lets videos go live before"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    reviews = (designs["caught"] * harmful + alarms) * (designs["flagged_go_to"] == "people")
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    fleet = np.ceil(uploads / 86_400 * spec["peak_factor"] * designs["service_s"] / 0.6)
    euros = fleet * designs["euros_per_server_day"] + designs["fixed_euros_per_day"]
    euros += reviews * spec["review_euros"] + live * spec["harmful_euros"]
    euros += alarms * (designs["flagged_go_to"] == "block") * spec["blocked_euros"]
    quick = designs["latency_p99_s"] <= spec["p99_limit_s"]
    return {
        "design": euros[quick & (reviews <= spec["reviews_per_day"])].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="leaves fixed costs and servers out" check="choose_design_played" message="is cheapest without its servers"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    reviews = (designs["caught"] * harmful + alarms) * (designs["flagged_go_to"] == "people")
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    euros = reviews * spec["review_euros"] + live * spec["harmful_euros"]
    euros += alarms * (designs["flagged_go_to"] == "block") * spec["blocked_euros"]
    feasible = designs["latency_p99_s"] <= spec["p99_limit_s"]
    feasible &= reviews <= spec["reviews_per_day"]
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": euros[feasible].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="accuracy as primary metric" check="choose_design_metrics" message="Accuracy prefers publishing everything"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "accuracy",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="counts flags" check="choose_design_metrics" message="Flagged uploads rise with false alarms"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "flagged_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="one guardrail" check="choose_design_metrics" message="is not enough"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below"},
    }


# %% wrong="guards the wrong side" check="choose_design_metrics" message="has to stay below its limit"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "above"},
    }


# %% wrong="guards accuracy" check="choose_design_metrics" message="Accuracy as a guardrail"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "accuracy": "above"},
    }


# %% wrong="names no guardrails" check="choose_design" message="The plan lacks ['guardrails']"
def choose_design(designs, spec, check_first=False):
    return {"design": "cascade", "primary_metric": "euros_per_day"}


# %% wrong="does not count the reviewers" check="choose_design_played" message="With 10,500 reviews a day: cascade sent"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    people = designs["flagged_go_to"] == "people"
    reviews = people * (designs["caught"] * harmful + alarms)
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    rate = uploads / 86_400 * spec["peak_factor"]
    euros = np.ceil(rate * designs["service_s"] / 0.6) * designs["euros_per_server_day"]
    euros += designs["fixed_euros_per_day"] + reviews * spec["review_euros"]
    euros += ~people * alarms * spec["blocked_euros"] + live * spec["harmful_euros"]
    feasible = designs["latency_p99_s"] <= spec["p99_limit_s"]
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": euros[feasible].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="sizes the fleet for the average hour" check="choose_design_played" message="would be cheapest if traffic were even"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    people = designs["flagged_go_to"] == "people"
    reviews = people * (designs["caught"] * harmful + alarms)
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    rate = uploads / 86_400
    euros = np.ceil(rate * designs["service_s"] / 0.6) * designs["euros_per_server_day"]
    euros += designs["fixed_euros_per_day"] + reviews * spec["review_euros"]
    euros += ~people * alarms * spec["blocked_euros"] + live * spec["harmful_euros"]
    feasible = designs["latency_p99_s"] <= spec["p99_limit_s"]
    feasible &= reviews <= spec["reviews_per_day"]
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": euros[feasible].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="blocks for free" check="choose_design_played" message="6 per block: a day of rules costs"
def choose_design(designs, spec, check_first=False):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    alarms = designs["false_alarms"] * (uploads - harmful)
    people = designs["flagged_go_to"] == "people"
    reviews = people * (designs["caught"] * harmful + alarms)
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    rate = uploads / 86_400 * spec["peak_factor"]
    euros = np.ceil(rate * designs["service_s"] / 0.6) * designs["euros_per_server_day"]
    euros += designs["fixed_euros_per_day"] + reviews * spec["review_euros"]
    euros += live * spec["harmful_euros"]
    feasible = designs["latency_p99_s"] <= spec["p99_limit_s"]
    feasible &= reviews <= spec["reviews_per_day"]
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": euros[feasible].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }


# %% wrong="guards only what stays at zero" check="choose_design_metrics" message="moves when servers or reviewers"
def choose_design(designs, spec, check_first=False):
    return {
        "design": "cascade",
        "primary_metric": "euros_per_day",
        "guardrails": {"wrongly_blocked_per_day": "below", "uploads_checked_per_day": "above"},
    }
