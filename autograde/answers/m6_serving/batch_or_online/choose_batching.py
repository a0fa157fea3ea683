"""Answers to `choose_batching`."""


# %% right="the setting with the lowest p99 of those that carry the rate"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    table = settings.copy()
    table["carried"] = (
        1_000 * table["max_batch"] / (launch_ms + per_request_ms * table["max_batch"])
    )
    table = table[table["carried"] >= 1.2 * rate]
    p99 = [
        np.quantile(
            traffic.batcher(5, rate, int(b), w, launch_ms=launch_ms, per_request_ms=per_request_ms),
            0.99,
        )
        for b, w in zip(table["max_batch"], table["max_wait_ms"], strict=True)
    ]
    best = table.iloc[int(np.argmin(p99))]
    return int(best["max_batch"]), float(best["max_wait_ms"])


# %% right="the largest throughput among those that keep the limit"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    best, most = None, 1.2 * rate
    for row in settings.itertuples():
        carried = 1e3 * row.max_batch / (launch_ms + row.max_batch * per_request_ms)
        runs = [
            traffic.batcher(
                seed,
                rate,
                row.max_batch,
                row.max_wait_ms,
                launch_ms=launch_ms,
                per_request_ms=per_request_ms,
            )
            for seed in (1, 2)
        ]
        late = np.mean(np.concatenate(runs) > limit_ms)
        if carried >= most and late <= 0.01:
            best, most = (row.max_batch, row.max_wait_ms), carried
    return best


# %% wrong="takes the largest throughput" check="choose_batching_limits" message="have the largest throughput"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    carried = settings["max_batch"] / (launch_ms + settings["max_batch"] * per_request_ms)
    best = settings.loc[carried.idxmax()]
    return best["max_batch"], best["max_wait_ms"]


# %% wrong="takes the lowest latency of an idle server" check="choose_batching_limits" message="the queue grows without end"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    alone = launch_ms + per_request_ms + settings["max_wait_ms"]
    best = settings.loc[alone.idxmin()]
    return best["max_batch"], best["max_wait_ms"]


# %% wrong="compares the mean with the limit" check="choose_batching_limits" message="the mean of"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    run = {"launch_ms": launch_ms, "per_request_ms": per_request_ms}
    fits = []
    for batch, wait in settings[["max_batch", "max_wait_ms"]].to_numpy():
        carried = 1_000 * batch / (launch_ms + batch * per_request_ms)
        mean = traffic.batcher(0, rate, int(batch), wait, **run).mean()
        if carried >= 1.2 * rate and mean <= limit_ms and batch < settings["max_batch"].max():
            fits.append((wait, batch))
    wait, batch = max(fits)
    return batch, wait


# %% wrong="leaves no headroom" check="choose_batching_limits" message="1.2 x"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    for batch, wait in settings.sort_values("max_batch").to_numpy():
        if 1_000 * batch / (launch_ms + batch * per_request_ms) >= 0.8 * rate and batch > 1:
            return batch, wait


# %% wrong="returns the batch size alone" check="choose_batching" message="Return a pair"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    return (8,)


# %% wrong="invents a setting" check="choose_batching" message="is no row of the settings"
def choose_batching(settings, rate, limit_ms, launch_ms, per_request_ms):
    return 12, 3.0
