"""Answers to `choose_rung`."""


# %% right="a bootstrap of users for each difference"
def choose_rung(losses, user, latency_ms, limit_ms):
    rng = np.random.default_rng(0)
    affordable = losses[[rung for rung in losses if latency_ms[rung] <= limit_ms]]
    best = affordable.mean().idxmin()
    _, number = np.unique(user, return_inverse=True)
    count = np.bincount(number)
    drawn = rng.integers(0, len(count), (400, len(count)))
    for rung in affordable:
        worse = (losses[rung] - losses[best]).to_numpy()
        means = np.bincount(number, worse)[drawn].sum(axis=1) / count[drawn].sum(axis=1)
        if worse.mean() <= means.std() or rung == best:
            return rung


# %% right="from the best rung downwards, with numpy"
def choose_rung(losses, user, latency_ms, limit_ms):
    names = [rung for rung in losses.columns if latency_ms[rung] <= limit_ms]
    values = losses[names].to_numpy()
    best = values.mean(axis=0).argmin()
    _, number = np.unique(np.asarray(user), return_inverse=True)
    close = []
    for k in range(len(names)):
        worse = values[:, k] - values[:, best]
        left = np.bincount(number, worse - worse.mean())
        close.append(worse.mean() <= np.sqrt(left @ left) / len(worse))
    return names[int(np.argmax(close))]


# %% wrong="simplest rung whose 95 % interval of the difference reaches 0" check="choose_rung_error" message="a 95 % interval is nearly two wide"
def choose_rung(losses, user, latency_ms, limit_ms):
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    best = losses[affordable].mean().idxmin()
    for rung in affordable:
        worse = losses[rung] - losses[best]
        left = (worse - worse.mean()).groupby(np.asarray(user)).sum()
        if worse.mean() <= 1.96 * np.sqrt((left**2).sum()) / len(worse):
            return rung


# %% wrong="half a standard error" check="choose_rung_error" message="the margin is one whole standard error"
def choose_rung(losses, user, latency_ms, limit_ms):
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    best = losses[affordable].mean().idxmin()
    for rung in affordable:
        worse = losses[rung] - losses[best]
        left = (worse - worse.mean()).groupby(np.asarray(user)).sum()
        if worse.mean() <= 0.5 * np.sqrt((left**2).sum()) / len(worse):
            return rung


# %% wrong="takes the lowest mean loss" check="choose_rung_error" message="has the lowest mean loss, but 'linear' is only 0.3"
def choose_rung(losses, user, latency_ms, limit_ms):
    return losses[[rung for rung in losses if latency_ms[rung] <= limit_ms]].mean().idxmin()


# %% wrong="unpaired standard error" check="choose_rung_error" message="an unpaired standard error holds the noise"
def choose_rung(losses, user, latency_ms, limit_ms):
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    by_user = losses[affordable].groupby(np.asarray(user)).mean()
    best = losses[affordable].mean().idxmin()
    for rung in affordable:
        error = np.sqrt((by_user[rung].var() + by_user[best].var()) / len(by_user))
        if losses[rung].mean() <= losses[best].mean() + error:
            return rung


# %% wrong="climbs while the next rung is better" check="choose_rung_error" message="compare with the best rung, not with the next one"
def choose_rung(losses, user, latency_ms, limit_ms):
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    here = affordable[0]
    for rung in affordable[1:]:
        better = losses[here] - losses[rung]
        left = (better - better.mean()).groupby(np.asarray(user)).sum()
        if better.mean() <= np.sqrt((left**2).sum()) / len(better):
            return here
        here = rung
    return here


# %% wrong="standard error over rows" check="choose_rung_error" message="40 rows of a user are not 40 users"
def choose_rung(losses, user, latency_ms, limit_ms):
    affordable = [rung for rung in losses if latency_ms[rung] <= limit_ms]
    best = losses[affordable].mean().idxmin()
    for rung in affordable:
        worse = losses[rung] - losses[best]
        if worse.mean() <= worse.sem():
            return rung


# %% wrong="forgets the limit" check="choose_rung_limit" message="takes 400 ms; the limit is 40 ms"
def choose_rung(losses, user, latency_ms, limit_ms):
    best = losses.mean().idxmin()
    for rung in losses:
        worse = losses[rung] - losses[best]
        left = (worse - worse.mean()).groupby(np.asarray(user)).sum()
        if worse.mean() <= np.sqrt((left**2).sum()) / len(worse):
            return rung


# %% wrong="compares with the best of all, affordable or not" check="choose_rung_limit" message="rungs were compared with 'stack'"
def choose_rung(losses, user, latency_ms, limit_ms):
    best = losses.mean().idxmin()
    for rung in losses:
        worse = losses[rung] - losses[best]
        left = (worse - worse.mean()).groupby(np.asarray(user)).sum()
        close = worse.mean() <= np.sqrt((left**2).sum()) / len(worse)
        if close and latency_ms[rung] <= limit_ms:
            return rung
    return "none is good enough"
