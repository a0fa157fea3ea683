"""Answers to `route`."""


# %% right="sorting within each day"
def route(uploads, spec):
    p, day = uploads["p_harmful"].to_numpy(), uploads["day"].to_numpy()
    threshold = spec["blocked_euros"] / (spec["blocked_euros"] + spec["harmful_euros"])
    actions = np.where(p >= threshold, "block", "publish").astype(object)
    at_stake = np.where(p >= threshold, (1 - p) * spec["blocked_euros"], p * spec["harmful_euros"])
    for today in np.unique(day):
        rows = np.flatnonzero((day == today) & (at_stake > spec["review_euros"]))
        dearest = rows[np.argsort(-at_stake[rows])]
        actions[dearest[: int(spec["reviews_per_day"])]] = "review"
    return actions


# %% right="partial sorting, a list as result"
def route(uploads, spec):
    prices = pd.DataFrame(
        {
            "publish": uploads["p_harmful"] * spec["harmful_euros"],
            "block": (1 - uploads["p_harmful"]) * spec["blocked_euros"],
        }
    )
    actions, stake = prices.idxmin(axis=1), prices.min(axis=1)
    worth = stake[stake > spec["review_euros"]]
    for _, rows in worth.groupby(uploads["day"]):
        actions[rows.nlargest(int(spec["reviews_per_day"])).index] = "review"
    return actions.tolist()


# %% wrong="blocks from 0.5 on" check="route_costs" message="You block from 0.5 on"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    stake = np.where(p >= 0.5, block, publish)
    rank = pd.Series(stake).groupby(uploads["day"].to_numpy()).rank(ascending=False, method="first")
    review = (stake > spec["review_euros"]) & (rank.to_numpy() <= spec["reviews_per_day"])
    return np.where(review, "review", np.where(p >= 0.5, "block", "publish"))


# %% wrong="one threshold, no reviews" check="route_costs" message="One threshold"
def route(uploads, spec):
    threshold = spec["blocked_euros"] / (spec["blocked_euros"] + spec["harmful_euros"])
    return np.where(uploads["p_harmful"] >= threshold, "block", "publish")


# %% wrong="reviews all that the reviewers can take" check="route_costs" message="cost more than they save"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    stake = np.minimum(publish, block)
    rank = stake.groupby(uploads["day"]).rank(ascending=False, method="first")
    review = rank <= spec["reviews_per_day"]
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))


# %% wrong="the largest savings of all days together" check="route_capacity" message="You share out the week's reviews"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    saved = np.minimum(publish, block) - spec["review_euros"]
    total = spec["reviews_per_day"] * uploads["day"].nunique()
    review = (saved > 0) & (saved.rank(ascending=False, method="first") <= total)
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))


# %% wrong="the highest scores of each day" check="route_capacity" message="You review the highest scores"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    saved = np.minimum(publish, block) - spec["review_euros"]
    rank = p.groupby(uploads["day"]).rank(ascending=False, method="first")
    scarce = (saved > 0).groupby(uploads["day"]).transform("sum") > spec["reviews_per_day"]
    review = np.where(scarce, rank <= spec["reviews_per_day"], saved > 0)
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))


# %% wrong="first come, first reviewed" check="route_capacity" message="You review what comes first"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    unclear = np.minimum(publish, block) > spec["review_euros"]
    place = unclear.astype(int).groupby(uploads["day"]).cumsum()
    review = unclear & (place <= spec["reviews_per_day"])
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))


# %% wrong="reviews what is unclear, however much" check="route" message="the reviewers get through 30"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    unclear = np.minimum(publish, block) > spec["review_euros"]
    return np.where(unclear, "review", np.where(publish <= block, "publish", "block"))


# %% wrong="blocks from 0.5 on what nobody can review" check="route_capacity" message="get the dearer of publish and block"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    saved = np.minimum(publish, block) - spec["review_euros"]
    rank = saved.groupby(uploads["day"]).rank(ascending=False, method="first")
    review = (saved > 0) & (rank <= spec["reviews_per_day"])
    threshold = spec["blocked_euros"] / (spec["blocked_euros"] + spec["harmful_euros"])
    scarce = (saved > 0).groupby(uploads["day"]).transform("sum") > spec["reviews_per_day"]
    threshold = 0.5 if scarce.any() and spec["reviews_per_day"] else threshold
    return np.where(review, "review", np.where(p < threshold, "publish", "block"))


# %% wrong="reviews around 0.5 first" check="route_capacity" message="among the uploads that you left out"
def route(uploads, spec):
    p = uploads["p_harmful"]
    publish, block = p * spec["harmful_euros"], (1 - p) * spec["blocked_euros"]
    unclear = np.minimum(publish, block) > spec["review_euros"]
    distance = (p - 0.5).abs().where(unclear, np.inf)
    rank = distance.groupby(uploads["day"]).rank(method="first")
    review = unclear & (rank <= spec["reviews_per_day"])
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))
