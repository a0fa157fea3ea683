"""Answers to `label_clicks`."""


# %% right="all pairs of click and order, then the last click"
def label_clicks(clicks, orders, now, window):
    once = orders.drop_duplicates("order_id")
    pairs = clicks.merge(once, on=["user_id", "campaign"])
    pairs = pairs[pairs["clicked_at"] <= pairs["ordered_at"]]
    last = pairs.sort_values("clicked_at").groupby("order_id").tail(1)
    good = last.loc[last["ordered_at"] <= last["clicked_at"] + window, "click_id"]
    mature = clicks[now - clicks["clicked_at"] >= window].copy()
    mature["ordered"] = mature["click_id"].isin(set(good))
    return mature


# %% right="a loop over clicks by user and campaign"
def label_clicks(clicks, orders, now, window):
    times = {}
    for user, campaign, at in zip(
        orders["user_id"], orders["campaign"], orders["ordered_at"], strict=True
    ):
        times.setdefault((user, campaign), []).append(at)
    following = {}
    label = {}
    for row in clicks[::-1].itertuples():
        key = (row.user_id, row.campaign)
        until = following.get(key, np.inf)
        label[row.Index] = any(
            row.clicked_at <= at < until and at - row.clicked_at <= window
            for at in times.get(key, [])
        )
        following[key] = row.clicked_at
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=[float(label[i]) for i in mature.index])


# %% right="the next click of the user ends the claim"
def label_clicks(clicks, orders, now, window):
    until = clicks.groupby(["user_id", "campaign"])["clicked_at"].shift(-1).fillna(np.inf)
    once = orders.drop_duplicates("order_id")
    pairs = clicks.assign(until=until).merge(once, on=["user_id", "campaign"])
    wait = pairs["ordered_at"] - pairs["clicked_at"]
    hit = pairs[(wait >= 0) & (wait <= window) & (pairs["ordered_at"] < pairs["until"])]
    mature = clicks[clicks["clicked_at"] <= now - window]
    return mature.assign(ordered=np.where(mature["click_id"].isin(hit["click_id"]), 1, 0))


# %% wrong="labels every click so far" check="label_clicks_mature" message="'no order yet' was taken for 'no order'"
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders.drop_duplicates("order_id"),
        clicks,
        left_on="ordered_at",
        right_on="clicked_at",
        by=["user_id", "campaign"],
    )
    in_window = credited["ordered_at"] - credited["clicked_at"] <= window
    so_far = clicks[clicks["clicked_at"] <= now]
    ordered = so_far["click_id"].isin(credited.loc[in_window, "click_id"])
    return so_far.assign(ordered=ordered.astype(int))


# %% wrong="drops a whole day more than is open" check="label_clicks_mature" message="have closed."
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders.drop_duplicates("order_id"),
        clicks,
        left_on="ordered_at",
        right_on="clicked_at",
        by=["user_id", "campaign"],
    )
    in_window = credited["ordered_at"] - credited["clicked_at"] <= window
    mature = clicks[clicks["clicked_at"] + window <= now - 1]
    ordered = mature["click_id"].isin(credited.loc[in_window, "click_id"])
    return mature.assign(ordered=ordered.astype(int))


# %% wrong="any order ever, whatever the window" check="label_clicks_window" message="old clicks had more time"
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders.drop_duplicates("order_id"),
        clicks,
        left_on="ordered_at",
        right_on="clicked_at",
        by=["user_id", "campaign"],
    )
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].isin(credited["click_id"]).astype(int))


# %% wrong="credits every click of the user" check="label_clicks_once" message="every click of the user before the order got it"
def label_clicks(clicks, orders, now, window):
    pairs = clicks.merge(orders.drop_duplicates("order_id"), on=["user_id", "campaign"])
    wait = pairs["ordered_at"] - pairs["clicked_at"]
    hit = pairs.loc[wait.between(0, window), "click_id"]
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].isin(hit).astype(int))


# %% wrong="credits the first click" check="label_clicks_once" message="first-click attribution"
def label_clicks(clicks, orders, now, window):
    pairs = clicks.merge(orders.drop_duplicates("order_id"), on=["user_id", "campaign"])
    pairs = pairs[pairs["clicked_at"] <= pairs["ordered_at"]]
    first = pairs.sort_values("clicked_at").groupby("order_id").head(1)
    hit = first.loc[first["ordered_at"] - first["clicked_at"] <= window, "click_id"]
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].isin(hit).astype(int))


# %% wrong="forgets the campaign" check="label_clicks_once" message="on another campaign"
def label_clicks(clicks, orders, now, window):
    pairs = clicks.merge(orders.drop_duplicates("order_id"), on="user_id")
    wait = pairs["ordered_at"] - pairs["clicked_at"]
    pairs = pairs[wait.between(0, window)]
    last = pairs.sort_values("clicked_at").groupby(["order_id", "campaign_x"]).tail(1)
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].isin(last["click_id"]).astype(int))


# %% wrong="a row per reported order" check="label_clicks_once" message="made a further row"
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders, clicks, left_on="ordered_at", right_on="clicked_at", by=["user_id", "campaign"]
    )
    credited = credited[credited["ordered_at"] - credited["clicked_at"] <= window]
    mature = clicks[clicks["clicked_at"] + window <= now]
    joined = mature.merge(credited[["click_id", "order_id"]], on="click_id", how="left")
    joined["ordered"] = joined["order_id"].notna().astype(int)
    return joined.drop(columns="order_id")


# %% wrong="counts reports" check="label_clicks_once" message="repeated reports do not count"
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders, clicks, left_on="ordered_at", right_on="clicked_at", by=["user_id", "campaign"]
    )
    credited = credited[credited["ordered_at"] - credited["clicked_at"] <= window]
    count = credited.groupby("click_id").size()
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].map(count).fillna(0).astype(int))


# %% wrong="counts reports in the window" check="label_clicks_window" message="count each `order_id` once"
def label_clicks(clicks, orders, now, window):
    pairs = clicks.merge(orders, on=["user_id", "campaign"])
    pairs = pairs[pairs["clicked_at"] <= pairs["ordered_at"]]
    last = pairs.loc[
        pairs.groupby(["order_id", "ordered_at"])["clicked_at"].transform("max")
        == pairs["clicked_at"]
    ]
    count = last[last["ordered_at"] - last["clicked_at"] <= window].groupby("click_id").size()
    mature = clicks[clicks["clicked_at"] + window <= now]
    return mature.assign(ordered=mature["click_id"].map(count).fillna(0))


# %% wrong="keeps mature clicks first, then looks for the last" check="label_clicks_once" message="their own click was filtered out first"
def label_clicks(clicks, orders, now, window):
    mature = clicks[clicks["clicked_at"] + window <= now]
    credited = pd.merge_asof(
        orders.drop_duplicates("order_id"),
        mature,
        left_on="ordered_at",
        right_on="clicked_at",
        by=["user_id", "campaign"],
    )
    in_window = credited["ordered_at"] - credited["clicked_at"] <= window
    ordered = mature["click_id"].isin(credited.loc[in_window, "click_id"])
    return mature.assign(ordered=ordered.astype(int))


# %% wrong="numbers the rows anew" check="label_clicks" message="Rows keep the index of `clicks`"
def label_clicks(clicks, orders, now, window):
    credited = pd.merge_asof(
        orders.drop_duplicates("order_id"),
        clicks,
        left_on="ordered_at",
        right_on="clicked_at",
        by=["user_id", "campaign"],
    )
    in_window = credited["ordered_at"] - credited["clicked_at"] <= window
    mature = clicks[clicks["clicked_at"] + window <= now]
    ordered = mature["click_id"].isin(credited.loc[in_window, "click_id"])
    return mature.assign(ordered=ordered.astype(int)).reset_index(drop=True)
