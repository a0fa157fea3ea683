"""Answers to `label_impressions`."""


# %% right="left joins with a pivot table"
def label_impressions(impressions, events):
    first = events.drop_duplicates(subset=["impression_id", "kind"])
    first = first.assign(kind=first["kind"].astype(str))
    wide = first.pivot(index="impression_id", columns="kind", values="value")
    wide = wide.reindex(index=impressions["impression_id"], columns=["click", "watch"])
    wide.index = impressions.index
    seconds = wide["watch"].fillna(0.0)
    return pd.DataFrame(
        {
            "completed": seconds / impressions["length_s"] >= 0.8,
            "seconds": seconds,
            "clicked": wide["click"].notna(),
        }
    )


# %% right="dictionaries and a loop"
def label_impressions(impressions, events):
    watched, hit = {}, set()
    for impression, kind, value in zip(
        events["impression_id"], events["kind"], events["value"], strict=True
    ):
        if kind == "watch":
            watched[impression] = value
        elif kind == "click":
            hit.add(impression)
    rows = []
    for impression, length in zip(
        impressions["impression_id"], impressions["length_s"], strict=True
    ):
        seconds = watched.get(impression, 0.0)
        rows.append((int(impression in hit), seconds, int(seconds >= 0.8 * length)))
    return pd.DataFrame(rows, columns=["clicked", "seconds", "completed"], index=impressions.index)


# %% right="the largest of repeated values"
def label_impressions(impressions, events):
    def of(kind):
        chosen = events[events["kind"] == kind].groupby("impression_id")["value"].max()
        return impressions["impression_id"].map(chosen).fillna(0.0)

    seconds = of("watch")
    share = seconds / impressions["length_s"].astype(float)
    return pd.DataFrame(
        {"clicked": of("click"), "seconds": seconds, "completed": (share >= 0.8).astype(float)}
    )


# %% wrong="drops impressions without a click" check="label_impressions_everyone" message="those without a click are gone"
def label_impressions(impressions, events):
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once[once["kind"] == "watch"].set_index("impression_id")["value"]
    seconds = impressions["impression_id"].map(watched).dropna()
    length = impressions["length_s"].loc[seconds.index]
    return pd.DataFrame(
        {"clicked": 1, "seconds": seconds, "completed": (seconds >= 0.8 * length).astype(int)}
    )


# %% wrong="leaves the seconds of others missing" check="label_impressions_everyone" message="have no seconds"
def label_impressions(impressions, events):
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once[once["kind"] == "watch"].set_index("impression_id")["value"]
    seconds = impressions["impression_id"].map(watched)
    return pd.DataFrame(
        {
            "clicked": seconds.notna().astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * impressions["length_s"]).astype(int),
        }
    )


# %% wrong="joins repeated reports" check="label_impressions_repeats" message="made a second example"
def label_impressions(impressions, events):
    watched = events.loc[events["kind"] == "watch", ["impression_id", "value"]]
    joined = impressions.reset_index().merge(watched, on="impression_id", how="left")
    joined = joined.set_index("index")
    seconds = joined["value"].fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": joined["value"].notna().astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * joined["length_s"]).astype(int),
        }
    )


# %% wrong="counts clicks" check="label_impressions_repeats" message="repeated reports were counted"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    count = events[events["kind"] == "click"].groupby("impression_id").size()
    watched = events[events["kind"] == "watch"].groupby("impression_id")["value"].max()
    seconds = ids.map(watched).fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": ids.map(count).fillna(0).astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * impressions["length_s"]).astype(int),
        }
    )


# %% wrong="adds up repeated seconds" check="label_impressions_repeats" message="repeats were added up"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    watched = events[events["kind"] == "watch"].groupby("impression_id")["value"].sum()
    seconds = ids.map(watched).fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": ids.isin(events.loc[events["kind"] == "click", "impression_id"]).astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * impressions["length_s"]).astype(int),
        }
    )


# %% wrong="completion as a number of seconds" check="label_impressions_completed" message="the same number of seconds is asked"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once[once["kind"] == "watch"].set_index("impression_id")["value"]
    seconds = ids.map(watched).fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": ids.isin(once.loc[once["kind"] == "click", "impression_id"]).astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * impressions["length_s"].median()).astype(int),
        }
    )


# %% wrong="any watching is a completion" check="label_impressions_completed" message="Every click is a completion"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once[once["kind"] == "watch"].set_index("impression_id")["value"]
    clicked = ids.isin(once.loc[once["kind"] == "click", "impression_id"]).astype(int)
    return pd.DataFrame(
        {"clicked": clicked, "seconds": ids.map(watched).fillna(0.0), "completed": clicked}
    )


# %% wrong="completion only of the whole video" check="label_impressions_completed" message="Not 80 % of the length"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once[once["kind"] == "watch"].set_index("impression_id")["value"]
    seconds = ids.map(watched).fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": ids.isin(once.loc[once["kind"] == "click", "impression_id"]).astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.95 * impressions["length_s"]).astype(int),
        }
    )


# %% wrong="drops whole repeated rows, then adds up" check="label_impressions_repeats" message="not its `arrival_time`"
def label_impressions(impressions, events):
    ids = impressions["impression_id"]
    once = events.drop_duplicates()
    watched = once[once["kind"] == "watch"].groupby("impression_id")["value"].sum()
    seconds = ids.map(watched).fillna(0.0)
    return pd.DataFrame(
        {
            "clicked": ids.isin(once.loc[once["kind"] == "click", "impression_id"]).astype(int),
            "seconds": seconds,
            "completed": (seconds >= 0.8 * impressions["length_s"]).astype(int),
        }
    )


# %% wrong="an inner join with the watched" check="label_impressions_repeats" message="those that nothing followed are missing"
def label_impressions(impressions, events):
    once = events.drop_duplicates(["impression_id", "kind"])
    watched = once.loc[once["kind"] == "watch", ["impression_id", "value"]]
    joined = impressions.merge(watched, on="impression_id")
    return pd.DataFrame(
        {
            "clicked": 1,
            "seconds": joined["value"],
            "completed": (joined["value"] >= 0.8 * joined["length_s"]).astype(int),
        }
    )
