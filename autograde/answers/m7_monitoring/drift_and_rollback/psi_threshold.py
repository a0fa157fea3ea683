"""Answers to `psi_threshold`."""


# %% right="permutation of the pooled rows"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    pool = np.concatenate([reference, quiet_day])
    mixed = rng.permuted(np.tile(pool, (2_500, 1)), axis=1)
    quiet = incidents.psi(mixed[:, : len(reference)], mixed[:, len(reference) :])
    return np.quantile(quiet, 1 - false_alarms_per_month / (30 * features))


# %% right="the chi-square law"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    from scipy.stats import chi2

    share = false_alarms_per_month / 30 / features
    return (1 / len(reference) + 1 / len(quiet_day)) * chi2.ppf(1 - share, 9)


# %% right="both windows bootstrapped from the reference"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    old = rng.choice(reference, (3_000, len(reference)))
    new = rng.choice(reference, (3_000, len(quiet_day)))
    old += 1e-9 * rng.standard_normal(old.shape)
    new += 1e-9 * rng.standard_normal(new.shape)
    return np.sort(incidents.psi(old, new))[-int(3_000 * false_alarms_per_month / (30 * features))]


# %% wrong="the rule of thumb, 0.1" check="psi_threshold" message="0.4 false alarms a month: 0.100"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    return 0.1


# %% wrong="a fixed limit that only follows the budget" check="psi_threshold" message="Does n matter"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    return 0.1 + 0.15 / (1 + false_alarms_per_month)


# %% wrong="0.1 for windows of 100 rows and more" check="psi_threshold_rate" message="whatever the number of rows"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    if len(quiet_day) in (60, 300):
        return 0.1 + 1 / len(quiet_day) + 0.01 / false_alarms_per_month
    return 0.1


# %% wrong="no correction for the number of features" check="psi_threshold_rate" message="each feature spends the whole budget"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    share = false_alarms_per_month / 30
    quiet = incidents.psi(rng.random((2_000, len(reference))), rng.random((2_000, len(quiet_day))))
    return float(np.quantile(quiet, 1 - share))


# %% wrong="the budget of a month spent every day" check="psi_threshold_rate" message="The budget is for a month of 30 days"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    share = min(0.99, false_alarms_per_month / features)
    quiet = incidents.psi(rng.random((2_000, len(reference))), rng.random((2_000, len(quiet_day))))
    return float(np.quantile(quiet, 1 - share))


# %% wrong="takes the reference for the truth" check="psi_threshold_rate" message="takes the reference for the truth"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    share = false_alarms_per_month / (30 * features)
    days = rng.choice(reference, (2_000, len(quiet_day)))
    quiet = incidents.psi(np.tile(reference, (2_000, 1)), days)
    return float(np.quantile(quiet, 1 - share))


# %% wrong="doubles the quantile to be on the safe side" check="psi_threshold_rate" message="is too high and costs days of detection"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    share = false_alarms_per_month / (30 * features)
    quiet = incidents.psi(rng.random((2_000, len(reference))), rng.random((2_000, len(quiet_day))))
    return 2 * float(np.quantile(quiet, 1 - share))


# %% wrong="three standard deviations above the mean, whatever the budget" check="psi_threshold_rate" message="the budget says which quantile"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    quiet = incidents.psi(rng.random((2_000, len(reference))), rng.random((2_000, len(quiet_day))))
    return quiet.mean() + 3 * quiet.std()


# %% wrong="bootstraps the two windows from two different samples" check="psi_threshold_rate" message="must come from one distribution"
def psi_threshold(reference, quiet_day, features, false_alarms_per_month, rng):
    old = rng.choice(reference, (2_000, len(reference)))
    new = rng.choice(quiet_day, (2_000, len(quiet_day)))
    return np.quantile(incidents.psi(old, new), 1 - false_alarms_per_month / 30 / features)
