"""Answers to `corrected_rate`."""


# %% right="the mean of label over F"
def corrected_rate(age, delay, mean_delay):
    ordered = np.isfinite(delay)
    return np.mean(ordered / -np.expm1(-age / mean_delay))


# %% right="EM, as for a mixture of late and never"
def corrected_rate(age, delay, mean_delay):
    ordered = ~np.isnan(delay)
    still_to_come = np.exp(-age[~ordered] / mean_delay)
    rate = ordered.mean()
    for _ in range(500):
        late = rate * still_to_come / (1 - rate + rate * still_to_come)
        rate = (ordered.sum() + late.sum()) / len(age)
    return rate


# %% right="Kaplan-Meier, continued beyond the oldest click"
def corrected_rate(age, delay, mean_delay):
    ordered = ~np.isnan(delay)
    time = np.where(ordered, delay, age)
    order = np.argsort(time, kind="stable")
    at_risk = len(time) - np.arange(len(time))
    survival = np.cumprod(1 - ordered[order] / at_risk)
    old = np.quantile(age, 0.99)
    by_then = 1 - survival[np.searchsorted(time[order], old, side="right") - 1]
    return by_then / (1 - np.exp(-old / mean_delay))


# %% wrong="what has ordered by now" check="corrected_rate_truth" message="young clicks are not done"
def corrected_rate(age, delay, mean_delay):
    return np.mean(~np.isnan(delay))


# %% wrong="F of the oldest age for all rows" check="corrected_rate_truth" message="were divided by F of the oldest age"
def corrected_rate(age, delay, mean_delay):
    return np.mean(~np.isnan(delay)) / (1 - np.exp(-np.max(age) / mean_delay))


# %% wrong="waits until the delay has nearly passed" check="corrected_rate_truth" message="No estimate for clicks of at most"
def corrected_rate(age, delay, mean_delay):
    mature = age >= 4 * mean_delay
    return np.mean(~np.isnan(delay[mature])) if mature.any() else np.nan


# %% wrong="looks at the last seven days, to be up to date" check="corrected_rate_truth" message="Lower than what is known already"
def corrected_rate(age, delay, mean_delay):
    return np.mean(~np.isnan(delay[age <= 7]))


# %% wrong="F of the mean age" check="corrected_rate_truth" message="Off by more than chance explains"
def corrected_rate(age, delay, mean_delay):
    return np.mean(~np.isnan(delay)) / (1 - np.exp(-np.mean(age) / mean_delay))


# %% wrong="divides by what is still to come" check="corrected_rate_truth" message="as if each row had been corrected twice"
def corrected_rate(age, delay, mean_delay):
    shown = 1 - np.exp(-age / mean_delay)
    return np.mean(~np.isnan(delay) / shown**2)
