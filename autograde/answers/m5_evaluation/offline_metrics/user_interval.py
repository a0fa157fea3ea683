"""Answers to `user_interval`."""


# %% right="linearised standard error (delta method)"
def user_interval(rows, rng):
    mean, n = rows["value"].mean(), len(rows)
    by_user = (rows["value"] - mean).groupby(rows["user_id"]).sum()
    error = np.sqrt((by_user**2).sum()) / n
    return mean - 1.96 * error, mean + 1.96 * error


# %% right="cluster bootstrap in a loop"
def user_interval(rows, rng):
    users = rows.groupby("user_id")["value"].agg(["sum", "count"]).to_numpy()
    means = []
    for _ in range(500):
        drawn = users[rng.integers(0, len(users), len(users))]
        means.append(drawn[:, 0].sum() / drawn[:, 1].sum())
    return np.percentile(means, [2.5, 97.5])


# %% right="bootstrap standard error and normal quantiles"
def user_interval(rows, rng):
    total = rows.groupby("user_id")["value"].sum().to_numpy()
    size = rows.groupby("user_id").size().to_numpy()
    drawn = rng.integers(0, len(size), (800, len(size)))
    error = (total[drawn].sum(axis=1) / size[drawn].sum(axis=1)).std(ddof=1)
    mean = rows["value"].mean()
    return [mean - 1.96 * error, mean + 1.96 * error]


# %% wrong="binomial standard error" check="user_interval_coverage" message="as wide as the binomial one"
def user_interval(rows, rng):
    rate, n = rows["value"].mean(), len(rows)
    half = 1.96 * np.sqrt(rate * (1 - rate) / n) * 1.001
    return rate - half, rate + half


# %% wrong="the dashboard's interval" check="user_interval" message="the binomial one"
def user_interval(rows, rng):
    return binomial_interval(rows)


# %% wrong="bootstrap of rows" check="user_interval_coverage" message="each impression counts as an independent fact"
def user_interval(rows, rng):
    value = rows["value"].to_numpy()
    means = [value[rng.integers(0, len(value), len(value))].mean() for _ in range(500)]
    return np.quantile(means, [0.025, 0.975])


# %% wrong="one standard error to each side" check="user_interval_coverage" message="not one"
def user_interval(rows, rng):
    mean = rows["value"].mean()
    by_user = (rows["value"] - mean).groupby(rows["user_id"]).sum()
    error = np.sqrt((by_user**2).sum()) / len(rows)
    return mean - error, mean + error


# %% wrong="mean of the users' means" check="user_interval_coverage" message="asked was the mean over rows"
def user_interval(rows, rng):
    per_user = rows.groupby("user_id")["value"].mean().to_numpy()
    mean, error = per_user.mean(), per_user.std(ddof=1) / np.sqrt(len(per_user))
    return mean - 1.96 * error, mean + 1.96 * error


# %% wrong="three standard errors to be safe" check="user_interval_coverage" message="is too wide"
def user_interval(rows, rng):
    mean = rows["value"].mean()
    by_user = (rows["value"] - mean).groupby(rows["user_id"]).sum()
    error = np.sqrt((by_user**2).sum()) / len(rows)
    return mean - 3 * error, mean + 3 * error


# %% wrong="the spread of users, not of their mean" check="user_interval_coverage" message="100.0% of 3,000 replays"
def user_interval(rows, rng):
    per_user = rows.groupby("user_id")["value"].mean()
    mean = rows["value"].mean()
    return mean - 1.96 * per_user.std(), mean + 1.96 * per_user.std()
