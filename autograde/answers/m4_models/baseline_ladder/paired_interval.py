"""Answers to `paired_interval`."""


# %% right="normal interval from sums per user, for 0/1 losses of single rows that of McNemar's test"
def paired_interval(loss_a, loss_b, user, rng):
    difference = pd.Series(np.asarray(loss_a) - np.asarray(loss_b))
    mean = difference.mean()
    left = (difference - mean).groupby(np.asarray(user)).sum()
    error = np.sqrt((left**2).sum()) / len(difference)
    return mean, mean - 1.96 * error, mean + 1.96 * error


# %% right="bootstrap of users with a normal interval, in a dict of lists"
def paired_interval(loss_a, loss_b, user, rng):
    rows_of = {}
    for difference, who in zip(np.asarray(loss_a) - np.asarray(loss_b), user, strict=True):
        rows_of.setdefault(who, []).append(difference)
    total = np.array([sum(values) for values in rows_of.values()])
    count = np.array([len(values) for values in rows_of.values()])
    weight = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=500)
    means = weight @ total / (weight @ count)
    mean = total.sum() / count.sum()
    return [mean, mean - 1.96 * means.std(), mean + 1.96 * means.std()]


# %% right="jackknife over users"
def paired_interval(loss_a, loss_b, user, rng):
    table = pd.DataFrame({"d": np.asarray(loss_a) - np.asarray(loss_b), "user": np.asarray(user)})
    sums = table.groupby("user")["d"].agg(["sum", "size"])
    total, count = sums["sum"].to_numpy(), sums["size"].to_numpy()
    without = (total.sum() - total) / (count.sum() - count)
    n = len(total)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return np.array([0, -1.96, 1.96]) * error + table["d"].mean()


# %% wrong="draws separate samples of users for the two models" check="paired_interval_pairing" message="two separate samples of rows let in again"
def paired_interval(loss_a, loss_b, user, rng):
    _, number = np.unique(user, return_inverse=True)
    count = np.bincount(number)

    def means(loss):
        drawn = rng.integers(0, len(count), (600, len(count)))
        return np.bincount(number, loss)[drawn].sum(axis=1) / count[drawn].sum(axis=1)

    low, high = np.quantile(means(loss_a) - means(loss_b), [0.025, 0.975])
    return np.mean(loss_a) - np.mean(loss_b), low, high


# %% wrong="draws rows, not users" check="paired_interval_users" message="rows were drawn one by one"
def paired_interval(loss_a, loss_b, user, rng):
    difference = np.asarray(loss_a) - np.asarray(loss_b)
    drawn = rng.integers(0, len(difference), (500, len(difference)))
    low, high = np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])
    return difference.mean(), low, high


# %% wrong="averages users instead of rows" check="paired_interval_users" message="is the mean over users of their mean difference"
def paired_interval(loss_a, loss_b, user, rng):
    difference = pd.Series(np.asarray(loss_a) - np.asarray(loss_b))
    means = difference.groupby(np.asarray(user)).mean().to_numpy()
    drawn = rng.integers(0, len(means), (800, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), [0.025, 0.975])
    return means.mean(), low, high


# %% wrong="one standard error to each side" check="paired_interval_pairing" message="one standard error to each side covers 68 %"
def paired_interval(loss_a, loss_b, user, rng):
    difference = pd.Series(np.asarray(loss_a) - np.asarray(loss_b))
    mean = difference.mean()
    left = (difference - mean).groupby(np.asarray(user)).sum()
    error = np.sqrt((left**2).sum()) / len(difference)
    return mean, mean - error, mean + error


# %% wrong="the other model minus this one" check="paired_interval_pairing" message="the wrong way round"
def paired_interval(loss_a, loss_b, user, rng):
    difference = np.asarray(loss_b) - np.asarray(loss_a)
    _, number = np.unique(user, return_inverse=True)
    total, count = np.bincount(number, difference), np.bincount(number)
    drawn = rng.integers(0, len(count), (600, len(count)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return difference.mean(), *np.quantile(means, [0.025, 0.975])
