"""Answers to `srm_alarm`."""


# %% right="exact binomial test"
def srm_alarm(counts, planned_shares):
    test = stats.binomtest(counts[0], sum(counts), planned_shares[0])
    return test.pvalue < 0.001


# %% right="chi-squared by hand"
def srm_alarm(counts, planned_shares):
    counts, shares = np.asarray(counts, dtype=float), np.asarray(planned_shares)
    expected = counts.sum() * shares
    statistic = ((counts - expected) ** 2 / expected).sum()
    return stats.chi2.sf(statistic, len(counts) - 1) < 1e-3


# %% right="normal approximation of the first count"
def srm_alarm(counts, planned_shares):
    n, share = counts[0] + counts[1], planned_shares[0]
    z = (counts[0] - n * share) / np.sqrt(n * share * (1 - share))
    return bool(abs(z) > 3.2905)


# %% wrong="compares with 50/50" check="srm_alarm_plan" message="you compare with 50/50 instead of with the plan"
def srm_alarm(counts, planned_shares):
    return stats.chisquare(counts).pvalue < 0.001


# %% wrong="alarms at five per cent" check="srm_alarm_plan" message="The gate is p < .001"
def srm_alarm(counts, planned_shares):
    expected = np.sum(counts) * np.asarray(planned_shares)
    return stats.chisquare(counts, expected).pvalue < 0.05


# %% wrong="tolerates one point of share" check="srm_alarm_plan" message="has p = .0008, and no alarm was raised"
def srm_alarm(counts, planned_shares):
    return abs(counts[0] / sum(counts) - planned_shares[0]) > 0.01


# %% wrong="true when all is well" check="srm_alarm" message="600 users are missing from the second arm"
def srm_alarm(counts, planned_shares):
    expected = np.sum(counts) * np.asarray(planned_shares)
    return stats.chisquare(counts, expected).pvalue > 0.001


# %% wrong="returns the p-value" check="srm_alarm" message="20 users more in one arm are chance"
def srm_alarm(counts, planned_shares):
    expected = np.sum(counts) * np.asarray(planned_shares)
    return max(stats.chisquare(counts, expected).pvalue, 1e-300)


# %% wrong="any difference from the plan" check="srm_alarm" message="20 users more in one arm are chance: no alarm."
def srm_alarm(counts, planned_shares):
    return bool(counts[0] != sum(counts) * planned_shares[0])
