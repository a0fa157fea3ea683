"""Answers to `users_per_arm`."""


# %% right="rule of 16, rounded up"
def users_per_arm(rate, wanted):
    middle = (rate + wanted) / 2
    return int(np.ceil(16 * middle * (1 - middle) / (wanted - rate) ** 2))


# %% right="arcsine effect size"
def users_per_arm(rate, wanted):
    effect = 2 * np.arcsin(np.sqrt(wanted)) - 2 * np.arcsin(np.sqrt(rate))
    return 2 * ((stats.norm.isf(0.025) + stats.norm.isf(0.2)) / effect) ** 2


# %% right="unpooled variances, search for the power"
def users_per_arm(rate, wanted):
    from scipy.optimize import brentq

    spread = np.sqrt(rate * (1 - rate) + wanted * (1 - wanted))

    def missing_power(n):
        return stats.norm.cdf(abs(wanted - rate) * np.sqrt(n) / spread - 1.959964) - 0.8

    return brentq(missing_power, 1, 1e9)


# %% right="rule of 16 with the variance of the control"
def users_per_arm(rate, wanted):
    return round(16 * rate * (1 - rate) / (wanted - rate) ** 2)


# %% wrong="one-sided quantile" check="users_per_arm_value" message="is the size for a one-sided test"
def users_per_arm(rate, wanted):
    quantiles = stats.norm.ppf(1 - 0.05) + stats.norm.ppf(0.80)
    variances = rate * (1 - rate) + wanted * (1 - wanted)
    return quantiles**2 * variances / (wanted - rate) ** 2


# %% wrong="variance of one arm only" check="users_per_arm_value" message="is half of what it takes"
def users_per_arm(rate, wanted):
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.80)
    return quantiles**2 * rate * (1 - rate) / (wanted - rate) ** 2


# %% wrong="standard deviations in place of variances" check="users_per_arm_value" message="variances, not their roots"
def users_per_arm(rate, wanted):
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.80)
    deviations = np.sqrt(rate * (1 - rate)) + np.sqrt(wanted * (1 - wanted))
    return quantiles**2 * deviations / (wanted - rate) ** 2


# %% wrong="both arms together" check="users_per_arm_value" message="is the size of both arms together"
def users_per_arm(rate, wanted):
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.80)
    variances = rate * (1 - rate) + wanted * (1 - wanted)
    return 2 * quantiles**2 * variances / (wanted - rate) ** 2


# %% wrong="power forgotten" check="users_per_arm_value" message="within 3 %"
def users_per_arm(rate, wanted):
    variances = rate * (1 - rate) + wanted * (1 - wanted)
    return stats.norm.ppf(0.975) ** 2 * variances / (wanted - rate) ** 2


# %% wrong="effect not squared" check="users_per_arm" message="Half the effect needs"
def users_per_arm(rate, wanted):
    variances = rate * (1 - rate) + wanted * (1 - wanted)
    return 7.85 * variances / abs(wanted - rate) * 100
