"""Answers to `downsample`."""


# %% right="RandomUnderSampler with the ratio that belongs to the keep rate"
def downsample(rows, keep_rate, rng):
    clicks = (rows["clicked"] == 1).sum()
    ratio = clicks / (keep_rate * (len(rows) - clicks))
    sampler = RandomUnderSampler(sampling_strategy=ratio, random_state=int(rng.integers(2**31)))
    sampler.fit_resample(rows[["clicked"]], rows["clicked"])
    return rows.iloc[np.sort(sampler.sample_indices_)]


# %% right="pandas sample of the negatives, an exact share"
def downsample(rows, keep_rate, rng):
    others = rows[rows["clicked"] == 0].sample(frac=keep_rate, random_state=rng)
    return pd.concat([rows[rows["clicked"] == 1], others]).sort_index()


# %% right="one draw per negative, by position"
def downsample(rows, keep_rate, rng):
    clicked = rows["clicked"].to_numpy() == 1
    keep = clicked.copy()
    keep[~clicked] = rng.random((~clicked).sum()) < keep_rate
    return rows.loc[keep].copy()


# %% right="a loop over the rows"
def downsample(rows, keep_rate, rng):
    positions = []
    for position, clicked in enumerate(rows["clicked"]):
        if clicked or rng.random() < keep_rate:
            positions.append(position)
    return rows.iloc[positions]


# %% wrong="takes the keep rate for the class ratio after sampling" check="downsample_rates" message="you took the keep rate for the class ratio"
def downsample(rows, keep_rate, rng):
    seed = int(rng.integers(2**31))
    sampler = RandomUnderSampler(sampling_strategy=keep_rate, random_state=seed)
    sampler.fit_resample(rows[["clicked"]], rows["clicked"])
    return rows.iloc[np.sort(sampler.sample_indices_)]


# %% wrong="thins the clicks with the same probability" check="downsample_rates" message="The clicks were thinned too"
def downsample(rows, keep_rate, rng):
    return rows[rng.random(len(rows)) < keep_rate]


# %% wrong="samples the whole frame" check="downsample_rates" message="You sampled the whole frame"
def downsample(rows, keep_rate, rng):
    return rows.sample(frac=keep_rate, random_state=rng).sort_index()


# %% wrong="thins the clicks and keeps the others" check="downsample_rates" message="kept every other row"
def downsample(rows, keep_rate, rng):
    return rows[(rows["clicked"] == 0) | (rng.random(len(rows)) < keep_rate)]


# %% wrong="drops the share that it should keep" check="downsample_rates" message="You kept 0.9"
def downsample(rows, keep_rate, rng):
    return rows[(rows["clicked"] == 1) | (rng.random(len(rows)) >= keep_rate)]


# %% wrong="keeps the newest negatives instead of drawing" check="downsample_random" message="The negatives that you kept come from"
def downsample(rows, keep_rate, rng):
    others = rows[rows["clicked"] == 0]
    newest = others.tail(rng.binomial(len(others), keep_rate))
    return pd.concat([rows[rows["clicked"] == 1], newest]).sort_index()


# %% wrong="keeps the negatives that look most like clicks" check="downsample_random" message="differ in `interest_match`"
def downsample(rows, keep_rate, rng):
    others = rows[rows["clicked"] == 0]
    likeness = others["interest_match"] + rng.standard_normal(len(others))
    hard = others[likeness >= likeness.quantile(1 - keep_rate)]
    return pd.concat([rows[rows["clicked"] == 1], hard]).sort_index()


# %% wrong="draws from a generator of its own with a fixed seed" check="downsample" message="Another generator gave the same rows"
def downsample(rows, keep_rate, rng):
    own = np.random.default_rng(0)
    return rows[(rows["clicked"] == 1) | (own.random(len(rows)) < keep_rate)]


# %% wrong="returns clicks first, then the sampled negatives" check="downsample" message="in another order"
def downsample(rows, keep_rate, rng):
    others = rows[rows["clicked"] == 0].sample(frac=keep_rate, random_state=rng)
    return pd.concat([rows[rows["clicked"] == 1], others])
