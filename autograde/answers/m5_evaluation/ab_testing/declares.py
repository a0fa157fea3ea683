"""Answers to `declares`."""


# %% right="Bonferroni"
def declares(z):
    z = np.asarray(z)
    return np.abs(z) > stats.norm.isf(0.025 / z.shape[1])


# %% right="Pocock's constant bound, simulated"
def declares(z):
    looks = np.shape(z)[1]
    steps = np.random.default_rng(3).standard_normal((30_000, looks)).cumsum(axis=1)
    highest = np.abs(steps / np.sqrt(np.arange(1, looks + 1))).max(axis=1)
    return np.abs(z) > np.quantile(highest, 0.95)


# %% right="O'Brien and Fleming from the reflection principle"
def declares(z):
    # A Brownian path crosses c before its end with twice the probability of ending beyond it.
    looks = np.shape(z)[1]
    bound = stats.norm.isf(0.05 / 4)
    return np.abs(z) > bound * np.sqrt(looks / np.arange(1, looks + 1))


# %% right="mixture sequential probability ratio test"
def declares(z):
    z = np.asarray(z)
    share = np.arange(1, z.shape[1] + 1) / z.shape[1]
    prior = 8.0 * share
    log_ratio = -0.5 * np.log1p(prior) + prior * z**2 / (2 * (1 + prior))
    return np.logical_or.accumulate(log_ratio > np.log(1 / 0.05), axis=1)


# %% wrong="ordinary test at every look" check="declares_false_alarms" message="Each look is an ordinary test at 5 %"
def declares(z):
    return np.abs(z) > 1.959964


# %% wrong="divides the level by the looks so far" check="declares_false_alarms" message="as if no other would follow"
def declares(z):
    so_far = np.arange(1, np.shape(z)[1] + 1)
    return np.abs(z) > stats.norm.isf(0.025 / so_far)


# %% wrong="a little stricter, at every look" check="declares_false_alarms" message="of the tests without an effect declare with 20 looks."
def declares(z):
    return np.abs(z) > 2.33


# %% wrong="waits for the end" check="declares" message="z = 30 throughout: declared is True"
def declares(z):
    said = np.zeros(np.shape(z), dtype=bool)
    said[:, -1] = np.abs(z)[:, -1] > 1.959964
    return said


# %% wrong="improvements only" check="declares" message="z = -30 throughout"
def declares(z):
    z = np.asarray(z)
    return z > stats.norm.isf(0.05 / z.shape[1])


# %% wrong="knows how the test ends" check="declares_power" message="Later z-values changed"
def declares(z):
    z = np.asarray(z)
    ends_well = np.abs(z[:, -1:]) > 1.959964
    return ends_well & (np.abs(z) > 1.959964)


# %% wrong="squares the number of looks" check="declares_power" message="the rule pays too much for looking"
def declares(z):
    z = np.asarray(z)
    return np.abs(z) > stats.norm.isf(0.025 / z.shape[1] ** 4)
